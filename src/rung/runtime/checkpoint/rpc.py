"""CRIU's remote procedure calls.

A call is one protobuf message in one packet: ``criu_req`` to CRIU, ``criu_resp`` from it. The
numbers of the fields are those of ``images/rpc.proto`` in CRIU's source (its version 4.1), a proto2 file; only
what Rung says or hears is here.

Pure: no I/O.
"""

from __future__ import annotations

from rung.spec.protobuf import BadMessage, Message, field, inner_kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["BadMessage"]

# criu_req_type
DUMP, RESTORE, PRE_DUMP, NOTIFY, FEATURE_CHECK = 1, 2, 4, 6, 9

#: criu_cg_mode, by the names that ``--manage-cgroups-mode`` takes; "" is CRIU's own default.
CGROUP_MODES = {"": 6, "ignore": 0, "soft": 3, "full": 4, "strict": 5}
#: criu_network_lock_method
NETWORK_LOCKS = {"iptables": 1, "nftables": 2, "skip": 3}


class PageServer(Message, explicit=True):
    """criu_page_server_info"""

    address: str = field(1)
    port: int = field(2)


class CgroupRoot(Message, explicit=True):
    ctrl: str = field(1)
    path: str = field(2)


class InheritFd(Message, explicit=True):
    key: str = field(1)
    fd: int = field(2)


class JoinNamespace(Message, explicit=True):
    ns: str = field(1)
    ns_file: str = field(2)


class Options(Message, explicit=True):
    """criu_opts"""

    images_dir_fd: int = field(1)
    pid: int = field(2)
    leave_running: bool = field(3)
    ext_unix_sk: bool = field(4)
    tcp_established: bool = field(5)
    evasive_devices: bool = field(6)
    shell_job: bool = field(7)
    file_locks: bool = field(8)
    log_level: int = field(9)
    log_file: str = field(10)
    ps: PageServer = field(11, PageServer)
    notify_scripts: bool = field(12)
    root: str = field(13)
    parent_img: str = field(14)
    track_mem: bool = field(15)
    auto_dedup: bool = field(16)
    work_dir_fd: int = field(17)
    link_remap: bool = field(18)
    manage_cgroups: bool = field(24)
    cg_root: list[CgroupRoot] = field(25, CgroupRoot)
    rst_sibling: bool = field(26)
    inherit_fd: list[InheritFd] = field(27, InheritFd)
    manage_cgroups_mode: int = field(34)
    external: list[str] = field(37)
    empty_ns: int = field(38, unsigned=True)
    join_ns: list[JoinNamespace] = field(39, JoinNamespace)
    freeze_cgroup: str = field(44)
    tcp_skip_in_flight: bool = field(46)
    lazy_pages: bool = field(48)
    orphan_pts_master: bool = field(50)
    config_file: str = field(51)
    tcp_close: bool = field(52)
    lsm_profile: str = field(53)
    lsm_mount_context: str = field(63)
    network_lock: int = field(64)


class Features(Message, explicit=True):
    mem_track: bool = field(1)
    lazy_pages: bool = field(2)


class Request(Message, explicit=True):
    """criu_req"""

    type: int = field(1)
    opts: Options = field(2, Options)
    notify_success: bool = field(3)
    features: Features = field(5, Features)


class Restored(Message, explicit=True):
    """criu_restore_resp"""

    pid: int = field(1)


class Notice(Message, explicit=True):
    """criu_notify"""

    script: str = field(1)
    pid: int = field(2)


class Response(Message, explicit=True):
    """criu_resp"""

    type: int = field(1)
    success: bool = field(2)
    restore: Restored = field(4, Restored)
    notify: Notice = field(5, Notice)
    cr_errno: int = field(7)
    features: Features = field(8, Features)
    cr_errmsg: str = field(9)


def request(**fields: Any) -> bytes:
    """A ``criu_req``. Messages in it are dicts, repeated fields are lists. Raises ``TypeError`` for an unknown one."""
    return _message(Request, fields).encode()


def _message(kind: type[Message], fields: Mapping[str, Any]) -> Message:
    made = {}
    for name, value in fields.items():
        of = inner_kind(kind, name)
        if of is None:
            made[name] = value
        else:
            made[name] = [_message(of, each) for each in value] if isinstance(value, list) else _message(of, value)
    return kind(**made)
