"""A container in docker-py's keyword arguments, as the API's document; and results.

Rule: pure, and one table. A word that is not in it is a ``TypeError`` that names it, never dropped.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

from rung.record import Record


class CreateWords(TypedDict, total=False):
    """What ``containers.run`` and ``containers.create`` take beside image and command."""

    name: str
    platform: str
    entrypoint: str | Sequence[str]
    environment: Mapping[str, str] | Sequence[str]
    user: str | int
    working_dir: str
    labels: Mapping[str, str] | Sequence[str]
    hostname: str
    domainname: str
    tty: bool
    stdin_open: bool
    stdin_once: bool
    stop_signal: str
    healthcheck: Mapping[str, Any]
    ports: Mapping[str, Any]
    auto_remove: bool
    mem_limit: str | int
    memswap_limit: str | int
    mem_reservation: str | int
    shm_size: str | int
    nano_cpus: int
    cpu_shares: int
    cpu_quota: int
    cpu_period: int
    cpuset_cpus: str
    pids_limit: int
    oom_score_adj: int
    network: str
    network_mode: str
    volumes: Mapping[str, Mapping[str, str]] | Sequence[str]
    mounts: Sequence[Mapping[str, Any]]
    tmpfs: Mapping[str, str]
    read_only: bool
    privileged: bool
    cap_add: Sequence[str]
    cap_drop: Sequence[str]
    security_opt: Sequence[str]
    init: bool
    restart_policy: Mapping[str, Any]
    dns: Sequence[str]
    extra_hosts: Mapping[str, str] | Sequence[str]
    group_add: Sequence[str | int]
    ulimits: Sequence[Mapping[str, Any]]
    sysctls: Mapping[str, str]
    devices: Sequence[str]
    log_config: Mapping[str, Any]
    runtime: str
    ipc_mode: str
    pid_mode: str
    userns_mode: str


class ExecWords(TypedDict, total=False):
    """What ``exec_run`` and ``exec_open`` take beside the command."""

    stdin: bool
    tty: bool
    user: str
    workdir: str | None
    environment: Mapping[str, str] | Sequence[str] | None
    privileged: bool


class LogWords(TypedDict, total=False):
    """What ``logs`` takes."""

    follow: bool
    stdout: bool
    stderr: bool
    timestamps: bool
    tail: int | str
    since: str | float
    until: str | float


class ExecResult(NamedTuple):
    """``exit_code`` and output of ``container.exec_run``."""

    exit_code: int
    output: bytes


class Split(NamedTuple):
    """The same with ``demux=True``."""

    exit_code: int
    output: tuple[bytes, bytes]


class Result(Record):
    """How a command in a sandbox went. ``exit_code`` is None where it ran out of time."""

    exit_code: int | None
    stdout_bytes: bytes
    stderr_bytes: bytes
    duration_s: float
    timed_out: bool = False
    truncated: bool = False

    @property
    def stdout(self) -> str:
        """As text; what is not UTF-8 is replaced."""
        return self.stdout_bytes.decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        """As text; what is not UTF-8 is replaced."""
        return self.stderr_bytes.decode("utf-8", "replace")


def argv(command: str | Sequence[str]) -> list[str]:
    """A command's words; a string is split as a shell would."""
    return shlex.split(command) if isinstance(command, str) else [str(word) for word in command]


def pairs(given: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """``{"A": "1"}`` -> ``["A=1"]``."""
    if isinstance(given, Mapping):
        return [name if value is None else f"{name}={value}" for name, value in given.items()]
    return list(given)


def labels(given: Mapping[str, str] | Sequence[str]) -> dict[str, str]:
    """``["a"]`` -> ``{"a": ""}``."""
    return dict(given) if isinstance(given, Mapping) else dict.fromkeys(given, "")


_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def size_bytes(given: str | int) -> int:
    """``"256m"`` -> bytes. Raises ``ValueError``."""
    if isinstance(given, int):
        return given
    text = given.strip().lower()
    if text.endswith("b") and text[-2:-1] in ("k", "m", "g", "t"):
        text = text[:-1]
    digits = text.rstrip("bkmgt")
    try:
        return int(float(digits) * _UNITS[text[len(digits) :]])
    except (ValueError, KeyError):
        raise ValueError(f"{given!r} is no size: a number and b, k, m, g or t") from None


def binds(given: Mapping[str, Mapping[str, str]] | Sequence[str]) -> list[str]:
    """``{"/host": {"bind": "/inside", "mode": "ro"}}`` -> ``["/host:/inside:ro"]``."""
    if not isinstance(given, Mapping):
        return list(given)
    return [f"{source}:{each['bind']}:{each.get('mode', 'rw')}" for source, each in given.items()]


def published(ports: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """``{"80/tcp": 8080, "53/udp": None}`` -> ExposedPorts, PortBindings. None lets the engine choose a port."""
    bindings = {}
    for port, hosts in ports.items():
        each = hosts if isinstance(hosts, list) else [hosts]
        bindings[port if "/" in str(port) else f"{port}/tcp"] = [_binding(host) for host in each]
    return {port: {} for port in bindings}, bindings


def _binding(host: Any) -> dict[str, str]:
    address, port = host if isinstance(host, tuple) else ("", host)
    return {"HostIp": address, "HostPort": "" if port is None else str(port)}


def _device(word: str) -> dict[str, str]:
    outside, _, rest = word.partition(":")
    inside, _, allowed = rest.partition(":")
    return {"PathOnHost": outside, "PathInContainer": inside or outside, "CgroupPermissions": allowed or "rwm"}


def _hosts(given: Mapping[str, str] | Sequence[str]) -> list[str]:
    return [f"{name}:{address}" for name, address in given.items()] if isinstance(given, Mapping) else list(given)


def _as_is(value: Any) -> Any:
    return value


#: word -> its name in the document and how it is written there.
_CONFIG: dict[str, tuple[str, Any]] = {
    "entrypoint": ("Entrypoint", argv),
    "environment": ("Env", pairs),
    "user": ("User", str),
    "working_dir": ("WorkingDir", _as_is),
    "labels": ("Labels", labels),
    "hostname": ("Hostname", _as_is),
    "domainname": ("Domainname", _as_is),
    "tty": ("Tty", _as_is),
    "stdin_open": ("OpenStdin", _as_is),
    "stdin_once": ("StdinOnce", _as_is),
    "stop_signal": ("StopSignal", _as_is),
    "healthcheck": ("Healthcheck", dict),
}
_HOST: dict[str, tuple[str, Any]] = {
    "auto_remove": ("AutoRemove", _as_is),
    "mem_limit": ("Memory", size_bytes),
    "memswap_limit": ("MemorySwap", size_bytes),
    "mem_reservation": ("MemoryReservation", size_bytes),
    "shm_size": ("ShmSize", size_bytes),
    "nano_cpus": ("NanoCpus", _as_is),
    "cpu_shares": ("CpuShares", _as_is),
    "cpu_quota": ("CpuQuota", _as_is),
    "cpu_period": ("CpuPeriod", _as_is),
    "cpuset_cpus": ("CpusetCpus", _as_is),
    "pids_limit": ("PidsLimit", _as_is),
    "oom_score_adj": ("OomScoreAdj", _as_is),
    "network": ("NetworkMode", _as_is),
    "network_mode": ("NetworkMode", _as_is),
    "volumes": ("Binds", binds),
    "mounts": ("Mounts", list),
    "tmpfs": ("Tmpfs", dict),
    "read_only": ("ReadonlyRootfs", _as_is),
    "privileged": ("Privileged", _as_is),
    "cap_add": ("CapAdd", list),
    "cap_drop": ("CapDrop", list),
    "security_opt": ("SecurityOpt", list),
    "init": ("Init", _as_is),
    "restart_policy": ("RestartPolicy", dict),
    "dns": ("Dns", list),
    "extra_hosts": ("ExtraHosts", _hosts),
    "group_add": ("GroupAdd", lambda value: [str(each) for each in value]),
    "ulimits": ("Ulimits", list),
    "sysctls": ("Sysctls", dict),
    "devices": ("Devices", lambda value: [_device(each) for each in value]),
    "log_config": ("LogConfig", dict),
    "runtime": ("Runtime", _as_is),
    "ipc_mode": ("IpcMode", _as_is),
    "pid_mode": ("PidMode", _as_is),
    "userns_mode": ("UsernsMode", _as_is),
}
#: What ``container.update`` may change.
_UPDATE = {
    *("mem_limit", "memswap_limit", "mem_reservation", "nano_cpus", "cpu_shares", "cpu_quota", "cpu_period"),
    *("cpuset_cpus", "pids_limit", "restart_policy"),
}


def creation(image: str, command: str | Sequence[str] | None, words: Mapping[str, Any]) -> dict[str, Any]:
    """The body of ``POST /containers/create``. Raises ``TypeError`` for a word that there is not."""
    host: dict[str, Any] = {}
    found: dict[str, Any] = {"Image": image, "HostConfig": host}
    if command is not None:
        found["Cmd"] = argv(command)
    for word, value in words.items():
        if word in ("name", "platform") or value is None:
            continue
        if word == "ports":
            found["ExposedPorts"], host["PortBindings"] = published(value)
            continue
        _put(word, value, found, host)
    return found


def _put(word: str, value: Any, config: dict[str, Any], host: dict[str, Any]) -> None:
    for table, into in ((_CONFIG, config), (_HOST, host)):
        if word in table:
            name, write = table[word]
            into[name] = write(value)
            return
    raise TypeError(f"a container has no {word!r}")


def execution(command: str | Sequence[str], words: ExecWords) -> dict[str, Any]:
    """The body of ``POST /containers/ID/exec``."""
    found: dict[str, Any] = {"Cmd": argv(command), "AttachStdout": True, "AttachStderr": True}
    found |= {"AttachStdin": words.get("stdin", False), "Tty": words.get("tty", False)}
    found |= {"User": words.get("user", ""), "Privileged": words.get("privileged", False)}
    if workdir := words.get("workdir"):
        found["WorkingDir"] = workdir
    if environment := words.get("environment"):
        found["Env"] = pairs(environment)
    return found


def changes(words: Mapping[str, Any]) -> dict[str, Any]:
    """The body of ``POST /containers/ID/update``. Raises ``TypeError``."""
    found: dict[str, Any] = {}
    for word, value in words.items():
        if word not in _UPDATE:
            raise TypeError(f"{word!r} of a container cannot be updated")
        _put(word, value, {}, found)
    return found
