"""Commands that work without an engine, declared with ``parser.py``: images, registries, ``explain``.

One file a group of commands; a group is a module with ``register(subparsers, words)``. Only the
group that the command line names is loaded, none of them for ``rung --help`` (``summaries.py``).
"""

from __future__ import annotations

import sys

from rung import __version__
from rung.cli.link.address import run_root
from rung.cli.parser import Parser
from rung.cli.rootless import data_root, state_root
from rung.cli.summaries import SUMMARIES
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rung.cli.declaration import Namespace
    from rung.cli.flags import Asked

#: group (a module of this package) -> its commands
GROUPS = {
    "container": ("run",),
    "explain": ("explain",),
    "unshare": ("unshare",),
    "image": (
        *("image", "images", "history", "import", "load", "login", "logout", "manifest", "pull", "push"),
        *("rmi", "save", "search", "tag"),
    ),
    "registry": ("registry",),
}


def see_extras() -> None:
    """See what is installed beside Rung, which a start without ``site`` does not."""
    if sys.flags.no_site and "site" not in sys.modules:
        import site

        site.main()


def execute(words: Sequence[str]) -> int:
    """Carry out a command line and give the exit status."""
    try:
        args = _parser(words).parse_args(words)
    except SystemExit as ended:  # help, or a usage error, and it is said
        return int(ended.code or 0)
    speaker = "rung: "
    try:
        if run := _over_api(args, words):
            speaker = ""  # errors are the engine's, as docker's client prints them
        else:
            see_extras()
            run = args.run
        status: int = run(args)
    except RungError as error:
        return _failed(error, args, speaker)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _failed(RungError(f"{where}{error.strerror or error}"), args, speaker)
    except KeyboardInterrupt:
        return 130
    return status


#: Flags of ``rung run`` with which it needs no engine.
_HERE = ("rootfs", "explain")


def handed_on(asked: Asked, command: str) -> int:
    """A command of the tables, carried out here. Raises ``RungError`` where an engine is named to do it."""
    from rung.cli.image.api import named_engine, refusal

    if address := named_engine(asked.settings):
        raise refusal(f"{command} {' '.join(f'--{name}' for name in _HERE if asked[name])}", address, asked.settings)
    names = ("data-root", "snapshotter", "state-root")
    roots = [word for name in names if name in asked.settings for word in (f"--{name}", asked.settings[name])]
    return execute([*roots, *(["--debug"] if asked.settings.get("debug") else []), command, *asked.raw])


def _over_api(args: Namespace, words: Sequence[str]) -> Callable[[Namespace], int] | None:
    """What carries an image command out through an engine that is named; None where none is. Raises ``RungError``."""
    if not hasattr(args, "image_command") or getattr(args, "root", None):  # --root names a store
        return None
    from rung.cli.image.api import over_api
    from rung.cli.main import settings_of

    module, prog = args.image_command
    return over_api(module, prog, settings_of(words)[0])


def _failed(error: RungError, args: Namespace, speaker: str) -> int:
    if args.debug:
        import traceback

        traceback.print_exc()
    print(f"{speaker}{error}", file=sys.stderr)
    return int(getattr(error, "exit_status", getattr(args, "error_status", 1)))


def _parser(words: Sequence[str]) -> Parser:
    parser = Parser(
        prog="rung",
        description="Containers from the system call up.",
        epilog="example: rung image bootstrap debian:trixie && rung run --rm debian:trixie cat /etc/os-release",
    )
    parser.add_argument("--version", action="version", version=f"rung version {__version__}")
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    parser.add_argument("-H", "--host", default="", help="the engine: unix:///run/rung/rung.sock or tcp://HOST:2376")
    parser.add_argument("--tls", action="store_true", help="speak TLS to it, whoever it is")
    parser.add_argument("--tlsverify", action="store_true", help="speak TLS to it, and see that it is who it says")
    parser.add_argument("--tlscacert", metavar="FILE", help="who vouches for it (DOCKER_CERT_PATH/ca.pem)")
    parser.add_argument("--tlscert", metavar="FILE", help="who we are (DOCKER_CERT_PATH/cert.pem)")
    parser.add_argument("--tlskey", metavar="FILE", help="the key of that (DOCKER_CERT_PATH/key.pem)")
    parser.add_argument("--data-root", default=data_root(), help="images and containers (%(default)s)")
    parser.add_argument("--run-root", default=run_root(), help="the engine's sockets (%(default)s)")
    parser.add_argument("--cgroup-parent", default="", help="what an engine that is started here puts cgroups below")
    parser.add_argument("--snapshotter", default="", metavar="NAME", help="overlay, erofs or native")
    parser.add_argument("--state-root", default=state_root(), help="running containers (%(default)s)")
    subparsers = parser.add_subparsers(metavar="COMMAND")
    group = _group(words)
    if group:
        __import__(f"rung.cli.{group}", fromlist=["register"]).register(subparsers, words)
    else:
        subparsers.listed += SUMMARIES[""].items()
    return parser


def _group(words: Sequence[str]) -> str:
    """The group of the first word that is a command; empty where there is none."""
    for word in words:
        for group, commands in GROUPS.items():
            if word in commands:
                return group
    return ""
