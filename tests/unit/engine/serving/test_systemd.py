"""systemd's sockets and its ear, and the unit files that we ship."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import rung
from rung.engine.serving.systemd import handed_over, notify

UNITS = Path(rung.__file__).parent / "share/systemd"

CHILD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.set_inheritable(3, True)
from rung.engine.serving.systemd import handed_over
os.environ["LISTEN_PID"] = str(os.getpid())
found = handed_over()
print({name: [one.getsockname() for one in these] for name, these in found.items()}, os.get_inheritable(3))
print(handed_over(), "LISTEN_FDS" in os.environ)
"""


def test_sockets_that_were_handed_over(tmp_path: Path) -> None:
    """In a process that was started as systemd does: descriptors from 3, told in the environment."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        here = listening.fileno()
        environment = {**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "api", "PYTHONPATH": ":".join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(here)], env=environment, pass_fds=[here], capture_output=True, text=True, timeout=60
        )
    assert done.stdout.splitlines() == [f"{{'api': ['{path}']}} False", "{} False"], done.stderr


def test_what_was_handed_to_somebody_else_is_not_ours() -> None:
    assert handed_over({"LISTEN_PID": "1", "LISTEN_FDS": "2"}) == {}


@pytest.mark.parametrize("abstract", [False, True])
def test_readiness_is_told(tmp_path: Path, abstract: bool) -> None:
    name = f"@rung-{os.getpid()}-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(name.replace("@", "\0", 1) if abstract else name)
        assert notify("READY=1", {"NOTIFY_SOCKET": name})
        assert ear.recv(64) == b"READY=1"


def test_nobody_to_tell() -> None:
    assert not notify("READY=1", {})
    assert not notify("READY=1", {"NOTIFY_SOCKET": "/no/such/socket"})


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze: apt-get install systemd")
@pytest.mark.parametrize("kind", ["system", "user"])
def test_the_units_are_what_systemd_takes(tmp_path: Path, kind: str) -> None:
    folder = UNITS / ("user" if kind == "user" else "")
    for unit in folder.glob("rungd.*"):
        text = unit.read_text().replace("/usr/local/bin/rungd", "/bin/true").replace("network-online.target", "basic.target")
        (tmp_path / unit.name).write_text(text)
    units = sorted(map(str, tmp_path.glob("rungd.*")))
    assert units
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "SYSTEMD_LOG_LEVEL": "warning"}
    done = subprocess.run(
        ["systemd-analyze", f"--{kind}", "--man=no", "verify", *units], capture_output=True, text=True, env=environment, timeout=60
    )
    about_ours = [line for line in (done.stdout + done.stderr).splitlines() if "rungd" in line]
    assert not about_ours, about_ours
