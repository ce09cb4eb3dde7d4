"""What the daemon is told by flags and by ``daemon.json``, as one value. Pure.

As with dockerd: a key that there is not is refused, and so is what both the command line and the file say.
"""

from __future__ import annotations

from rung.engine.errors import EngineError
from rung.engine.places import DEFAULT_DATA, DEFAULT_RUN, Places
from rung.engine.serving.options import BY_KEY, LIST, MAP, NUMBER, OBJECT, OBJECTS, OPTIONS, SWITCH, TEXT
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rung.engine.serving.options import Option

CONFIG_FILE = "/etc/rung/daemon.json"
CDI_DIRS = ("/etc/cdi", "/var/run/cdi")


class Settings(Record):
    """See ``options.py``; empty means the default."""

    data: str = DEFAULT_DATA
    run: str = DEFAULT_RUN
    cgroup: str = "/rung"
    hosts: tuple[str, ...] = ()
    pidfile: str = ""
    group: str = ""
    debug: bool = False
    tls: bool = False
    tlsverify: bool = False
    tlscacert: str = ""
    tlscert: str = ""
    tlskey: str = ""
    labels: tuple[str, ...] = ()
    log_driver: str = "json-file"
    log_opts: Mapping[str, str] = {}
    default_runtime: str = "rung"
    runtimes: Mapping[str, Mapping[str, Any]] = {}
    insecure_registries: tuple[str, ...] = ()
    registry_mirrors: tuple[str, ...] = ()
    bip: str = ""
    fixed_cidr: str = ""
    ipv6: bool = False
    fixed_cidr_v6: str = ""
    pools: tuple[Mapping[str, Any], ...] = ()
    mtu: int = 0
    dns: tuple[str, ...] = ()
    dns_opts: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    userns_remap: str = ""
    init: bool = False
    no_new_privileges: bool = False
    shm_size: str = ""
    cdi_dirs: tuple[str, ...] = CDI_DIRS
    metrics_addr: str = ""
    otlp: str = ""
    experimental: bool = False

    @property
    def places(self) -> Places:
        """Where it keeps what."""
        return Places(self.data, self.run, self.cgroup)

    @property
    def listens_on(self) -> tuple[str, ...]:
        """All that was asked for, or the socket that every client looks for."""
        return self.hosts or (f"unix://{self.places.api}",)


def settings(flags: Mapping[str, Any], document: Mapping[str, Any], path: str = CONFIG_FILE) -> Settings:
    """``flags``: those that were given, by the file's keys. Raises ``EngineError``."""
    unknown = sorted(set(document) - set(BY_KEY))
    if unknown:
        raise EngineError(f"{path}: there is no option {', '.join(unknown)}: see rungd --help for those that there are")
    both = [key for key in document if key in flags]
    if both:
        said = "; ".join(f"{key} (flag: {_shown(flags[key])}, file: {_shown(document[key])})" for key in both)
        raise EngineError(f"{path}: said on the command line as well: {said}: keep one of the two")
    given = {**{key: _checked(BY_KEY[key], value, path) for key, value in document.items()}, **flags}
    found = Settings(**{BY_KEY[key].field: value for key, value in given.items() if BY_KEY[key].field})
    _check(found)
    return found


def reloaded(now: Settings, document: Mapping[str, Any], flags: Mapping[str, Any], path: str) -> Settings:
    """After SIGHUP: the file's options that a daemon takes while it runs; the others stay as they are."""
    fresh = settings(flags, document, path)
    changed = {one.field: getattr(fresh, one.field) for one in OPTIONS if one.reloads and one.field}
    found: Settings = now.replace(**changed)
    return found


def idle(document: Mapping[str, Any]) -> list[str]:
    """Keys of the file that change nothing here."""
    return [key for key in document if not BY_KEY[key].field]


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_TYPES: dict[str, tuple[type, str]] = {
    TEXT: (str, "a string"),
    SWITCH: (bool, "true or false"),
    NUMBER: (int, "a number"),
    LIST: (list, "a list of strings"),
    OBJECTS: (list, "a list of objects"),
    MAP: (dict, "an object of strings"),
    OBJECT: (dict, "an object"),
}


def _checked(option: Option, value: Any, path: str) -> Any:
    kind, what = _TYPES[option.kind]
    inner = {LIST: str, OBJECTS: dict, MAP: str}.get(option.kind, object)
    items = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    right = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
    if not right or not all(isinstance(one, inner) for one in items):
        raise EngineError(f"{path}: {option.key} must be {what}, and is {value!r}")
    return tuple(value) if isinstance(value, list) else value


def _check(found: Settings) -> None:
    """What contradicts itself."""
    from rung.engine.log_options import DRIVERS

    if found.log_driver not in DRIVERS:
        known = ", ".join(DRIVERS)
        raise EngineError(f"log-driver {found.log_driver}: there is none of that name: use one of {known}")
    for label in found.labels:
        if "=" not in label:
            raise EngineError(f"label {label}: it must be KEY=VALUE")
    for name, runtime in found.runtimes.items():
        if not isinstance(runtime, dict) or not isinstance(runtime.get("path", runtime.get("runtimeType")), str):
            raise EngineError(f'runtime {name}: it needs a "path"')
    for host in found.hosts:
        if not host.startswith(("unix://", "tcp://", "fd://")):
            raise EngineError(f"host {host}: it must begin with unix://, tcp:// or fd://")
        if host.startswith("tcp://") and not found.tlsverify:
            said = "whoever reaches a TCP port would be root here: give --tlsverify --tlscacert --tlscert --tlskey"
            raise EngineError(f"host {host}: plain TCP is not served ({said})")
    if found.tls and not found.tlsverify:
        raise EngineError("--tls alone lets anybody in: use --tlsverify with --tlscacert")
    if found.tlsverify:
        for name in ("tlscacert", "tlscert", "tlskey"):
            if not getattr(found, name):
                raise EngineError(f"--tlsverify needs --{name}")
