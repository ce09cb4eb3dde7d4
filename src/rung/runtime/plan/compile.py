"""From a configuration to a plan: what will happen, in which order, before it does.

Pure: reads nothing, opens nothing. The order follows runtime.md#lifecycle: namespaces,
mounts, createRuntime hooks (the runtime runs them at a Sync), createContainer hooks
before the root changes, then everything that must not be undone by the container's own
file system, and the wait for start.
"""

from __future__ import annotations

from rung.runtime.plan import steps
from rung.runtime.plan.devices import device_steps
from rung.runtime.plan.mounts import last_steps, pivot_steps, root_steps, seal_steps
from rung.runtime.plan.namespaces import (
    CLONE_NEWCGROUP,
    cgroup_slot,
    cgroup_steps,
    denies_groups,
    has_mounts,
    new_and_joined,
    outer_steps,
    resctrl_steps,
)
from rung.runtime.plan.process import (
    ANY_CPU,
    affinity_steps,
    exec_steps,
    identity_steps,
    inheriting,
    label_steps,
    late_filter,
    limit_steps,
    lookup_steps,
    workload_environment,
)
from rung.runtime.plan.request import Plan, get

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.runtime.plan.request import ExecRequest, Request
    from rung.runtime.plan.steps import Step
    from rung.spec.runtime.config import Config

_LEAVE = 0xFFFFFFFF  # the terminal's group stays what devpts' gid= option gave it
RUNTIME_HOOKS = ("prestart", "createRuntime")


def compile_container(request: Request) -> Plan:
    """The plan of a new container."""
    terminal = bool(get(request.config, "process", "terminal"))
    return Plan(tuple(_container_steps(request, terminal)), terminal)


def _container_steps(request: Request, terminal: bool) -> Iterator[Step]:
    config = request.config
    process = config["process"]
    new, _ = new_and_joined(config)
    yield from outer_steps(request)
    yield steps.NewSession()
    yield ANY_CPU
    yield steps.KeepFds(request.keep_fds)
    if not request.no_new_keyring:
        yield steps.NewKeyring(f"_ses.{request.id}")
    if "network" in new:
        yield steps.LinkUp("lo")
    if get(config, "linux", "netDevices"):
        yield steps.OfferNetlink()
    if terminal and not has_mounts(config):  # no devpts of its own: the caller's, as long as it is in view
        yield console_step(config, bind=0)
    yield from root_steps(request)
    if has_mounts(config):
        yield from device_steps(request)
    if any(get(config, "hooks", stage) for stage in RUNTIME_HOOKS):
        yield steps.Sync("createRuntime")
    yield from _hook_steps(request, "createContainer", "creating")
    yield from pivot_steps(request)
    yield from _inside_steps(request, terminal)
    yield from label_steps(process, config)
    yield from limit_steps(process, config)
    yield from identity_steps(
        process,
        request.seccomp_program,
        request.seccomp_flags,
        may_set_groups=not (request.caller.groups_denied or denies_groups(request) or keeps_groups(config)),
    )
    yield from lookup_steps(process)
    waiting = (steps.WaitStart(),) if request.wait_for_start else ()
    load = late_filter(process, request.seccomp_program, request.seccomp_flags)
    if request.seccomp_flags & steps.NEW_LISTENER:  # who waits for the listener is gone after create
        yield from (*load, *waiting)
    else:
        yield from (*waiting, *load)
    yield from _hook_steps(request, "startContainer", "created")  # under the filter, as with runc
    yield from exec_steps(process)


def _inside_steps(request: Request, terminal: bool) -> Iterator[Step]:
    """In the new root, still privileged."""
    config = request.config
    process = config["process"]
    if terminal and has_mounts(config):
        yield console_step(config, bind=1)
    elif has_mounts(config):
        yield steps.ReopenNull()
    if has_mounts(config) and process["cwd"].strip("/"):
        yield steps.MakeDir(process["cwd"], 0o755, 0, 0)
    sysctl = get(config, "linux", "sysctl") or {}
    if sysctl or process.get("apparmorProfile") or process.get("selinuxLabel"):
        yield steps.OpenProc()
    if has_mounts(config):
        yield from seal_steps(request)
    if config.get("hostname"):
        yield steps.SetHostname(config["hostname"])
    if config.get("domainname"):
        yield steps.SetDomainname(config["domainname"])
    if sysctl:
        from rung.spec.runtime.sysctl import sysctl_path

        for key, value in sysctl.items():
            yield steps.SetSysctl(sysctl_path(key), value)
    for path in dict.fromkeys(get(config, "linux", "readonlyPaths") or ()):
        yield steps.ReadonlyPath(path)
    for path in dict.fromkeys(get(config, "linux", "maskedPaths") or ()):
        yield steps.MaskPath(path)
    if has_mounts(config):
        yield from last_steps(config)


def keeps_groups(config: Config) -> bool:
    """crun.1: the caller's additional groups stay, for files that only they open."""
    return "run.oci.keep_original_groups" in (config.get("annotations") or {})


def console_step(config: Config, bind: int) -> Step:
    """The terminal, sized and owned as the process asks."""
    process = config["process"]
    return steps.OpenConsole(
        get(process, "consoleSize", "width") or 0,
        get(process, "consoleSize", "height") or 0,
        bind,
        get(process, "user", "uid") or 0,
        _LEAVE,
    )


def _hook_steps(request: Request, stage: str, status: str) -> Iterator[Step]:
    from rung.runtime.state import state_parts

    found = get(request.config, "hooks", stage) or ()
    if found and stage == "createContainer":
        yield steps.Chdir("/", 0)  # of the container's root, where runc has them begin too
    for hook in found:
        inherits = "env" not in hook and stage == "startContainer"
        head, tail = state_parts(request.id, status, request.bundle, request.config)
        yield steps.RunHook(
            stage,
            hook["path"],
            tuple(hook.get("args") or (hook["path"],)),
            # One without variables of its own gets the process's, as with runc.
            workload_environment(request.config["process"]) if inherits else tuple(hook.get("env") or ()),
            hook.get("timeout") or 0,
            head,
            tail,
            int(inherits),
        )


def compile_exec(request: ExecRequest) -> Plan:
    """The plan of one more process in a running container."""
    process = request.process
    terminal = bool(process.get("terminal"))
    return Plan(tuple(_exec_steps(request, terminal)), terminal)


def _exec_steps(request: ExecRequest, terminal: bool) -> Iterator[Step]:
    process = inheriting(request.process, request.config.get("process"))
    new, joined = new_and_joined(request.config)
    if process.get("oomScoreAdj") is not None:
        yield steps.SetOomScoreAdj(process["oomScoreAdj"])
    initial, final = affinity_steps(process)
    yield from initial
    mapped = "user" in new or "user" in joined
    early = mapped and bool(request.namespace_flags & CLONE_NEWCGROUP)
    if request.attached:
        yield steps.Sync(steps.SYNC_ATTACH)
    yield from cgroup_steps(request.cgroup_paths, before_namespace=early)
    yield from resctrl_steps(request.resctrl_tasks)
    late = 0 if mapped else request.namespace_flags & CLONE_NEWCGROUP
    if request.namespace_flags & ~late:
        yield steps.SetNamespace(steps.SLOT_CONTAINER, request.namespace_flags & ~late)
    yield steps.Clone(0, b"", b"", 0, steps.SLOT_NONE if early else cgroup_slot(request.cgroup_paths))
    if mapped:
        yield steps.BecomeRoot()
    if late:
        yield steps.SetNamespace(steps.SLOT_CONTAINER, late)
    yield steps.NewSession()
    yield from final
    yield steps.KeepFds(request.keep_fds)
    yield steps.PivotRoot(3, 0)
    if terminal:
        yield console_step({**request.config, "process": process}, bind=0)
    if process.get("apparmorProfile") or process.get("selinuxLabel"):
        yield steps.OpenProc()
    yield from label_steps(process, request.config)
    yield from limit_steps(process, request.config)
    yield from identity_steps(
        process, request.seccomp_program, request.seccomp_flags, may_set_groups=request.may_set_groups
    )
    yield from lookup_steps(process)
    load = late_filter(process, request.seccomp_program, request.seccomp_flags)
    if request.seccomp_flags & steps.NEW_LISTENER:
        yield from (*load, steps.Ready())
    else:
        yield from (steps.Ready(), *load)
    yield from exec_steps(process)
