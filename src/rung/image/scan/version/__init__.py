"""Which of two versions is newer, by the rules of the ecosystem that they belong to.

Rule: ``compare(kind, a, b)`` gives -1, 0 or 1 and never fails: what an ecosystem would refuse as
a version still has a place (mostly before all proper ones), because vulnerability data holds
everything. ``kind`` is a package URL's type (``deb``, ``apk``, ``rpm``, ``pypi``, ``npm``, ``golang``).
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MODULES = {"deb": "dpkg", "apk": "apk", "rpm": "rpm", "pypi": "pep440", "npm": "semver", "golang": "semver"}
_compared: dict[str, Callable[[str, str], int]] = {}


def compare(kind: str, a: str, b: str) -> int:
    """-1, 0 or 1 as ``a`` is older than, equal to or newer than ``b``."""
    found = _compared.get(kind)
    if found is None:
        found = _compared[kind] = import_module(f"{__name__}.{_MODULES[kind]}").compare
    return found(a, b)
