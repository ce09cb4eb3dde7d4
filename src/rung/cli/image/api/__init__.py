"""Image commands through an engine that ``-H``, ``RUNG_HOST`` or ``DOCKER_HOST`` names, over Docker's API.

Rule: nothing here opens a store of this machine, and no command falls back to it. A command that no endpoint serves is
refused, with a sentence that says what to do. Output, errors and exit statuses are those of docker's client.
"""

from __future__ import annotations

from rung import posix
from rung.cli.link.address import told
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rung.cli.declaration import Namespace
    from rung.cli.link.engine import Engine

REFUSED = 125
#: module of ``rung.cli.image`` -> the module here that does its work
MODULES = {
    "history": "lists",
    "import_": "archives",
    "inspect": "lists",
    "load": "archives",
    "ls": "lists",
    "prune": "changes",
    "pull": "transfers",
    "push": "transfers",
    "rm": "changes",
    "save": "archives",
    "search": "searches",
    "tag": "changes",
}
#: What these read and write is the caller's own: keys, logins, drafts of manifest lists.
OF_THE_CALLER = ("keygen", "login", "logout", "manifest")
#: Commands that another one does through the engine.
INSTEAD = {"df": "rung system df", "diff": "rung history", "verify": "rung image inspect"}


def named_engine(settings: Mapping[str, str]) -> str:
    """The engine that a command line or the environment names; empty where a store is named, or nothing."""
    if "data-root" in settings and not settings.get("host"):
        return ""
    return told(settings)


def over_api(module: str, prog: str, settings: Mapping[str, str]) -> Callable[[Namespace], int] | None:
    """What carries a command out through the engine that is named; None where none is, or it needs none.

    Raises ``RungError`` for a command that does not go through the API."""
    address = named_engine(settings)
    if not address or module in OF_THE_CALLER:
        return None
    if module not in MODULES:
        raise refusal(prog, address, settings, INSTEAD.get(module, ""))
    found = getattr(__import__(f"{__name__}.{MODULES[module]}", fromlist=[module]), module)

    def run(args: Namespace) -> int:
        from rung.cli.link.engine import Engine

        return int(found(args, Engine(settings)))

    return run


def refusal(prog: str, address: str, settings: Mapping[str, str], instead: str = "") -> RungError:
    """The sentence for a command that works on a store, or on files, of this machine."""
    if settings.get("host"):
        named, hint = "-H", "leave out -H, or run it on the machine of that engine"
    else:
        named = "RUNG_HOST" if posix.getenv("RUNG_HOST") else "DOCKER_HOST"
        hint = f"unset {named}, or name a store with --data-root"
    reason = f"works on this machine only, not through the engine {address} that {named} names"
    return _refused(prog.removeprefix("rung "), reason, f"use {instead}, or {hint}" if instead else hint)


def refuse_flags(args: Namespace, engine: Engine, prog: str, flags: Mapping[str, str]) -> None:
    """Raise ``RungError`` for a flag that the API has no word for. ``flags``: each with what to do instead."""
    for flag, hint in flags.items():
        if getattr(args, flag.replace("-", "_")):
            raise _refused(f"{prog} --{flag}", f"does not go through the engine {engine.path}", hint)


def _refused(what: str, reason: str, hint: str) -> RungError:
    error = RungError(what, "", reason, hint)
    error.exit_status = REFUSED  # type: ignore[attr-defined]
    return error
