"""``rung explain``: what was done for a container, by whom, by which clause, and how long it took.

The engine tells of its containers, with all that happened on the way to them (``engine/stories.py``); of containers
that ran in the foreground the files below the data directory do.
"""

from __future__ import annotations

import sys

from rung import posix
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rung.cli.declaration import Namespace

_NOT_FOUND = 404
OTLP_HELP = "send it as OpenTelemetry's OTLP/JSON: appended to a file, or posted to http://HOST:4318"


def register(subparsers: Any, words: Sequence[str] = ()) -> None:
    """Add the command of this file."""
    explain = subparsers.add_parser(
        "explain",
        help="show what was done to make a container",
        epilog="example: rung explain --calls web",
    )
    whose = "name or id, of one that is removed too; the last one where none is named"
    explain.add_argument("container", metavar="CONTAINER", nargs="?", default="", help=whose)
    explain.add_argument("--calls", action="store_true", help="each system call as well")
    explain.add_argument("--json", action="store_true", help="one JSON object a line")
    explain.add_argument("--otlp", metavar="FILE|URL", help=OTLP_HELP)
    explain.set_defaults(run=_explain)


def _explain(args: Namespace) -> int:
    told, why = _told(args)
    if told is None:
        return _explain_foreground(args, why)
    from rung.trace import otlp
    from rung.trace.spans import Node
    from rung.trace.tree import render

    nodes = [Node(**{name: value for name, value in span.items() if name != "depth"}) for span in told["Spans"]]
    if args.otlp:
        from rung.engine import send_trace

        send_trace(otlp.line(nodes, told["EpochNs"], told["Id"]), args.otlp)
    elif args.json:
        _print_lines(told["Spans"])
    else:
        print(f"container {told['Name'] or told['Id'][:12]}, {render(nodes)}", end="")
    return 0


def _told(args: Namespace) -> tuple[dict[str, Any] | None, RungError | None]:
    """What the engine tells; or why it does not. One that does not run is not started: it could tell nothing."""
    from rung.cli.link.address import run_root, socket_path
    from rung.cli.link.engine import Engine, Refused
    from rung.cli.table import TLS

    settings = {"host": args.host} if args.host else {}
    if args.run_root != run_root():
        settings["run-root"] = args.run_root
    tls = {name: str(value) for name in TLS if (value := getattr(args, name))}
    engine = Engine({**tls, "host": socket_path(settings)})
    try:
        found: dict[str, Any] = engine.get("/rung/explain", container=args.container, calls=args.calls)
    except Refused as error:
        if error.status != _NOT_FOUND:
            raise
        return None, error
    except RungError as error:
        return None, error
    return found, None


def _explain_foreground(args: Namespace, why: RungError | None) -> int:
    if not args.container or args.otlp:
        raise why or RungError("explain", args.container, "the engine knows nothing of it")
    if args.json:
        _print_lines(line.__dict__ for line in _lines(args.data_root, args.container, args.calls, args.state_root))
        return 0
    print(text_of(args.data_root, args.container, calls=args.calls, state_root=args.state_root), end="")
    return 0


def _print_lines(documents: Any) -> None:
    import json

    for document in documents:
        print(json.dumps(document))


def text_of(data: str, wanted: str, *, calls: bool = False, state_root: str = "") -> str:
    """The story of a container that ran in the foreground, as text."""
    from rung.runtime import render

    return render(_lines(data, wanted, calls, state_root))


def _lines(data: str, wanted: str, calls: bool, state_root: str) -> Any:
    from rung.engine import Records
    from rung.runtime import story

    places = [posix.join(state_root, wanted)] if state_root and "/" not in wanted else []
    try:
        directory = Records(data).explanation(wanted)
        places += [posix.join(state_root, directory.rpartition("/")[2]), directory]
    except RungError:
        if not any(map(posix.isdir, places)):
            raise
    for place in places:
        if posix.exists(posix.join(place, "plan")):
            return story(_read(place, "plan"), _read(place, "trace"), calls=calls)
    raise RungError("nothing is recorded of container", wanted)


def _read(directory: str, name: str) -> bytes:
    try:
        with open(posix.join(directory, name), "rb") as file:
            return file.read()
    except FileNotFoundError:
        print(f"rung: {name} is missing in {directory}", file=sys.stderr)
        return b""
