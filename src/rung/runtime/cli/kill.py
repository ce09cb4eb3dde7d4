"""``kill``: send a signal to a container's first process (runtime.md#kill)."""

from __future__ import annotations

from rung.runtime.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cli.main import Call

COMMAND = Command(
    "kill",
    "<container-id> [signal]",
    "send a signal to a container's first process (TERM unless named)",
    "# rung-runtime kill web1 KILL",
    (
        Flag(("all", "a"), "bool", "send it to all processes of the container", False),
        Flag(("regex", "r"), "bool", "to all containers whose id the regular expression is found in", False),
    ),
    "A signal is a number or a name: 9, KILL, SIGKILL, RTMIN+3.",
    least=1,
    most=2,
    interleaved=False,
)


def run(call: Call) -> int:
    from rung.runtime.errors import StateError
    from rung.runtime.signals import signal_number

    words = [word for word in call.arguments if word not in ("--all", "-a")]
    everyone = call.options["all"] or len(words) < len(call.arguments)
    signal = signal_number(words[1] if len(words) > 1 and words[1] else "TERM")
    runtime = call.runtime()
    ids = words[:1]
    if call.options["regex"]:
        from rung.runtime.cli.chosen import chosen

        ids = chosen(runtime, words[0])
    for container_id in ids:
        container = runtime.get(container_id)
        try:
            container.kill(signal, all=everyone)
        except StateError as error:
            # containerd takes an error for "it has ended" by these words
            raise StateError("container not running", "", f'"{container.id}": {error.reason}') from None
    return 0
