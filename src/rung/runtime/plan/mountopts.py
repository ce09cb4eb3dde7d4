"""Mount options as people write them, taken apart into what the kernel's calls want.

The words are those of mount(8) and of the runtime specification (config.md#mounts,
Linux mount options). One list becomes: attributes to set and clear on the mount, the
same for the whole tree below (``rro`` and its kin), propagation, and what is left over,
which belongs to the file system itself.
"""

from __future__ import annotations

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

RDONLY, NOSUID, NODEV, NOEXEC = 0x1, 0x2, 0x4, 0x8
ATIME, NOATIME, STRICTATIME, RELATIME = 0x70, 0x10, 0x20, 0x0
NODIRATIME, NOSYMFOLLOW = 0x80, 0x200000

MS_REC, MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE, MS_SHARED = 1 << 14, 1 << 17, 1 << 18, 1 << 19, 1 << 20

#: word: (attributes it sets, attributes it clears). Any atime word clears the whole field.
ATTRIBUTES = {
    "ro": (RDONLY, 0),
    "rw": (0, RDONLY),
    "nosuid": (NOSUID, 0),
    "suid": (0, NOSUID),
    "nodev": (NODEV, 0),
    "dev": (0, NODEV),
    "noexec": (NOEXEC, 0),
    "exec": (0, NOEXEC),
    "nodiratime": (NODIRATIME, 0),
    "diratime": (0, NODIRATIME),
    "nosymfollow": (NOSYMFOLLOW, 0),
    "symfollow": (0, NOSYMFOLLOW),
    "noatime": (NOATIME, ATIME),
    "atime": (RELATIME, ATIME),
    "relatime": (RELATIME, ATIME),
    "norelatime": (STRICTATIME, ATIME),
    "strictatime": (STRICTATIME, ATIME),
    "nostrictatime": (RELATIME, ATIME),
}

PROPAGATION = {
    "private": MS_PRIVATE,
    "rprivate": MS_PRIVATE | MS_REC,
    "slave": MS_SLAVE,
    "rslave": MS_SLAVE | MS_REC,
    "shared": MS_SHARED,
    "rshared": MS_SHARED | MS_REC,
    "unbindable": MS_UNBINDABLE,
    "runbindable": MS_UNBINDABLE | MS_REC,
}

#: Words about the superblock: the flag that fsconfig takes, "" where there is nothing to say.
SUPERBLOCK = {
    "sync": "sync",
    "dirsync": "dirsync",
    "lazytime": "lazytime",
    "mand": "mand",
    "iversion": "i_version",
    "silent": "",
    "async": "",
    "nolazytime": "",
    "nomand": "",
    "noiversion": "",
    "loud": "",
    "defaults": "",
    "acl": "",
    "noacl": "",
    "remount": "",
}


class MountOptions(Record):
    """One option list, sorted by who acts on it."""

    set: int = 0
    clear: int = 0
    set_all: int = 0
    clear_all: int = 0
    propagation: int = 0
    bind: bool = False
    recursive: bool = False
    copy_up: bool = False
    idmap: bool = False
    data: tuple[str, ...] = ()


def parse(options: Sequence[str]) -> MountOptions:
    """Later words win over earlier ones, as with mount(8)."""
    own, below = [0, 0], [0, 0]
    propagation = 0
    bind = recursive = copy_up = idmap = False
    data: list[str] = []
    for option in options:
        if option in ATTRIBUTES:
            _turn(own, *ATTRIBUTES[option])
        elif option in PROPAGATION:
            propagation = PROPAGATION[option]
        elif option in ("bind", "rbind"):
            bind, recursive = True, option == "rbind"
        elif option[:1] == "r" and option[1:] in ATTRIBUTES:
            _turn(below, *ATTRIBUTES[option[1:]])
        elif option == "tmpcopyup":
            copy_up = True
        elif option in ("idmap", "ridmap"):
            idmap = True
        elif option in SUPERBLOCK:
            data.extend([SUPERBLOCK[option]] if SUPERBLOCK[option] else [])
        elif option:
            data.append(option)
    return MountOptions(
        own[0], own[1], below[0], below[1], propagation, bind, recursive, copy_up, idmap, tuple(data)
    )


def _turn(state: list[int], on: int, off: int) -> None:
    state[0] = state[0] & ~off | on
    state[1] = (state[1] | off) & ~(on & ~ATIME)


def known() -> list[str]:
    """Every word that is Rung's to understand, for the features document."""
    recursive = ["r" + word for word in ATTRIBUTES]
    return sorted({*ATTRIBUTES, *PROPAGATION, *SUPERBLOCK, *recursive, "bind", "rbind", "tmpcopyup"})
