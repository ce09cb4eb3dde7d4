"""``-info``: what this shim and its runtime are, as containerd's introspection shows it.

Standard input holds the runtime's options as an ``Anything``, from containerd 1.7 and from 2.x alike, or nothing.
Options of another kind are ignored, as ``start`` ignores them.
containerd, api/types/introspection.proto; core/runtime/v2/README.md.
"""

from __future__ import annotations

from rung import __version__, jsonc
from rung.shim.program.input import read_input
from rung.shim.program.main import NAME
from rung.shim.settings import settings
from rung.spec.shim.bootstrap import OPTIONS_NAME, Options, RuntimeInfo, RuntimeVersion, read_options
from rung.spec.shim.common import Anything

FEATURES_URL = "types.containerd.io/opencontainers/runtime-spec/1/features/Features"


def information() -> bytes:
    """Return the bytes of a ``RuntimeInfo``. Raises ``RungError`` where the options name a runtime that is not here."""
    options = read_options(read_input())
    features = _features(settings(options, "").program)
    given = Anything(type_url=OPTIONS_NAME, value=options.encode()) if options != Options() else None
    return RuntimeInfo(
        name=NAME,
        version=RuntimeVersion(version=__version__),
        options=given,
        features=Anything(type_url=FEATURES_URL, value=features) if features else None,
    ).encode()


def _features(program: str) -> bytes:
    """The features document of our runtime or of another; empty where the other has no such command."""
    if not program:
        from rung.runtime import features

        return jsonc.dumps(features()).encode()
    from rung.shim.runtimes.program import run

    status, printed, _ = run([program, "features"], (-1, -1, -1))
    try:
        return jsonc.dumps(jsonc.loads(printed)).encode() if status == 0 else b""
    except ValueError:
        return b""
