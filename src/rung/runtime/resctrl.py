"""Intel RDT: which group of the resctrl file system a container belongs to; config-linux.md#intelrdt.

A *control group* (a class of service, ``closID``) has a share of caches and memory bandwidth, written
in its ``schemata``; a *monitoring group* inside it counts what one container uses. rung-init enters
both by a write to their ``tasks``. Deciding is ``groups``.
"""

from __future__ import annotations

from rung import posix
from rung.files import read_file, write_whole
from rung.record import Record
from rung.runtime.errors import RuntimeFailure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rung.spec.runtime.config import Config, IntelRdt
    from rung.undo import Undo


class Groups(Record):
    """``own``: nobody else has named the control group, so it goes with the container. ``lines``
    are compared with what a group that is there already has, ``schemata`` written at any rate."""

    control: str
    monitor: str = ""
    own: bool = False
    lines: tuple[str, ...] = ()
    schemata: tuple[str, ...] = ()

    def directories(self) -> tuple[str, ...]:
        """What the container is in, in the order of entering."""
        return (self.control, self.monitor) if self.monitor else (self.control,)

    def tasks(self) -> tuple[str, ...]:
        """Where a process is entered."""
        return tuple(f"{directory}/tasks" for directory in self.directories())

    def left_to_us(self) -> tuple[str, ...]:
        """What goes with the container, the innermost first: of its own groups those that are not
        there yet."""
        mine = [self.monitor] if self.monitor else []
        mine += [self.control] if self.own else []
        return tuple(directory for directory in mine if not posix.exists(directory))

    def make(self, undo: Undo) -> None:
        """Make the groups that are missing, and write what they are to have. Raises ``RuntimeFailure``."""
        undo.push(remove, self.left_to_us())
        if posix.isdir(self.control):
            _compare(self)
            _write(self.control, self.schemata)
        elif not self.own and not self.lines and not self.schemata:
            raise _failed(self.control, "it does not exist", "make it, or say what it shall have")
        else:
            _mkdir(self.control)
            _write(self.control, (*self.lines, *self.schemata))
        if self.monitor and not posix.isdir(self.monitor):
            _mkdir(self.monitor)


def groups_of(config: Config, container_id: str) -> Groups | None:
    """Those of a container on this host; None where it asks for none. Raises ``RuntimeFailure``."""
    wanted = config.get("linux", {}).get("intelRdt")
    if wanted is None:
        return None
    root = mount_point(read_file("/proc/self/mountinfo").decode("utf-8", "surrogateescape"))
    if not root:
        raise RuntimeFailure(
            "use linux.intelRdt", "", "no resctrl file system is mounted", "mount -t resctrl resctrl /sys/fs/resctrl"
        )
    return groups(wanted, container_id, root)


def rewrite(config: Config, container_id: str, schemata: Sequence[str]) -> None:
    """Give the group that a container is in another share. Raises ``RuntimeFailure``."""
    found = groups_of(config, container_id)
    if found is None:
        reason = "updating a non-existent Intel RDT configuration is not supported"
        hint = "give the container a linux.intelRdt when it is created"
        raise RuntimeFailure("update container", f'"{container_id}"', reason, hint)
    _write(found.control, schemata)


def mount_point(mountinfo: str) -> str:
    """Where resctrl is mounted; "" where it is not. proc_pid_mountinfo(5)."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("resctrl "):
            return before.split(" ")[4]
    return ""


def groups(wanted: IntelRdt, container_id: str, root: str) -> Groups:
    """What the section means below ``root``."""
    name = wanted.get("closID") or ""
    control = root if name == "/" else f"{root}/{name or container_id}"
    lines = tuple(line for line in (wanted.get("l3CacheSchema"), wanted.get("memBwSchema")) if line)
    return Groups(
        control,
        f"{control}/mon_groups/{container_id}" if wanted.get("enableMonitoring") else "",
        not name,
        lines,
        tuple(wanted.get("schemata") or ()),
    )


def remove(directories: Sequence[str]) -> None:
    """Remove groups; what is gone already is fine."""
    for directory in directories:
        try:
            posix.rmdir(directory)
        except FileNotFoundError:
            continue


def parsed(schemata: str) -> dict[str, dict[str, str]]:
    """``L3:0=7ff;1=7ff`` lines as resource -> domain -> value, without leading zeros."""
    found: dict[str, dict[str, str]] = {}
    for line in schemata.splitlines():
        resource, _, rest = line.strip().partition(":")
        pairs = [part.partition("=") for part in rest.split(";") if part.strip()]
        found[resource] = {name.strip(): value.strip().lower().lstrip("0") for name, _, value in pairs}
    return found


def _compare(wanted: Groups) -> None:
    """What "MUST" be compared with a group that is there, and "generate an error if doesn't match"."""
    if not wanted.lines:
        return
    present = parsed(read_file(f"{wanted.control}/schemata").decode())
    for resource, domains in parsed("\n".join(wanted.lines)).items():
        for domain, value in domains.items():
            if present.get(resource, {}).get(domain) != value:
                reason = f"its schemata has another {resource} for {domain} than the configuration"
                raise _failed(wanted.control, reason, "another closID, or the same schema")


def _mkdir(directory: str) -> None:
    try:
        posix.mkdir(directory, 0o755)
    except FileExistsError:
        return
    except OSError as error:
        raise _failed(directory, str(error.strerror), "are there groups left?") from None


def _write(control: str, lines: Sequence[str]) -> None:
    for line in lines:
        path = f"{control}/schemata"
        try:
            fd = posix.open(path, posix.O_WRONLY | posix.O_CLOEXEC)
            try:
                write_whole(fd, f"{line}\n".encode(), path)
            finally:
                posix.close(fd)
        except OSError as error:
            raise _failed(path, f"{line}: {error.strerror}", "see info/last_cmd_status beside it") from None


def _failed(path: str, reason: str, hint: str) -> RuntimeFailure:
    return RuntimeFailure("use linux.intelRdt", path, reason, hint)
