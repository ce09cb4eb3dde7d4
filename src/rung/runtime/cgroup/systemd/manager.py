"""systemd's manager object: units started, changed and ended. What it answers means is said here.

org.freedesktop.systemd1(5). A unit's start and end are jobs: the call gives the job's path, its end is the signal
``JobRemoved`` with the result.
"""

from __future__ import annotations

from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.systemd.bus import Bus, BusError
from rung.runtime.cgroup.systemd.marshal import Variant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rung.runtime.cgroup.systemd.values import Property

_SERVICE = "org.freedesktop.systemd1"
_PATH = "/org/freedesktop/systemd1"
_MANAGER = f"{_SERVICE}.Manager"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_EXISTS = f"{_SERVICE}.UnitExists"
_NO_SUCH_UNIT = (f"{_SERVICE}.NoSuchUnit", "org.freedesktop.DBus.Error.UnknownObject")
_RULE = f"type='signal',interface='{_MANAGER}',member='JobRemoved',path='{_PATH}'"


class Manager:
    """A conversation with systemd."""

    def __init__(self, *, user: bool) -> None:
        self._bus = Bus(_SERVICE, user=user)
        self._listening = False

    def start(self, unit: str, properties: Sequence[Property], *, may_exist: bool = False) -> None:
        """Start a transient unit; returns when it has started. One of that name that has failed makes room."""
        self._listen()
        values: tuple[object, ...] = (unit, "replace", properties, [])
        try:
            job = self._call("StartTransientUnit", "ssa(sv)a(sa(sv))", values)
        except BusError as error:
            if error.name != _EXISTS:
                raise
            if may_exist:
                return
            self.reset_failed(unit)
            job = self._call("StartTransientUnit", "ssa(sv)a(sa(sv))", values)
        result = self._result(job)
        if result != "done":
            self.reset_failed(unit)
            raise CgroupError("start unit", f'"{unit}"', f"systemd says: {result}", f"systemctl status {unit}")

    def stop(self, unit: str) -> None:
        """Stop a unit and forget that it failed; none of that name is fine."""
        self._listen()
        try:
            job = self._call("StopUnit", "ss", (unit, "replace"))
        except BusError as error:
            if error.name not in _NO_SUCH_UNIT:
                raise
            return
        self._result(job)
        self.reset_failed(unit)

    def set(self, unit: str, properties: Sequence[Property]) -> None:
        """Change properties of a unit until it ends."""
        self._call("SetUnitProperties", "sba(sv)", (unit, True, properties))

    def attach(self, unit: str, below: str, pid: int) -> None:
        """Put a process into the cgroup ``below`` a unit's; "/" is the unit's own."""
        self._call("AttachProcessesToUnit", "ssau", (unit, below, [pid]))

    def reset_failed(self, unit: str) -> None:
        """Let systemd forget a unit that failed; one that did not, or is not, is fine."""
        try:
            self._call("ResetFailedUnit", "s", (unit,))
        except BusError as error:
            if error.name not in _NO_SUCH_UNIT:
                raise

    def version(self) -> int:
        """Of systemd: ``257.13-1~deb13u1`` and ``v219`` are 257 and 219."""
        text = str(self._property("Version")).lstrip("v")
        digits = text[: len(text) - len(text.lstrip("0123456789"))]
        return int(digits or 0)

    def cgroup(self) -> str:
        """The cgroup that its units lie below; "" is the top."""
        return str(self._property("ControlGroup")).rstrip("/").removesuffix("/init.scope")

    def _property(self, name: str) -> object:
        answer = self._bus.call(_PATH, _PROPERTIES, "Get", "ss", (_MANAGER, name))
        return answer[0].value if answer and isinstance(answer[0], Variant) else ""

    def _call(self, member: str, signature: str = "", values: Sequence[object] = ()) -> str:
        answer = self._bus.call(_PATH, _MANAGER, member, signature, values)
        return str(answer[0]) if answer else ""

    def _listen(self) -> None:
        if not self._listening:
            self._bus.listen(_RULE)
            self._call("Subscribe")
            self._listening = True

    def _result(self, job: str) -> str:
        found = self._bus.signal(lambda one: one.member == "JobRemoved" and one.body[1:2] == [job])
        return str(found.body[3])

    def close(self) -> None:
        """End it."""
        self._bus.close()

    def __enter__(self) -> Manager:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
