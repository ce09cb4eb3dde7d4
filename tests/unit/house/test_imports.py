"""Imports go down the ladder only, and into another rung only through its public face."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[3] / "src"

LEAVES = {"", *(file.stem for file in (SOURCES / "rung").glob("*.py"))}  # "": rung/__init__

#: From the ground up. A module may import rungs that stand on a lower line than its own.
LADDER = (
    LEAVES,
    {"spec", "kernel", "http1"},
    {"trace"},
    {"runtime"},
    {"image", "shim", "client"},
    {"engine"},
    {"cli"},
)
LEVEL = {rung: level for level, rungs in enumerate(LADDER) for rung in rungs}

#: The start of rung-runtime pays for every module; design.md: nothing at runtime/ or below imports these.
ABOVE_RUNTIME_ONLY = {"asyncio", "http", "urllib", "ssl", "sqlite3"}

#: Used by others only through the names their ``__init__`` gives, and their errors. (The files of
#: spec/ and kernel/ are each a face of its own: importing all for one call would cost the start.)
BEHIND_A_FACE = {"runtime", "shim", "image", "engine", "client"}

#: ``rung.Client`` is the library's face: given when it is asked for, so that nothing below pays for it.
GIVEN_BY_THE_ROOT = ("", "client")


def imports(file: Path) -> Iterator[tuple[int, str, str]]:
    """``(line, module, name)`` of every import in a file, lazy and typing-only ones included."""
    package = list(file.relative_to(SOURCES).with_suffix("").parts)[:-1]
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, module, alias.name) for alias in node.names)


def rung_of(module: str) -> str:
    """``rung.image.store`` -> ``image``."""
    return (module.split(".") + [""])[1]


def breaches(file: Path) -> Iterator[str]:
    """What is wrong with a file's imports, one sentence each."""
    own = rung_of(".".join(file.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__"))
    own = "" if own == "__init__" else own
    if own not in LEVEL:
        yield f"{file}: rung {own} has no place in the ladder of this test"
        return
    for line, module, name in imports(file):
        at = f"{file.relative_to(SOURCES)}:{line}"
        if module.split(".")[0] != "rung":
            if LEVEL[own] <= LEVEL["runtime"] and module.split(".")[0] in ABOVE_RUNTIME_ONLY:
                yield f"{at}: {module} is too heavy for {own}"
            continue
        other = rung_of(module) or (name if name in LEVEL else "")
        if other == own or (own, other) == GIVEN_BY_THE_ROOT or (own in LEAVES and other in LEAVES):
            continue
        if LEVEL.get(other, 99) >= LEVEL[own]:
            yield f"{at}: {own} imports {other}, which does not stand below it"
        elif other in BEHIND_A_FACE and module not in ("rung", f"rung.{other}", f"rung.{other}.errors"):
            yield f"{at}: {module} is an inside of {other}: use the names that rung.{other} gives"


FILES = sorted((SOURCES / "rung").rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCES / "rung")))
def test_imports_go_down_the_ladder(file: Path) -> None:
    assert list(breaches(file)) == []


def test_the_check_sees_a_breach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.SOURCES", tmp_path)
    bad = tmp_path / "rung/kernel/bad.py"
    bad.parent.mkdir(parents=True)
    bad.write_text("def f():\n  from ..runtime import plan\n  import asyncio\n  from rung import image\n")
    assert [text.split(": ", 1)[1] for text in breaches(bad)] == [
        "kernel imports runtime, which does not stand below it",
        "asyncio is too heavy for kernel",
        "kernel imports image, which does not stand below it",
    ]
    bad = tmp_path / "rung/cli/bad.py"
    bad.parent.mkdir(parents=True)
    bad.write_text("from rung.runtime import Runtime\nfrom rung.runtime.plan import compile\n")
    assert [text.split(": ", 1)[1] for text in breaches(bad)] == [
        "rung.runtime.plan is an inside of runtime: use the names that rung.runtime gives",
    ]


@pytest.mark.parametrize("package", sorted(BEHIND_A_FACE))
def test_no_public_name_is_a_module_of_its_package(package: str) -> None:
    """``from package import name`` would give the module, once something has imported it."""
    face = import_module(f"rung.{package}")
    modules = {path.stem for path in (SOURCES / "rung" / package).iterdir() if path.suffix in ("", ".py")}
    assert not set(face.__all__) & modules
