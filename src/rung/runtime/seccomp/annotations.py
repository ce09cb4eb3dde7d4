"""crun's annotations about the filter (crun.1), which Podman's users know.

``run.oci.seccomp_bpf_data`` is the filter itself, in base64, in place of what the configuration says;
``run.oci.seccomp_fail_unknown_syscall`` makes a name that no architecture here knows an error.
"""

from __future__ import annotations

from rung.runtime.errors import RuntimeFailure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PREFIX = "run.oci.seccomp_"
_PROGRAM = f"{PREFIX}bpf_data"
_FAIL_UNKNOWN = f"{PREFIX}fail_unknown_syscall"
_LARGEST = 4096 * 8  # BPF_MAXINSNS of struct sock_filter


def given_program(annotations: Mapping[str, str]) -> bytes:
    """The program that is given as it is; empty where none is."""
    if _PROGRAM not in annotations:
        return b""
    from binascii import Error, a2b_base64

    try:
        program = a2b_base64(annotations[_PROGRAM])
    except Error as error:
        raise RuntimeFailure("annotation", _PROGRAM, f"is not base64: {error}") from None
    if not program or len(program) % 8 or len(program) > _LARGEST:
        raise RuntimeFailure("annotation", _PROGRAM, f"{len(program)} bytes are no filter of 1 to 4096 instructions")
    return program


def check_names(annotations: Mapping[str, str], seccomp: Mapping[str, Any]) -> None:
    """That every call's name is known somewhere, where that is asked for."""
    if _FAIL_UNKNOWN not in annotations:
        return
    from rung.runtime.seccomp.architecture import ARCHITECTURES
    from rung.runtime.seccomp.numbers import numbers_of

    wanted = {name for syscall in seccomp.get("syscalls") or () for name in syscall["names"]}
    for kind in {architecture.numbers for architecture in ARCHITECTURES.values()}:
        wanted.difference_update(numbers_of(kind))
    if wanted:
        names = ", ".join(sorted(wanted))
        raise RuntimeFailure("linux.seccomp.syscalls", names, "no such system call", f"annotation {_FAIL_UNKNOWN}")
