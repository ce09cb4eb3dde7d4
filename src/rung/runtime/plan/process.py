"""The inner half of a plan, last part: from the new root to the workload.

config.md: Process, POSIX-platform Process, Linux Process, Hostname, Domainname;
config-linux.md: Sysctl, Seccomp, Masked Paths, Readonly Paths, Personality.

The order is the security: privileges go from the outermost (bounding set) inwards,
the filter is loaded as late as the kernel lets it (without no_new_privs it needs
CAP_SYS_ADMIN, so it comes before the capabilities go), and the executable is looked up
as the user who runs it, before the container is reported as created.
"""

from __future__ import annotations

from rung.runtime.plan import steps
from rung.runtime.plan.request import environment, get
from rung.spec.runtime.names import CAPABILITIES, PERSONALITIES, RLIMITS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from rung.runtime.plan.steps import Step
    from rung.spec.runtime.config import Config, Process

DEFAULT_UMASK = 0o022
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def label_steps(process: Process, config: Config) -> Iterator[Step]:
    """AppArmor and SELinux labels take effect at exec."""
    if process.get("apparmorProfile"):
        yield steps.SetExecLabel("self/attr/apparmor/exec", f"exec {process['apparmorProfile']}")
    if process.get("selinuxLabel"):
        yield steps.SetExecLabel("self/attr/exec", process["selinuxLabel"])
    domain = get(config, "linux", "personality", "domain")
    if domain:
        yield steps.SetPersonality(PERSONALITIES[domain])


def limit_steps(process: Process, config: Config) -> Iterator[Step]:
    """Priorities and resource limits, while raising them may still be allowed."""
    if process.get("scheduler") or process.get("ioPriority") or get(config, "linux", "memoryPolicy"):
        from rung.runtime.plan.scheduling import priority_steps

        yield from priority_steps(process, config)
    for limit in process.get("rlimits") or ():
        yield steps.SetRlimit(RLIMITS[limit["type"]], limit["soft"], limit["hard"], limit["type"])


#: The caller's own restriction is not the container's.
ANY_CPU = steps.SetAffinity(b"", "all that the cgroup allows")


def affinity_steps(process: Process) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The CPUs of an exec, before and after it enters the cgroup; where one is given, the
    other is left to the kernel."""
    wanted = process.get("execCPUAffinity") or {}
    initial, final = wanted.get("initial"), wanted.get("final")
    if not initial and not final:
        return (), (ANY_CPU,)
    from rung.runtime.plan.scheduling import set_affinity

    return (set_affinity(initial),) if initial else (), (set_affinity(final),) if final else ()


#: What an exec has from the container's process where its own does not say it, as with runc.
INHERITED = (
    "apparmorProfile",
    "capabilities",
    "execCPUAffinity",
    "ioPriority",
    "rlimits",
    "scheduler",
    "selinuxLabel",
)


def inheriting(process: Process, of: Process | None) -> Process:
    """An exec's process with what it has from the container's."""
    whole: Any = dict(process)
    for name in INHERITED:
        if not whole.get(name) and get(of, name):
            whole[name] = of[name]  # type: ignore[index,literal-required]
    umask = get(of, "user", "umask")
    if umask is not None and get(whole, "user", "umask") is None:
        whole["user"] = {**(whole.get("user") or {}), "umask": umask}
    return whole  # type: ignore[no-any-return]


def identity_steps(
    process: Process, program: bytes, flags: int, *, may_set_groups: bool = True
) -> Iterator[Step]:
    """User, groups, capabilities, no_new_privs, umask, HOME; the filter where it needs privilege."""
    private = bool(process.get("noNewPrivileges"))
    user = process.get("user") or {}
    uid, gid = user.get("uid", 0), user.get("gid", 0)
    if private:
        yield steps.SetNoNewPrivs()
    capabilities = process.get("capabilities")
    masks = {kind: mask(get(capabilities, kind)) for kind in ("bounding", *_SETS)}
    # capabilities(7): one that is not permitted and inheritable too cannot be ambient
    masks["ambient"] &= masks["permitted"] & masks["inheritable"]
    yield steps.KeepBounding(masks["bounding"])
    yield steps.OwnStdio(uid)
    umask = user.get("umask")
    yield steps.SetUmask(DEFAULT_UMASK if umask is None else umask)
    yield steps.Chdir(process["cwd"], steps.CHDIR_TRY if uid else steps.CHDIR)
    if not environment(process).get("HOME"):
        yield steps.SetHome(uid)
    if program and not private:  # from here on, only calls that a filter for any program allows
        yield steps.LoadSeccomp(program, flags)
    groups = tuple(user.get("additionalGids") or ())
    yield steps.SetUser(uid, gid, int(may_set_groups), groups)
    if uid:  # root in a user namespace has no power over files of ids that are not mapped there; their owner has
        yield steps.Chdir(process["cwd"], steps.CHDIR_LEFT)
    yield steps.SetCapabilities(*(masks[kind] for kind in _SETS))


_SETS = ("effective", "permitted", "inheritable", "ambient")


def mask(names: Sequence[str] | None) -> int:
    """Capability names as a bit mask; names this table lacks were warned about already."""
    bits = 0
    for name in names or ():
        number = CAPABILITIES.get(name)
        if number is not None:
            bits |= 1 << number
    return bits


def lookup_steps(process: Process) -> Iterator[Step]:
    """The executable along the workload's own PATH, looked up as the workload's user."""
    path = environment(process).get("PATH", DEFAULT_PATH)
    yield steps.FindExecutable(process["args"][0], path)


def late_filter(process: Process, program: bytes, flags: int) -> tuple[Step, ...]:
    """The filter where no privilege is needed to load it."""
    if not program or not process.get("noNewPrivileges"):
        return ()
    return (steps.LoadSeccomp(program, flags),)


def workload_environment(process: Process) -> tuple[str, ...]:
    """The variables as the workload gets them, but for the HOME that SetHome finds."""
    variables = environment(process)
    if not variables.get("HOME"):
        variables.pop("HOME", None)  # empty counts as missing
    return tuple(f"{name}={value}" for name, value in variables.items())


def exec_steps(process: Process) -> Iterator[Step]:
    """The end: the workload."""
    yield steps.Exec(tuple(process["args"]), workload_environment(process))
