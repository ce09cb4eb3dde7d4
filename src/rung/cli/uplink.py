"""The way from an ordinary user's network namespace to the host's: pasta(1), or slirp4netns(1) where that is missing.

Both open a tap device through /dev/net/tun, so that file is tried first: its refusal has a remedy, and the programs
give none. Rule: an error here is a whole sentence, which names what is missing and what to do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from errno import EACCES, ENODEV, ENOENT, ENOTDIR, ENXIO, EPERM

from rung.errors import RungError

TUN = "/dev/net/tun"
READY_S = 30
#: A program that has given up ends within so long.
_END_S = 1
#: The engine's own address in its network, and the way out: what no host has on a cable.
_ADDRESS, _GATEWAY = "10.0.2.100", "10.0.2.2"
_DEVICE_OF_A_CONTAINER = "where this host is a container, start it with --device /dev/net/tun"
_MISSING = f"as root: modprobe tun; {_DEVICE_OF_A_CONTAINER}"
#: errno of open(2) -> why, what to do.
_TUN_REFUSALS = {
    ENOENT: ("is not there", _MISSING),
    ENOTDIR: ("is not there", _MISSING),
    ENODEV: ("has no driver", _MISSING),
    ENXIO: ("has no driver", _MISSING),
    EACCES: ("may not be opened by this user", "as root: chmod 0666 /dev/net/tun"),
    EPERM: ("is not permitted by the device cgroup", _DEVICE_OF_A_CONTAINER),
}


def program() -> str:
    """The program that joins the networks; empty where none is installed."""
    return next((name for name in ("pasta", "slirp4netns") if shutil.which(name)), "")


def join(pid: int, log: str, tun: str = TUN) -> subprocess.Popen[bytes]:
    """Join the network of a process to ours with ``program()``, which writes its messages to the file ``log``.
    Raises ``RungError``."""
    name = program()
    check_tun(name, tun)
    ready, tell = os.pipe()
    try:
        with open(log, "wb") as messages:
            words = _words(name, pid, tell)
            started = subprocess.Popen(words, pass_fds=[tell], stdin=subprocess.DEVNULL, stderr=messages)
        os.close(tell)
        tell = -1
        if not (os.read(ready, 1) if name == "slirp4netns" else _has_default_route(pid, started)):
            raise _failure(name, started, log)
        return started
    finally:
        os.close(ready)
        if tell >= 0:
            os.close(tell)


def check_tun(name: str, path: str = TUN) -> None:
    """Raise ``RungError`` where the program of this name could not open the tun device."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as error:
        reason, hint = _TUN_REFUSALS.get(error.errno or 0, (f"cannot be opened, {error.strerror}", _MISSING))
        raise RungError("rootless network", "", f"{name} cannot start, because {path} {reason}", hint) from None


def _failure(name: str, started: subprocess.Popen[bytes], log: str) -> RungError:
    """Why it has not come up, in its own last words."""
    status: int | None = None
    try:
        status = started.wait(timeout=_END_S)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait()
    with open(log, errors="replace") as file:
        lines = file.read().strip().splitlines()
    reason = f"{name} did not come up within {READY_S} s" if status is None else f"{name} ended with status {status}"
    reason = f"{reason}, saying: {lines[-1]}" if lines else reason
    return RungError("rootless network", "", reason, "mend that, or uninstall it: containers then reach no other host")


def _has_default_route(pid: int, started: subprocess.Popen[bytes]) -> bool:
    """pasta says nothing when it is ready and stays in the foreground: a default route is there then."""
    from time import monotonic, sleep

    until = monotonic() + READY_S
    while monotonic() < until and started.poll() is None:
        with open(f"/proc/{pid}/net/route") as file:
            if any(line.split()[1:2] == ["00000000"] for line in file):
                return True
        sleep(0.005)
    return False


def _words(name: str, pid: int, tell: int) -> list[str]:
    if name == "pasta":
        address = ["--address", _ADDRESS, "--netmask", "24", "--gateway", _GATEWAY]
        nothing_in = [word for flag in ("-t", "-u", "-T", "-U") for word in (flag, "none")]
        how = ["--foreground", "--config-net", "--quiet", "--ipv4-only", "--no-map-gw"]
        return [name, *how, *address, *nothing_in, str(pid)]
    words = [name, "--configure", "--mtu=65520", "--disable-host-loopback"]
    return [*words, f"--ready-fd={tell}", str(pid), "tap0"]
