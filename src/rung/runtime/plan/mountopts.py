"""Mount options as people write them, taken apart into what the kernel's calls want.

The words are those of mount(8) and of the runtime specification (config.md#mounts,
Linux mount options). One list becomes: attributes to set and clear on the mount, the
same for the whole tree below (``rro`` and its kin), propagation, flags of the superblock, and
what is left over, which belongs to the file system itself.
"""

from __future__ import annotations

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

RDONLY, NOSUID, NODEV, NOEXEC = 0x1, 0x2, 0x4, 0x8
ATIME, NOATIME, STRICTATIME, RELATIME = 0x70, 0x10, 0x20, 0x0
NODIRATIME, NOSYMFOLLOW = 0x80, 0x200000

NO_FOLLOW, ONTO_LINK, COPY_LINK = 2, 64, 128  # as in MountBind's flags

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
    "norelatime": (RELATIME, ATIME),
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
    "iversion": "iversion",
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
    # crun's: a superblock has no "recursively"
    "rsync": "",
    "rasync": "",
    "rdirsync": "",
    "rmand": "",
    "rnomand": "",
}
#: Words that change nothing on a bind, so that they leave its source's attributes alone.
_VOID = ("defaults", "remount", "acl", "noacl")
#: crun's words about links: what each is in MountOptions.
LINKS = {"copy-symlink": COPY_LINK, "src-nofollow": NO_FOLLOW, "dest-nofollow": ONTO_LINK}
_ACCESS_TIMES = ("noatime", "relatime", "strictatime", "nodiratime")


class MountOptions(Record):
    """One option list, sorted by who acts on it.

    ``plain``: no word was about this mount's attributes; ``timed``: one set when access times
    are written; ``idmap`` is the word that asked for mapped ids, ``mapping`` crun's text after it."""

    set: int = 0
    clear: int = 0
    set_all: int = 0
    clear_all: int = 0
    propagation: int = 0
    bind: bool = False
    recursive: bool = False
    copy_up: bool = False
    links: int = 0
    plain: bool = True
    timed: bool = False
    idmap: str = ""
    mapping: str = ""
    flags: tuple[str, ...] = ()
    data: tuple[str, ...] = ()


def parse(options: Sequence[str]) -> MountOptions:
    """Later words win over earlier ones, as with mount(8)."""
    own, below = [0, 0], [0, 0]
    found: dict[str, Any] = {"flags": (), "data": (), "links": 0}
    for option in options:
        if option in ATTRIBUTES:
            _turn(own, *ATTRIBUTES[option])
            found["plain"] = False
            found["timed"] = found.get("timed", False) or option in _ACCESS_TIMES
        elif option in PROPAGATION:
            found["propagation"] = PROPAGATION[option]
        elif option in ("bind", "rbind"):
            found["bind"] = True
            found["recursive"] = found.get("recursive", False) or option == "rbind"
        elif option[:1] == "r" and option[1:] in ATTRIBUTES:
            _turn(below, *ATTRIBUTES[option[1:]])
        elif option in SUPERBLOCK:
            found["flags"] += (SUPERBLOCK[option],) if SUPERBLOCK[option] else ()
            found["plain"] = found.get("plain", True) and option in _VOID
        elif option:
            _other(option, found)
    return MountOptions(own[0], own[1], below[0], below[1], **found)


def _other(option: str, found: dict[str, Any]) -> None:
    word, _, mapping = option.partition("=")
    if option == "tmpcopyup":
        found["copy_up"] = True
    elif option in LINKS:
        found["links"] |= LINKS[option]
    elif word in ("idmap", "ridmap"):
        found["idmap"], found["mapping"] = word, mapping
    else:
        found["data"] += (option,)


def on_bind(options: MountOptions) -> tuple[int, int]:
    """Attributes to set and to clear on a bind.

    When access times are written changes only where a word sets it; words that only take back
    another one (``atime``, ``norelatime``) leave it as the source has it, as mount(8) does."""
    times = ATIME | NODIRATIME
    if not options.timed:
        return options.set & ~times, options.clear & ~times
    return options.set, options.clear | ATIME | (NODIRATIME & ~options.set)


def _turn(state: list[int], on: int, off: int) -> None:
    state[0] = state[0] & ~off | on
    state[1] = (state[1] | off) & ~(on & ~ATIME)


def known() -> list[str]:
    """Every word that is Rung's to understand, for the features document."""
    recursive = ["r" + word for word in ATTRIBUTES]
    own = ("bind", "rbind", "tmpcopyup", "idmap", "ridmap")
    return sorted({*ATTRIBUTES, *PROPAGATION, *SUPERBLOCK, *LINKS, *recursive, *own})
