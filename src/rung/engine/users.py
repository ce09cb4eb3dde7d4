"""Users and groups by name, as the container's own files list them.

The files belong to the image: they are opened below the root file system with
``RESOLVE_IN_ROOT``, read up to a bound, and lines that make no sense are passed over,
as the C library does. Docker's rules: ``USER[:GROUP]``, names or numbers; a user by
number need not be listed.
"""

from __future__ import annotations

import errno
import os

from rung.engine.document.process import Identity
from rung.errors import RungError
from rung.kernel.errors import KernelError
from rung.kernel.path import openat2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_LIMIT_BYTES = 4 << 20
_ID_LIMIT = 1 << 31


def identity(rootfs: str, user: str) -> Identity:
    """The numbers for ``user`` in the root file system. Raises ``RungError``."""
    root = os.open(rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _resolve(user, list(_lines(root, "etc/passwd", 7)), list(_lines(root, "etc/group", 4)))
    finally:
        os.close(root)


def _resolve(user: str, passwd: list[list[str]], group: list[list[str]]) -> Identity:
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
    return Identity(uid, gid, groups, home or "/")


def _group_id(wanted: str, group: list[list[str]]) -> int:
    for entry in group:
        if entry[0] == wanted:
            return int(entry[2])
    if wanted.isdecimal() and int(wanted) < _ID_LIMIT:
        return int(wanted)
    raise RungError("unable to find group", wanted, "no matching entries in group file")


def _lines(root: int, path: str, fields: int) -> Iterator[list[str]]:
    for line in _read(root, path).splitlines():
        parts = line.split(":")
        if len(parts) >= fields and parts[2].isdecimal() and (fields != 7 or parts[3].isdecimal()):
            yield parts


def _read(root: int, path: str) -> str:
    try:
        fd = openat2(root, path, os.O_RDONLY | os.O_NONBLOCK)
    except KernelError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return ""
        raise
    try:
        return os.read(fd, _LIMIT_BYTES).decode("utf-8", "replace")
    finally:
        os.close(fd)
