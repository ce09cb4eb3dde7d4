"""A plan for people: each step one sentence, with the clause it serves."""

from __future__ import annotations

from rung.runtime.plan import steps
from rung.runtime.plan.words import (
    attribute_words,
    capability_words,
    clone_words,
    node_words,
    propagation_words,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rung.runtime.plan.request import Plan
    from rung.runtime.plan.steps import Step

_SYNCS = {
    steps.SYNC_UNIT: "wait until systemd has made the cgroup",
    steps.SYNC_ATTACH: "wait until systemd has moved this process into the cgroup",
}
_HOW_THERE = {steps.CHDIR_LEFT: ", if root could not"}
_HOW = ("pivot_root", "a moved mount and chroot", "chroot", "where it is")


def _mount_fs(step: Any) -> str:
    options = ", ".join((*attribute_words(step.attrs), *step.options))
    return f"mount {step.fstype} at {step.dest}" + (f" ({options})" if options else "")


def _mount_bind(step: Any) -> str:
    deep = "tree" if step.flags & steps.BIND_RECURSIVE else "mount"
    words = [*attribute_words(step.set), *(f"r{w}" for w in attribute_words(step.set_all))]
    words += propagation_words(step.propagation)
    if step.idmap != steps.SLOT_NONE:
        words.append("ids mapped")
    return f"bind {deep} {step.source} at {step.dest}" + (f" ({', '.join(words)})" if words else "")


def _set_mount_attr(step: Any) -> str:
    words = attribute_words(step.set) + propagation_words(step.propagation)
    return f"set {', '.join(words) or 'attributes'} on {step.path}"


def _clone(step: Any) -> str:
    made = clone_words(step.flags)
    text = f"create a process in new namespaces: {', '.join(made)}" if made else "create a process"
    return text + (f", users mapped {step.uid_map.decode().strip()!r}" if step.uid_map else "")


_SENTENCES: dict[type[Step], Callable[[Any], str]] = {
    steps.SetOomScoreAdj: lambda s: f"set the score for the out-of-memory killer to {s.value}",
    steps.JoinCgroup: lambda s: f"join cgroup {s.file.rpartition('/')[0]}",
    steps.OpenFile: lambda s: f"open {s.path}",
    steps.SetNamespace: lambda s: f"enter namespaces: {', '.join(clone_words(s.flags))}",
    steps.Unshare: lambda s: f"leave for new namespaces: {', '.join(clone_words(s.flags))}",
    steps.WriteFile: lambda s: f"write {s.data.decode(errors='replace').strip()!r} to {s.path}",
    steps.StartBroker: lambda s: "keep a helper with the caller's rights for bind sources",
    steps.MakeUserns: lambda s: f"make a user namespace that maps {s.uid_map.strip()!r}",
    steps.MakeDevice: lambda s: f"make {node_words(s.mode, s.major, s.minor)} for {s.source}",
    steps.MakeFs: lambda s: f"make a file system {s.fstype} with mapped ids",
    steps.MapIdsBy: lambda s: f"map ids by {' and '.join(filter(None, (s.uid_tool, s.gid_tool)))}",
    steps.Clone: _clone,
    steps.NewSession: lambda s: "start a session",
    steps.SetPropagation: lambda s: f"make / {', '.join(propagation_words(s.flags))}",
    steps.BindRoot: lambda s: f"attach the root file system {s.path}",
    steps.DropRoot: lambda s: "take the root file system off again, and what is mounted in it",
    steps.MountFs: _mount_fs,
    steps.MountBind: _mount_bind,
    steps.SetMountAttr: _set_mount_attr,
    steps.MakeDir: lambda s: f"make sure there is a directory {s.path}",
    steps.MakeSymlink: lambda s: f"link {s.path} to {s.target}",
    steps.MakeNode: lambda s: f"make {node_words(s.mode, s.major, s.minor)} {s.path}",
    steps.Sync: lambda s: _SYNCS.get(s.tag) or f"wait for the runtime's {s.tag} hooks",
    steps.RunHook: lambda s: f"run {s.stage} hook {s.path}",
    steps.PivotRoot: lambda s: f"change the root: {_HOW[s.how]}",
    steps.OpenConsole: lambda s: "open a terminal and send it to the console socket",
    steps.OwnStdio: lambda s: f"give standard input, output and error to user {s.uid}",
    steps.ReopenNull: lambda s: "use the container's own null device for standard input, output and error",
    steps.SetHostname: lambda s: f"set the host name to {s.name}",
    steps.SetDomainname: lambda s: f"set the domain name to {s.name}",
    steps.OpenProc: lambda s: "open a procfs of our own",
    steps.SetSysctl: lambda s: f"set kernel parameter {s.key} to {s.value}",
    steps.MaskPath: lambda s: f"hide {s.path}",
    steps.ReadonlyPath: lambda s: f"make {s.path} read-only",
    steps.LinkUp: lambda s: f"set network interface {s.name} up",
    steps.SetRlimit: lambda s: f"limit {s.name} to {s.soft} (hard {s.hard})",
    steps.NewKeyring: lambda s: f"join a new session keyring {s.name}",
    steps.SetNoNewPrivs: lambda s: "give up gaining privileges by exec",
    steps.LoadSeccomp: lambda s: f"load the seccomp filter ({len(s.program) // 8} instructions)"
    + (" and send its listener to the runtime" if s.flags & steps.NEW_LISTENER else ""),
    steps.KeepBounding: lambda s: f"bound capabilities to {capability_words(s.keep)}",
    steps.SetUser: lambda s: f"become user {s.uid}, group {s.gid}"
    + (f", groups {', '.join(map(str, s.groups))}" if s.groups else ""),
    steps.SetCapabilities: lambda s: f"set capabilities: effective {capability_words(s.effective)}"
    + f", permitted {capability_words(s.permitted)}, inheritable {capability_words(s.inheritable)}"
    + f", ambient {capability_words(s.ambient)}",
    steps.SetUmask: lambda s: f"set the umask to {s.mask:04o}",
    steps.Chdir: lambda s: f"change to directory {s.path}{_HOW_THERE.get(s.how, '')}",
    steps.SetHome: lambda s: f"look up the home of user {s.uid}",
    steps.FindExecutable: lambda s: f"find the program {s.name}",
    steps.WaitStart: lambda s: "report created, wait for start",
    steps.SetExecLabel: lambda s: f"set label {s.label} for the program",
    steps.Ready: lambda s: "report ready",
    steps.KeepFds: lambda s: f"close descriptors from {s.first} on at exec",
    steps.SetPersonality: lambda s: f"set personality {s.domain:#x}",
    steps.BecomeRoot: lambda s: "become the user namespace's root",
    steps.SetScheduler: lambda s: f"schedule as {s.name}",
    steps.SetIoPriority: lambda s: f"set the I/O priority to class {s.priority >> 13}, {s.priority & 7}",
    steps.SetAffinity: lambda s: f"run on CPUs: {s.cpus}",
    steps.OfferNetlink: lambda s: "have the runtime move network devices here",
    steps.SetMemoryPolicy: lambda s: f"take memory by {s.name}",
    steps.Exec: lambda s: f"execute {' '.join(s.argv)}",
}


def sentence(step: Step) -> str:
    """What the step does, in a few words with the object's name."""
    return _SENTENCES[type(step)](step)


def render(plan: Plan) -> str:
    """The whole plan, a numbered line a step, clauses on the right."""
    texts = [sentence(step) for step in plan.steps]
    width = min(72, max(map(len, texts), default=0))
    lines = [
        f"{number:3d}  {text:<{width}}  {step.clause}".rstrip()
        for number, (text, step) in enumerate(zip(texts, plan.steps), 1)
    ]
    return "\n".join(lines) + "\n"


def as_data(plan: Plan) -> list[dict[str, Any]]:
    """The plan for programs: name, sentence, clause and arguments of each step."""
    return [
        {
            "step": type(step).__name__,
            "does": sentence(step),
            "clause": step.clause,
            "arguments": {k: v.hex() if isinstance(v, bytes) else v for k, v in step.__dict__.items()},
        }
        for step in plan.steps
    ]
