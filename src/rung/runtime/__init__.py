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
    from rung.runtime.cgroup.at import cgroup_at
    from rung.runtime.cgroup.group import Cgroup
    from rung.runtime.cgroup.join import join_cgroup
    from rung.runtime.cgroup.oom import OomWatch, watch_oom
    from rung.runtime.checkpoint.options import CheckpointOptions, RestoreOptions
    from rung.runtime.console import pair, receive
    from rung.runtime.container import Container
    from rung.runtime.enter import ExecOptions, Process
    from rung.runtime.errors import (
        BundleError,
        ContainerExists,
        ContainerNotFound,
        CriuError,
        RuntimeFailure,
        StateError,
        StepError,
    )
    from rung.runtime.explain import Line, nodes, render, story
    from rung.runtime.features_document import features
    from rung.runtime.foreground import Foreground
    from rung.runtime.parent import Parent, use_parent, use_parent_everywhere
    from rung.runtime.plan.request import Plan
    from rung.runtime.runtime import DEFAULT_ROOT, Runtime
    from rung.runtime.signals import signal_number
    from rung.runtime.spawn import Stdio, sealed_init
    from rung.runtime.warm.protocol import ORDER_MAX, SpawnOrder, answer_order, read_order
    from rung.runtime.warm.remote import CallerGone, RemoteParent, peer
    from rung.runtime.warm.start import import_all

#: public name -> the module of this package that has it
_HOME = {
    "DEFAULT_ROOT": "runtime",
    "ORDER_MAX": "warm.protocol",
    "BundleError": "errors",
    "CallerGone": "warm.remote",
    "Cgroup": "cgroup.group",
    "CheckpointOptions": "checkpoint.options",
    "Container": "container",
    "ContainerExists": "errors",
    "ContainerNotFound": "errors",
    "CriuError": "errors",
    "ExecOptions": "enter",
    "Foreground": "foreground",
    "Line": "explain",
    "OomWatch": "cgroup.oom",
    "Parent": "parent",
    "Plan": "plan.request",
    "Process": "enter",
    "RemoteParent": "warm.remote",
    "RestoreOptions": "checkpoint.options",
    "Runtime": "runtime",
    "RuntimeFailure": "errors",
    "SpawnOrder": "warm.protocol",
    "StateError": "errors",
    "Stdio": "spawn",
    "StepError": "errors",
    "answer_order": "warm.protocol",
    "cgroup_at": "cgroup.at",
    "features": "features_document",
    "import_all": "warm.start",
    "join_cgroup": "cgroup.join",
    "nodes": "explain",
    "pair": "console",
    "peer": "warm.remote",
    "read_order": "warm.protocol",
    "receive": "console",
    "render": "explain",
    "sealed_init": "spawn",
    "signal_number": "signals",
    "story": "explain",
    "use_parent": "parent",
    "use_parent_everywhere": "parent",
    "watch_oom": "cgroup.oom",
}
__all__ = [
    "DEFAULT_ROOT",
    "ORDER_MAX",
    "BundleError",
    "CallerGone",
    "Cgroup",
    "CheckpointOptions",
    "Container",
    "ContainerExists",
    "ContainerNotFound",
    "CriuError",
    "ExecOptions",
    "Foreground",
    "Line",
    "OomWatch",
    "Parent",
    "Plan",
    "Process",
    "RemoteParent",
    "RestoreOptions",
    "Runtime",
    "RuntimeFailure",
    "SpawnOrder",
    "StateError",
    "Stdio",
    "StepError",
    "answer_order",
    "cgroup_at",
    "features",
    "import_all",
    "join_cgroup",
    "nodes",
    "pair",
    "peer",
    "read_order",
    "receive",
    "render",
    "sealed_init",
    "signal_number",
    "story",
    "use_parent",
    "use_parent_everywhere",
    "watch_oom",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import sys

    module = f"{__name__}.{_HOME[name]}"
    __import__(module)
    found: object = getattr(sys.modules[module], name)
    return found
