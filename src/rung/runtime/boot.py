"""Where ``rung-runtime`` begins: the file that the launcher gives to Python.

Importing a module costs some 45 µs of looking for it, whatever is in it, and a command
needs fifty. So this module's own ``.pyc`` becomes a *pack*: behind its code, where Python
does not look, lie the compiled modules of the whole runtime with an index, and they are
imported from there (``pack.py`` writes it, the first time that a command starts without). What
a command is sure to need is read and executed at once, in an order in which nothing has to be looked for.

Rule: a pack is a cache like any ``.pyc``. What lies in it is used while the source has the size and
time that it was made from; what is missing or stale is imported as ever, and the pack is
written anew. It imports nothing of Rung and nothing that costs.
"""

import gc
import sys
from _frozen_importlib import ModuleSpec
from marshal import loads
from posix import O_CLOEXEC, O_RDONLY, _exit, environ, fstat, pread, stat
from posix import open as open_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any

#: Little endian: the word, where the index is and its length, time (ns) and size of the interpreter.
TRAILER = "<8sQQQQ"
TRAILER_SIZE = 40
WORD = b"RUNGPAK2"
#: The first argument when the launcher is called ``rung``.
COMMAND = "--rung"


class Pack:
    """An importer over one file (``importlib.abc.MetaPathFinder`` and ``Loader``)."""

    def __init__(self, file: str) -> None:
        self._fd = open_file(file, O_RDONLY | O_CLOEXEC)
        end = fstat(self._fd).st_size - TRAILER_SIZE
        number = int.from_bytes
        trailer = pread(self._fd, TRAILER_SIZE, end)
        at, length = number(trailer[8:16], "little"), number(trailer[16:24], "little")
        #: name -> (source, its time in ns, its size, is it a package, offset and length of the code)
        self._index: dict[str, tuple[str, int, int, bool, int, int]]
        #: command -> offset and length of lists of (module, code), each after those that it imports
        self._ahead: dict[str, list[tuple[int, int]]]
        #: What every module of a folder begins with whose modules are all here.
        self._folders: tuple[str, ...]
        self._index, self._ahead, self._folders, own = loads(pread(self._fd, length, at))
        self.stale = not _is_as(*own)

    def load_ahead(self, words: "list[str]") -> None:
        """Execute what the command among these words will import; a word that only looks like one does no harm.

        A list is executed whole or not at all, since a package and what it imports of its own are in one."""
        known = self._ahead
        for at, length in next((known[word] for word in words if word in known), ()):
            modules: list[tuple[str, CodeType]] = loads(pread(self._fd, length, at))
            if not all(map(self._is_fresh, [name for name, _ in modules])):
                return
            for name, code in modules:
                if name not in sys.modules:
                    self._execute(name, code)
            for name, _ in modules:
                package, _, last = name.rpartition(".")
                if package:
                    setattr(sys.modules[package], last, sys.modules[name])

    def _execute(self, name: str, code: "CodeType") -> None:
        """What the import system does, less the looking and the locks."""
        sys.modules[name] = module = type(sys)(name)
        module.__spec__ = spec = self._spec(name)
        module.__loader__ = spec.loader
        module.__file__ = spec.origin
        module.__package__ = spec.parent
        if spec.submodule_search_locations is not None:
            module.__path__ = spec.submodule_search_locations
        exec(code, module.__dict__)

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> "ModuleSpec | None":
        """The module's, where the pack has it as it is now."""
        if name in self._index:
            return self._spec(name) if self._is_fresh(name) else None
        self.stale = self.stale or name.startswith(self._folders)
        return None

    def _is_fresh(self, name: str) -> bool:
        source, time_ns, size, _, _, _ = self._index[name]
        if _is_as(source, time_ns, size):
            return True
        self.stale = True
        return False

    def _spec(self, name: str) -> "ModuleSpec":
        source, _, _, package, _, _ = self._index[name]
        loader: Any = self
        spec = ModuleSpec(name, loader, origin=source, is_package=package)
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(source[: source.rindex("/")])
        return spec

    def create_module(self, _spec: "ModuleSpec") -> None:
        """As by default."""

    def exec_module(self, module: "ModuleType") -> None:
        """Its code is read now."""
        source, _, _, _, at, length = self._index[module.__name__]
        module.__file__ = source
        exec(loads(pread(self._fd, length, at)), module.__dict__)


def _is_as(source: str, time_ns: int, size: int) -> bool:
    """Whether a file is there and as it was."""
    try:
        now = stat(source)
    except OSError:
        return False
    return now.st_mtime_ns == time_ns and now.st_size == size


def _command_of_people(pack: "Pack | None", home: str) -> None:
    """``rung``, from the same pack; what is ahead has its name before the command's."""
    sys.argv[:2] = ["rung"]
    if pack:
        pack.load_ahead([f"rung {word}" for word in sys.argv[1:]])
    # By its name: what begins here may stand above the runtime.
    status: int = __import__("rung.cli.main", fromlist=["run"]).run()
    if pack is None or pack.stale:
        from rung.runtime.pack import write

        write(home)
    _exit(status)


def main() -> None:
    """Carry out the command line and end the process."""
    gc.set_threshold(50_000)  # importing makes few cycles: 1 to 3 ms of looking for them
    here: str = sys.argv[0]
    packed = here.endswith(".pyc")
    home = here.rsplit("/", 4 if packed else 3)[0]
    sys.path.append(home)  # last: nothing there can stand in for the standard library
    pack = Pack(here) if packed else None
    if pack:
        finders: list[Any] = sys.meta_path
        finders.insert(0, pack)
    if sys.argv[1:2] == [COMMAND]:
        _command_of_people(pack, home)
    sys.argv[0] = "rung-runtime"
    if sys.argv[1:2] == ["--warm-server"]:
        from rung.runtime.warm.start import main as server

        server()
        _exit(0)
    if pack:
        pack.load_ahead(sys.argv)
    from rung.runtime.cli.main import main as command

    status = command()
    if pack is None or pack.stale:
        from rung.runtime.pack import write

        write(home)
    if environ.get(b"RUNG_WARM") not in (b"off", b"0"):
        from rung.runtime.warm.start import leave_behind, wanted

        if wanted(sys.argv[1:]):
            leave_behind(home, here)
    _exit(status)


if __name__ == "__main__":
    main()
