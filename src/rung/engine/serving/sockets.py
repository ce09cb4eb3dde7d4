"""The sockets that the engine listens at: ``unix://PATH``, ``tcp://ADDRESS:PORT``, ``fd://[NAME]``.

A socket that is there already is another engine's where somebody answers, and is replaced where nobody does.
"""

from __future__ import annotations

import os
import socket

from rung.engine.errors import EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PORT = 2376  # docker's, with TLS
_BACKLOG = 1024


class Listening:
    """One of them. ``path``: of a file to be removed at the end; ``encrypted``: TLS comes first; ``metrics``: there is
    nothing else to be had there."""

    def __init__(
        self, host: str, bound: socket.socket, path: str = "", *, encrypted: bool = False, metrics: bool = False
    ) -> None:
        self.host, self.socket, self.path, self.encrypted, self.metrics = host, bound, path, encrypted, metrics

    def close(self) -> None:
        """Nobody comes in any more."""
        self.socket.close()
        if self.path:
            try:
                os.unlink(self.path)
            except FileNotFoundError:
                return


def listening(host: str, group: int | None, given: Mapping[str, list[socket.socket]]) -> list[Listening]:
    """The sockets of one ``--host``. Raises ``EngineError``."""
    kind, _, place = host.partition("://")
    if kind == "unix":
        return [Listening(host, _unix(place, group), place)]
    if kind == "tcp":
        return [Listening(host, _tcp(place), encrypted=True)]
    return _handed_over(host, place, given)


def for_metrics(place: str) -> Listening:
    """``--metrics-addr``: ADDRESS:PORT, without TLS."""
    if ":" not in place or not place.rpartition(":")[2].isdecimal():
        raise EngineError(f"metrics-addr {place}: it must be ADDRESS:PORT")
    return Listening(f"http://{place}/metrics", _tcp(place), metrics=True)


def _unix(path: str, group: int | None) -> socket.socket:
    """For root and the group."""
    _check_free(path)
    os.makedirs(os.path.dirname(path) or ".", mode=0o755, exist_ok=True)
    found = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)  # nobody but us until it has its group
    try:
        found.bind(path)
    except OSError as error:
        found.close()
        raise EngineError(f"listen at {path}: {error.strerror or error}") from None
    finally:
        os.umask(before)
    if group is not None:
        os.chown(path, -1, group)
    os.chmod(path, 0o660)
    found.listen(_BACKLOG)
    return found


def _check_free(path: str) -> None:
    asking = socket.socket(socket.AF_UNIX)
    try:
        asking.connect(path)
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        pass
    except OSError as error:
        raise EngineError(f"listen at {path}: {error.strerror or error}") from None
    else:
        raise EngineError(f"another engine listens on {path}")
    finally:
        asking.close()
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _tcp(place: str) -> socket.socket:
    """``ADDRESS:PORT``; nothing before the colon is every address."""
    address, _, port = place.rpartition(":") if not place.endswith("]") and ":" in place else (place, "", "")
    number = int(port) if port.isdecimal() else -1 if port else DEFAULT_PORT
    address = address.strip("[]")
    if not 0 <= number < 65536:
        raise EngineError(f"host tcp://{place}: {port} is no port")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = socket.socket(family)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((address, number))
        found.listen(_BACKLOG)
    except OSError as error:
        found.close()
        raise EngineError(f"listen at tcp://{place}: {error.strerror or error}") from None
    return found


def _handed_over(host: str, name: str, given: Mapping[str, list[socket.socket]]) -> list[Listening]:
    """``fd://`` takes all of systemd's sockets, ``fd://NAME`` those of a name, ``fd://3`` that descriptor."""
    sockets = [one for these in given.values() for one in these]
    if name and name != "*":
        sockets = given.get(name) or [one for one in sockets if str(one.fileno()) == name]
    if not sockets:
        raise EngineError(f"host {host}: no socket was handed over: start it by rungd.socket (systemd.socket(5))")
    return [Listening(host, one, encrypted=one.family != socket.AF_UNIX) for one in sockets]
