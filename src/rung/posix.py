"""The operating system's calls without the cost of ``os``.

``os`` is a millisecond and a quarter of every start: it brings the abstract collections along for
``os.environ``. Its calls themselves are the built-in module ``posix``; here they are with
the few helpers that the runtime takes from ``os`` and ``os.path``, same names, same meaning.

Rule: a function whose twin in ``os`` would surprise somebody does not belong here. File
names are UTF-8 (the launcher says ``-X utf8``), bytes that are not travel as surrogates.
"""

from __future__ import annotations

import posix as _posix
from posix import *  # noqa: F403
from posix import environ as _environ
from posix import getcwd, mkdir, stat

_exit = _posix._exit  # a star does not bring it
_path_normpath = _posix._path_normpath  # type: ignore[attr-defined]
SEEK_SET = 0
_ESRCH, _EINVAL = 3, 22
_S_IFMT, _S_IFDIR = 0o170000, 0o040000


def pidfd_open(pid: int, flags: int = 0) -> int:  # type: ignore[no-redef]
    """A descriptor of a process. Until Linux 6.15 one that is reaped at this very moment is EINVAL to the kernel, where
    it is ``ProcessLookupError`` an instant later, and here always."""
    try:
        return _posix.pidfd_open(pid, flags)
    except OSError as error:
        if error.errno == _EINVAL:
            raise ProcessLookupError(_ESRCH, "No such process") from None
        raise


def fsencode(name: str | bytes) -> bytes:
    """A file name as the kernel has it."""
    return name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")


def fsdecode(name: str | bytes) -> str:
    """A file name as text."""
    return name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")


def getenv(name: str, default: str = "") -> str:
    """A variable of the environment that this process was started with."""
    value = _environ.get(fsencode(name))
    return default if value is None else fsdecode(value)


def environment() -> dict[str, str]:
    """All of it."""
    return {fsdecode(name): fsdecode(value) for name, value in _environ.items()}


def join(path: str, *more: str) -> str:
    """``os.path.join``: an absolute part begins anew."""
    for part in more:
        if part[:1] == "/":
            path = part
        elif not path or path[-1] == "/":
            path += part
        else:
            path = f"{path}/{part}"
    return path


def normpath(path: str) -> str:
    """``os.path.normpath``: without ``.`` and ``..``; links are not followed."""
    found: str = _path_normpath(path)
    return found or "."


def abspath(path: str) -> str:
    """``os.path.abspath``: normalized, and from the root. The caller's directory may be gone."""
    return normpath(path if path[:1] == "/" else join(getcwd(), path))


def dirname(path: str) -> str:
    """``os.path.dirname``."""
    head = path[: path.rfind("/") + 1]
    return head.rstrip("/") or head


def exists(path: str) -> bool:
    """``os.path.exists``."""
    try:
        stat(path)
    except (OSError, ValueError):
        return False
    return True


def isdir(path: str) -> bool:
    """``os.path.isdir``."""
    try:
        return stat(path).st_mode & _S_IFMT == _S_IFDIR
    except (OSError, ValueError):
        return False


def makedirs(path: str, mode: int = 0o777, *, exist_ok: bool = False) -> None:
    """``os.makedirs``: ``mode`` is the last one's, those above it have the default."""
    above = dirname(path.rstrip("/"))
    if above and not exists(above):
        makedirs(above, exist_ok=True)
    try:
        mkdir(path, mode)
    except FileExistsError:
        if not exist_ok or not isdir(path):
            raise
