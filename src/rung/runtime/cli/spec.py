"""``spec``: write a ``config.json`` to begin with."""

from __future__ import annotations

from rung import posix
from rung.errors import RungError
from rung.runtime.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cli.main import Call

COMMAND = Command(
    "spec",
    "",
    "write a config.json to begin with",
    '# rung-runtime spec --bundle hello\n# sed -i \'s/"sh"/"\\/bin\\/hello"/\' hello/config.json',
    (
        Flag(("bundle", "b"), "text", "directory to write it into (default: the current one)", ""),
        Flag(("rootless",), "bool", "for a container without privilege, run by this user", False),
    ),
    "It runs sh on a terminal, in new namespaces, with few capabilities and a read-only root.",
)


def run(call: Call) -> int:
    from rung.runtime.cli.json_text import indented
    from rung.spec.runtime.default import default_config, rootless_config

    if call.options["rootless"]:
        config = rootless_config(posix.geteuid(), posix.getegid(), cgroup_v2=only_v2())
    else:
        config = default_config(cgroup_v2=only_v2())
    path = posix.join(call.options["bundle"], "config.json")
    try:
        fd = posix.open(path, posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC, 0o666)
    except FileExistsError:
        raise RungError("write", path, "it exists already", "remove it first") from None
    with open(fd, "w", encoding="utf-8") as file:
        file.write(indented(config, "\t"))
    return 0


def only_v2() -> bool:
    """Whether all cgroups of this host are version 2: it has one hierarchy, with this file."""
    return posix.exists("/sys/fs/cgroup/cgroup.controllers")
