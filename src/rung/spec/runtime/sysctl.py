"""Which kernel parameters a container may set, and the file of each.

/proc/sys is only partly namespaced: a parameter outside the container's own namespaces
is the host's. The list follows runc's, which managers rely on.
"""

from __future__ import annotations

from rung.spec.errors import SpecError, shown

_IPC = (
    "kernel/msgmax",
    "kernel/msgmnb",
    "kernel/msgmni",
    "kernel/sem",
    "kernel/shmall",
    "kernel/shmmax",
    "kernel/shmmni",
    "kernel/shm_rmid_forced",
)


def sysctl_path(key: str) -> str:
    """The file below /proc/sys, as ``net/ipv4/ip_forward``.

    sysctl(8): dots and slashes both separate; the one that comes first decides, and the
    other then stands for itself: ``net.ipv4.conf.eno2/100.forwarding`` is eno2.100."""
    dot, slash = key.find("."), key.find("/")
    if dot == -1 or (slash != -1 and slash < dot):
        return key
    return key.translate({ord("."): "/", ord("/"): "."})


def namespace_of(path: str) -> str:
    """The type of namespace that a parameter (``sysctl_path``) belongs to; "" for the host's."""
    if path in _IPC or path.startswith("fs/mqueue/"):
        return "ipc"
    if path.startswith("net/"):
        return "network"
    if path == "kernel/domainname":
        return "uts"
    return "user" if path.startswith("user/") else ""


def check_sysctls(sysctls: dict[str, str], namespaces: dict[str, str]) -> None:
    """Raises ``SpecError`` for a parameter that is not in one of the container's namespaces.

    A network namespace joined by path may still be the host's: that is for the runtime to see."""
    for key in sysctls:
        field = f"linux.sysctl[{shown(key)}]"
        path = sysctl_path(key)
        if any(part in ("", ".", "..") for part in path.split("/")):
            raise SpecError(field, "is not the name of a kernel parameter")
        if path == "kernel/hostname":
            raise SpecError(field, "is set by another field", 'write "hostname" at the top')
        kind = namespace_of(path)
        if not kind:
            raise SpecError(field, "belongs to the host", "no namespace holds this parameter")
        if kind not in namespaces:
            raise SpecError(field, f"belongs to the host's {kind} namespace", f"add a {kind} namespace")
