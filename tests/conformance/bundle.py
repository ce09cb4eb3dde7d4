"""Bundles as ``runc spec`` makes them, over a busybox root file system, with small edits.

An edit is a dotted path into ``config.json`` and its new value: ``{"process.cwd": "/tmp"}``.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Config = dict[str, Any]
Edits = Mapping[str, Any]

APPLETS = (
    "awk cat chgrp chmod chown chroot cp cut date dd df echo env false find free grep head hostname "
    "id ifconfig ip kill ln ls md5sum mkdir mkfifo mknod mount mv nc nice nproc ping printf ps pwd "
    "readlink rm sed seq setsid sh sleep sort stat stty sync tail tee test timeout top touch tr true "
    "tty umount uname unshare usleep wc xargs yes "
).split()
PASSWD = (
    "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n"
)
GROUP = "root:x:0:\naudio:x:29:user\nusers:x:1000:\nnogroup:x:65534:\n"


def make_rootfs(rootfs: Path, busybox: Path) -> Path:
    """A root file system of one static busybox with the applets that the tests use."""
    for folder in ("bin", "etc", "proc", "sys", "dev", "tmp", "root", "home/user", "var/run"):
        (rootfs / folder).mkdir(parents=True)
    (rootfs / "tmp").chmod(0o1777)
    shutil.copy2(busybox, rootfs / "bin/busybox")
    for applet in APPLETS:
        (rootfs / "bin" / applet).symlink_to("busybox")
    (rootfs / "etc/passwd").write_text(PASSWD)
    (rootfs / "etc/group").write_text(GROUP)
    return rootfs


def default_config(runc: Path) -> Config:
    """What ``runc spec`` writes, without the ambient capabilities that 1.1 still names: nothing
    inheritable is there to make them so, which runc says from 1.3 on, and Rung says."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([runc, "spec"], cwd=folder, check=True, timeout=60)
        config: Config = json.loads(Path(folder, "config.json").read_text())
    config["process"]["capabilities"].pop("ambient", None)
    return config


def make_bundle(
    bundle: Path, rootfs: Path, config: Config, args: Sequence[str] = (), edits: Edits | None = None
) -> Path:
    """A bundle with its own root file system (files hard-linked); ``args`` also turn the terminal off."""
    shutil.copytree(rootfs, bundle / "rootfs", symlinks=True, copy_function=os.link)
    document = copy.deepcopy(config)
    if args:
        document["process"]["args"] = list(args)
        document["process"]["terminal"] = False
    for path, value in (edits or {}).items():
        edit(document, path, value)
    (bundle / "config.json").write_text(json.dumps(document, indent=1))
    return bundle


def edit(document: Config, path: str, value: Any) -> None:
    """Set what ``path`` names; ``None`` removes it."""
    *parents, last = path.split(".")
    for name in parents:
        document = document.setdefault(name, {})
    if value is None:
        document.pop(last, None)
    else:
        document[last] = value
