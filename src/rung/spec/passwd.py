"""Users and groups by name, as passwd(5) and group(5) list them. Pure.

Docker's and the image specification's rules (config.md, ``User``): ``USER[:GROUP]``, names or
numbers; a user by number need not be listed; lines that make no sense are passed over, as the C
library does.
"""

from __future__ import annotations

from rung.errors import RungError
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_ID_LIMIT = 1 << 31
PASSWD_FIELDS, GROUP_FIELDS = 7, 4


class Account(Record):
    """The numbers of a user; ``groups`` are those beside ``gid``."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


def entries(text: str, fields: int) -> list[list[str]]:
    """The lines of passwd or group that make sense."""
    found = [line.split(":") for line in text.splitlines()]
    return [
        parts
        for parts in found
        if len(parts) >= fields and parts[2].isdecimal() and (fields != PASSWD_FIELDS or parts[3].isdecimal())
    ]


def resolve(user: str, passwd: Sequence[Sequence[str]], group: Sequence[Sequence[str]]) -> Account:
    """The numbers for ``user``. Raises ``RungError``."""
    wanted, _, wanted_group = user.partition(":")
    wanted = wanted or "0"
    entry = next((e for e in passwd if e[0] == wanted), None)
    if entry is None and wanted.isdecimal():
        entry = next((e for e in passwd if e[2] == wanted), None)
    if entry is not None:
        uid, gid, home = int(entry[2]), int(entry[3]), entry[5]
    elif wanted.isdecimal() and int(wanted) < _ID_LIMIT:
        uid, gid, home = int(wanted), 0, ""
    else:
        raise RungError("unable to find user", wanted, "no matching entries in passwd file")
    groups: tuple[int, ...] = ()
    if wanted_group:
        gid = _group_id(wanted_group, group)
    elif entry is not None:
        groups = tuple(int(g[2]) for g in group if entry[0] in g[3].split(",") and int(g[2]) != gid)
    return Account(uid, gid, groups, home or "/")


def _group_id(wanted: str, group: Sequence[Sequence[str]]) -> int:
    for entry in group:
        if entry[0] == wanted:
            return int(entry[2])
    if wanted.isdecimal() and int(wanted) < _ID_LIMIT:
        return int(wanted)
    raise RungError("unable to find group", wanted, "no matching entries in group file")
