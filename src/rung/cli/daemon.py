"""``rungd`` and ``rung system service``: the engine as a daemon.

It is started by hand, by systemd (``share/systemd``), or by the first command that needs
it. It ends with SIGTERM; containers go on.
"""

from __future__ import annotations

import sys

from rung.cli.parser import Parser
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

EXAMPLE = "example: rungd & DOCKER_HOST=unix:///run/rung/rung.sock docker run --rm busybox echo hello"


def add_flags(parser: argparse.ArgumentParser) -> None:
    """What both names of it take."""
    from rung.engine import DEFAULT_DATA, DEFAULT_RUN

    parser.add_argument("--data-root", default=DEFAULT_DATA, help="images, containers and volumes (%(default)s)")
    parser.add_argument("--run-root", default=DEFAULT_RUN, help="sockets and what is mounted (%(default)s)")
    parser.add_argument("--cgroup-parent", default="/rung", help="what containers' cgroups are below (%(default)s)")
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")


def main() -> None:
    """``rungd``: never returns."""
    parser = Parser(prog="rungd", description="Rung's engine, with Docker's API on a socket.", epilog=EXAMPLE)
    add_flags(parser)
    args = parser.parse_args(sys.argv[1:])
    try:
        raise SystemExit(serve(args))
    except RungError as error:
        if args.debug:
            raise
        print(f"rungd: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def serve(args: argparse.Namespace) -> int:
    """Be the daemon."""
    from rung.engine import Places, serve

    serve(Places(args.data_root, args.run_root, args.cgroup_parent))
    return 0
