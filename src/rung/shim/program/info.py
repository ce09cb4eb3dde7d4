"""``-info``: what this shim and its runtime are, as containerd's introspection shows it."""

from __future__ import annotations

from rung import __version__, jsonc
from rung.shim.program.main import NAME
from rung.spec.shim.bootstrap import RuntimeInfo, RuntimeVersion
from rung.spec.shim.common import Anything

FEATURES_URL = "types.containerd.io/opencontainers/runtime-spec/1/features/Features"


def information() -> bytes:
    """The bytes of a ``RuntimeInfo``."""
    from rung.runtime import features

    document = jsonc.dumps(features()).encode()
    return RuntimeInfo(
        name=NAME,
        version=RuntimeVersion(version=__version__),
        features=Anything(type_url=FEATURES_URL, value=document),
    ).encode()
