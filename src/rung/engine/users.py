"""Users and groups by name, as the container's own files list them.

The files belong to the image: they are opened below the root file system with
``RESOLVE_IN_ROOT`` and read up to a bound.
"""

from __future__ import annotations

import os

from rung.engine.document.process import Identity
from rung.kernel.path import read_below
from rung.spec.passwd import GROUP_FIELDS, PASSWD_FIELDS, entries, resolve

_LIMIT_BYTES = 4 << 20


def identity(rootfs: str, user: str) -> Identity:
    """The numbers for ``user`` in the root file system. Raises ``RungError``."""
    root = os.open(rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        passwd = entries(read_below(root, "etc/passwd", _LIMIT_BYTES), PASSWD_FIELDS)
        return _resolve(user, passwd, entries(read_below(root, "etc/group", _LIMIT_BYTES), GROUP_FIELDS))
    finally:
        os.close(root)


def _resolve(user: str, passwd: list[list[str]], group: list[list[str]]) -> Identity:
    return Identity(*resolve(user, passwd, group).values())
