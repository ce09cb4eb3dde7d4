"""``ps``: the processes of a container, as the host's ``ps`` shows them."""

from __future__ import annotations

from rung import posix
from rung.errors import RungError
from rung.runtime.cli.json_text import compact
from rung.runtime.cli.log import write_all
from rung.runtime.cli.options import Command, Flag
from rung.runtime.errors import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rung.runtime.cli.main import Call

COMMAND = Command(
    "ps",
    "<container-id> [ps options]",
    "show the processes of a container",
    "# rung-runtime ps web1 -o pid,rss,args",
    (Flag(("format", "f"), "text", "table or json (the host's process ids)", "table"),),
    "The options go to ps, whose output must have a PID column (default: -ef).",
    least=1,
    most=-1,
    interleaved=False,
)


def run(call: Call) -> int:
    form = call.options["format"]
    if form not in ("table", "json"):
        raise RungError("use --format", form, "not a format", "table or json")
    try:
        pids = call.runtime().get(call.arguments[0]).pids()
    except StateError:
        pids = []  # it has none any more
    if form == "json":
        write_all(1, compact(pids or None) + "\n")  # runc prints null where there is none
    else:
        write_all(1, only(output_of_ps(call.arguments[1:] or ["-ef"]), pids))
    return 0


def output_of_ps(arguments: Sequence[str]) -> str:
    """What ``ps`` prints. Raises RungError with it where it fails."""
    ours, theirs = posix.pipe()
    actions = [(posix.POSIX_SPAWN_DUP2, theirs, 1), (posix.POSIX_SPAWN_DUP2, theirs, 2)]
    try:
        pid = posix.posix_spawnp("ps", ["ps", *arguments], posix.environment(), file_actions=actions)
    except FileNotFoundError:
        posix.close(ours)
        raise RungError(
            "ps", "", "there is none on this host", "install procps, or use --format json"
        ) from None
    finally:
        posix.close(theirs)
    parts = []
    with open(ours, "rb", buffering=0) as pipe:
        while part := pipe.read(1 << 16):
            parts.append(part)
    status = posix.waitstatus_to_exitcode(posix.waitpid(pid, 0)[1])
    text = b"".join(parts).decode("utf-8", "surrogateescape")
    if status != 0:
        raise RungError("ps", " ".join(arguments), f"exit status {status}: {text.strip()}")
    return text


def only(text: str, pids: Collection[int]) -> str:
    """The heading, and the lines whose PID is one of ``pids``."""
    heading, *lines = text.splitlines()
    columns = heading.split()
    if "PID" not in columns:
        raise RungError("ps", "", "its output has no PID column", "add pid to the options for ps")
    at = columns.index("PID")
    kept = [line for line in lines if line.strip() and int(line.split()[at]) in pids]
    return "\n".join([heading, *kept]) + "\n"
