"""What makes a seccomp section wrong: config-linux.md#seccomp.

``at`` is the prefix of the fields' paths: ``"linux.seccomp."`` or "".
"""

from __future__ import annotations

from rung.spec.errors import SpecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.spec.runtime.config import Config, Seccomp

#: crun's other way to name the agent.
RECEIVER = "run.oci.seccomp.receiver"


def check_seccomp(seccomp: Seccomp, at: str) -> None:
    """Every rule about a section that has passed the schema."""
    if not seccomp.get("defaultAction"):
        if seccomp.get("syscalls"):
            raise SpecError(
                f"{at}defaultAction", "missing", 'give the action for all else, as "SCMP_ACT_ERRNO"'
            )
        return
    _check_errno(seccomp["defaultAction"], seccomp.get("defaultErrnoRet"), f"{at}defaultErrnoRet")
    if seccomp["defaultAction"] == "SCMP_ACT_NOTIFY":
        # Nothing would run until the agent answers, not even what gives it the listener.
        raise SpecError(f"{at}defaultAction", "SCMP_ACT_NOTIFY cannot be used as default action")
    for index, syscall in enumerate(seccomp.get("syscalls", [])):
        field = f"{at}syscalls[{index}]"
        _check_errno(syscall["action"], syscall.get("errnoRet"), f"{field}.errnoRet")
        if syscall["action"] == "SCMP_ACT_NOTIFY" and "write" in syscall["names"]:
            # As in runc, so that a profile means the same under both.
            raise SpecError(f"{field}.names", "SCMP_ACT_NOTIFY cannot be used for the write syscall")
        for number, arg in enumerate(syscall.get("args", [])):
            if arg["index"] > 5:
                raise SpecError(
                    f"{field}.args[{number}].index", f"{arg['index']} is past the last argument, 5"
                )


def _check_errno(action: str, number: int | None, field: str) -> None:
    """ "When the action doesn't support an errno, the runtime MUST print and error and fail." """
    if number is None:
        return
    if number > 0xFFFF:
        raise SpecError(field, f"{number} is outside 0 to 65535")
    if action not in ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"):
        raise SpecError(field, f"{action} returns no number", "only SCMP_ACT_ERRNO and SCMP_ACT_TRACE do")


def check_listener(config: Config) -> None:
    """That whoever is to be asked is named."""
    seccomp = config["linux"]["seccomp"]
    path = listener_path(config)
    if seccomp.get("listenerMetadata") and not path:
        raise SpecError(
            "linux.seccomp.listenerMetadata", "is for nobody", "give linux.seccomp.listenerPath, or leave it out"
        )
    for index, syscall in enumerate(seccomp.get("syscalls", [])):
        if syscall["action"] == "SCMP_ACT_NOTIFY" and not path:
            raise SpecError(
                "linux.seccomp.listenerPath",
                "missing",
                f"the agent's socket, which syscalls[{index}] needs for SCMP_ACT_NOTIFY",
            )
    if path and path[0] not in "/@":
        raise SpecError("linux.seccomp.listenerPath", f'"{path}" is not an absolute path')
    if len(path.encode()) > 107:
        raise SpecError("linux.seccomp.listenerPath", "is longer than the 107 bytes of a socket's address")


def listener_path(config: Config) -> str:
    """The agent's socket: ``listenerPath``, or crun's annotation; "" where there is none."""
    given = config["linux"]["seccomp"].get("listenerPath")
    return given or config.get("annotations", {}).get(RECEIVER, "")
