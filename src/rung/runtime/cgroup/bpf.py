"""Loading a device program into the kernel and attaching it to a cgroup: bpf(2).

Programs of a cgroup all must allow, so adding one only narrows, and one that this
runtime attached before is replaced: at no moment is there none. Imports ctypes, which is
why it is apart.
"""

from __future__ import annotations

import ctypes
from errno import EINVAL, EPERM

from rung import posix
from rung.posix import uname
from rung.runtime.cgroup.errors import CgroupError, failed
from rung.runtime.privilege import in_user_namespace

_SYSCALL = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "ppc64le": 361, "s390x": 351, "armv7l": 386}
_PROG_LOAD, _PROG_ATTACH, _PROG_DETACH, _PROG_GET_FD_BY_ID, _PROG_QUERY = 5, 8, 9, 13, 16
_TYPE_CGROUP_DEVICE = 15
_ATTACH_CGROUP_DEVICE = 6
_F_ALLOW_MULTI, _F_REPLACE = 2, 4
_INSN_SIZE = 8
_MOST_PROGRAMS = 64  # the kernel's limit for one cgroup
_NAME = b"rung_devices"
_LICENSE = b"Apache"


class _Load(ctypes.Structure):
    """bpf_attr of BPF_PROG_LOAD, up to prog_name."""

    _fields_ = [
        ("prog_type", ctypes.c_uint32),
        ("insn_cnt", ctypes.c_uint32),
        ("insns", ctypes.c_uint64),
        ("license", ctypes.c_uint64),
        ("log_level", ctypes.c_uint32),
        ("log_size", ctypes.c_uint32),
        ("log_buf", ctypes.c_uint64),
        ("kern_version", ctypes.c_uint32),
        ("prog_flags", ctypes.c_uint32),
        ("prog_name", ctypes.c_char * 16),
    ]


class _Attach(ctypes.Structure):
    """bpf_attr of BPF_PROG_ATTACH and BPF_PROG_DETACH."""

    _fields_ = [
        ("target_fd", ctypes.c_uint32),
        ("attach_bpf_fd", ctypes.c_uint32),
        ("attach_type", ctypes.c_uint32),
        ("attach_flags", ctypes.c_uint32),
        ("replace_bpf_fd", ctypes.c_uint32),
    ]


class _Query(ctypes.Structure):
    """bpf_attr of BPF_PROG_QUERY."""

    _fields_ = [
        ("target_fd", ctypes.c_uint32),
        ("attach_type", ctypes.c_uint32),
        ("query_flags", ctypes.c_uint32),
        ("attach_flags", ctypes.c_uint32),
        ("prog_ids", ctypes.c_uint64),
        ("prog_cnt", ctypes.c_uint32),
    ]


class _ById(ctypes.Structure):
    """bpf_attr of BPF_PROG_GET_FD_BY_ID."""

    _fields_ = [("id", ctypes.c_uint32), ("next_id", ctypes.c_uint32), ("open_flags", ctypes.c_uint32)]


def _bpf(command: int, attributes: ctypes.Structure) -> int:
    """The system call; raises ``OSError``."""
    number = _SYSCALL.get(uname().machine)
    if number is None:
        raise CgroupError("limit devices", "", f"bpf(2) has no known number on {uname().machine}")
    libc = ctypes.CDLL(None, use_errno=True)
    result: int = libc.syscall(
        ctypes.c_long(number),
        ctypes.c_int(command),
        ctypes.byref(attributes),
        ctypes.c_uint(ctypes.sizeof(attributes)),
    )
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, posix.strerror(error))
    return result


def load(program: bytes) -> int:
    """A descriptor of the program in the kernel. Raises ``OSError``."""
    instructions = ctypes.create_string_buffer(program, len(program))
    licence = ctypes.create_string_buffer(_LICENSE)
    attributes = _Load(
        prog_type=_TYPE_CGROUP_DEVICE,
        insn_cnt=len(program) // _INSN_SIZE,
        insns=ctypes.addressof(instructions),
        license=ctypes.addressof(licence),
        prog_name=_NAME,
    )
    try:
        return _bpf(_PROG_LOAD, attributes)
    except OSError as error:
        if error.errno != EPERM:
            raise
    # Before Linux 5.11 programs counted as locked memory.
    import resource

    resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return _bpf(_PROG_LOAD, attributes)


def attached(directory_fd: int) -> list[int]:
    """The ids of the device programs on a cgroup itself. Raises ``OSError``."""
    ids = (ctypes.c_uint32 * _MOST_PROGRAMS)()
    query = _Query(
        target_fd=directory_fd,
        attach_type=_ATTACH_CGROUP_DEVICE,
        prog_ids=ctypes.addressof(ids),
        prog_cnt=_MOST_PROGRAMS,
    )
    _bpf(_PROG_QUERY, query)
    return list(ids[: query.prog_cnt])


def attach(directory: str, program: bytes) -> None:
    """Make ``program`` the device program of a cgroup. Raises ``CgroupError``.

    In a user namespace nobody may use bpf(2), and the kernel lets nobody there make or
    reach a device that was not given; then there is nothing to attach."""
    try:
        fd = posix.open(directory, posix.O_RDONLY | posix.O_DIRECTORY | posix.O_CLOEXEC)
    except OSError as error:
        raise failed("limit devices in", error) from None
    new = -1
    try:
        new = load(program)
        _replace(fd, new, attached(fd))
    except (OSError, ValueError) as error:  # ValueError: the limit of locked memory cannot be raised
        number = error.errno if isinstance(error, OSError) else EPERM
        if number != EPERM or not in_user_namespace():
            raise _refused(directory, number or 0) from None
    finally:
        posix.close(fd)
        if new >= 0:
            posix.close(new)


def _refused(directory: str, number: int) -> CgroupError:
    hint = "bpf(2) needs CAP_BPF and CAP_NET_ADMIN"
    if number == EINVAL:
        hint = "the kernel needs CONFIG_CGROUP_BPF"
    return CgroupError("limit devices in", directory, posix.strerror(number), hint, number)


def _replace(directory_fd: int, new: int, old_ids: list[int]) -> None:
    """Attach ``new``; one old program is replaced in one go, several are detached after."""
    old = [_bpf(_PROG_GET_FD_BY_ID, _ById(id=number)) for number in old_ids]
    try:
        request = _Attach(directory_fd, new, _ATTACH_CGROUP_DEVICE, _F_ALLOW_MULTI, 0)
        if len(old) == 1:
            request.attach_flags |= _F_REPLACE
            request.replace_bpf_fd = old[0]
            try:
                _bpf(_PROG_ATTACH, request)
                return
            except OSError as error:
                if error.errno != EINVAL:  # Linux 5.6 brought BPF_F_REPLACE
                    raise
            request.attach_flags, request.replace_bpf_fd = _F_ALLOW_MULTI, 0
        _bpf(_PROG_ATTACH, request)
        for fd in old:
            _bpf(_PROG_DETACH, _Attach(directory_fd, fd, _ATTACH_CGROUP_DEVICE, 0, 0))
    finally:
        for fd in old:
            posix.close(fd)
