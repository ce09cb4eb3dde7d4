"""``rungd`` and ``rung system service``: the engine as a daemon.

It is started by hand, by systemd (``rung/share/systemd``), or by the first command that needs it. It is told what to do
with dockerd's flags and keys of ``daemon.json``. It ends with SIGTERM; containers go on.
"""

from __future__ import annotations

import sys

from rung import __version__
from rung.cli.parser import Parser
from rung.cli.rootless import config_home, data_root, is_ordinary, run_root
from rung.cli.standalone import see_extras
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rung.cli.declaration import Namespace
    from rung.engine import Settings

EXAMPLE = "example: rungd & DOCKER_HOST=unix:///run/rung/rung.sock docker run --rm busybox echo hello"
_SHORT = {"host": ["-H"], "debug": ["-D"], "pidfile": ["-p"], "group": ["-G"]}


def add_flags(parser: Parser) -> None:
    """What both names of it take: none has a default, so that what was given can be told from what was not."""
    from rung.engine import OPTIONS, config_file

    for option in OPTIONS:
        if not option.flag:
            continue
        names = [*_SHORT.get(option.flag, []), f"--{option.flag}"]
        if option.key == "exec-root":
            names.append("--run-root")  # its name in Rung's own words
        how: dict[str, Any] = {"action": "store_true"} if option.kind == "switch" else {"metavar": option.kind}
        if option.kind in ("list", "map", "object", "objects"):
            how = {"action": "append", "metavar": "list"}
        elif option.kind == "number":
            how = {"type": int, "metavar": "int"}
        parser.add_argument(*names, dest=f"option:{option.key}", default=None, help=option.help or "accepted", **how)
    parser.add_argument("--config-file", metavar="PATH", help=f"daemon.json ({config_file()})")
    parser.add_argument("--validate", action="store_true", help="check flags and file, and end")


def main() -> None:
    """``rungd``: never returns."""
    parser = Parser(prog="rungd", description="Rung's engine, with Docker's API on a socket.", epilog=EXAMPLE)
    parser.add_argument("-v", "--version", action="version", version=f"rungd version {__version__}", help="its version")
    if sys.argv[1:] not in (["-v"], ["--version"]):  # which are quick without the engine's options
        add_flags(parser)
    args = parser.parse_args(sys.argv[1:])
    see_extras()
    try:
        raise SystemExit(serve(args))
    except RungError as error:
        if getattr(args, "option:debug"):
            raise
        print(f"rungd: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except OSError as error:  # a place that is not there, cannot be written to, or is full
        if getattr(args, "option:debug"):
            raise
        where = f"{error.filename}: " if error.filename else ""
        print(f"rungd: {where}{error.strerror or error}", file=sys.stderr)
        raise SystemExit(1) from None


def serve(args: Namespace) -> int:
    """Be the daemon."""
    from rung.engine import config_file, idle, read_file, reloaded, settings

    with _Without():
        from rung.engine import serve

    path = args.config_file or (f"{config_home()}/daemon.json" if is_ordinary() else config_file())
    flags = given(args)
    document = read_file(path, needed=bool(args.config_file))
    found = settings({**_of_a_user(flags, document), **flags}, document, path)
    for key in idle(document):
        print(f"rungd: {path}: {key} changes nothing here", file=sys.stderr)
    if args.validate:
        print("configuration OK")
        return 0
    outside = None
    if is_ordinary():
        from rung.cli.outside import go_in

        _check_of_a_user(found)
        outside = go_in(found.run)
        if not outside.by:
            said = "neither pasta nor slirp4netns is installed: containers reach each other and no other host"
            print(f"rungd: {said} (apt-get install passt, then start rungd again)", file=sys.stderr)
    serve(found, lambda now: reloaded(now, read_file(path), flags, path), outside)
    return 0


class _Without:
    """What the standard library's modules import where it is there, and the engine does not use through them: asyncio
    comes up without TLS (3 MB: ``serving/tls.py`` and registries' clients speak it themselves, over bytes), shutil
    without archives that it would pack."""

    _NAMES = ("ssl", "bz2", "lzma")

    def __enter__(self) -> None:
        self._hidden = [name for name in self._NAMES if name not in sys.modules]
        for name in self._hidden:
            sys.modules[name] = None  # type: ignore[assignment]  # importing it raises ImportError

    def __exit__(self, *_: object) -> None:
        for name in self._hidden:
            del sys.modules[name]


def _check_of_a_user(found: Settings) -> None:
    """Raises ``RungError`` for what an ordinary user's engine does not do."""
    for host in found.hosts:
        if host.startswith("tcp://"):
            hint = f"use its unix socket, through ssh: DOCKER_HOST=ssh://HOST with {found.places.api}"
            raise RungError(f"host {host}:", "", "it needs a socket of the host's network, which this is not in", hint)
    if found.metrics_addr:
        hint = f"read /metrics at its unix socket, {found.places.api}"
        said = "it needs the host's network, which this is not in"
        raise RungError(f"metrics-addr {found.metrics_addr}:", "", said, hint)
    if found.userns_remap:
        raise RungError(f"userns-remap {found.userns_remap}:", "", "an ordinary user's containers are remapped already")


def _of_a_user(flags: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Where an ordinary user's engine is, if nothing else was said: the XDG base directories."""
    if not is_ordinary():
        return {}
    own = {"data-root": data_root(), "exec-root": run_root()}
    return {key: value for key, value in own.items() if key not in flags and key not in document}


def given(args: Namespace) -> dict[str, Any]:
    """The flags that were given, as the file would have them."""
    from rung.engine import OPTIONS

    found: dict[str, Any] = {}
    for option in OPTIONS:
        value = getattr(args, f"option:{option.key}", None)
        if value is not None:
            found[option.key] = _like_the_file(option.kind, value)
    return found


def _like_the_file(kind: str, value: Any) -> Any:
    if kind == "map":
        return dict(_pair(word) for word in value)
    if kind == "object":
        return {name: {"path": path} for name, path in map(_pair, value)}
    if kind == "objects":
        return tuple(_pool(word) for word in value)
    return tuple(value) if kind == "list" else value


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise RungError(f"{word}: it must be NAME=VALUE")
    return name, value


def _pool(word: str) -> Mapping[str, Any]:
    """``base=172.80.0.0/16,size=24``."""
    found: dict[str, Any] = dict(_pair(part) for part in word.split(","))
    if not str(found.get("size", "")).isdecimal() or "base" not in found:
        raise RungError(f"--default-address-pool {word}: it must be base=CIDR,size=BITS")
    return {**found, "size": int(found["size"])}
