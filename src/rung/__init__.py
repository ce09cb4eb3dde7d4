"""Rung: the whole container stack as one package, a ladder of open standards.

Each subpackage is one rung; imports go down the ladder only:
``cli`` > ``engine`` > ``image``, ``client`` > ``runtime`` > ``trace`` > ``kernel``, ``spec`` > the leaves
in this folder (``record``, ``errors``, ``jsonc``), which import nothing of Rung.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.client import AsyncClient, Client, sandbox

__version__ = "0.1.0"

__all__ = ["AsyncClient", "Client", "__version__", "sandbox"]


def __getattr__(name: str) -> object:
    """The library's names, imported when they are asked for: ``import rung`` is every program's."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import rung.client

    return getattr(rung.client, name)
