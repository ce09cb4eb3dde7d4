"""``rung registry``: a registry of one's own, over the same store as everything else."""

from __future__ import annotations

import sys
import time

from rung.cli.image import open_store
from rung.cli.parser import add_command
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rung.cli.declaration import Namespace
    from rung.image import Store

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def register(subparsers: Any, words: Sequence[str] = ()) -> None:
    """Add the commands of this file."""
    registry = subparsers.add_parser("registry", help="serve images", description="Serve images to others.")
    commands = registry.add_subparsers(metavar="COMMAND")
    _register_serve(commands)
    _register_gc(commands)
    _register_passwd(commands)
    for name in ("serve", "gc"):
        one = commands.parsers[name]
        one.set_defaults(image_command=("registry", one.prog))


def _register_serve(commands: Any) -> None:
    what = "serve an OCI registry over the store"
    example = "rung registry serve --listen 127.0.0.1:5000 --delete"
    parser = add_command(commands, "serve", what, example, _serve)
    where = "where to listen (127.0.0.1:5000); port 0 takes a free one"
    parser.add_argument(
        "--listen", metavar="HOST:PORT", type=_address, default=("127.0.0.1", 5000), help=where
    )
    parser.add_argument("--root", metavar="DIR", help="another store than that of --data-root")
    parser.add_argument("--tls-cert", metavar="FILE", default="", help="certificate chain in PEM: serve TLS")
    parser.add_argument("--tls-key", metavar="FILE", default="", help="its key")
    parser.add_argument(
        "--client-ca", metavar="FILE", default="", help="only clients with a certificate of this CA"
    )
    parser.add_argument(
        "--htpasswd", metavar="FILE", default="", help="only these users (bcrypt, as htpasswd -B)"
    )
    parser.add_argument("--anonymous-pull", action="store_true", help="users are for pushing; anybody may pull")
    parser.add_argument(
        "--proxy", metavar="URL", default="", help="cache of another registry, filled as it is asked"
    )
    parser.add_argument("--read-only", action="store_true", help="nobody may push or delete")
    parser.add_argument("--delete", action="store_true", help="clients may delete")
    parser.add_argument("--sparse", action="store_true", help="manifests may name blobs that are not here")
    parser.add_argument("-q", "--quiet", action="store_true", help="no line for each request")


def _register_gc(commands: Any) -> None:
    what = "remove what no image of the registry needs, also while it is served"
    parser = add_command(commands, "gc", what, "rung registry gc --untagged", _gc)
    parser.add_argument("--root", metavar="DIR", help="another store than that of --data-root")
    parser.add_argument("--untagged", action="store_true", help="manifests that no tag leads to as well")
    grace = "keep what was pushed within this time, as its manifest may follow (1h)"
    parser.add_argument("--grace", metavar="TIME", type=_seconds, default=3600.0, help=grace)


def _register_passwd(commands: Any) -> None:
    what = "print a line for --htpasswd; the password is read from standard input"
    parser = add_command(commands, "passwd", what, "rung registry passwd alice >> users", _passwd)
    parser.add_argument("user", metavar="USER")


def _serve(args: Namespace) -> int:
    import signal

    from rung.image import RegistryOptions, RegistryServer

    if bool(args.tls_cert) != bool(args.tls_key):
        raise RungError(
            "registry", "serve", "TLS needs both a certificate and its key", "--tls-cert, --tls-key"
        )
    if args.client_ca and not args.tls_cert:
        raise RungError("registry", "serve", "certificates of clients need TLS", "--tls-cert, --tls-key")
    if args.anonymous_pull and not args.htpasswd:
        raise RungError("registry", "serve", "without users everything is anonymous", "--htpasswd")
    host, port = args.listen
    options = RegistryOptions(
        host=host,
        port=port,
        certificate=args.tls_cert,
        key=args.tls_key,
        client_ca=args.client_ca,
        htpasswd=args.htpasswd,
        anonymous_pull=args.anonymous_pull,
        proxy=args.proxy,
        read_only=args.read_only,
        delete=args.delete,
        sparse=args.sparse,
    )
    server = RegistryServer(_store(args).content, options, _silent if args.quiet else _log)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    print(f"serving {server.url}", flush=True)
    if not (args.htpasswd or args.client_ca or args.read_only or _is_loopback(host)):
        rights = "push and delete" if args.delete else "push"
        print(f"rung: note: whoever reaches {server.url} may {rights} (--htpasswd)", file=sys.stderr)
    server.run()
    return 0


def _gc(args: Namespace) -> int:
    from rung.image import collect_registry

    done = collect_registry(_store(args).content, grace_s=args.grace, untagged=args.untagged)
    print(f"removed {done.manifests} manifests, {done.blobs} blobs, {done.freed_bytes} bytes")
    return 0


def _passwd(args: Namespace) -> int:
    from getpass import getpass

    from rung.image import bcrypt_hash

    if not args.user or ":" in args.user:
        raise RungError("registry passwd", args.user, "is no user's name", "no colon in it")
    password = getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    print(f"{args.user}:{bcrypt_hash(password.encode())}")
    return 0


def _store(args: Namespace) -> Store:
    if not args.root:
        return open_store(args)
    from rung.image import Store

    return Store(args.root)


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise RungError("listen", text, "is not HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _seconds(text: str) -> float:
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS_S else (text, "s")
    if not number.isdigit():
        raise RungError("time", text, "is not a time such as 90s, 10m, 1h or 2d")
    return float(int(number) * _UNITS_S[unit])


def _log(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {line}\n")


def _silent(_: str) -> None:
    pass
