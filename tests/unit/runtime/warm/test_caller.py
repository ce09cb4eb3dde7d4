"""Who and what is served."""

from __future__ import annotations

import os

import pytest

from rung.runtime.warm.caller import may_be_served
from rung.runtime.warm.start import Freshness, socket_path
from rung.runtime.warm.worker import _command


@pytest.mark.parametrize(
    ("words", "environment", "served"),
    [
        ("--root /r create -b /b x", {}, True),
        ("exec -d --process p.json x", {}, True),
        ("delete --force x", {b"PATH": b"/bin"}, True),
        ("--log /l state x", {}, True),
        ("create --preserve-fds 3 x", {}, False),
        ("create -preserve-fds=3 x", {}, False),
        ("create x", {b"LISTEN_FDS": b"1"}, False),
        ("--log /proc/self/fd/7 state x", {}, False),
        ("create -b /dev/fd/9 x", {}, False),
        ("create --pid-file=/dev/stdout x", {}, False),
        ("spec", {}, False),
        ("features", {}, False),
        ("events x", {}, False),
        ("checkpoint x", {}, False),
        ("nonsense", {}, False),
        ("--no-such-flag state x", {}, False),
        ("--help state x", {}, False),
        ("--version", {}, False),
        ("", {}, False),
    ],
)
def test_what_another_process_can_do(words, environment, served):
    line = words.split()
    assert may_be_served(line, environment, _command(line)) is served


def test_one_socket_for_each_installation():
    paths = {socket_path(home, python) for home in ("/a", "/b") for python in ("/p", "/q")}
    assert len(paths) == 4
    assert socket_path("/a", "b") != socket_path("/ab", "")
    assert all(len(os.path.basename(path)) == 16 for path in paths)


def test_freshness(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("rung.runtime.warm.start.monotonic", lambda: now[0])
    source = tmp_path / "x.py"
    source.write_text("1")
    fresh = Freshness([str(source)])
    source.write_text("12")
    assert fresh()  # looked a moment ago
    now[0] = 2.0
    assert not fresh()


def test_a_source_that_went_away_is_not_fresh(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("rung.runtime.warm.start.monotonic", lambda: now[0])
    (tmp_path / "x.py").write_text("1")
    fresh = Freshness([f"{tmp_path}/x.py"])
    now[0] = 2.0
    assert fresh()
    (tmp_path / "x.py").unlink()
    now[0] = 4.0
    assert not fresh()
