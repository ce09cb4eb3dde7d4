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
    from rung.runtime.cli.json_text import indented
    from rung.runtime.cli.log import write_all
    from rung.runtime.features_document import features

    write_all(1, indented(features(), "    ") + "\n")
    return 0
