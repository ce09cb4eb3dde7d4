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
from rung.runtime.boot import TRAILER, WORD
from rung.runtime.state import read_file, write_atomically

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

#: What the runtime imports, below the directory that holds ``rung/``.
FOLDERS = ("rung/kernel", "rung/runtime", "rung/spec/runtime", "rung/trace")
#: What ``rung`` imports on the way to the engine: these folders' own modules, not of those below them.
COMMAND_FOLDERS = ("rung/cli", "rung/cli/commands", "rung/cli/link", "rung/http1")
#: Of the library, what it takes from there.
COMMAND_MODULES = ("rung/client/__init__.py", "rung/client/frames.py")
#: Those of the standard library that are neither built in nor frozen.
STANDARD = ("__future__", "struct")
BOOT = "rung/runtime/boot.py"
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
AHEAD = {
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
    index = {}
    for name, source, package in (*modules(home), *modules_of_command(home)):
        now = posix.stat(source)
        code = code_of(name, source)
        index[name] = (source, now.st_mtime_ns, now.st_size, package, at, len(code))
        parts.append(code)
        at += len(code)
    ahead: dict[str, list[tuple[int, int]]] = {}
    trees = {name: tree_of(entry[0]) for name, entry in index.items()}
    for commands, names in together({name: imported(tree) for name, tree in trees.items()}):
        parts.append(
            dumps(
                [
                    (name, compile(bare(trees[name]), index[name][0], "exec", FUTURE, dont_inherit=True))
                    for name in names
                ]
            )
        )
        for command in commands:
            ahead.setdefault(command, []).append((at, len(parts[-1])))
        at += len(parts[-1])
    folders = tuple(f"{folder.replace('/', '.')}." for folder in (*FOLDERS, "rung/cli/commands", "rung/cli/link"))
    parts.append(dumps((index, ahead, folders, (boot, status.st_mtime_ns, status.st_size))))
    interpreter = posix.stat("/proc/self/exe")
    parts.append(pack(TRAILER, WORD, at, len(parts[-1]), interpreter.st_mtime_ns, interpreter.st_size))
    return b"".join(parts)


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


def together(imports: dict[str, list[str]]) -> list[tuple[frozenset[str], list[str]]]:
    """Lists of modules with the commands that need all of each; a module comes after what it imports.

    What fewer commands need comes later, since whatever it imports is needed by these, too."""
    needed: dict[str, dict[str, None]] = {}
    for command, roots in AHEAD.items():
        needed[command] = {}
        always = () if command.startswith("rung ") else (*ALWAYS, f"rung.runtime.cli.{command}")
        for root in (*always, *roots):
            _add(root, imports, needed[command], set())
    order = dict.fromkeys(name for names in needed.values() for name in names)
    lists: dict[frozenset[str], list[str]] = {}
    for name in order:
        lists.setdefault(frozenset(each for each in needed if name in needed[each]), []).append(name)
    return sorted(lists.items(), key=lambda item: -len(item[0]))


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
