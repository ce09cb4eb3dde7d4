"""Debian and Ubuntu base images, by mmdebstrap.

Rule: mmdebstrap verifies and installs the packages; its tar is unpacked as it comes.
What is of this machine and not of the distribution (resolv.conf, hostname, apt's own
configuration for the build, device nodes) is left out, so that with
``SOURCE_DATE_EPOCH`` set two runs over the same archive give the same layer.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import threading

from rung.image.archive.rootfs import import_rootfs
from rung.image.bootstrap.busybox import PATH
from rung.image.bootstrap.sources import archives, mirrors_of, parse_name
from rung.image.errors import BootstrapError, ImageError
from rung.image.progress import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from rung.image.content import Content
    from rung.image.progress import Progress
    from rung.spec.image import Platform, Reference

_OURS = "etc/resolv.conf etc/hostname etc/apt/apt.conf.d/99mmdebstrap var/log/apt var/log/dpkg.log"
_CLEAN = f'cd "$1" && rm -rf {_OURS} var/log/alternatives.log var/cache/ldconfig/aux-cache'
_WORTH_SAYING = ("running apt-get", "downloading", "extracting", "installing", "cleaning", "creating")
_SLIM = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
)


def bootstrap_distribution(
    content: Content, name: str, reference: Reference, platform: Platform, progress: Progress, mirror: str
) -> None:
    """Build the image and store it."""
    distribution, suite, slim = parse_name(name)
    program = shutil.which("mmdebstrap")
    if program is None:
        raise BootstrapError("bootstrap", name, "needs mmdebstrap", "apt-get install mmdebstrap")
    keyring = next((path for path in distribution.keyrings if os.path.exists(path)), "")
    if not keyring:
        hint = f"apt-get install {distribution.keyring_package}"
        raise BootstrapError("bootstrap", name, f"needs the keyring of {distribution.name}'s archive", hint)
    sources = archives(distribution, suite, _machine_mirrors(), mirror)
    command = mmdebstrap(program, suite, keyring, sources, slim=slim)
    progress(Event("", f"Building {reference.familiar} from {sources[0].split()[0]}"))
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    running = {"env": (f"PATH={PATH}",), "cmd": ("bash",)}
    comment = f"{distribution.name} {suite}, bootstrapped by rung with mmdebstrap"
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C.UTF-8"}, start_new_session=True,
    )  # fmt: skip
    said = _Said(child.stderr, progress)
    try:
        assert child.stdout is not None
        archive = _Checked(child.stdout, child, said)
        import_rootfs(
            content, archive, str(reference), platform, progress,  # type: ignore[arg-type]
            comment=comment, created=float(epoch) if epoch else None, **running,
        )  # fmt: skip
    finally:
        if child.poll() is None:
            child.terminate()
        child.wait()
        said.join()
        if child.stdout:
            child.stdout.close()


def mmdebstrap(program: str, suite: str, keyring: str, sources: Sequence[str], *, slim: bool) -> list[str]:
    """The command line; ``sources`` are ``URI SUITE COMPONENTS``."""
    lines = [f"deb [signed-by={keyring}] {source}" for source in sources]
    options = [f"--dpkgopt={option}" for option in _SLIM] if slim else []
    return [
        program,
        "--variant=minbase",
        "--mode=root",
        "--format=tar",
        "--skip=output/dev",
        f"--keyring={keyring}",
        *options,
        f"--customize-hook={_CLEAN}",
        suite,
        "-",
        *lines,
    ]


class _Checked:
    """The child's tar. Its end counts only if the child has ended well: an archive that was
    cut off between two files looks whole."""

    def __init__(self, pipe: IO[bytes], child: subprocess.Popen[bytes], said: _Said) -> None:
        self.pipe, self.child, self.said = pipe, child, said

    def read(self, size: int) -> bytes:
        data = self.pipe.read(size)
        if len(data) < size and self.child.wait() != 0:
            self.said.join()
            reason = self.said.error or f"ended with status {self.child.returncode}"
            raise BootstrapError("mmdebstrap", "", reason, "is the package archive reachable? see --mirror")
        return data


class _Said:
    """What mmdebstrap says: shown as it comes, its last complaint kept."""

    def __init__(self, pipe: IO[bytes] | None, progress: Progress) -> None:
        self.error = ""
        self._pipe = pipe
        self._progress = progress
        self._thread = threading.Thread(target=self._read, name="mmdebstrap", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        if self._pipe is None:
            return
        with self._pipe:
            for raw in self._pipe:
                line = raw.decode("utf-8", "replace").strip()
                kind, colon, text = line.partition(": ")
                if kind == "E" and colon:
                    self.error = self.error if "failed" in text and self.error else text
                elif kind == "I" and colon and text.startswith(_WORTH_SAYING):
                    self._progress(Event("", text))

    def join(self) -> None:
        self._thread.join()


def _machine_mirrors() -> list[tuple[str, str]]:
    """The package archives that this machine itself uses."""
    found: list[tuple[str, str]] = []
    paths = ["/etc/apt/sources.list", *sorted(glob.glob("/etc/apt/sources.list.d/*"))]
    for path in paths:
        if not path.endswith((".list", ".sources")) or not os.path.exists(path):
            continue
        try:
            with open(path, encoding="utf-8") as file:
                found += mirrors_of(file.read(), deb822=path.endswith(".sources"))
        except (OSError, UnicodeDecodeError) as error:
            raise ImageError("read", path, str(error)) from error
    return found
