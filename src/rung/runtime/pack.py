"""Writes the pack that ``boot.py`` imports the runtime from; see there for what it is.

Where the installation cannot be written to, there is none, and every module is imported
from its own file: the price is in docs/decisions/start-up.md.
"""

from __future__ import annotations

import sys
from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader, cache_from_source
from marshal import dumps
from struct import pack

from rung import posix
from rung.runtime.boot import TRAILER, WORD
from rung.runtime.state import read_file, write_atomically

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: What the runtime imports, below the directory that holds ``rung/``.
FOLDERS = ("rung/kernel", "rung/runtime", "rung/spec/runtime", "rung/trace")
#: Those of the standard library that are neither built in nor frozen.
STANDARD = ("__future__", "struct")
BOOT = "rung/runtime/boot.py"


def pack_path(home: str) -> str:
    """Where the pack of this interpreter lies: it is a module's ``.pyc``, so pip removes it, too."""
    found: str = cache_from_source(f"{home}/{BOOT}")
    return found


def write(home: str) -> None:
    """Write it, where this user may."""
    file = pack_path(home)
    folder = posix.dirname(file)
    if not posix.access(folder if posix.isdir(folder) else posix.dirname(folder), posix.W_OK):
        return
    try:
        posix.makedirs(folder, exist_ok=True)
        write_atomically(file, content(home), 0o644)
    except OSError:  # a full disk, say: the command that is done is no worse for it
        return


def content(home: str) -> bytes:
    """The pack's bytes."""
    boot = f"{home}/{BOOT}"
    status = posix.stat(boot)
    parts = [
        MAGIC_NUMBER,
        pack("<III", 0, int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF),
        dumps(SourceFileLoader("__main__", boot).source_to_code(read_file(boot), boot)),
    ]
    at = sum(map(len, parts))
    index = {}
    for name, source, package in modules(home):
        status = posix.stat(source)
        code = code_of(name, source)
        index[name] = (source, status.st_mtime_ns, status.st_size, package, at, len(code))
        parts.append(code)
        at += len(code)
    parts.append(dumps(index))
    interpreter = posix.stat("/proc/self/exe")
    parts.append(pack(TRAILER, WORD, at, len(parts[-1]), interpreter.st_mtime_ns, interpreter.st_size))
    return b"".join(parts)


def code_of(name: str, source: str) -> bytes:
    """A module's code, marshalled: from its own ``.pyc`` where that is surely the source's.

    Python takes a ``.pyc`` for good by whole seconds; one that is not a second younger than the
    source may be that of an earlier content, and the pack would keep it for ever."""
    loader = SourceFileLoader(name, source)
    try:
        sure = posix.stat(cache_from_source(source)).st_mtime_ns > posix.stat(source).st_mtime_ns + 1_000_000_000
    except OSError:
        sure = False
    return dumps(loader.get_code(name) if sure else loader.source_to_code(read_file(source), source))


def modules(home: str) -> Iterator[tuple[str, str, bool]]:
    """``(name, source, is it a package)`` of all that go in."""
    library = posix.dirname(posix.fsdecode(sys.modules["encodings"].__file__ or ""))
    for name in STANDARD:
        source = f"{posix.dirname(library)}/{name}.py"
        if posix.exists(source):
            yield name, source, False
    for folder in ("rung", "rung/spec"):
        yield from _packages_own(home, folder)
    for folder in FOLDERS:
        yield from _below(home, folder)


def _packages_own(home: str, folder: str) -> Iterator[tuple[str, str, bool]]:
    """The modules of one directory, not of those below it."""
    for entry in sorted(posix.listdir(f"{home}/{folder}")):
        if entry.endswith(".py") and f"{folder}/{entry}" != BOOT:
            package = entry == "__init__.py"
            path = folder if package else f"{folder}/{entry[:-3]}"
            yield path.replace("/", "."), f"{home}/{folder}/{entry}", package


def _below(home: str, folder: str) -> Iterator[tuple[str, str, bool]]:
    yield from _packages_own(home, folder)
    for entry in sorted(posix.listdir(f"{home}/{folder}")):
        if posix.exists(f"{home}/{folder}/{entry}/__init__.py"):
            yield from _below(home, f"{folder}/{entry}")
