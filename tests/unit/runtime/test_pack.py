"""The pack: one file that the runtime's modules are imported from, and never a stale one."""

from __future__ import annotations

import marshal
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import native
from rung.runtime import boot, pack

SRC = Path(__file__).resolve().parents[3] / "src"
#: module -> what it imports as it is executed
IMPORTS = {
    name: pack.imported(pack.tree_of(source))
    for modules in (pack.modules, pack.modules_of_command, pack.modules_of_shim)
    for name, source, _ in modules(str(SRC))
}


class Tree:
    """A copy of the package with a launcher of its own."""

    def __init__(self, place: Path) -> None:
        self.home = place / "src"
        shutil.copytree(SRC, self.home, ignore=shutil.ignore_patterns("__pycache__", "_bin", "*.[ch]"))
        self.launcher = native.compile_launcher(
            place / "bin/rung-runtime", home=self.home, python=native.real_interpreter()
        )
        self.pack = Path(pack.pack_path(str(self.home)))

    def source(self, name: str) -> Path:
        return self.home / "rung" / name

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.launcher, *words], capture_output=True, text=True, check=False, timeout=60
        )

    def version(self) -> str:
        run = self.run("--version")
        assert (run.returncode, run.stderr) == (0, "")
        return run.stdout.split()[2]

    def opened(self) -> set[str]:
        """The files below the tree that a run opens, by their names."""
        trace = self.home / "trace"
        subprocess.run(
            ["strace", "-o", trace, "-e", "openat", self.launcher, "--version"], check=True, stdout=-3
        )
        lines = [
            line for line in trace.read_text().splitlines() if str(self.home) in line and "ENOENT" not in line
        ]
        return {Path(line.split('"')[1]).name for line in lines if "O_DIRECTORY" not in line}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_the_first_command_writes_it_and_the_second_reads_nothing_else(tree: Tree) -> None:
    assert tree.version() == "0.1.0"
    assert tree.opened() == {tree.pack.name}


def test_it_is_its_modules_own_pyc(tree: Tree) -> None:
    tree.version()
    code = (
        "import sys; sys.path.append(sys.argv[1]); import rung.runtime.boot as b; print(b.__cached__, b.WORD)"
    )
    run = subprocess.run(
        [sys.executable, "-IS", "-c", code, tree.home], capture_output=True, text=True, check=True
    )
    assert run.stdout == f"{tree.pack} {boot.WORD!r}\n"
    assert tree.pack.read_bytes().endswith(pack.content(str(tree.home))[-boot.TRAILER_SIZE :])


def test_a_changed_source_counts_and_the_pack_is_written_anew(tree: Tree) -> None:
    tree.version()
    source = tree.source("__init__.py")
    source.write_text(source.read_text().replace("0.1.0", "0.1.0.changed"))
    assert tree.version() == "0.1.0.changed"
    assert tree.opened() == {tree.pack.name}
    source.write_text(source.read_text().replace("changed", "CHANGED"))  # the same size, another time
    os.utime(source, (1_000_000_000, 1_000_000_000))  # by whole seconds, for Python's own .pyc
    assert tree.version() == "0.1.0.CHANGED"


def test_a_pyc_of_the_same_second_is_not_believed(tree: Tree) -> None:
    """Python compares whole seconds: a source that was changed twice within one has a stale .pyc."""
    source = tree.source("jsonc.py")
    made = pack.code_of("rung.jsonc", str(source))
    source.write_text(source.read_text() + "CHANGED = 1\n")
    assert len(pack.code_of("rung.jsonc", str(source))) > len(made)
    changed, stamp = source.read_text().replace("CHANGED", "changed"), source.stat().st_mtime
    source.write_text(changed)
    os.utime(source, (stamp, stamp))
    assert b"changed" in pack.code_of("rung.jsonc", str(source))


def test_a_module_that_is_gone_or_new_is_as_without_it(tree: Tree) -> None:
    tree.version()
    tree.source("runtime/cli/usage.py").rename(tree.source("runtime/cli/usage2.py"))
    assert "cannot import name 'usage'" in tree.run("--help").stderr
    tree.source("runtime/cli/usage2.py").rename(tree.source("runtime/cli/usage.py"))
    assert tree.run("--help").returncode == 0


def test_a_changed_boot_is_noticed(tree: Tree) -> None:
    tree.version()
    source = tree.source("runtime/boot.py")
    source.write_text(source.read_text().replace('"rung-runtime"', '"rung-runtime"  # changed'))
    before = tree.pack.stat().st_mtime_ns
    tree.version()
    assert tree.pack.stat().st_mtime_ns > before


def test_a_package_comes_with_what_it_imports_of_its_own() -> None:
    """Else, where one of them has changed, it would be imported twice, and what it raises not be caught."""
    imports = {
        "a": [],
        "a.b": ["a.b.c"],
        "a.b.c": ["a"],
        "rung.runtime.cli.state": ["a.b"],
        "rung.runtime.cli.kill": [],
    }
    assert pack.needed("state", imports) == ["a", "a.b.c", "a.b", "rung.runtime.cli.state"]
    assert pack.needed("kill", imports) == ["rung.runtime.cli.kill"]


@pytest.mark.parametrize("command", pack.AHEAD)
def test_what_comes_at_once_is_in_an_order_in_which_nothing_is_missing(command: str) -> None:
    there: set[str] = set()
    for name in pack.needed(command, IMPORTS):
        missing = {each for each in IMPORTS[name] if each in IMPORTS and not name.startswith(each)} - there
        assert not missing, name
        there.add(name)
    first = {"rung": "rung.cli.main", "shim": "rung.shim.program.main"}
    assert first.get(command.split()[0], f"rung.runtime.cli.{command}") in there


def test_parts_are_small_and_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "PART_BYTES", 100)
    entries: list[tuple[Any, ...]] = [
        (name, b"x" * size) for name, size in (("a", 40), ("b", 30), ("c", 500), ("d", 1))
    ]
    parts = [marshal.loads(part) for part in pack.parts_of(entries)]
    assert parts == [entries[:2], entries[2:3], entries[3:]]


def test_readers_words_are_left_out_and_records_keep_their_fields(tmp_path: Path) -> None:
    source = tmp_path / "one.py"
    source.write_text(
        '"""Doc."""\nclass A:\n    """Doc."""\n    x: int\ndef f(a: int) -> int:\n    """Doc."""\n    return a\n'
    )
    found: dict[str, Any] = {}
    exec(
        compile(pack.bare(pack.tree_of(str(source))), str(source), "exec", pack.FUTURE, dont_inherit=True),
        found,
    )
    assert (found["A"].__annotations__, found["f"].__annotations__, found["f"](3)) == ({"x": "int"}, {}, 3)
    assert [each.__doc__ for each in (found["A"], found["f"])] == ["", ""]
    assert found["f"].__code__.co_firstlineno == 5


def test_tracebacks_show_the_source(tree: Tree) -> None:
    tree.version()
    run = tree.run("--debug", "state", "nobody")
    assert run.returncode == 1
    assert f'File "{tree.source("runtime/runtime.py")}"' in run.stderr
    assert "raise directory.missing()" in run.stderr


@pytest.mark.parametrize("damage", ["word", "interpreter", "empty", "directory"])
def test_what_is_no_pack_for_this_interpreter_is_passed_over(tree: Tree, damage: str) -> None:
    tree.version()
    content = bytearray(tree.pack.read_bytes())
    tree.pack.unlink()
    if damage == "directory":
        tree.pack.mkdir()
    else:
        content[{"word": -40, "interpreter": -1, "empty": 0}[damage]] ^= 1
        tree.pack.write_bytes(b"" if damage == "empty" else content)
    run = tree.run("--version")
    assert run.stdout.startswith("rung-runtime version 0.1.0")
    assert (run.returncode, run.stderr) == (0, "")
    if damage != "directory":
        assert tree.opened() == {tree.pack.name}


def test_where_nothing_can_be_written_it_goes_without(tree: Tree) -> None:
    if os.geteuid() == 0:
        words = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", tree.launcher, "--version"]
        for folder in (*reversed(tree.home.parents), tree.home):
            if folder.owner() == "root" and (folder.stat().st_mode & 0o5) != 0o5:
                folder.chmod(folder.stat().st_mode | 0o5)
    else:
        tree.source("runtime").chmod(0o555)
        words = [tree.launcher, "--version"]
    run = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    assert not tree.pack.exists()
