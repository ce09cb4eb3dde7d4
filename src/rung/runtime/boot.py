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

#: Little endian: the word, where the head is and its length, time (ns) and size of the interpreter.
TRAILER = "<8sQQQQ"
TRAILER_SIZE = 40
WORD = b"RUNGPAK3"
#: The first argument when the launcher is called ``rung``, or as containerd's shim.
COMMAND, SHIM = "--rung", "--shim"


class Pack:
    """An importer over one file (``importlib.abc.MetaPathFinder`` and ``Loader``)."""

    def __init__(self, file: str) -> None:
        self._fd = open_file(file, O_RDONLY | O_CLOEXEC)
        end = fstat(self._fd).st_size - TRAILER_SIZE
        number = int.from_bytes
        trailer = pread(self._fd, TRAILER_SIZE, end)
        at, length = number(trailer[8:16], "little"), number(trailer[16:24], "little")
        #: command -> offset and length of the parts of its list of (module, code, source, time in ns, size,
        #: its package), each after those that it imports
        self._ahead: dict[str, list[tuple[int, int]]]
        #: What the names of all that is here begin with.
        self._names: tuple[str, ...]
        #: What every module of a folder begins with whose modules are all here.
        self._folders: tuple[str, ...]
        #: name -> (source, its time in ns, its size, is it a package, offset and length of the code).
        #: Most commands have all that they need ahead, and never ask for it: a third of a millisecond.
        self._index: dict[str, tuple[str, int, int, bool, int, int]] = {}
        self._index_at: tuple[int, int]
        self._ahead, self._names, self._folders, self._index_at, own = loads(pread(self._fd, length, at))
        self.stale = not _is_as(*own)

    def load_ahead(self, words: "list[str]") -> None:
        """Execute what the command among these words will import; a word that only looks like one does no harm.

        A list is executed whole or not at all, since a package and what it imports of its own are in one."""
        modules: list[tuple[str, CodeType, str, int, int, str]] = []
        for at, length in next((self._ahead[word] for word in words if word in self._ahead), ()):
            modules += loads(pread(self._fd, length, at))
        for _, _, source, time_ns, size, _ in modules:
            if not _is_as(source, time_ns, size):
                self.stale = True
                return
        known = sys.modules
        for name, code, source, _, _, package in modules:
            if name not in known:
                self._execute(name, code, source, package)
        for name, _, _, _, _, _ in modules:
            above, _, last = name.rpartition(".")
            if above:
                setattr(known[above], last, known[name])

    def _execute(self, name: str, code: "CodeType", source: str, package: str) -> None:
        """What the import system does, less the looking and the locks."""
        sys.modules[name] = module = type(sys)(name)
        names = module.__dict__
        names["__loader__"] = loader = self
        names["__spec__"] = spec = ModuleSpec(name, loader, origin=source)  # type: ignore[arg-type]
        names["__file__"] = source
        names["__package__"] = package
        if name == package:
            spec.submodule_search_locations = names["__path__"] = [source[: source.rindex("/")]]
        exec(code, names)

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> "ModuleSpec | None":
        """The module's, where the pack has it as it is now."""
        if not name.startswith(self._names):
            return None
        if not self._index:
            at, length = self._index_at
            self._index = loads(pread(self._fd, length, at))
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


def _other(pack: "Pack | None", home: str, name: str, prefix: str, module: str) -> None:
    """``rung`` or containerd's shim, from the same pack; what is ahead has its name before the command's."""
    sys.argv[:2] = [name]
    if pack:
        pack.load_ahead([f"{prefix} {word}" for word in sys.argv[1:]])
    # By its name: what begins here may stand above the runtime.
    status: int = __import__(module, fromlist=["run"]).run()
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
    first = sys.argv[1:2]
    if first == [COMMAND]:
        _other(pack, home, "rung", "rung", "rung.cli.main")
    if first == [SHIM]:
        _other(pack, home, "containerd-shim-rung-v2", "shim", "rung.shim.program.main")
    sys.argv[0] = "rung-runtime"
    if first == ["--warm-server"]:
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
