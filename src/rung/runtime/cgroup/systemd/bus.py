"""A D-Bus connection: client.py over a socket. The only I/O of the driver beside the cgroup files.

Where the bus is follows the environment's variables of the D-Bus specification; where there is none, systemd's
private socket serves, on which the same objects answer without a bus between.
"""

from __future__ import annotations

from rung import posix
from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.systemd import message
from rung.runtime.cgroup.systemd.client import Client, Rejected
from rung.runtime.cgroup.systemd.marshal import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from rung.runtime.cgroup.systemd.message import Message

_TIMEOUT_S = 30.0
_CHUNK = 1 << 16
_BUS = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
_SYSTEM_BUS = "unix:path=/run/dbus/system_bus_socket"
_SYSTEM_PRIVATE = "/run/systemd/private"


class BusError(CgroupError):
    """The answer to a call was an error. ``name``: which, as D-Bus has it."""

    def __init__(self, call: str, object: str, name: str, text: str) -> None:
        super().__init__(f"ask systemd: {call}", object, text or name)
        self.name = name


class Bus:
    """Calls to one service, and the signals that come meanwhile."""

    def __init__(self, service: str, *, user: bool) -> None:
        """Connect to the bus of the system, or of the user. Raises ``CgroupError``."""
        self._client = Client()
        self._signals: list[Message] = []
        self._service = service
        self._socket, with_bus = _connect(user)
        self._send(self._client.greet())
        if with_bus:
            self._ask(*_BUS, "Hello", "", ())
        else:
            self._service = ""
        self.with_bus = with_bus

    def call(
        self, path: str, interface: str, member: str, signature: str = "", values: Sequence[Any] = ()
    ) -> list[Any]:
        """The answer's values. Raises ``BusError``."""
        return self._ask(self._service, path, interface, member, signature, values)

    def listen(self, rule: str) -> None:
        """Be sent the signals that match a rule."""
        if self.with_bus:
            self._ask(*_BUS, "AddMatch", "s", (rule,))

    def signal(self, wanted: Callable[[Message], bool]) -> Message:
        """Wait for a signal; those that came before are looked at first."""
        while True:
            while self._signals:
                if wanted(found := self._signals.pop(0)):
                    return found
            self._signals += [one for one in self._receive() if one.kind == message.SIGNAL]

    def _ask(
        self, service: str, path: str, interface: str, member: str, signature: str, values: Sequence[Any]
    ) -> list[Any]:
        serial, data = self._client.call(service, path, interface, member, signature, values)
        self._send(data)
        while True:
            answer = None
            for found in self._receive():
                if found.kind == message.SIGNAL:
                    self._signals.append(found)
                elif found.reply_to == serial:
                    answer = found
            if answer is not None:
                break
        if answer.kind == message.ERROR:
            text = answer.body[0] if answer.body and isinstance(answer.body[0], str) else ""
            asked = values[0] if values and isinstance(values[0], str) else path
            raise BusError(member, f'"{asked}"', answer.error, text)
        return answer.body

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise CgroupError("ask systemd", "", f"{error.strerror or error}") from None

    def _receive(self) -> list[Message]:
        try:
            data = self._socket.recv(_CHUNK)
            if not data:
                raise CgroupError("ask systemd", "", "it has closed the connection")
            return self._client.receive(data)
        except TimeoutError:
            raise CgroupError("ask systemd", "", f"no answer within {_TIMEOUT_S:g} s") from None
        except OSError as error:
            raise CgroupError("ask systemd", "", f"{error.strerror or error}") from None
        except (Rejected, Malformed) as error:
            raise CgroupError("ask systemd", "", str(error)) from None

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def __enter__(self) -> Bus:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _connect(user: bool) -> tuple[Any, bool]:
    """A socket, and whether a bus is at its other end."""
    from _socket import AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM, socket

    tried = []
    for path, with_bus in places(user, posix.getenv):
        connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC)
        connection.settimeout(_TIMEOUT_S)
        try:
            connection.connect(path)
        except OSError as error:
            connection.close()
            tried.append(f"{path.replace(chr(0), '@')} ({error.strerror})")
            continue
        return connection, with_bus
    where = "the user's systemd" if user else "systemd"
    hint = "is it running? Without --systemd-cgroup cgroups are made without it"
    reason = f"tried {', '.join(tried)}" if tried else "XDG_RUNTIME_DIR is not set"
    raise CgroupError(f"reach {where}", "", reason, hint)


def places(user: bool, variable: Callable[[str], str]) -> list[tuple[str, bool]]:
    """Socket paths to be tried in order, and whether a bus is there. Abstract ones begin with NUL."""
    if not user:
        found = [(path, True) for path in addresses(variable("DBUS_SYSTEM_BUS_ADDRESS") or _SYSTEM_BUS)]
        return [*found, (_SYSTEM_PRIVATE, False)]
    runtime = variable("XDG_RUNTIME_DIR")
    given = variable("DBUS_SESSION_BUS_ADDRESS") or (f"unix:path={runtime}/bus" if runtime else "")
    found = [(path, True) for path in addresses(given)]
    return [*found, (f"{runtime}/systemd/private", False)] if runtime else found


def addresses(text: str) -> list[str]:
    """The unix sockets of a list of server addresses: ``unix:path=/a;unix:abstract=b,guid=c``."""
    found = []
    for address in text.split(";"):
        transport, _, rest = address.partition(":")
        if transport != "unix":
            continue
        for pair in rest.split(","):
            key, _, value = pair.partition("=")
            if key in ("path", "abstract"):
                found.append("\0" * (key == "abstract") + _unescaped(value))
    return found


def _unescaped(text: str) -> str:
    """Addresses write bytes that are not plain as ``%xx``."""
    first, *rest = text.split("%")
    out = first.encode()
    for part in rest:
        try:
            out += bytes.fromhex(part[:2])
        except ValueError:
            raise CgroupError("reach systemd", text, "a D-Bus address has % before two hexadecimal digits") from None
        out += part[2:].encode()
    return posix.fsdecode(out)
