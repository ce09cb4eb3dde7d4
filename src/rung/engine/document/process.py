"""The process: its words, environment, user, capabilities, limits."""

from __future__ import annotations

from rung.engine import defaults
from rung.engine.document import security
from rung.engine.errors import BadParameter
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

#: Where Rung's init program is shown in a container that wants one (``--init``).
INIT = "/sbin/docker-init"


class Identity(Record):
    """A user as numbers. ``home``: of its entry in the image's passwd file."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = "/"


def words(config: Mapping[str, Any]) -> list[str]:
    """Entrypoint and command. Raises ``BadParameter`` where there are none."""
    found = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    if not found or found == [""]:
        raise BadParameter("no command specified")
    return found


def process(
    config: Mapping[str, Any], host: Mapping[str, Any], identity: Identity, hostname: str, init: str
) -> dict[str, Any]:
    """config.md#process."""
    argv = words(config)
    terminal = bool(config.get("Tty"))
    found: dict[str, Any] = {
        "terminal": terminal,
        "user": {"uid": identity.uid, "gid": identity.gid, "additionalGids": list(identity.groups)},
        "args": [INIT, "--", *argv] if init else argv,
        "env": environment(config.get("Env") or (), terminal, hostname, identity.home),
        "cwd": config.get("WorkingDir") or "/",
        "capabilities": security.capability_sets(host, identity.uid),
        "noNewPrivileges": security.no_new_privileges(host),
        "oomScoreAdj": int(host.get("OomScoreAdj") or 0),
        "rlimits": [_limit(one) for one in host.get("Ulimits") or ()],
    }
    size = host.get("ConsoleSize") or [0, 0]
    if terminal and size[0] and size[1]:
        found["consoleSize"] = {"height": size[0], "width": size[1]}
    return found


def environment(given: Sequence[str], terminal: bool, hostname: str, home: str) -> list[str]:
    """Docker's own variables, unless they were given; a name alone takes one away."""
    found = {"PATH": defaults.PATH, "HOSTNAME": hostname}
    if terminal:
        found["TERM"] = "xterm"
    for word in given:
        name, is_set, value = word.partition("=")
        if is_set:
            found[name] = value
        else:
            found.pop(name, None)
    found.setdefault("HOME", home)
    return [f"{name}={value}" for name, value in found.items()]


def exec_process(
    config: Mapping[str, Any], host: Mapping[str, Any], asked: Mapping[str, Any], identity: Identity, hostname: str
) -> dict[str, Any]:
    """One more process of a container: what was asked for, over what the container has."""
    if not asked.get("Cmd"):
        raise BadParameter("No exec command specified")
    terminal = bool(asked.get("Tty"))
    privileged = {**host, "Privileged": True} if asked.get("Privileged") else host
    given = [*(config.get("Env") or ()), *(asked.get("Env") or ())]
    return {
        "terminal": terminal,
        "user": {"uid": identity.uid, "gid": identity.gid, "additionalGids": list(identity.groups)},
        "args": list(asked["Cmd"]),
        "env": environment(given, terminal, hostname, identity.home),
        "cwd": asked.get("WorkingDir") or config.get("WorkingDir") or "/",
        "capabilities": security.capability_sets(privileged, identity.uid),
        "noNewPrivileges": security.no_new_privileges(host),
        "rlimits": [_limit(one) for one in host.get("Ulimits") or ()],
    }


def _limit(one: Mapping[str, Any]) -> dict[str, Any]:
    soft, hard = int(one.get("Soft", 0)), int(one.get("Hard", 0))
    unlimited = (1 << 64) - 1
    return {
        "type": f"RLIMIT_{str(one.get('Name', '')).upper()}",
        "soft": soft if soft >= 0 else unlimited,
        "hard": hard if hard >= 0 else unlimited,
    }
