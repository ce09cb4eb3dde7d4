"""The flags that ``checkpoint`` and ``restore`` share, and what they mean to the library."""

from __future__ import annotations

from rung import posix
from rung.runtime.checkpoint.rpc import CGROUP_MODES, NETWORK_LOCKS
from rung.runtime.cli.options import Flag, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FLAGS = (
    Flag(("image-path",), "text", "directory of CRIU's images (default: checkpoint, in the current one)", ""),
    Flag(("work-path",), "text", "directory for CRIU's log (default: with the images)", ""),
    Flag(("tcp-established",), "bool", "save and restore open TCP connections", False),
    Flag(("ext-unix-sk",), "bool", "allow unix sockets that lead out of the container", False),
    Flag(("shell-job",), "bool", "allow a terminal that belongs to the caller", False),
    Flag(("file-locks",), "bool", "save and restore file locks", False),
    Flag(("manage-cgroups-mode",), "text", "what CRIU does with cgroups: soft, full, strict or ignore", ""),
    Flag(("network-lock",), "text", "how traffic is held up meanwhile: iptables, nftables or skip", ""),
    Flag(("empty-ns",), "texts", "namespace that is restored empty; network always is", None),
    Flag(("auto-dedup",), "bool", "drop pages from images as soon as they are superfluous", False),
    Flag(("lazy-pages",), "bool", "bring memory over on demand (userfaultfd)", False),
)


def criu_options(options: dict[str, Any]) -> dict[str, Any]:
    """What both take (``checkpoint.options.Options``)."""
    for kind in options["empty-ns"]:
        if kind != "network":
            raise UsageError(f'invalid value "{kind}" for flag -empty-ns: only network can be empty')
    return {
        "image_path": posix.abspath(options["image-path"] or "checkpoint"),
        "work_path": posix.abspath(options["work-path"]) if options["work-path"] else "",
        "tcp_established": options["tcp-established"],
        "ext_unix_sk": options["ext-unix-sk"],
        "shell_job": options["shell-job"],
        "file_locks": options["file-locks"],
        "auto_dedup": options["auto-dedup"],
        "lazy_pages": options["lazy-pages"],
        "manage_cgroups_mode": _one_of(options, "manage-cgroups-mode", CGROUP_MODES),
        "network_lock": _one_of(options, "network-lock", NETWORK_LOCKS),
    }


def _one_of(options: dict[str, Any], flag: str, known: dict[str, int]) -> str:
    given: str = options[flag]
    if given and given not in known:
        names = ", ".join(name for name in known if name)
        raise UsageError(f'invalid value "{given}" for flag -{flag}: use one of {names}')
    return given
