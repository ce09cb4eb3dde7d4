"""A container's cgroups: made, limited, entered, frozen, emptied, removed.

``Cgroup`` holds the directories and does what other modules decided: limits are decided
in limits.py, where the directories are in hierarchy.py. What a plain start needs is
here; what happens more rarely lives beside (freezer, processes, stats, oom) and is
imported when it does.
"""

from __future__ import annotations

from errno import EACCES, EBUSY, ENOTEMPTY, EPERM

from rung import posix
from rung.runtime.cgroup.errors import CgroupError, failed
from rung.runtime.cgroup.files import execute, read, read_line
from rung.runtime.cgroup.limits import late_settings, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from rung.runtime.cgroup.oom import OomWatch
    from rung.spec.runtime.config import DeviceCgroup, Resources


class Cgroup:
    """The cgroups of one container. ``paths``: controller -> directory, "" is v2's."""

    def __init__(self, paths: dict[str, str]) -> None:
        self.paths = paths
        self.directories = list(dict.fromkeys(paths.values()))
        self.made: list[str] = []  # by this object, parents first
        self._refused = False  # create failed: what is there belongs to somebody else

    @property
    def v2_only(self) -> bool:
        return len(self.paths) == 1 and "" in self.paths

    # --- life ---------------------------------------------------------------------

    def create(self, resources: Resources | None = None, *, entered: bool = False) -> None:
        """Make the directories that are missing, so that processes can enter.

        v1 cpusets get CPUs and nodes (those of ``resources``, else from above); on v2 all
        controllers are enabled down to here. On failure all that was made is removed.
        A cgroup that is there must be empty and not frozen: two containers in one would
        be killed and paused together. ``entered``: somebody else made it for this container."""
        there = []
        try:
            for directory in self.directories:
                if not self._make(directory):
                    there.append(directory)
            if there and not entered:
                self._check_fit(there[0])
            if "cpuset" in self.paths:
                from rung.runtime.cgroup.controllers.cpuset import fill

                cpu = (resources or {}).get("cpu", {})
                fill(self.paths["cpuset"], cpu.get("cpus", ""), cpu.get("mems", ""))
            if self.v2_only:
                from rung.runtime.cgroup.delegate import enable_above, make_enterable

                enable_above(self.paths[""])
                make_enterable(self.paths[""], resources or {})
        except OSError as error:
            self._give_up(entered)
            error.strerror = str(error.strerror).lower()  # runc's very words, by which managers know it
            raise failed("unable to apply cgroup configuration:", error) from None
        except BaseException:
            self._give_up(entered)
            raise

    def make(
        self,
        resources: Resources,
        pid: int,
        container_id: str,
        annotations: Mapping[str, str],
        lenient: bool = False,
    ) -> None:
        """All that there is to do before a container's init goes in; what is not looked at is for units."""
        self.create(resources)
        self.apply(resources, lenient=lenient)

    def _make(self, directory: str) -> bool:
        """Make a directory and those above it; False where it is there already."""
        try:
            posix.mkdir(directory, 0o755)
        except FileExistsError:
            return False
        except FileNotFoundError:
            self._make(directory.rpartition("/")[0])
            posix.mkdir(directory, 0o755)
        self.made.append(directory)
        return True

    def _give_up(self, entered: bool) -> None:
        self._refused = not entered
        self._unmake()

    def _unmake(self) -> None:
        """Remove what this object made and nobody uses."""
        while self.made:
            try:
                posix.rmdir(self.made.pop())
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno not in (EBUSY, ENOTEMPTY):
                    raise failed("remove cgroup", error) from None

    def check_unused(self) -> None:
        """What ``create`` checks of cgroups that are there. Raises ``CgroupError``, and nothing is ours."""
        for directory in self.directories:
            if posix.isdir(directory):
                try:
                    self._check_fit(directory)
                except CgroupError:
                    self._refused = True
                    raise
                return

    def _check_fit(self, directory: str) -> None:
        if pids := self.pids():
            reason = f"{len(pids)} processes are in it, the first is {pids[0]}"
            raise CgroupError("container's cgroup is not empty:", directory, reason, "give another linux.cgroupsPath")
        if self.frozen():
            hint = "thaw it or give another linux.cgroupsPath"
            raise CgroupError("container's cgroup unexpectedly frozen:", directory, "", hint)

    def apply(self, resources: Resources, *, update: bool = False, lenient: bool = False) -> None:
        """Set every limit of ``linux.resources``; ``lenient``: but devices, where nobody lets us.

        Devices are left as they are on an update, as others (vendors' hooks) add to them.
        A pids limit below 2 waits for ``apply_late``, unless on an update."""
        writes = settings(resources, self.paths, update=update)
        if update:
            self._check_update(resources)
        if not self.v2_only:
            self._enable_hybrid({item.file.split(".", 1)[0] for item in writes if not item.controller})
        execute(writes, self.paths)
        if not update:
            try:
                self._apply_devices(resources.get("devices") or [])
            except CgroupError as error:
                from rung.runtime.privilege import in_user_namespace

                # Without privilege nobody may limit them, nor make one that was not given.
                if not lenient and (error.errno not in (EPERM, EACCES) or not in_user_namespace()):
                    raise

    def _check_update(self, resources: Resources) -> None:
        if self.v2_only and "memory" in resources:
            from rung.runtime.cgroup.controllers.memory import check_before_update

            check_before_update(resources["memory"] or {}, self.paths[""])

    def _enable_hybrid(self, controllers: set[str]) -> None:
        """On a hybrid host v2 controllers are enabled when there is a limit for them."""
        if controllers:
            from rung.runtime.cgroup.delegate import enable_above

            enable_above(self.paths[""], controllers)

    def apply_late(self, resources: Resources) -> None:
        """What would have kept rung-init from being born; call when it reports ready."""
        execute(late_settings(resources, self.paths), self.paths)

    def _apply_devices(self, rules: Sequence[DeviceCgroup]) -> None:
        from rung.runtime.cgroup.controllers import devices

        rules = [*rules, *devices.DEFAULT_DEVICE_RULES]
        if "devices" in self.paths:
            directory = self.paths["devices"]
            old = devices.UNTOUCHED
            if directory not in self.made:
                old = devices.current(read(f"{directory}/devices.list"))
            execute(devices.transition(old, devices.policy(rules)), self.paths)
        elif "" in self.paths:
            from rung.runtime.cgroup.bpf import attach
            from rung.runtime.cgroup.device_filter import device_program

            attach(self.paths[""], device_program(rules))
        else:
            raise CgroupError("limit devices", "", "neither the devices controller nor cgroup v2 is mounted")

    def join_paths(self, below: str = "") -> list[str]:
        """The directories whose cgroup.procs takes a process in; ``below``: of a sub-cgroup."""
        if not below:
            return self.directories
        from rung.runtime.cgroup.hierarchy import clean

        return [directory + clean(below).rstrip("/") for directory in self.directories]

    def remove_empty(self) -> bool:
        """Remove the cgroups if nothing is in them; False: some are in use, and stay."""
        empty = not self._refused
        for directory in self.directories if empty else ():
            try:
                posix.rmdir(directory)
            except FileNotFoundError:
                continue
            except OSError:
                empty = False
        return empty

    def remove(self, timeout_s: float = 10.0) -> None:
        """Remove the cgroups and all below them; what is gone is fine.

        Processes that are dying are waited for; after ``timeout_s`` it is an error. After
        a ``create`` that failed there is nothing to remove."""
        if self._refused:
            return
        for directory in self.directories:
            try:
                posix.rmdir(directory)
            except FileNotFoundError:
                continue
            except OSError:
                from rung.runtime.cgroup.removal import remove_tree

                remove_tree(directory, timeout_s)
        self.made = [directory for directory in self.made if directory not in self.directories]
        self._unmake()

    # --- what is in it ------------------------------------------------------------

    def exists(self) -> bool:
        """Whether any of the directories is there."""
        return any(posix.isdir(directory) for directory in self.directories)

    def pids(self, recursive: bool = True) -> list[int]:
        """The processes inside, those in sub-cgroups too."""
        from rung.runtime.cgroup.processes import pids_in

        directory = self._main()
        return pids_in(directory, recursive) if directory else []

    def _main(self) -> str:
        """The one directory that stands for all where they must agree."""
        for controller in ("freezer", "devices", ""):
            if controller in self.paths:
                return self.paths[controller]
        return next(iter(self.directories), "")

    def kill(self, signal: int = 9) -> None:
        """Send a signal to every process inside, none of which can escape by forking."""
        from rung.runtime.cgroup.processes import kill

        kill(self, signal)

    # --- the freezer --------------------------------------------------------------

    def freeze(self, timeout_s: float = 10.0) -> None:
        """Stop every process; returns when all have stopped."""
        from rung.runtime.cgroup import freezer

        freezer.freeze(self.paths, timeout_s)

    def thaw(self) -> None:
        """Let them go on."""
        from rung.runtime.cgroup import freezer

        freezer.thaw(self.paths)

    def take_back(self, pid: int) -> None:
        """Out of whatever v1 freezer cgroup somebody has put a process into: frozen, it could not even die."""
        from rung.runtime.cgroup import freezer

        freezer.take_back(self.paths, pid)

    def frozen(self) -> bool:
        """Whether this cgroup itself was told to freeze. Cheap: ``state`` asks each time."""
        try:
            if "freezer" in self.paths:
                directory = self.paths["freezer"]
                if read_line(f"{directory}/freezer.state") == "THAWED":
                    return False
                return read_line(f"{directory}/freezer.self_freezing") == "1"
            return "" in self.paths and read_line(f"{self.paths['']}/cgroup.freeze") == "1"
        except OSError as error:
            from rung.runtime.cgroup.files import is_gone

            if is_gone(error):
                return False
            raise failed("read", error) from None

    # --- what it has used ---------------------------------------------------------

    def stats(self) -> dict[str, Any]:
        """The ``data`` of ``events --stats``, in runc's form for v1 and v2 alike."""
        from rung.runtime.cgroup.stats import stats

        return stats(self.paths)

    def oom_kills(self) -> int:
        """How many processes the kernel killed here for want of memory."""
        from rung.runtime.cgroup.oom import oom_kills

        return oom_kills(self.paths)

    def watch_oom(self) -> OomWatch:
        """Blocks as an iterator until the kernel runs out of memory here, each time; ends with
        the cgroup. ``fileno()`` can be polled."""
        from rung.runtime.cgroup.oom import OomWatch

        return OomWatch(self.paths)

    def give_to(self, uid: int, gid: int = -1) -> None:
        """Hand v2's files over to the container's root; config-linux.md#cgroup-ownership."""
        from rung.runtime.cgroup.delegate import give_to

        give_to(self.paths.get("", ""), uid, gid)
