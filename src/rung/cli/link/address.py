"""Where the engine is: as told, as the environment says, or at its usual place."""

from __future__ import annotations

from rung import posix
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def is_ordinary() -> bool:
    """Whether an ordinary user calls."""
    return posix.geteuid() != 0


def data_root() -> str:
    """Where images and containers are kept (XDG base directories for an ordinary user)."""
    if not is_ordinary():
        return "/var/lib/rung"
    return posix.join(posix.getenv("XDG_DATA_HOME") or f"{posix.getenv('HOME')}/.local/share", "rung")


def run_root() -> str:
    """Where sockets are."""
    if not is_ordinary():
        return "/run/rung"
    return f"{posix.getenv('XDG_RUNTIME_DIR') or f'/tmp/rung-{posix.geteuid()}'}/rung"


def told(settings: Mapping[str, str]) -> str:
    """The address that somebody has named; empty where nobody has, and the engine is ours to start."""
    if settings.get("host"):
        return settings["host"]
    if "run-root" in settings:  # of an engine of one's own, whatever the environment says
        return ""
    return posix.getenv("RUNG_HOST") or posix.getenv("DOCKER_HOST")


#: How an address begins that is no socket's path.
REMOTE = "tcp://"


def socket_path(settings: Mapping[str, str]) -> str:
    """The socket, or ``tcp://HOST[:PORT]``. Raises ``RungError`` for an address that is none."""
    address = told(settings)
    if not address:
        return f"{settings.get('run-root') or run_root()}/rung.sock"
    scheme, found, path = address.partition("://")
    if address.startswith(REMOTE):
        return address
    if found and scheme != "unix":
        known = "unix:///run/rung/rung.sock or tcp://HOST:2376 with --tlsverify"
        raise RungError("connect to", address, "is neither a unix socket nor TCP", known)
    return path if found else address
