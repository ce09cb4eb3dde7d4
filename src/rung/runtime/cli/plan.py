"""``plan``: what create would do for a bundle, step by step, without doing it."""

from __future__ import annotations

from rung.runtime.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cli.main import Call

COMMAND = Command(
    "plan",
    "[bundle]",
    "show the steps that would make a container of a bundle",
    "# rung-runtime plan /containers/web",
    (
        Flag(("bundle", "b"), "text", "the bundle's directory (default: the current one)", ""),
        Flag(("json",), "bool", "for programs: name, sentence, clause and arguments of each step", False),
    ),
    "Nothing is made or changed. Each line names the clause of the specification that it serves.",
    most=1,
)


def run(call: Call) -> int:
    from rung.runtime.cli.log import write_all
    from rung.runtime.plan.text import as_data, render

    bundle = call.arguments[0] if call.arguments else call.options["bundle"] or "."
    plan = call.runtime().plan(bundle)
    if call.options["json"]:
        from rung.runtime.cli.json_text import indented

        write_all(1, indented(as_data(plan), "  ") + "\n")
    else:
        write_all(1, render(plan))
    return 0
