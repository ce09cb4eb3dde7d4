"""Why an ordinary user's engine has no way to the network: each error names the cause and the remedy."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rung.cli import uplink
from rung.errors import RungError

NOBODY = 65534
Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a program of this name and script into a PATH that has nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def script(name: str, lines: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{lines}\n")
        (folder / name).chmod(0o755)

    return script


def refusal(tmp_path: Path, tun: str) -> str:
    with pytest.raises(RungError) as caught:
        uplink.join(os.getpid(), str(tmp_path / "log"), tun)
    return str(caught.value)


def test_pasta_is_preferred_and_either_may_be_missing(install: Install) -> None:
    assert uplink.program() == ""
    install("slirp4netns", "true")
    assert uplink.program() == "slirp4netns"
    install("pasta", "true")
    assert uplink.program() == "pasta"


@pytest.mark.parametrize("name", ["pasta", "slirp4netns"])
def test_no_tun_device(install: Install, tmp_path: Path, name: str) -> None:
    install(name, "exit 99")
    missing = str(tmp_path / "none")
    assert refusal(tmp_path, missing) == (
        f"rootless network: {name} cannot start, because {missing} is not there (as root: modprobe tun; "
        "where this host is a container, start it with --device /dev/net/tun)"
    )


def test_no_permission_on_the_tun_device() -> None:
    with tempfile.NamedTemporaryFile() as tun:
        os.chmod(tun.name, 0)
        before = os.geteuid()
        if before == 0:
            os.seteuid(NOBODY)  # root may open everything
        try:
            with pytest.raises(RungError) as caught:
                uplink.check_tun("pasta", tun.name)
        finally:
            os.seteuid(before)
    assert str(caught.value) == (
        f"rootless network: pasta cannot start, because {tun.name} may not be opened by this user "
        "(as root: chmod 0666 /dev/net/tun)"
    )


def test_a_device_without_a_driver(install: Install, tmp_path: Path) -> None:
    """A socket's file is refused with ENXIO, as a device whose driver is not loaded."""
    import socket

    install("pasta", "exit 99")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        assert f"pasta cannot start, because {tmp_path}/s has no driver (as root: modprobe tun;" in refusal(
            tmp_path, str(tmp_path / "s")
        )


@pytest.mark.parametrize("name", ["pasta", "slirp4netns"])
def test_a_program_that_ends_gives_its_last_line(install: Install, tmp_path: Path, name: str) -> None:
    install(name, "echo first >&2; echo 'No routable interface' >&2; exit 3")
    said = refusal(tmp_path, "/dev/null")
    assert said.startswith(f"rootless network: {name} ended with status 3, saying: No routable interface (")


def test_slirp4netns_that_is_ready(install: Install, tmp_path: Path) -> None:
    install("slirp4netns", 'for word; do case $word in --ready-fd=*) echo 1 > /proc/self/fd/${word#*=};; esac; done')
    started = uplink.join(os.getpid(), str(tmp_path / "log"), "/dev/null")
    assert started.wait() == 0
