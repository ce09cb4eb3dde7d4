"""Podman and Buildah with all that they own in one folder, and the containers that a scenario makes.

No daemon: each command is a process of its own, and what stays (conmon) ends with its container. Images come
from a local archive, and no network is made.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from . import daemons, leftovers, outcome
from .bed import difference, new_id, until
from .console import Dialogue, converse
from .outcome import Outcome

Facts = TypeVar("Facts")
IMAGE = "localhost/busybox:test"
FILTER = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}],
}
#: Podman's name for each runtime.
RUNTIMES = ("reference", "tested")
#: Ids that Podman gives: 64 digits, or the first 32 or 12 of them.
_ID = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{32}|[0-9a-f]{12})\b")


class Home:
    """A folder with storage, settings and an image. ``as_user``: what a command begins with to be another's;
    ``owner``: that user's id and group."""

    def __init__(
        self, folder: Path, runtimes: Mapping[str, Path], as_user: Sequence[str] = (), owner: tuple[int, int] = (0, 0)
    ) -> None:
        self.folder, self.runtimes, self.as_user, self.owner = folder, runtimes, list(as_user), owner
        known = "".join(f'{name} = ["{path}"]\n' for name, path in runtimes.items())
        (folder / "containers.conf").write_text(
            '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
            f'[containers]\nlog_driver = "k8s-file"\n[engine.runtimes]\n{known}'
        )
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n'
        )
        (folder / "policy.json").write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))

    @property
    def environment(self) -> dict[str, str]:
        return {
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "PODMAN_IGNORE_CGROUPSV1_WARNING": "1",
            "TMPDIR": str(self.folder),
        }

    def words(self, program: str, *words: str) -> list[str]:
        """A command line with all that keeps it inside the folder."""
        settings = [f"{name}={value}" for name, value in self.environment.items()]
        return [*self.as_user, "env", *settings, program, *words]

    def call(self, program: str, *words: str, into: Path, **more: Any) -> Outcome:
        return outcome.call(self.words(program, *words), into, **more)


@contextmanager
def home(runtimes: Mapping[str, Path], rootfs: Path) -> Iterator[Home]:
    """Root's, with the image; empty again at the end."""
    with daemons.folder_of_its_own() as folder:
        made = Home(folder, runtimes)
        archive = daemons.import_rootfs(rootfs, folder / "rootfs.tar")
        output = folder / "output"
        made.call("podman", "import", str(archive), IMAGE, into=output, timeout_s=60).ok()
        yield made
        made.call("podman", "rm", "--all", "--force", "--time", "0", into=output, timeout_s=60)
        made.call("podman", "rmi", "--all", "--force", into=output, timeout_s=60)
        remove_conmons_cgroups(folder.name)
        left = leftovers.cgroups(folder.name)
        assert not left, f"left behind: {left}"


#: Run with these files over those of /etc; $0 is the folder that has them.
_AS_KNOWN = 'for f in passwd group subuid subgid; do mount --bind "$0/$f" "/etc/$f" || exit 99; done; exec "$@"'
USER, GROUP = 64223, 64224


@contextmanager
def users_home(runtimes: Mapping[str, Path], rootfs: Path) -> Iterator[Home]:
    """A user's without privilege, whom the system knows, with subordinate ids, in these commands alone."""
    with daemons.folder_of_its_own() as folder:
        etc = folder / "etc"
        etc.mkdir()
        (etc / "passwd").write_text(f"root:x:0:0::/root:/bin/sh\nsomebody:x:{USER}:{GROUP}::{folder}/home:/bin/sh\n")
        (etc / "group").write_text(f"root:x:0:\nsomebody:x:{GROUP}:\n")
        (etc / "subuid").write_text("somebody:5000000:65536\n")
        (etc / "subgid").write_text("somebody:6000000:65536\n")
        known = ["unshare", "--mount", "sh", "-c", _AS_KNOWN, str(etc)]
        drop = ["setpriv", f"--reuid={USER}", f"--regid={GROUP}", "--clear-groups"]
        bare = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", f"HOME={folder}/home", f"XDG_RUNTIME_DIR={folder}/xdg"]
        made = Home(folder, runtimes, [*known, *drop, *bare], (USER, GROUP))
        for name in ("home", "xdg", "root", "run"):
            (folder / name).mkdir(mode=0o700)
            os.chown(folder / name, USER, GROUP)
        os.chown(folder, USER, GROUP)
        archive = daemons.import_rootfs(rootfs, folder / "rootfs.tar")
        output = folder / "output"
        try:
            made.call("podman", "import", str(archive), IMAGE, into=output, timeout_s=60).ok()
            yield made
            made.call("podman", "rm", "--all", "--force", "--time", "0", into=output, timeout_s=60)
        finally:
            made.call("podman", "system", "migrate", into=output, timeout_s=60)  # ends what holds the user namespace


def remove_conmons_cgroups(mark: str) -> None:
    """Podman leaves the group that it made for its conmons; where a controller is not mounted, it makes
    its groups as plain directories of the tmpfs that the hierarchies are mounted in, and leaves these too."""
    top = Path("/sys/fs/cgroup")
    for group in top.glob(f"*/{mark}"):
        plain = group.parent.stat().st_dev == top.stat().st_dev
        if plain:
            shutil.rmtree(group)
            if not any(group.parent.iterdir()):
                group.parent.rmdir()
        else:
            until(lambda group=group: _removed(group), f"nothing is in {group}")


def _removed(group: Path) -> bool:
    """Whether it and its pods' and conmons' are gone: none has a process in it."""
    for place, _, _ in os.walk(group, topdown=False):
        try:
            os.rmdir(place)
        except OSError:
            return False
    return True


def make_folder(place: Path) -> Path:
    """What ``FOLDER`` stands for in options."""
    folder = place / "folder"
    folder.mkdir(parents=True)
    (folder / "file").write_text("content\n")
    (folder / "env").write_text("FROM_FILE=given\n")
    (folder / "filter.json").write_text(json.dumps(FILTER))
    return folder


class Podman:
    """Podman with one runtime, and the containers that a scenario makes."""

    def __init__(self, home: Home, runtime: str, place: Path) -> None:
        self.storage, self.runtime, self.home = home, runtime, place
        self.folder = make_folder(place)
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, *home.owner)
        self.names: list[str] = []
        self.pods: list[str] = []

    def argv(self, *words: str) -> list[str]:
        given = [word.replace("FOLDER", str(self.folder)) for word in words]
        return self.storage.words("podman", "--runtime", self.runtime, *given)

    def call(self, *words: str, **more: Any) -> Outcome:
        # conmon drops a file "oom" where it is started, when memory runs out
        return outcome.call(self.argv(*words), self.home / "output", cwd=self.home, **more)

    def words(self, *options: str) -> list[str]:
        """What every container of this scenario is made with, and its name."""
        self.names.append(new_id())
        network = [] if {"--network", "--pod"} & set(options) else ["--network", "none"]
        own = self.storage.as_user or {"--pod", "--cgroups"} & set(options)  # a user has no cgroups to put them in
        parent = [] if own else ["--cgroup-parent", f"/{self.storage.folder.name}"]
        return ["--name", self.names[-1], *network, *parent, *options]

    def run(self, *command: str, options: tuple[str, ...] = (), **more: Any) -> Outcome:
        image = [str(self.folder / "rootfs")] if "--rootfs" in options else [IMAGE]
        return self.call("run", *self.words(*options), *image, *command, **more)

    def started(self, *command: str, options: tuple[str, ...] = ()) -> str:
        """The name of a container that runs in the background."""
        self.call("run", "--detach", *self.words(*options), IMAGE, *(command or ("sleep", "1000"))).ok()
        return self.names[-1]

    def inspect(self, name: str) -> Any:
        return self.call("inspect", name).ok().json()[0]

    def wait(self, name: str) -> int:
        return int(self.call("wait", name).ok().out)

    def converse(self, *words: str, dialogue: Dialogue) -> tuple[int, str]:
        return converse(self.argv(*words), dialogue)

    def shown(self, text: str) -> str:
        """What was said, without what differs by name only."""
        for name in self.names:
            text = text.replace(name, "NAME")
        text = text.replace(str(self.home), "HOME").replace(str(self.storage.folder), "STORAGE")
        return _ID.sub("ID", text)

    def close(self) -> None:
        if self.names:
            self.call("rm", "--force", "--ignore", "--time", "0", "--volumes", *self.names)
        if self.pods:
            self.call("pod", "rm", "--force", "--ignore", "--time", "0", *self.pods)


class Podmans:
    """The same scenario with the runtime under test and with the reference."""

    def __init__(self, home: Home, place: Path) -> None:
        self.storage, self.place = home, place

    def each(self, scenario: Callable[[Podman], Facts]) -> tuple[Facts, Facts]:
        facts = []
        for runtime in RUNTIMES:
            podman = Podman(self.storage, runtime, self.place / runtime)
            try:
                facts.append(scenario(podman))
            finally:
                podman.close()
        return facts[0], facts[1]

    def agree(self, scenario: Callable[[Podman], Facts]) -> Facts:
        wanted, got = self.each(scenario)
        if got != wanted:
            pytest.fail(difference(wanted, got), pytrace=False)
        return got
