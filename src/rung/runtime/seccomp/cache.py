"""Compiled filters, kept by the content that they were compiled from.

A profile compiles in some milliseconds, a manager starts a thousand containers with the
same one: the program is kept in a file whose name is the SHA-256 of everything it depends
on: the compiler's version, the machine, the section's text. Nothing is ever changed in
place; a file is written under another name and renamed.

    file    magic "RUNGBPF1" | SHA-256 of the program | the program

A file that was cut off or altered is noticed by its sum and made anew. The directory must
belong to the caller and be closed to all others: a filter that somebody else can write is
none. Where it cannot be written (full, read-only), filters are compiled each time.
"""

from __future__ import annotations

import posix

from rung import jsonc
from rung.errors import RungError
from rung.runtime.seccomp.flags import has_filter
from rung.sha2 import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from rung.spec.runtime.config import Seccomp

#: Changes whenever the same section compiles to another program.
COMPILER_VERSION: Final = 1

#: The directory is emptied of its oldest files beyond this number.
MOST_ENTRIES: Final = 512

#: What of a section the program depends on.
_COMPILED: Final = ("defaultAction", "defaultErrnoRet", "architectures", "syscalls")

_MAGIC: Final = b"RUNGBPF1"
_HEAD: Final = len(_MAGIC) + 32
_LARGEST: Final = _HEAD + 8 * 4096


def default_directory() -> str:
    """Where filters are kept: below /run for root, below XDG_RUNTIME_DIR for others, or nowhere."""
    if posix.geteuid() == 0:
        return "/run/rung/seccomp"
    users = posix.environ.get(b"XDG_RUNTIME_DIR", b"").decode("utf-8", "surrogateescape")
    return f"{users}/rung/seccomp" if users.startswith("/") else ""


def cached_filter(seccomp: Seccomp, directory: str = "", *, native: str = "", key: bytes = b"") -> bytes:
    """The program for ``seccomp`` (``compile_filter``), from ``directory`` where it is there.

    Left out, ``directory`` is the default one and ``native`` this machine. ``key`` may stand
    for the section's text where the caller has it at hand; the same key must mean the same
    section. Raises what ``compile_filter`` raises, and ``RungError`` where the directory is
    open to others."""
    if not has_filter(seccomp):
        return b""
    native = native or posix.uname().machine
    name = _name(seccomp, native, key)
    try:
        folder = _open_directory(directory or default_directory())
    except OSError:
        return _compile(seccomp, native)
    try:
        program = _read(folder, name)
        if program is None:
            program = _compile(seccomp, native)
            _write(folder, name, program)
        return program
    finally:
        posix.close(folder)


def _compile(seccomp: Seccomp, native: str) -> bytes:
    from rung.runtime.seccomp.compile import compile_filter

    return compile_filter(seccomp, native=native)


def _name(seccomp: Seccomp, native: str, key: bytes) -> str:
    text = key or jsonc.dumps({name: seccomp.get(name) for name in _COMPILED}).encode()
    kind = b"key" if key else b"json"
    name: str = sha256(b"%d\0%s\0%s\0%s" % (COMPILER_VERSION, native.encode(), kind, text)).hexdigest()
    return name


def _open_directory(path: str) -> int:
    """The directory, made where missing, once it is known to be ours alone."""
    flags = posix.O_RDONLY | posix.O_DIRECTORY | posix.O_NOFOLLOW | posix.O_CLOEXEC
    try:
        folder = posix.open(path, flags)
    except FileNotFoundError:
        for made, mode in ((path.rpartition("/")[0], 0o711), (path, 0o700)):
            try:
                posix.mkdir(made, mode)
            except FileExistsError:
                pass  # also where somebody else began at the same moment
        folder = posix.open(path, flags)
    info = posix.fstat(folder)
    if not _is_ours(info):
        posix.close(folder)
        hint = f"remove it, or chown it to {posix.geteuid()} and chmod it to 700"
        raise RungError("use the seccomp cache", path, "others can write there", hint)
    return folder


def _is_ours(info: posix.stat_result) -> bool:
    return info.st_uid == posix.geteuid() and not info.st_mode & 0o022


def _read(folder: int, name: str) -> bytes | None:
    """The program, or None where there is none that is whole."""
    try:
        file = posix.open(name, posix.O_RDONLY | posix.O_NOFOLLOW | posix.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return None
    try:
        info = posix.fstat(file)
        if not _is_ours(info):
            return None
        data = posix.read(file, _LARGEST + 1)
    except OSError:
        return None
    finally:
        posix.close(file)
    program = data[_HEAD:]
    if len(data) > _LARGEST or not program or len(program) % 8 or data[:_HEAD] != _head(program):
        return None
    return program


def _head(program: bytes) -> bytes:
    digest: bytes = sha256(program).digest()
    return _MAGIC + digest


def _write(folder: int, name: str, program: bytes) -> None:
    """Keep a program. What fails here costs the next start some milliseconds, no more."""
    temporary = f".{name}.{posix.getpid()}"
    flags = posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_NOFOLLOW | posix.O_CLOEXEC
    try:
        file = posix.open(temporary, flags, 0o600, dir_fd=folder)
        try:
            posix.write(file, _head(program) + program)
        finally:
            posix.close(file)
        posix.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        _trim(folder)
    except OSError:
        return


def _trim(folder: int) -> None:
    """Remove the oldest files (and what writers left that were killed) beyond the limit."""
    names = posix.listdir(folder)
    if len(names) <= MOST_ENTRIES:
        return
    aged = sorted((posix.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime, name) for name in names)
    for _, name in aged[: len(names) - MOST_ENTRIES // 2]:
        posix.unlink(name, dir_fd=folder)
