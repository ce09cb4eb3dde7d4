"""What this runtime can do, for engines to ask (features.md)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def features() -> dict[str, Any]:
    """The features document."""
    from rung import __version__
    from rung.runtime.plan.mountopts import known
    from rung.runtime.seccomp.architecture import ARCHITECTURES
    from rung.runtime.seccomp.flags import FLAGS
    from rung.spec.runtime.features import features
    from rung.spec.runtime.schema import ENUMS

    document: dict[str, Any] = features(
        version=__version__,
        mount_options=known(),
        seccomp_archs=ARCHITECTURES,
        seccomp_actions=ENUMS["seccomp action"],
        seccomp_flags=FLAGS,
    )
    return document
