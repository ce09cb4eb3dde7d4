"""Image commands as a user without privilege, whom the system knows and who has subordinate IDs."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imageparts import Parts, archive, directory, entry, layout_archive, symlink

USER, GROUP, SUBUID, SUBGID = 64225, 64226, 7_000_000, 8_000_000
#: The files of /etc that say who somebody is, in a mount namespace of the command's own.
AS_KNOWN = 'for f in "$0"/*; do mount --bind "$f" "/etc/${f##*/}" || exit 99; done; exec "$@"'
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home() -> Iterator[Path]:
    if shutil.which("newuidmap") is None:
        pytest.skip("needs newuidmap: apt-get install uidmap")
    folder = Path(tempfile.mkdtemp(prefix="rung-rootless-", dir="/dev/shm"))
    folder.chmod(0o755)
    etc = folder / "etc"
    etc.mkdir()
    (etc / "passwd").write_text(f"root:x:0:0::/root:/bin/sh\nsomebody:x:{USER}:{GROUP}::{folder}/home:/bin/sh\n")
    (etc / "group").write_text(f"root:x:0:\nsomebody:x:{GROUP}:\n")
    (etc / "subuid").write_text(f"somebody:{SUBUID}:65536\n")
    (etc / "subgid").write_text(f"somebody:{SUBGID}:65536\n")
    for name in ("home", "xdg"):
        (folder / name).mkdir(mode=0o700)
        os.chown(folder / name, USER, GROUP)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def run(home: Path) -> Run:
    """The command as that user; ``rung`` where no other program is named."""
    known = ["unshare", "--mount", "--propagation", "private", "sh", "-c", AS_KNOWN, str(home / "etc")]
    drop = ["setpriv", f"--reuid={USER}", f"--regid={GROUP}", "--clear-groups"]
    settings = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": f"{home}/home", "XDG_RUNTIME_DIR": f"{home}/xdg"}
    bare = ["env", "-i", *(f"{name}={value}" for name, value in settings.items()), f"PYTHONPATH={os.pathsep.join(sys.path)}"]

    def call(*words: str, input: bytes = b"", ok: bool = True) -> subprocess.CompletedProcess[str]:
        command = [*known, *drop, *bare, sys.executable, "-m", "rung.cli", *words]
        done = subprocess.run(command, input=input, capture_output=True, timeout=120)
        text = subprocess.CompletedProcess(words, done.returncode, done.stdout.decode(), done.stderr.decode())
        assert not ok or text.returncode == 0, text
        return text

    return call


def image() -> bytes:
    base = archive(
        directory("etc", uid=0, gid=42),
        entry("etc/shadow", b"secret", uid=0, gid=42, mode=0o640),
        entry("home/me", b"mine", uid=1000, gid=1000),
        entry("dev/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
        directory("old"),
        entry("old/a", b"a"),
        entry("gone", b"g"),
        symlink("link", "etc/shadow"),
    )
    top = archive(entry("old/.wh..wh..opq"), entry("old/b", b"b"), entry(".wh.gone"))
    return layout_archive((Parts([base, top]), "app:1"))


def test_images_of_a_user(run: Run, home: Path) -> None:
    run("load", "-q", input=image())
    assert run("images", "--format", "{{.Repository}} {{.Tag}}").stdout == "app 1\n"
    data = home / "home/.local/share/rung"
    assert data.stat().st_uid == USER and data.stat().st_gid == GROUP
    # What the image says belongs to root is the user's, anybody else's is of the subordinate IDs.
    owners = {path.name: (path.lstat().st_uid, path.lstat().st_gid) for path in data.glob("image/snapshots/layers/*/*/**/*")}
    assert owners["shadow"] == (USER, SUBGID + 41) and owners["me"] == (SUBUID + 999, SUBGID + 999)
    assert run("image", "verify").returncode == 0
    saved = run("save", "-o", f"{home}/home/saved.tar", "app:1")
    assert saved.stdout == "" and (home / "home/saved.tar").stat().st_uid == USER
    assert "Deleted: sha256:" in run("rmi", "app:1").stdout
    assert not list(data.glob("image/snapshots/layers/*/*"))


def test_import_and_history(run: Run, home: Path) -> None:
    made = run("import", "-c", 'CMD ["x"]', "-", "mine:1", input=gzip.compress(archive(entry("x", b"x"))))
    assert run("image", "inspect", "-f", "{{.Id}} {{.Config.Cmd}}", "mine:1").stdout == f"{made.stdout.strip()} [x]\n"
    assert "Imported from -" in run("history", "mine:1").stdout
    assert run("image", "prune", "-af").stdout.startswith("Deleted Images:\nuntagged: mine:1\n")


def test_unshare(run: Run, home: Path) -> None:
    said = run("unshare", "sh", "-c", "id -u; cat /proc/self/uid_map; touch $HOME/x && chown 5:5 $HOME/x; exit 7", ok=False)
    assert said.returncode == 7 and said.stdout.split() == ["0", "0", str(USER), "1", "1", str(SUBUID), "65536"]
    assert (home / "home/x").stat().st_uid == SUBUID + 4
    run("unshare", "rm", f"{home}/home/x")
    assert run("unshare", "nothing-of-that-name", ok=False).returncode == 127
    # Within it, the user's images are found, and nothing is entered twice.
    words = f"{sys.executable} -m rung.cli load -q && {sys.executable} -m rung.cli images -q | wc -l"
    assert run("unshare", "sh", "-c", words, input=image()).stdout.endswith("\n1\n")


def test_a_user_without_subordinate_ids_is_told_what_to_do(run: Run, home: Path) -> None:
    (home / "etc/subuid").write_text("")
    said = run("load", "-q", input=image(), ok=False)
    assert said.returncode == 1 and "usermod --add-subuids" in said.stderr and said.stderr.count("\n") == 1
    assert run("images", "-q").stdout == ""


def test_a_view_within_unshare(run: Run, home: Path) -> None:
    run("load", "-q", input=image())
    rung = f"{sys.executable} -m rung.cli"
    words = f"cd $({rung} image mount app:1) && stat -c '%u:%g %n' etc/shadow home/me old/* && ls; cd /; {rung} image unmount app:1"
    said = run("unshare", "sh", "-c", words).stdout.split("\n")
    assert said[:3] == ["0:42 etc/shadow", "1000:1000 home/me", "0:0 old/b"]
    assert {"etc", "home", "link", "old"} <= set(said) and "gone" not in said and said[-2].startswith("sha256:")
    run("image", "unpack", "app:1", f"{home}/home/bundle")
    assert (home / "home/bundle/rootfs/old/b").read_bytes() == b"b" and (home / "home/bundle/config.json").exists()
    run("image", "squash", "app:1", "app:small")
    # A user cannot make devices: that one is not unpacked.
    assert run("image", "diff", "app:1", "app:small").stdout == "D /dev/null\n1 difference, +0B\n"
