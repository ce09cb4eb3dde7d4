"""CRIU's remote procedure calls as bytes.

A call is one protobuf message in one packet: ``criu_req`` to CRIU, ``criu_resp`` from it. The
numbers of the fields are those of ``images/rpc.proto`` in CRIU's source (its version 4.1); only
what Rung says or hears is here. https://protobuf.dev/programming-guides/encoding gives the rest:
a field is its number and its kind, then a varint or a length and bytes.

Pure: no I/O.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# criu_req_type
DUMP, RESTORE, PRE_DUMP, NOTIFY, FEATURE_CHECK = 1, 2, 4, 6, 9

#: criu_cg_mode, by the names that ``--manage-cgroups-mode`` takes; "" is CRIU's own default.
CGROUP_MODES = {"": 6, "ignore": 0, "soft": 3, "full": 4, "strict": 5}
#: criu_network_lock_method
NETWORK_LOCKS = {"iptables": 1, "nftables": 2, "skip": 3}

#: Messages: name -> number of each field, with the table of its own fields where it is a message.
_PAIR = {"key": 1, "fd": 2}
_OPTIONS: dict[str, Any] = {
    "images_dir_fd": 1,
    "pid": 2,
    "leave_running": 3,
    "ext_unix_sk": 4,
    "tcp_established": 5,
    "evasive_devices": 6,
    "shell_job": 7,
    "file_locks": 8,
    "log_level": 9,
    "log_file": 10,
    "ps": (11, {"address": 1, "port": 2}),
    "notify_scripts": 12,
    "root": 13,
    "parent_img": 14,
    "track_mem": 15,
    "auto_dedup": 16,
    "work_dir_fd": 17,
    "link_remap": 18,
    "manage_cgroups": 24,
    "cg_root": (25, {"ctrl": 1, "path": 2}),
    "rst_sibling": 26,
    "inherit_fd": (27, _PAIR),
    "manage_cgroups_mode": 34,
    "external": 37,
    "empty_ns": 38,
    "join_ns": (39, {"ns": 1, "ns_file": 2}),
    "freeze_cgroup": 44,
    "tcp_skip_in_flight": 46,
    "lazy_pages": 48,
    "orphan_pts_master": 50,
    "config_file": 51,
    "tcp_close": 52,
    "lsm_profile": 53,
    "lsm_mount_context": 63,
    "network_lock": 64,
}
_FEATURES = {"mem_track": 1, "lazy_pages": 2}
_REQUEST = {"type": 1, "opts": (2, _OPTIONS), "notify_success": 3, "features": (5, _FEATURES)}
_RESPONSE = {
    "type": 1,
    "success": 2,
    "restore": (4, {"pid": 1}),
    "notify": (5, {"script": 1, "pid": 2}),
    "cr_errno": 7,
    "features": (8, _FEATURES),
    "cr_errmsg": 9,
}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class BadMessage(ValueError):
    """Bytes that are no message."""


def request(**fields: Any) -> bytes:
    """A ``criu_req``. Messages are dicts, repeated fields are lists."""
    return _encode(_REQUEST, fields)


def response(message: bytes) -> dict[str, Any]:
    """A ``criu_resp``: the known fields that it has. Raises ``BadMessage``."""
    return _decode(_RESPONSE, message)


# --- encoding -----------------------------------------------------------------------


def _encode(table: Mapping[str, Any], fields: Mapping[str, Any]) -> bytes:
    out = bytearray()
    for name, value in fields.items():
        entry = table[name]
        number, inner = entry if isinstance(entry, tuple) else (entry, {})
        for each in value if isinstance(value, list) else [value]:
            out += _field(number, _encode(inner, each) if isinstance(each, dict) else each)
    return bytes(out)


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value & 0xFFFFFFFFFFFFFFFF)
    data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return _varint(number << 3 | _BYTES) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


# --- decoding -----------------------------------------------------------------------


def _decode(table: Mapping[str, Any], message: bytes) -> dict[str, Any]:
    names = {entry[0] if isinstance(entry, tuple) else entry: name for name, entry in table.items()}
    found: dict[str, Any] = {}
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        raw, at = _read_value(message, at, key & 7)
        name = names.get(key >> 3)
        if name is None:
            continue
        entry = table[name]
        if not isinstance(raw, bytes):
            found[name] = raw
        elif isinstance(entry, tuple):
            found[name] = _decode(entry[1], raw)
        else:
            found[name] = raw.decode("utf-8", "replace")
    return found


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise BadMessage("a number does not end")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _read_value(message: bytes, at: int, kind: int) -> tuple[int | bytes, int]:
    if kind == _VARINT:
        value, at = _read_varint(message, at)
        return value - (1 << 64) if value >> 63 else value, at
    if kind == _BYTES:
        length, at = _read_varint(message, at)
    elif kind in (_FIXED32, _FIXED64):
        length = 4 if kind == _FIXED32 else 8
    else:
        raise BadMessage(f"a field of kind {kind}")
    if length > len(message) - at:
        raise BadMessage("a field is longer than its message")
    return message[at : at + length], at + length
