"""Rung 1, the OCI runtime: a bundle in, an isolated process out.

    from rung.runtime import Runtime

    container = Runtime("/run/example").create("web", "/path/to/bundle")
    container.start()
    status = container.wait()
    container.delete()

Names are resolved on first use, so that a command pays only for what it touches.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.container import Container
    from rung.runtime.enter import ExecOptions, Process
    from rung.runtime.plan.request import Plan
    from rung.runtime.runtime import DEFAULT_ROOT, Runtime
    from rung.runtime.spawn import Stdio

_PUBLIC = {
    "Container": "rung.runtime.container",
    "ExecOptions": "rung.runtime.enter",
    "Process": "rung.runtime.enter",
    "Plan": "rung.runtime.plan.request",
    "Runtime": "rung.runtime.runtime",
    "DEFAULT_ROOT": "rung.runtime.runtime",
    "Stdio": "rung.runtime.spawn",
}
__all__ = ["DEFAULT_ROOT", "Container", "ExecOptions", "Plan", "Process", "Runtime", "Stdio"]


def __getattr__(name: str) -> object:
    module = _PUBLIC.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import sys

    __import__(module)
    found: object = getattr(sys.modules[module], name)
    return found
