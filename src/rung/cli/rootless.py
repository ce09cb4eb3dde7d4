"""Image commands as an ordinary user: root in a user namespace of one's own, data below the home directory.

Rule: a command that writes images' files is moved into the namespace before it does anything
else (there must be one thread only); what it unpacks belongs to the user's subordinate IDs.
``RUNG_ROOTLESS_UID`` says to whoever is started within that this has been done.
"""

from __future__ import annotations

import sys

from rung import posix
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MARK = "RUNG_ROOTLESS_UID"
_LEAST = 65_536


def _variable(name: str) -> str:
    """A variable of the environment now: ``become_root`` sets one, in ``os``, which ``--help`` does not load."""
    loaded = sys.modules.get("os")
    return str(loaded.environ.get(name, "")) if loaded else posix.getenv(name)


def _home() -> str:
    """``~``."""
    if home := _variable("HOME"):
        return home
    import pwd

    return pwd.getpwuid(posix.getuid()).pw_dir


def is_ordinary() -> bool:
    """Whether an ordinary user calls, from within ``rung unshare`` too."""
    return posix.geteuid() != 0 or bool(_variable(MARK))


def data_root() -> str:
    """Where images and containers are kept (XDG base directories for an ordinary user)."""
    if not is_ordinary():
        return "/var/lib/rung"
    return posix.join(_variable("XDG_DATA_HOME") or f"{_home()}/.local/share", "rung")


def config_home() -> str:
    """Where an ordinary user's settings are."""
    return posix.join(_variable("XDG_CONFIG_HOME") or f"{_home()}/.config", "rung")


def run_root() -> str:
    """Where an ordinary user's engine has its sockets."""
    user = _variable(MARK) or posix.geteuid()
    return posix.join(_variable("XDG_RUNTIME_DIR") or f"/tmp/rung-{user}", "rung")


def state_root() -> str:
    """Where running containers are noted."""
    if not is_ordinary():
        return "/run/rung/runtime"
    user = _variable(MARK) or posix.geteuid()
    return posix.join(_variable("XDG_RUNTIME_DIR") or f"/tmp/rung-{user}", "rung/runtime")


def become_root() -> None:
    """Be root in a user namespace, unless this process is root already."""
    if posix.geteuid() == 0:
        return
    import os

    from rung.kernel.userns import enter_new, keep_mounts_inside

    user, group = os.geteuid(), os.getegid()
    name = _name(user)
    uids, gids = _ranges("/etc/subuid", name, user), _ranges("/etc/subgid", name, user)
    said, go = os.pipe2(os.O_CLOEXEC)
    helper = os.fork()
    if not helper:
        os.close(go)
        _map_when_told(said, os.getppid(), _mapping(user, uids), _mapping(group, gids))
    os.close(said)
    try:
        enter_new()
        os.write(go, b"x")
    finally:
        os.close(go)  # without a word, the helper ends
        _, status = os.waitpid(helper, 0)
    if status:
        hint = "are newuidmap and newgidmap installed, and set-uid root?"
        raise RungError("newuidmap", "", "cannot map the user's subordinate IDs", hint)
    keep_mounts_inside()
    os.environ[MARK] = str(user)


def _map_when_told(said: int, pid: int, uids: list[str], gids: list[str]) -> None:
    """The helper, outside of the namespace: it is over when this returns. It never does."""
    import os

    status = 1
    try:
        if os.read(said, 1):
            for program, mapping in (("newuidmap", uids), ("newgidmap", gids)):
                child = os.posix_spawnp(program, [program, str(pid), *mapping], os.environ)
                if os.waitpid(child, 0)[1]:
                    break
            else:
                status = 0
    except OSError as error:
        os.write(2, f"rung: {program}: {error.strerror}\n".encode())
    finally:
        os._exit(status)


def _mapping(own: int, ranges: Iterable[tuple[int, int]]) -> list[str]:
    """newuidmap(1)'s words: 0 is oneself, 1 and up the subordinate IDs."""
    words, inside = ["0", str(own), "1"], 1
    for start, count in ranges:
        words += [str(inside), str(start), str(count)]
        inside += count
    return words


def _name(user: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return ""


def _ranges(path: str, name: str, user: int) -> list[tuple[int, int]]:
    """The ranges of IDs that subuid(5) or subgid(5) gives a user."""
    from rung.kernel.subids import ranges

    found = ranges(path, name, user)
    if sum(count for _, count in found) < _LEAST - 1:
        what = "uids" if path.endswith("subuid") else "gids"
        hint = f"root can give them: usermod --add-sub{what} 100000-165535 {name or user}"
        raise RungError("rootless", "", f"user {name or user} has not enough subordinate IDs in {path}", hint)
    return found
