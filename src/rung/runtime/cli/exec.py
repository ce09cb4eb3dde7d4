"""``exec``: run one more process in a container.

What it is comes from ``--process``, or from the container's own process changed by the
flags. The exit status is the process's; 255 where it could not be run, as with runc, so
that it can be told from most programs' own.
"""

from __future__ import annotations

from rung.errors import RungError
from rung.runtime.cli.options import Command, Flag
from rung.runtime.cli.process_flags import (
    CONSOLE_SOCKET,
    DETACH,
    PID_FILE,
    PIDFD_SOCKET,
    PRESERVE_FDS,
    process_options,
    send_pidfd,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from rung.runtime.cli.main import Call

COMMAND = Command(
    "exec",
    "<container-id> <command> [arguments...] | --process process.json <container-id>",
    "run one more process in a container",
    "# rung-runtime exec --tty --env TERM=xterm web1 sh",
    (
        Flag(("process", "p"), "text", "file with the process to run, as in config.json", ""),
        Flag(("tty", "t"), "bool", "give it a terminal", False),
        Flag(("env", "e"), "texts", "NAME=VALUE, added to the environment (repeatable)"),
        Flag(("cwd",), "text", "working directory in the container", ""),
        Flag(("user", "u"), "text", "UID or UID:GID", ""),
        Flag(("additional-gids", "g"), "ints", "one more group id (repeatable)"),
        Flag(("cap", "c"), "texts", "one more capability (repeatable)"),
        Flag(("no-new-privs",), "bool", "never gain privileges by executing a file"),
        Flag(("apparmor",), "text", "AppArmor profile", ""),
        Flag(("process-label",), "text", "SELinux label", ""),
        Flag(("cgroup",), "texts", "[controllers:]PATH of a cgroup below the container's own"),
        Flag(("ignore-paused",), "bool", "also in a paused container; it waits until that is resumed", False),
        DETACH,
        CONSOLE_SOCKET,
        PIDFD_SOCKET,
        PID_FILE,
        PRESERVE_FDS,
    ),
    least=1,
    most=-1,
    interleaved=False,
)


def run(call: Call) -> int:
    from rung.runtime import ExecOptions

    options = call.options
    container = call.runtime().get(call.arguments[0])
    if options["process"]:
        process = read_process(options["process"])
    else:
        process = changed(container.config.get("process") or {}, options, call.arguments[1:])
    terminal = process.get("terminal") is True
    check_console(terminal, options["detach"], options["console-socket"])
    how = {**process_options(call), "ignore_paused": options["ignore-paused"]}
    how["cgroups"] = cgroups_below(options["cgroup"])
    if options["detach"]:
        started = container.exec(process, ExecOptions(**how))
        send_pidfd(options["pidfd-socket"], started.pid)
        return 0
    from rung.runtime.foreground import Foreground

    with Foreground(terminal=terminal) as foreground:
        started = container.exec(process, ExecOptions(console_fd=foreground.console_fd, **how))
        send_pidfd(options["pidfd-socket"], started.pid)
        return foreground.stay(started)


def read_process(path: str) -> dict[str, Any]:
    """The process of a ``process.json``; what it must hold is checked by exec."""
    from rung import jsonc
    from rung.files import read_file

    try:
        process = jsonc.loads(read_file(path))
    except ValueError as error:
        raise RungError("process", f'"{path}"', f"is not JSON: {error}") from None
    if not isinstance(process, dict):
        raise RungError("process", f'"{path}"', "must be a JSON object")
    return process


def changed(process: Mapping[str, Any], options: Mapping[str, Any], command: Sequence[str]) -> dict[str, Any]:
    """The container's process with another command and what the flags say."""
    if not command:
        raise RungError("exec", "", "no command was given", "name one, or use --process FILE")
    found = {**process, "args": list(command), "terminal": options["tty"]}
    found["env"] = [*(process.get("env") or ()), *options["env"]]
    found["user"] = changed_user(process.get("user") or {}, options["user"], options["additional-gids"])
    if options["cap"]:
        found["capabilities"] = with_capabilities(process.get("capabilities") or {}, options["cap"])
    if options["cwd"]:
        found["cwd"] = options["cwd"]
    if options["no-new-privs"] is not None:
        found["noNewPrivileges"] = options["no-new-privs"]
    if options["apparmor"]:
        found["apparmorProfile"] = options["apparmor"]
    if options["process-label"]:
        found["selinuxLabel"] = options["process-label"]
    return found


def changed_user(user: Mapping[str, Any], given: str, more_groups: Sequence[int]) -> dict[str, Any]:
    """``UID[:GID]`` over the container's user; a group that is not named stays."""
    found = dict(user)
    if given:
        uid, colon, gid = given.partition(":")
        found["uid"] = _id(uid, given)
        if colon:
            found["gid"] = _id(gid, given)
    if more_groups:
        if min(more_groups) < 0:
            raise RungError("use --additional-gids", str(min(more_groups)), "it must not be negative")
        found["additionalGids"] = [*(user.get("additionalGids") or ()), *more_groups]
    return found


def _id(text: str, given: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise RungError("use --user", f'"{given}"', f'"{text}" is not a number', "UID or UID:GID")
    return int(text)


def with_capabilities(sets: Mapping[str, Any], more: Sequence[str]) -> dict[str, Any]:
    """Added where an executed file keeps them. Ambient ones need inheritable ones
    (capabilities(7)), which runc leaves as they are: so do we."""
    from rung.spec.runtime.names import CAPABILITIES

    for name in more:
        if name not in CAPABILITIES:
            raise RungError("use --cap", f'"{name}"', "is not a capability", "as CAP_NET_RAW")
    names = ["bounding", "effective", "permitted"] + ["ambient"] * bool(sets.get("inheritable"))
    return {**sets, **{name: [*(sets.get(name) or ()), *more] for name in names}}


def check_console(terminal: bool, detach: bool, socket: str) -> None:
    """That a terminal has somebody at its other end, and a console socket a terminal."""
    if terminal and detach and not socket:
        raise RungError("make a terminal", "", "with --detach it needs --console-socket")
    if socket and not (terminal and detach):
        raise RungError("use --console-socket", socket, "it goes with --detach and a terminal")


def cgroups_below(given: Sequence[str]) -> dict[str, str]:
    """Controller -> path below the container's cgroup, of ``[controllers:]PATH``; "" is all controllers."""
    found: dict[str, str] = {}
    for word in given:
        names, colon, path = word.partition(":")
        if not colon:
            if len(given) > 1:
                raise RungError("use --cgroup", word, "of several each must name its controllers", "CONTROLLERS:PATH")
            return {"": word}
        for name in names.split(","):
            if not name or name in found:
                what = f"controller {name} comes twice" if name else "no controller before the colon"
                raise RungError("use --cgroup", word, what)
            found[name] = path
    return found
