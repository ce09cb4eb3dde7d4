"""A user without any privilege, in whose hands the program is: no root, no groups, a place of its own.

The user exists for the test alone: it is a number, and where the system must know it by name (newuidmap
asks), files of its own are bound over /etc in a mount namespace that ends with the command.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.bundle import edit
from kernel.runtime.bed import DEADLINE_S, Bed, Outcome, captured
from rung.spec.runtime.default import rootless_config

UID, GID = 64123, 64124
SUB_UID, SUB_GID, SUB_COUNT = 3_000_000, 4_000_000, 1000
#: Run with these files over those of /etc; $0 is the folder that has them.
_AS_KNOWN = 'for f in passwd group subuid subgid; do mount --bind "$0/$f" "/etc/$f" || exit 99; done; exec "$@"'


@dataclass
class User:
    """The user's folder (state, bundles), and the program run by it."""

    bed: Bed
    folder: Path
    runtime_dir: Path
    uid: int = UID
    gid: int = GID
    known: bool = False
    cgroups: tuple[Path, ...] = ()
    _made: int = 0

    def config(self, args: Sequence[str] | str, edits: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """``spec --rootless`` of this user without a terminal; edited."""
        document: dict[str, Any] = rootless_config(self.uid, self.gid)  # type: ignore[assignment]
        args = ["sh", "-c", args] if isinstance(args, str) else list(args)
        document["process"].update(args=args, terminal=False)
        document["root"]["path"] = str(self.folder / "rootfs")
        for path, value in (edits or {}).items():
            edit(document, path, value)
        return document

    def bundle(self, args: Sequence[str] | str, edits: Mapping[str, Any] | None = None) -> Path:
        self._made += 1
        bundle = self.folder / f"bundle{self._made}"
        bundle.mkdir()
        (bundle / "config.json").write_text(json.dumps(self.config(args, edits)))
        return bundle

    def words(self, *words: object) -> list[str]:
        """The program's command line, as this user's."""
        drop = ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups", "--no-new-privs"]
        variables = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", f"XDG_RUNTIME_DIR={self.runtime_dir}"]
        program = [str(self.bed.program), *map(str, words)]
        if not self.known:
            return [*_entering(self.cgroups), *drop, *variables, *program]
        drop.pop()  # with it newuidmap could not be what it is
        return ["unshare", "--mount", "sh", "-c", _AS_KNOWN, str(self.folder / "etc"), *drop, *variables, *program]

    def call(self, *words: object) -> Outcome:
        """Run the program to its end."""
        with captured() as out, captured() as error:
            run = subprocess.run(
                self.words(*words), stdin=subprocess.DEVNULL, stdout=out, stderr=error, timeout=DEADLINE_S, cwd="/"
            )
            return Outcome(
                run.returncode, os.pread(out, 1 << 20, 0).decode(), os.pread(error, 1 << 20, 0).decode()
            )

    def run(self, args: Sequence[str] | str, edits: Mapping[str, Any] | None = None, *flags: str) -> Outcome:
        """A container's whole life in the foreground."""
        return self.call(*flags, "run", "--bundle", self.bundle(args, edits), self.bed.new_id())

    @contextmanager
    def running(self, edits: Mapping[str, Any] | None = None) -> Iterator[str]:
        """The id of a container whose workload sleeps."""
        name = self.bed.new_id()
        self.ok("run", "--detach", "--bundle", self.bundle(["sleep", "1000"], edits), name)
        try:
            yield name
        finally:
            self.ok("delete", "--force", name)

    def ok(self, *words: object) -> str:
        outcome = self.call(*words)
        assert outcome.status == 0, outcome
        return outcome.output

    def be_known(self) -> None:
        """From now on the system knows the user, who has a thousand subordinate ids of each kind."""
        etc = self.folder / "etc"
        etc.mkdir()
        (etc / "passwd").write_text(f"root:x:0:0::/root:/bin/sh\nsomebody:x:{UID}:{GID}::/:/bin/sh\n")
        (etc / "group").write_text(f"root:x:0:\nsomebody:x:{GID}:\n")
        (etc / "subuid").write_text(f"somebody:{SUB_UID}:{SUB_COUNT}\n")
        (etc / "subgid").write_text(f"somebody:{SUB_GID}:{SUB_COUNT}\n")
        self.known = True


def _entering(cgroups: Sequence[Path]) -> list[str]:
    """Start a command in these cgroups, as a user finds itself in those of its session."""
    if not cgroups:
        return []
    enter = "".join(f"echo 0 > {place}/cgroup.procs || exit 98; " for place in cgroups)
    return ["sh", "-c", enter + 'exec "$@"', "enter"]


@contextmanager
def a_user(bed: Bed, uid: int = UID, gid: int = GID) -> Iterator[User]:
    """One with a folder that every user can reach; the folder is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="rung-user-", dir="/tmp"))
    try:
        folder.chmod(0o755)
        shutil.copytree(bed.rootfs, folder / "rootfs", symlinks=True)
        runtime_dir = folder / "run"
        runtime_dir.mkdir(mode=0o700)
        for path in (folder, runtime_dir, *(folder / "rootfs").rglob("*"), folder / "rootfs"):
            os.chown(path, uid, gid, follow_symlinks=False)
        yield User(bed, folder, runtime_dir, uid, gid)
        left = [str(path) for path in runtime_dir.rglob("*") if path.name not in ("rung", "runtime")]
        assert not left, f"left behind: {left}"
    finally:
        shutil.rmtree(folder)


def whole_maps() -> dict[str, Any]:
    """The own id as 0 and the subordinate ones behind it: what newuidmap is for."""
    return {
        "linux.uidMappings": [
            {"containerID": 0, "hostID": UID, "size": 1},
            {"containerID": 1, "hostID": SUB_UID, "size": SUB_COUNT},
        ],
        "linux.gidMappings": [
            {"containerID": 0, "hostID": GID, "size": 1},
            {"containerID": 1, "hostID": SUB_GID, "size": SUB_COUNT},
        ],
    }
