"""A container's records on disk, and what is true of it now.

Under the runtime's root each container has a directory, readable by its owner only:

    state.json   what does not change, and the init's identity once it exists
    config.json  the configuration as it was given, for exec, hooks and update
    plan         the plan and init's ledger (see plan/wire.py)
    resources.json  the limits after an update, where there was one
    exec.fifo    the FIFO that lets a created container go; gone once it started
    notify/      with the container's socket to say that it is ready (notify.py)
    trace        spans of the runtime's own work

Nothing here claims a status: it is derived each time from the init's process, the FIFO
and the freezer. An init is recognised by pid and start time together, so a pid that was
given out again is not taken for it. An advisory lock on the directory orders commands.
"""

from __future__ import annotations

from rung import jsonc, posix
from rung.files import read_file, write_atomically
from rung.record import Record
from rung.runtime.errors import ContainerNotFound, RuntimeFailure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from rung.spec.runtime.config import Config, Resources

OCI_VERSION = "1.3.0"
CREATING, CREATED, RUNNING, PAUSED, STOPPED = "creating", "created", "running", "paused", "stopped"
_ID_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-.")


class Facts(Record):
    """What state.json holds. ``descriptors``: what 0, 1 and 2 were, for a restore."""

    id: str
    bundle: str
    rootfs: str
    created: str
    cgroup_paths: dict[str, str]
    annotations: dict[str, str]
    pid: int = 0
    start_time: int = 0
    unit: dict[str, Any] = {}  # systemd's, where it made the cgroups
    descriptors: list[str] = []
    resctrl: list[str] = []  # groups that go with it


def descriptors(fds: Iterable[int]) -> list[str]:
    """What descriptors of ours are, as /proc has it: ``pipe:[4711]``, ``/dev/null``; "": closed."""
    found = []
    for fd in fds:
        try:
            found.append(posix.readlink(f"/proc/self/fd/{fd}"))
        except OSError:
            found.append("")
    return found


def check_id(container_id: str) -> str:
    """The id itself, if it may name a directory and a cgroup."""
    strange = next((char for char in container_id if char not in _ID_CHARACTERS), "")
    if strange:
        reason = f"invalid character {strange!r}"
    elif not container_id or container_id[0] == ".":
        reason = "invalid: it is empty or begins with a dot"
    else:
        reason = ""
    if reason:
        raise RuntimeFailure("container ID", repr(container_id), reason, "use letters, digits and _ + - . only")
    if len(container_id) > 255:
        raise RuntimeFailure("container ID", repr(container_id[:40] + "..."), "invalid: longer than 255 characters")
    return container_id


def standing(plan_fd: int) -> tuple[int, int]:
    """``(state, pid)`` of the ledger in a plan file, of which no more is read than that."""
    from rung.runtime.plan import wire

    at = wire.ledger_at(posix.pread(plan_fd, wire.HEAD_SIZE, 0))
    return wire.standing(posix.pread(plan_fd, wire.STANDING_SIZE, at))


class Directory:
    """The directory of one container. Raises ``ContainerNotFound`` when it is not there."""

    def __init__(self, root: str, container_id: str) -> None:
        self.id = check_id(container_id)
        self.path = posix.join(root, container_id)

    def file(self, name: str) -> str:
        return f"{self.path}/{name}"

    def missing(self) -> ContainerNotFound:
        return ContainerNotFound("container", f'"{self.id}"', "does not exist", f"looked in {self.path}")

    def save(self, facts: Facts) -> None:
        write_atomically(self.file("state.json"), jsonc.dumps(facts.__dict__).encode())

    def load(self) -> Facts:
        try:
            return Facts(**jsonc.loads(read_file(self.file("state.json"))))
        except (FileNotFoundError, NotADirectoryError):
            if not posix.isdir(self.path):
                raise self.missing() from None
            return Facts(self.id, "", "", "", {}, {})
        except (ValueError, TypeError):
            raise self._spoilt("state.json") from None

    def config(self) -> Config:
        try:
            found: Config = jsonc.loads(read_file(self.file("config.json")))
        except FileNotFoundError:
            raise self.missing() from None
        except ValueError:
            raise self._spoilt("config.json") from None
        return found

    def recovered(self) -> Facts | None:
        """Where state.json is spoilt, what it takes to clean up: the cgroups, found as create
        did; None where it is fine."""
        try:
            self.load()
        except ContainerNotFound:
            raise
        except RuntimeFailure:
            from rung.runtime import cgroup, privilege

            try:
                path = (self.config().get("linux") or {}).get("cgroupsPath")
            except (RuntimeFailure, AttributeError):
                path = None
            locate = cgroup.locate if privilege.is_whole() else cgroup.within_reach
            places = locate(cgroup.hierarchies(), path, self.id)
            return Facts(self.id, "", "", "", places, {}, pid=-1)  # not known: the cgroups tell
        return None

    def _spoilt(self, name: str) -> RuntimeFailure:
        return RuntimeFailure(
            "container", f'"{self.id}"', f"{self.file(name)} is spoilt", f"rung-runtime delete --force {self.id}"
        )

    def resources(self) -> Resources:
        """The limits in force: those of the configuration, or of the last update."""
        try:
            found: Resources = jsonc.loads(read_file(self.file("resources.json")))
        except FileNotFoundError:
            return self.config().get("linux", {}).get("resources", {})
        return found

    def save_resources(self, resources: Resources) -> None:
        write_atomically(self.file("resources.json"), jsonc.dumps(resources).encode())

    def lock(self) -> Lock:
        """``with directory.lock():`` one command at a time changes this container."""
        return Lock(self)

    def being_created(self) -> bool:
        """Whether somebody holds the lock, which is the case throughout create."""
        import fcntl

        try:
            fd = posix.open(self.path, posix.O_RDONLY | posix.O_DIRECTORY | posix.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            posix.close(fd)
        return False

    def remove(self) -> None:
        """Take the directory away; what is gone already is fine. state.json goes first: without
        it the rest is no container, so that one who dies here leaves nothing half-known."""
        for name in ("state.json", *_listed(self.path)):
            try:
                posix.unlink(self.file(name))
            except FileNotFoundError:
                continue
            except IsADirectoryError:  # the one of the socket in it
                for inside in _listed(self.file(name)):
                    posix.unlink(f"{self.file(name)}/{inside}")
                posix.rmdir(self.file(name))
        try:
            posix.rmdir(self.path)
        except FileNotFoundError:
            return


def _listed(path: str) -> list[str]:
    try:
        return posix.listdir(path)
    except FileNotFoundError:
        return []


class Lock:
    """The exclusive advisory lock on a container's directory."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._fd = -1

    def take(self) -> Lock:
        """Wait for it. Raises ``ContainerNotFound`` where the one before us deleted it."""
        import fcntl

        try:
            self._fd = posix.open(self._directory.path, posix.O_RDONLY | posix.O_DIRECTORY | posix.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            raise self._directory.missing() from None
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            if posix.fstat(self._fd).st_nlink == 0:
                raise self._directory.missing()
        except BaseException:
            self.release()
            raise
        return self

    def release(self) -> None:
        """Give it to the next one; twice is once."""
        if self._fd >= 0:
            posix.close(self._fd)
            self._fd = -1

    def __enter__(self) -> None:
        if self._fd < 0:
            self.take()

    def __exit__(self, *_: object) -> None:
        self.release()


def start_time(pid: int) -> tuple[str, int]:
    """``(state letter, start time in clock ticks)`` of a process; ``("", 0)`` when it is gone.

    proc_pid_stat(5): fields 3 and 22, counted after the command's closing bracket."""
    try:
        stat = read_file(f"/proc/{pid}/stat")
    except (FileNotFoundError, ProcessLookupError):
        return "", 0
    fields = stat[stat.rindex(b")") + 2 :].split()
    return fields[0].decode(), int(fields[19])


def alive(facts: Facts) -> bool:
    """Whether the container's init is there and not a zombie."""
    if facts.pid <= 0:
        return False
    letter, began = start_time(facts.pid)
    return began == facts.start_time and letter not in ("", "Z", "X")


def state_document(
    container_id: str, status: str, pid: int, bundle: str, annotations: dict[str, str] | None
) -> dict[str, Any]:
    """The state of runtime.md#state, as hooks and ``state`` get it."""
    document: dict[str, Any] = {"ociVersion": OCI_VERSION, "id": container_id, "status": status}
    if pid:
        document["pid"] = pid
    document["bundle"] = bundle
    if annotations:
        document["annotations"] = annotations
    return document


def state_parts(container_id: str, status: str, bundle: str, config: Config) -> tuple[bytes, bytes]:
    """The state as bytes before and after the pid, which only rung-init knows."""
    text = jsonc.dumps(state_document(container_id, status, 1, bundle, config.get("annotations")))
    head, tail = text.split('"pid": 1', 1)
    return (head + '"pid": ').encode(), tail.encode()
