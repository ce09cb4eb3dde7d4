"""What an engine finds where it keeps its state: nothing it may write, no room, damage, another engine. It says what and
what to do; it never makes anew what is damaged, and containers that run go on.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import engineparts
from engineparts import DEADLINE_S, Engine, until
from rung.client import ServerError


@pytest.fixture(scope="module")
def archive(busybox: Path) -> bytes:
    return engineparts.image_archive(busybox)


@pytest.fixture
def engine(archive: bytes) -> Iterator[Engine]:
    with engineparts.engine(archive) as made:
        yield made


def refused(engine: Engine) -> str:
    """What an engine that does not begin says."""
    (engine.folder / "log").write_bytes(b"")
    assert engine.spawn().wait(DEADLINE_S) == 1
    said = engine.log()
    assert "Traceback" not in said
    assert said.count("\n") == 1, said
    return said


@contextmanager
def replaced(path: Path, content: bytes) -> Iterator[None]:
    """A file with other content for a while."""
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
        assert path.read_bytes() == content, "it was not made anew"
    finally:
        path.write_bytes(before)


def test_a_database_that_is_none(engine: Engine) -> None:
    lasting = engine.run_one("sleep", "1000")
    assert engine.stop() == 0
    with replaced(engine.data / "engine/engine.db", b"this is no database" * 1000):
        said = refused(engine)
        assert "engine.db is damaged" in said
        assert "put a copy of it back" in said
    engine.start()
    lasting.reload()
    assert lasting.status == "running"


def test_a_database_with_a_row_that_is_none(engine: Engine) -> None:
    made = engine.create("true")
    assert engine.stop() == 0
    with sqlite3.connect(engine.data / "engine/engine.db") as database:
        (good,) = database.execute("SELECT document FROM container WHERE id = ?", (made.id,)).fetchone()
        for bad in ("{", "[]", "null"):
            database.execute("UPDATE container SET document = ? WHERE id = ?", (bad, made.id))
            database.commit()
            assert f"is damaged (container {made.id}" in refused(engine)
        database.execute("UPDATE container SET document = ? WHERE id = ?", (good, made.id))
        database.commit()
    database.close()
    engine.start()


def test_a_database_of_a_newer_engine(engine: Engine) -> None:
    assert engine.stop() == 0
    database = sqlite3.connect(engine.data / "engine/engine.db")
    database.execute("PRAGMA user_version = 99")
    assert "is of a newer Rung (version 99" in refused(engine)
    database.execute("PRAGMA user_version = 1")
    database.close()
    engine.start()


def test_two_engines_have_no_root_in_common(engine: Engine) -> None:
    before = engine.ask("GET", "/info")["ID"]
    other = Engine(engine.folder, engine.data)
    assert "another engine runs" in refused(other)
    other.run = engine.folder / "run2"
    assert "another engine runs" in refused(other)
    assert engine.ask("GET", "/info")["ID"] == before


def test_a_mount_that_nobody_knows_of_below_a_container_that_is_being_removed(engine: Engine) -> None:
    """An engine that is killed during a copy and a removal leaves one; the next engine starts, and takes both away."""
    made = engine.create("true")
    assert engine.stop() == 0
    with sqlite3.connect(engine.data / "engine/engine.db") as database:
        change = "UPDATE container SET document = json_set(document, '$.state.status', 'removing') WHERE id = ?"
        assert database.execute(change, (made.id,)).rowcount == 1
    database.close()
    rootfs = engine.data / f"containers/{made.id}/rootfs"
    rootfs.mkdir()
    for _ in range(2):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", rootfs], check=True)
    engine.start()
    assert engine.ask("GET", "/containers/json", {"all": True}) == []
    until(lambda: not engine.left(), "nothing is left")


def test_what_was_being_made_with_new_volumes_when_the_engine_was_killed(engine: Engine) -> None:
    """Its root file system has a place already, and it has no record."""
    made = engine.create("true")
    assert engine.stop() == 0
    with sqlite3.connect(engine.data / "engine/engine.db") as database:
        database.execute("DELETE FROM container WHERE id = ?", (made.id,))
    database.close()
    (engine.data / f"containers/{made.id}/rootfs").mkdir()
    engine.start()
    assert not engine.left()
    assert os.listdir(engine.data / "image/rootfs") == []


@contextmanager
def mounted(target: Path, *options: str) -> Iterator[None]:
    """A small file system of its own."""
    target.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", target], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", target], check=True)


def test_a_place_that_can_only_be_read(tmp_path: Path) -> None:
    with engineparts.folder_of_its_own() as folder, mounted(folder / "data", "-o", "ro"):
        said = refused(Engine(folder))
        assert "Read-only file system" in said
        assert str(folder / "data") in said


def test_a_disk_that_is_full(archive: bytes) -> None:
    """New containers are refused in a sentence; those that run go on, end, and are told of; room is enough to mend it."""
    with (
        engineparts.folder_of_its_own() as folder,
        mounted(folder / "data", "-o", "size=512m"),
        engineparts.engine(archive, data=folder / "data") as engine,
    ):
        lasting = engine.run_one("sleep", "1000", name="lasting")
        ending = engine.run_one("sleep", "1000", name="ending")
        _resize(engine.data, _used(engine.data))
        with pytest.raises(ServerError, match="(?i)no space|no room|room for|full"):
            engine.create("true", name="refused")
        ending.kill("KILL")
        until(lambda: _state(engine, "ending")["Status"] == "exited", "its end is told")
        assert _state(engine, "ending")["ExitCode"] == 137
        assert lasting.exec_run(["echo", "here"])[1] == b"here\n"
        _resize(engine.data, 512 << 20)
        engine.run_one("true").wait()
        until(lambda: _kept(engine, ending.id)["status"] == "exited", "what could not be written down is")
        engine.kill()
        engine.start()
        assert _state(engine, "ending")["ExitCode"] == 137
        assert _state(engine, "lasting")["Status"] == "running"


def _state(engine: Engine, name: str) -> Any:
    return engine.ask("GET", f"/containers/{name}/json")["State"]


def _kept(engine: Engine, container_id: str) -> Any:
    """What the database has of a container."""
    database = sqlite3.connect(engine.data / "engine/engine.db")
    try:
        (found,) = database.execute("SELECT document FROM container WHERE id = ?", (container_id,)).fetchone()
    finally:
        database.close()
    return json.loads(found)["state"]


def _used(place: Path) -> int:
    found = os.statvfs(place)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def _resize(place: Path, size_bytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size_bytes}", place], check=True)
