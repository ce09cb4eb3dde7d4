"""Names that change places between two system calls of rung-init: see racing.py.

Each was seen to fail with its protection taken out of the source: "Without" says what was taken out, and what
happened then.
"""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from rung.runtime.plan import steps
from security.runtime.racing import Race, mounted_in


@pytest.fixture
def shared(bed) -> Path:
    """A volume that the attacker has too."""
    volume = bed.folder / "volume"
    volume.mkdir()
    return volume


def bind(source: Path, dest: str) -> dict[str, object]:
    return {"destination": dest, "type": "bind", "source": str(source), "options": ["rbind"]}


def test_cve_2025_31133_the_null_device_becomes_a_link_while_paths_are_masked(bed, shared):
    """What covers a masked path is the null device, whenever it is exchanged for a link to a secret.

    Without the look at the device's number (mask.c), and with a second look-up after it, the secret
    lay on /etc/passwd."""
    (shared / "secret").write_text("secret")
    os.mknod(shared / "null", 0o20666, os.makedev(1, 3))
    (shared / "link").symlink_to("secret")
    config = bed.config(["true"], {"linux.maskedPaths": ["/etc/passwd", "/etc/group"], "linux.readonlyPaths": None})
    config["mounts"] = [config["mounts"][0], bind(shared, "/dev")]

    def harmless(container) -> None:
        if container is None:
            return
        for name in ("passwd", "group"):
            covered = os.stat(f"/proc/{container.pid}/root/etc/{name}")
            assert stat.S_ISCHR(covered.st_mode) and covered.st_rdev == os.makedev(1, 3)
        assert not [mount for mount in mounted_in(container) if mount[1].endswith("/secret")]

    race = Race(bed, bed.write(config), shared / "null", shared / "link")
    race.run(harmless, steps.MaskPath)
    assert race.made and any("/dev/null" in said for said in race.refusals), race.refusals


def test_cve_2025_52565_the_console_becomes_a_link_while_it_is_bound(bed, shared):
    """Nothing is mounted over what a link in the console's place names.

    Without O_NOFOLLOW (console.c) the terminal lay on /dev/target."""
    (shared / "pts").mkdir()
    (shared / "console").write_text("")
    (shared / "target").write_text("")
    (shared / "link").symlink_to("target")
    config = bed.config(["true"], {"process.terminal": True, "linux.maskedPaths": None, "linux.readonlyPaths": None})
    devpts = next(mount for mount in config["mounts"] if mount["type"] == "devpts")
    config["mounts"] = [config["mounts"][0], bind(shared, "/dev"), devpts]
    path = str(bed.folder / "console")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1000)

        def harmless(container) -> None:
            if container is not None:
                # A mount goes with its mount point's name: it lies on what was the plain file, wherever that is now.
                covered = {point for point, _, kind, _ in mounted_in(container) if kind == "devpts"} - {"/dev/pts"}
                assert covered <= {"/dev/console", "/dev/link"}, covered

        race = Race(bed, bed.write(config), shared / "console", shared / "link", console_socket=path)
        race.run(harmless, steps.OpenConsole)
    assert race.made and any("/dev/console" in said for said in race.refusals), race.refusals


@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_cve_2021_30465_a_mount_point_becomes_a_link_while_it_is_mounted(bed, shared, kind):
    """Nothing is made or mounted outside, whenever a directory in a volume becomes a link upwards.

    Without RESOLVE_IN_ROOT (path.c) the mount was made on the host's directory."""
    outside = bed.folder / "outside"
    outside.mkdir()
    (shared / "dir").mkdir()
    (shared / "link").symlink_to("/" + "../" * 12)
    config = bed.config(["true"], {"linux.maskedPaths": None, "linux.readonlyPaths": None, "root.readonly": False})
    mount = {"destination": f"/tmp/dir{outside}/made", "type": kind, "source": "tmpfs"}
    if kind == "bind":
        mount |= {"source": "/etc", "options": ["bind"]}
    config["root"]["path"] = str(bed.own_rootfs())
    config["mounts"] = [config["mounts"][0], bind(shared, "/tmp"), mount]

    def harmless(container) -> None:
        assert list(outside.iterdir()) == [], "something was made on the host"
        if container is not None:
            places = {point for point, *_ in mounted_in(container)}
            assert len(places) == 4, "the root, /proc, the volume and the mount inside it"
            assert all(place == "/" or place.split("/")[1] in ("proc", "tmp", str(outside).split("/")[1]) for place in places)

    race = Race(bed, bed.write(config), shared / "dir", shared / "link")
    race.run(harmless, steps.MountFs if kind == "tmpfs" else steps.MountBind)
    assert race.made
