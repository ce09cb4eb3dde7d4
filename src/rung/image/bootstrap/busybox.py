"""A busybox image: the machine's static busybox, a link for each of its applets, and the
few files that programs expect (``/etc/passwd``, ``/tmp``). The same program gives the same
image, bit for bit.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile

from rung.image.archive.rootfs import import_rootfs
from rung.image.errors import BootstrapError
from rung.image.progress import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.content import Content
    from rung.image.progress import Progress
    from rung.spec.image import Platform, Reference

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HINT = "apt-get install busybox-static"

_DIRECTORIES = {
    "bin": 0o755, "dev": 0o755, "etc": 0o755, "home": 0o755, "proc": 0o555, "root": 0o700, "run": 0o755,
    "sys": 0o555, "tmp": 0o1777, "usr": 0o755, "usr/bin": 0o755, "usr/sbin": 0o755, "var": 0o755,
    "var/spool": 0o755, "var/tmp": 0o1777, "var/www": 0o755,
}  # fmt: skip
_FILES = {
    "etc/passwd": (
        "root:x:0:0:root:/root:/bin/sh\n"
        "daemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
        "www-data:x:33:33:www-data:/var/www:/bin/false\n"
        "nobody:x:65534:65534:nobody:/home:/bin/false\n"
    ),
    "etc/group": "root:x:0:\ndaemon:x:1:\ntty:x:5:\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/profile": 'export PS1="\\u@\\h:\\w\\$ "\n',
}


def bootstrap_busybox(content: Content, reference: Reference, platform: Platform, progress: Progress) -> None:
    """Build the image and store it."""
    program = find_static_busybox()
    progress(Event("", f"Building {reference.familiar} of {program}"))
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=False)
    if listed.returncode:
        raise BootstrapError("busybox", program, "does not list its applets", _HINT)
    when = int(os.environ.get("SOURCE_DATE_EPOCH") or os.stat(program).st_mtime)
    archive = rootfs_archive(program, listed.stdout.split(), when)
    running = {"env": (f"PATH={PATH}",), "cmd": ("sh",)}
    comment = "busybox-static, bootstrapped by rung"
    import_rootfs(content, archive, str(reference), platform, progress, comment=comment, created=when, **running)


def find_static_busybox() -> str:
    """The machine's busybox; an error where there is none, or one that needs libraries."""
    program = shutil.which("busybox", path="/usr/local/bin:/usr/bin:/bin")
    if program is None:
        raise BootstrapError("busybox", "", "there is none on this machine", _HINT)
    with open(program, "rb") as file:
        if b"/ld-" in file.read(4096):  # the program header's interpreter stands at the beginning
            raise BootstrapError("busybox", program, "needs shared libraries", _HINT)
    return os.path.realpath(program)


def rootfs_archive(program: str, applets: list[str], when: int) -> io.BytesIO:
    """The root file system as a tar, in one order and with one time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:

        def add(name: str, mode: int, kind: bytes, data: bytes = b"", link: str = "") -> None:
            info = tarfile.TarInfo(name)
            info.mode, info.type, info.size, info.linkname, info.mtime = mode, kind, len(data), link, when
            tar.addfile(info, io.BytesIO(data))

        add("./", 0o755, tarfile.DIRTYPE)
        for name, mode in _DIRECTORIES.items():
            add(name, mode, tarfile.DIRTYPE)
        with open(program, "rb") as file:
            add("bin/busybox", 0o755, tarfile.REGTYPE, file.read())
        for applet in sorted(set(applets) - {"busybox"}):
            add(f"bin/{applet}", 0o777, tarfile.SYMTYPE, link="busybox")
        add("usr/bin/env", 0o777, tarfile.SYMTYPE, link="../../bin/busybox")
        for name, text in _FILES.items():
            add(name, 0o644, tarfile.REGTYPE, text.encode())
    buffer.seek(0)
    return buffer
