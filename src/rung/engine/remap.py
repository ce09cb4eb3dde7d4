"""User-namespace remapping: root of the containers is an ordinary user of the host's (``--userns-remap``).

As dockerd has it: the user's subordinate IDs (subuid(5)), one range behind the other, are the containers'; the engine's
data is below a directory of that root's number, so that an engine without remapping has its own beside it. Layers are
not shifted: they are shown shifted (``kernel/idmap.py``), so every layer is there once.
"""

from __future__ import annotations

import os

from rung.engine.errors import BadParameter, EngineError
from rung.kernel.subids import SUBGID, SUBUID, ranges
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    Range = tuple[int, int, int]

#: Docker's own user for it.
DEFAULT = "dockremap"


class Ids(Record):
    """Ranges of IDs: inside, outside, count."""

    uids: tuple[Range, ...]
    gids: tuple[Range, ...]

    @property
    def root(self) -> tuple[int, int]:
        """Who root of the containers is on the host."""
        return self.outside(0, 0)

    def outside(self, uid: int, gid: int) -> tuple[int, int]:
        """An owner inside, as the host has it. Raises ``BadParameter`` for one that there is not."""
        return _across(uid, self.uids, 0, 1), _across(gid, self.gids, 0, 1)

    def inside(self, uid: int, gid: int) -> tuple[int, int]:
        """An owner of the host's, as containers see it; one that is nobody's there is the overflow ID."""
        return _seen(uid, self.uids), _seen(gid, self.gids)

    def mappings(self) -> dict[str, Any]:
        """config-linux.md#user-namespace-mappings."""
        return {"uidMappings": _mappings(self.uids), "gidMappings": _mappings(self.gids)}


NOBODY = 65534


def _across(number: int, maps: Sequence[Range], source: int, target: int) -> int:
    for one in maps:
        if one[source] <= number < one[source] + one[2]:
            return number - one[source] + one[target]
    raise BadParameter(f"ID {number} is not among those of the containers' user namespace")


def _seen(number: int, maps: Sequence[Range]) -> int:
    try:
        return _across(number, maps, 1, 0)
    except BadParameter:
        return NOBODY


def _mappings(maps: Sequence[Range]) -> list[dict[str, int]]:
    return [{"containerID": inside, "hostID": outside, "size": count} for inside, outside, count in maps]


def remapped(text: str) -> Ids:
    """``default``, ``USER``, ``USER:GROUP``, by name or number. Raises ``EngineError``."""
    import grp
    import pwd

    user, _, group = (DEFAULT if text == "default" else text).partition(":")
    try:
        found = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except KeyError:
        raise EngineError(f"userns-remap {text}: there is no user {user}: useradd --system {user}") from None
    try:
        entry = grp.getgrnam(group) if group and not group.isdecimal() else grp.getgrgid(int(group or found.pw_gid))
        name, number = entry.gr_name, entry.gr_gid
    except KeyError:
        if group:
            raise EngineError(f"userns-remap {text}: there is no group {group}: groupadd --system {group}") from None
        name, number = found.pw_name, found.pw_gid
    return Ids(
        _ranges(text, SUBUID, "subuids", found.pw_name, found.pw_uid, found.pw_name),
        _ranges(text, SUBGID, "subgids", name, number, found.pw_name),
    )


def _ranges(text: str, path: str, flag: str, name: str, number: int, user: str) -> tuple[Range, ...]:
    """Each behind the one before, by their beginnings."""
    found, inside = [], 0
    for start, count in sorted(ranges(path, name, number)):
        found.append((inside, start, count))
        inside += count
    if not found:
        hint = f"usermod --add-{flag} 100000-165535 {user}"
        raise EngineError(f"userns-remap {text}: {name} has no range in {path}: {hint}")
    return tuple(found)


def is_remapped(host: Mapping[str, Any]) -> bool:
    """Whether a container of an engine that remaps is in the namespace, or in the host's. Raises ``BadParameter``."""
    mode = str(host.get("UsernsMode") or "")
    if mode not in ("", "host", "private"):
        raise BadParameter(f"invalid user namespace mode: {mode}")
    return mode != "host"


def check(host: Mapping[str, Any]) -> None:
    """What cannot be had in a user namespace, in dockerd's words. Raises ``BadParameter``."""
    if not is_remapped(host):
        return
    if host.get("Privileged"):
        said = "You must run the container in the host namespace when running privileged mode"
        raise BadParameter(f"privileged mode is incompatible with user namespaces.  {said}")
    if host.get("NetworkMode") == "host":
        raise BadParameter("cannot share the host's network namespace when user namespaces are enabled")
    if host.get("PidMode") == "host":
        raise BadParameter("cannot share the host PID namespace when user namespaces are enabled")


def directory(data: str, ids: Ids) -> str:
    """The engine's own below the data directory, which that root may go through."""
    user, group = ids.root
    os.makedirs(data, mode=0o711, exist_ok=True)
    path = f"{data}/{user}.{group}"
    try:
        os.mkdir(path, 0o710)
    except FileExistsError:
        pass
    os.chown(path, 0, group)
    return path
