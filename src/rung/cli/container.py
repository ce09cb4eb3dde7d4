"""``rung run --rootfs`` and ``--explain``: a container without the engine, removed when it has ended."""

from __future__ import annotations

import os
import re
import sys

from rung.cli.declaration import REMAINDER
from rung.engine import RunOptions
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rung.cli.declaration import Namespace

#: Docker's exit status for a program that is not there (127) or cannot be executed (126), by errno.
_NO_PROGRAM = {2: 127, 8: 126, 13: 126, 20: 126, 21: 126}
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def register(subparsers: Any, words: Sequence[str] = ()) -> None:
    """Add the commands of this file."""
    _register_run(subparsers)


def _register_run(subparsers: Any) -> None:
    run = subparsers.add_parser(
        "run",
        add_help=False,  # -h is the host name, as with docker
        help="run a command in a new container",
        epilog="example: rung run --rm -it debian:trixie bash",
    )
    run.add_argument("--help", action="help", help="show this help message and exit")
    run.add_argument("--rm", action="store_true", help="remove the container when it has ended")
    run.add_argument("-i", "--interactive", action="store_true", help="pass standard input on")
    run.add_argument("-t", "--tty", action="store_true", help="give it a terminal")
    run.add_argument("-e", "--env", action="append", default=[], metavar="NAME[=VALUE]")
    run.add_argument("-w", "--workdir", default="")
    run.add_argument("-u", "--user", default="", metavar="USER[:GROUP]")
    run.add_argument("-v", "--volume", action="append", default=[], metavar="SOURCE:DEST[:ro]")
    run.add_argument("-m", "--memory", default="", metavar="BYTES", help="limit; k, m and g are understood")
    run.add_argument("--cpus", type=float, default=0.0)
    run.add_argument("--pids-limit", type=int, default=0)
    run.add_argument("--entrypoint", default=None)
    run.add_argument("--name", default="")
    run.add_argument("-h", "--hostname", default="")
    run.add_argument("--network", choices=("none", "host"), default="none", help="(%(default)s)")
    run.add_argument("--read-only", action="store_true")
    run.add_argument("--privileged", action="store_true")
    run.add_argument("--cap-add", action="append", default=[])
    run.add_argument("--cap-drop", action="append", default=[])
    run.add_argument("--rootfs", metavar="DIR", default="", help="use this directory; no image is named then")
    run.add_argument("--platform", default=None, metavar="OS/ARCH", help="of an image that is pulled")
    run.add_argument("--explain", action="store_true", help="show afterwards what happened, on stderr")
    run.add_argument("words", nargs=REMAINDER, metavar="IMAGE [COMMAND...]")
    run.set_defaults(run=_run, error_status=125)


def _run(args: Namespace) -> int:
    from rung.engine import Workplace, run
    from rung.runtime import StepError

    source, command = _source(args)
    container_id = os.urandom(32).hex()
    _check_name(args.name)
    place = Workplace(args.data_root, args.state_root)
    try:
        status = run(source, _options(args, tuple(command)), place, container_id, args.name, remove=True)
    except StepError as error:
        if not error.operation:  # the program itself, not what was made around it
            args.error_status = _NO_PROGRAM.get(error.errno, 125)
        raise
    if args.explain:
        from rung.cli.explain import text_of

        sys.stdout.flush()
        print(text_of(place.data, container_id), end="", file=sys.stderr)
    return status


def _source(args: Namespace) -> Any:
    """Where the files come from, and the words that are left as the command."""
    from rung.engine import Source

    words = args.words[1:] if args.words[:1] == ["--"] else args.words
    if args.rootfs:
        if not os.path.isdir(args.rootfs):
            raise RungError("--rootfs", f'"{args.rootfs}"', "is not a directory")
        return Source(os.path.abspath(args.rootfs), {}, args.rootfs), words
    if not words:
        raise RungError("rung run", "", "needs an image or --rootfs", "see rung run --help")
    from rung.cli.image.pull import image_for_run

    store, image = image_for_run(args, words[0])
    return Source(words[0], image.run_config, "", lambda cid: store.prepare_rootfs(image, cid)), words[1:]


def _options(args: Namespace, command: tuple[str, ...]) -> RunOptions:
    if args.tty and not os.isatty(0) and args.interactive:
        raise RungError("the input device is not a TTY", "", "", "leave -t out, or run it in a terminal")
    return RunOptions(
        command=command,
        entrypoint=args.entrypoint,
        env=tuple(_variables(args.env)),
        workdir=args.workdir,
        user=args.user,
        hostname=args.hostname,
        network=args.network,
        terminal=args.tty,
        interactive=args.interactive,
        read_only=args.read_only,
        privileged=args.privileged,
        cap_add=tuple(args.cap_add),
        cap_drop=tuple(args.cap_drop),
        volumes=tuple(args.volume),
        memory_bytes=size_bytes(args.memory),
        cpus=args.cpus,
        pids_limit=args.pids_limit,
    )


def _variables(given: list[str]) -> list[str]:
    """``NAME=VALUE`` as it is; ``NAME`` alone takes the caller's, if there is one."""
    found = []
    for entry in given:
        if "=" in entry:
            found.append(entry)
        elif entry in os.environ:
            found.append(f"{entry}={os.environ[entry]}")
    return found


def size_bytes(text: str) -> int:
    """``64m`` as bytes; 0 for nothing."""
    if not text:
        return 0
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([bkmg]?)b?", text.lower())
    if not match:
        raise RungError("invalid size", f'"{text}"', "", "write a number and b, k, m or g")
    return int(float(match[1]) * _UNITS[match[2]])


def _check_name(name: str) -> None:
    if name and not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", name):
        raise RungError("invalid container name", f'"{name}"', "", "only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
