"""Numbers of the kernel as the words people know them by, for printing plans."""

from __future__ import annotations

import stat

from rung.runtime.plan.mountopts import ATIME, ATTRIBUTES, PROPAGATION
from rung.spec.runtime.names import CAPABILITIES, NAMESPACES

ALL_CAPABILITIES = (1 << len(CAPABILITIES)) - 1


def clone_words(flags: int) -> list[str]:
    """CLONE_NEW* bits as namespace types."""
    return [kind for kind, (flag, _) in NAMESPACES.items() if flags & flag]


def attribute_words(attributes: int) -> list[str]:
    """MOUNT_ATTR_* bits as mount options."""
    words = [
        word for word, (on, off) in ATTRIBUTES.items() if on and not off and on & attributes == on
    ]
    atime = attributes & ATIME
    return words + [w for w in ("noatime", "strictatime") if atime and ATTRIBUTES[w][0] == atime]


def propagation_words(flags: int) -> list[str]:
    """An MS_* propagation set as the option that names it."""
    return [word for word, value in PROPAGATION.items() if flags and value == flags]


def capability_words(mask: int) -> str:
    """A capability mask as names; all and none by those words."""
    if not mask:
        return "none"
    if mask & ALL_CAPABILITIES == ALL_CAPABILITIES:
        return "all"
    return "+".join(n.removeprefix("CAP_").lower() for n, bit in CAPABILITIES.items() if mask >> bit & 1)


def node_words(mode: int, major: int, minor: int) -> str:
    """A device node's type and number."""
    if stat.S_ISFIFO(mode):
        return "fifo"
    kind = "block" if stat.S_ISBLK(mode) else "character"
    return f"{kind} device {major}:{minor}"
