"""What CRIU is asked for, decided as data: the fields of ``criu_opts`` (rpc.py). Pure.

Namespaces. What a container has of its own CRIU saves and makes again, but for the network's
devices, which are the manager's business: an own network namespace has but ``lo`` after a restore. A
network or pid namespace that was joined by path is noted by name and joined anew (the path in
the bundle's config.json, which may be another one by then); so are the other kinds, for which
CRIU has a simpler way.
"""

from __future__ import annotations

from rung.runtime.checkpoint.rpc import CGROUP_MODES, NETWORK_LOCKS
from rung.runtime.errors import RuntimeFailure
from rung.runtime.plan.namespaces import new_and_joined
from rung.spec.runtime.names import NAMESPACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from rung.runtime.checkpoint.options import CheckpointOptions, Options, RestoreOptions
    from rung.spec.runtime.config import Config

DUMP_LOG, RESTORE_LOG = "dump.log", "restore.log"
CONFIG_FILE = "/etc/criu/runc.conf"  # where administrators keep what they want of CRIU in containers
_LOG_LEVEL = 4
_CLONE_NEWNET = 0x40000000
#: Kinds that CRIU leaves alone by name.
NAMED = ("network", "pid")


def _common(options: Options, config: Config, images_fd: int, work_fd: int, log: str) -> dict[str, Any]:
    found = {
        "images_dir_fd": images_fd,
        "log_level": _LOG_LEVEL,
        "log_file": log,
        "notify_scripts": True,
        "orphan_pts_master": True,
        "manage_cgroups": True,
        "manage_cgroups_mode": CGROUP_MODES[options.manage_cgroups_mode],
        "empty_ns": _CLONE_NEWNET,
        "shell_job": options.shell_job,
        "ext_unix_sk": options.ext_unix_sk,
        "tcp_established": options.tcp_established,
        "file_locks": options.file_locks,
        "auto_dedup": options.auto_dedup,
        "lazy_pages": options.lazy_pages,
    }
    if work_fd >= 0:
        found["work_dir_fd"] = work_fd
    if options.network_lock:
        found["network_lock"] = NETWORK_LOCKS[options.network_lock]
    wanted = (config.get("annotations") or {}).get("org.criu.config", CONFIG_FILE)
    if wanted:
        found["config_file"] = wanted
    return found


def dump_options(
    options: CheckpointOptions,
    config: Config,
    *,
    pid: int,
    root: str,
    images_fd: int,
    work_fd: int,
    freezer: str,
    inodes: Mapping[str, int],
    external: Sequence[str],
) -> dict[str, Any]:
    """For DUMP and PRE_DUMP. ``inodes``: of the namespaces in ``NAMED`` that were joined."""
    found = _common(options, config, images_fd, work_fd, DUMP_LOG)
    found |= {
        "pid": pid,
        "root": root,
        "leave_running": options.leave_running,
        "tcp_skip_in_flight": options.tcp_skip_in_flight,
        "link_remap": options.link_remap,
        "external": [f"{_short(kind)}[{inode}]:{_key(kind)}" for kind, inode in inodes.items()],
    }
    if freezer:
        found["freeze_cgroup"] = freezer
    address, port = options.page_server
    if port:
        found["ps"] = {"address": address, "port": port}
    if options.parent_path:
        found |= {"parent_img": options.parent_path, "track_mem": True}
    if options.pre_dump:
        found["track_mem"] = True
    else:
        found["external"] += external
    return found


def restore_options(
    options: RestoreOptions,
    config: Config,
    *,
    root: str,
    images_fd: int,
    work_fd: int,
    cgroups: Mapping[str, str],
    namespace_fds: Mapping[str, int],
    descriptors: Sequence[str],
    external: Sequence[str],
) -> dict[str, Any]:
    """For RESTORE. ``cgroups``: controller -> path in its hierarchy. ``namespace_fds``: what those
    of ``NAMED`` that are to be joined are in CRIU's hands. ``descriptors``: what 0, 1 and 2 were."""
    found = _common(options, config, images_fd, work_fd, RESTORE_LOG)
    found |= {
        "root": root,
        "evasive_devices": True,
        "rst_sibling": True,
        "tcp_close": options.tcp_close,
        "cg_root": [{"ctrl": controller, "path": path} for controller, path in cgroups.items()],
        "inherit_fd": [
            *({"key": _key(kind), "fd": fd} for kind, fd in namespace_fds.items()),
            *({"key": name, "fd": fd} for fd, name in enumerate(descriptors) if name.startswith("pipe:")),
        ],
        "join_ns": _to_join(config),
        "external": list(external),
    }
    if options.lsm_profile:
        found["lsm_profile"] = options.lsm_profile
    if options.lsm_mount_context:
        found["lsm_mount_context"] = options.lsm_mount_context
    return found


def named(config: Config) -> dict[str, str]:
    """The paths of the namespaces in ``NAMED`` that the container joins."""
    _, joined = new_and_joined(config)
    return {kind: joined[kind] for kind in NAMED if kind in joined}


def _to_join(config: Config) -> list[dict[str, str]]:
    _, joined = new_and_joined(config)
    if "cgroup" in joined:
        raise RuntimeFailure(
            "cannot restore into", f'cgroup namespace "{joined["cgroup"]}"', "CRIU joins none", "leave its path out"
        )
    return [{"ns": _short(kind), "ns_file": path} for kind, path in joined.items() if kind not in NAMED]


def _short(kind: str) -> str:
    """``net`` for ``network``, as below /proc/PID/ns."""
    return NAMESPACES[kind][1]


def _key(kind: str) -> str:
    """The name that runc and crun give it, so that their images can be restored, and ours by them."""
    return f"extRoot{_short(kind).capitalize()}NS"
