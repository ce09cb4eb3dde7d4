"""``features``: what this runtime can do, for engines to ask (features.md)."""

from __future__ import annotations

from rung.runtime.cli.options import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cli.main import Call

COMMAND = Command(
    "features",
    "",
    "print what this runtime supports",
    "# rung-runtime features | jq .linux.namespaces",
)


def run(_call: Call) -> int:
    from rung import __version__
    from rung.runtime.cli.json_text import indented
    from rung.runtime.cli.log import write_all
    from rung.runtime.plan.mountopts import known
    from rung.runtime.seccomp.architecture import ARCHITECTURES
    from rung.runtime.seccomp.flags import FLAGS
    from rung.spec.runtime.features import features
    from rung.spec.runtime.schema import ENUMS

    document = features(
        version=__version__,
        mount_options=known(),
        seccomp_archs=ARCHITECTURES,
        seccomp_actions=ENUMS["seccomp action"],
        seccomp_flags=FLAGS,
    )
    write_all(1, indented(document, "    ") + "\n")
    return 0
