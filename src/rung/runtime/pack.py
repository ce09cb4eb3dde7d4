"""Writes the pack that ``boot.py`` imports the runtime from; see there for what it is.

Where the installation cannot be written to, there is none, and every module is imported
from its own file: the price is in docs/decisions/start-up.md.
"""

from __future__ import annotations

import _ast
import sys
from _ast import PyCF_ONLY_AST
from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader, cache_from_source
from marshal import dumps
from struct import pack

from rung import posix
from rung.files import read_file, write_atomically
from rung.runtime.boot import TRAILER, WORD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

#: What the runtime imports, below the directory that holds ``rung/``.
FOLDERS = ("rung/kernel", "rung/runtime", "rung/spec/runtime", "rung/trace")
#: What ``rung`` imports on the way to the engine, and for a help: these folders' own modules, not of those below them.
COMMAND_FOLDERS = (
    *("rung/cli", "rung/cli/commands", "rung/cli/image", "rung/cli/image/api", "rung/cli/link"),
    "rung/http1",
)
#: Of the library, what it takes from there.
COMMAND_MODULES = ("rung/client/__init__.py", "rung/client/frames.py")
#: containerd's shim, with all that it keeps containers by.
SHIM_FOLDERS = ("rung/shim", "rung/spec/shim")
SHIM_MODULES = ("rung/spec/protobuf.py",)
#: Of these every module is here: one that is not has come since.
WHOLE = (*FOLDERS, "rung/cli/commands", "rung/cli/image", "rung/cli/link", *SHIM_FOLDERS)
#: Those of the standard library that are neither built in nor frozen.
STANDARD = ("__future__", "struct")
BOOT = "rung/runtime/boot.py"
#: So much at once: memory that is touched for the first time costs a microsecond a page, and
#: from 128 KiB on malloc asks the kernel for it each time.
PART_BYTES = 48 << 10
#: What every module asks the compiler for.
FUTURE = annotations.compiler_flag

#: What is executed at once: of every command, and by command, beside its own module. All of it is needed
#: by a command that does what it is for; a test holds that.
ALWAYS = ("rung.runtime.cli.main", "rung.runtime.cli.log", "rung.runtime.runtime")
_MAKING = (
    "rung.runtime.create",
    "rung.spec.runtime.rules",
    "rung.runtime.cgroup.controllers.cpuset",
    "rung.runtime.cgroup.controllers.devices",
)
#: ``rung COMMAND``: a table of its own (``rung.cli.table``) says where each is.
_ASKING = ("rung.cli.main", "rung.cli.link.engine")
#: ``containerd-shim-rung-v2 ACTION``: what is sure to be needed of a bundle that holds a configuration.
AHEAD = {
    "shim start": ("rung.shim.program.main", "rung.shim.program.start"),
    "shim delete": ("rung.shim.program.main", "rung.shim.program.delete"),
    "shim serve": ("rung.shim.program.main", "rung.shim.program.serve"),
    "rung run": (*_ASKING, "rung.cli.commands.run", "rung.client.frames"),
    "rung exec": (*_ASKING, "rung.cli.commands.inside", "rung.cli.creation", "rung.client.frames"),
    "rung ps": (*_ASKING, "rung.cli.commands.listing"),
    "create": _MAKING,
    "run": (*_MAKING, "rung.runtime.foreground", "rung.runtime.signals"),
    "exec": (
        "rung.runtime.enter",
        "rung.spec.runtime.rules_process",
        "rung.runtime.foreground",
        "rung.runtime.signals",
    ),
    "start": ("rung.runtime.cgroup", "rung.runtime.plan.wire"),
    "state": ("rung.runtime.cgroup",),
    "kill": ("rung.runtime.cgroup", "rung.runtime.signals"),
    "delete": ("rung.runtime.cgroup",),
    "list": ("rung.runtime.cgroup",),
}


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

    def put(data: bytes) -> tuple[int, int]:
        nonlocal at
        parts.append(data)
        at += len(data)
        return at - len(data), len(data)

    index: dict[str, tuple[str, int, int, bool, int, int]] = {}
    for name, source, package in (*modules(home), *modules_of_command(home), *modules_of_shim(home)):
        now = posix.stat(source)
        index[name] = (source, now.st_mtime_ns, now.st_size, package, *put(code_of(name, source)))
    ahead = {command: [put(part) for part in parts_of(found)] for command, found in lists(index).items()}
    names = tuple(dict.fromkeys(name.partition(".")[0] for name in index))
    folders = tuple(f"{folder.replace('/', '.')}." for folder in WHOLE)
    index_at = put(dumps(index))
    head = put(dumps((ahead, names, folders, index_at, (boot, status.st_mtime_ns, status.st_size))))
    interpreter = posix.stat("/proc/self/exe")
    parts.append(pack(TRAILER, WORD, *head, interpreter.st_mtime_ns, interpreter.st_size))
    return b"".join(parts)


def lists(index: dict[str, tuple[str, int, int, bool, int, int]]) -> dict[str, list[tuple[Any, ...]]]:
    """What is executed ahead of each command, as ``boot.Pack`` reads it."""
    trees = {name: tree_of(entry[0]) for name, entry in index.items()}
    imports = {name: imported(tree) for name, tree in trees.items()}
    entries: dict[str, tuple[Any, ...]] = {}
    for name in dict.fromkeys(name for command in AHEAD for name in needed(command, imports)):
        source, time_ns, size, package, _, _ = index[name]
        code = compile(bare(trees[name]), source, "exec", FUTURE, dont_inherit=True)
        entries[name] = (name, code, source, time_ns, size, name if package else name.rpartition(".")[0])
    return {command: [entries[name] for name in needed(command, imports)] for command in AHEAD}


def parts_of(entries: list[tuple[Any, ...]]) -> Iterator[bytes]:
    """A list in pieces that are read and unmarshalled one after another, each into the memory of the one before."""
    part: list[tuple[Any, ...]] = []
    room = PART_BYTES
    for entry in entries:
        size = len(dumps(entry))
        if size > room and part:
            yield dumps(part)
            part, room = [], PART_BYTES
        part.append(entry)
        room -= size
    yield dumps(part)


def code_of(name: str, source: str) -> bytes:
    """A module's code, marshalled: from its own ``.pyc`` where that is surely the source's.

    Python takes a ``.pyc`` for good by whole seconds; one that is not a second younger than the
    source may be that of an earlier content, and the pack would keep it for ever."""
    loader = SourceFileLoader(name, source)
    try:
        sure = (
            posix.stat(cache_from_source(source)).st_mtime_ns > posix.stat(source).st_mtime_ns + 1_000_000_000
        )
    except OSError:
        sure = False
    return dumps(loader.get_code(name) if sure else loader.source_to_code(read_file(source), source))


def tree_of(source: str) -> _ast.Module:
    """A module's syntax tree without ``from __future__``, to be compiled with ``FUTURE`` instead.

    ``import ast`` would cost a first command more than all its own modules."""
    tree = compile(read_file(source), source, "exec", PyCF_ONLY_AST, dont_inherit=True)
    assert isinstance(tree, _ast.Module)
    tree.body = [each for each in tree.body if not isinstance(each, _ast.ImportFrom) or each.module != "__future__"]
    return tree


def imported(tree: _ast.Module) -> list[str]:
    """What a module imports as it is executed, in order; names that are no modules' are among them."""
    found = []
    for statement in tree.body:
        if isinstance(statement, _ast.Import):
            found += [each.name for each in statement.names]
        elif isinstance(statement, _ast.ImportFrom) and statement.module:
            found += [statement.module, *(f"{statement.module}.{each.name}" for each in statement.names)]
    return found


def bare(node: Any) -> Any:
    """A syntax tree without what only readers and type checkers want of functions and classes; lines stay true.

    A fifth of the code's size, and of the time that it takes. Annotations of classes stay: records have their fields
    from them."""
    if (
        isinstance(node, _ast.Expr)
        and isinstance(node.value, _ast.Constant)
        and isinstance(node.value.value, str)
    ):
        node.value.value = ""  # a docstring
    elif isinstance(node, (_ast.FunctionDef, _ast.AsyncFunctionDef)):
        node.returns = None
    elif isinstance(node, _ast.arg):
        node.annotation = None
    for field in node._fields:
        value = getattr(node, field)
        for each in value if type(value) is list else (value,):
            if isinstance(each, _ast.AST):
                bare(each)
    return node


def needed(command: str, imports: dict[str, list[str]]) -> list[str]:
    """The modules of ``AHEAD`` with all that they import as they are executed; each after those that it imports.

    One list a command, though many have the same in them: what is read at once has each of its names once."""
    own = () if " " in command else (*ALWAYS, f"rung.runtime.cli.{command}")
    found: dict[str, None] = {}
    seen: set[str] = set()
    for root in (*own, *AHEAD[command]):
        _add(root, imports, found, seen)
    return list(found)


def _add(name: str, imports: dict[str, list[str]], to: dict[str, None], seen: set[str]) -> None:
    if name not in imports or name in seen:
        return
    seen.add(name)
    for other in (name.rpartition(".")[0], *imports[name]):
        _add(other, imports, to, seen)
    to[name] = None


def modules(home: str) -> Iterator[tuple[str, str, bool]]:
    """``(name, source, is it a package)`` of all that the runtime has."""
    library = posix.dirname(posix.fsdecode(sys.modules["encodings"].__file__ or ""))
    for name in STANDARD:
        source = f"{posix.dirname(library)}/{name}.py"
        if posix.exists(source):
            yield name, source, False
    for folder in ("rung", "rung/spec"):
        yield from _packages_own(home, folder)
    for folder in FOLDERS:
        yield from _below(home, folder)


def modules_of_command(home: str) -> Iterator[tuple[str, str, bool]]:
    """Those that ``rung`` has beside them. Not for who imports all of the runtime: one is run by being imported."""
    for folder in COMMAND_FOLDERS:
        yield from _packages_own(home, folder)
    for module in COMMAND_MODULES:
        package = module.endswith("__init__.py")
        yield module[:-3].removesuffix("/__init__").replace("/", "."), f"{home}/{module}", package


def modules_of_shim(home: str) -> Iterator[tuple[str, str, bool]]:
    """Those that containerd's shim has beside them."""
    for folder in SHIM_FOLDERS:
        yield from _below(home, folder)
    for module in SHIM_MODULES:
        yield module[:-3].replace("/", "."), f"{home}/{module}", False


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
