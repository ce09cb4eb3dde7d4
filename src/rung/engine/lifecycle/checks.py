"""What of a request for a container makes no sense, found before anything is made: in Docker's order and words.

Raises ``BadParameter``, but where Docker answers as for a fault of its own (``EngineError``).
"""

from __future__ import annotations

import re

from rung.engine.document import mount_spec, resources, security
from rung.engine.errors import BadParameter, EngineError, NotFound
from rung.spec.image import Platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rung.image import Image

RESTARTS = ("", "no", "always", "on-failure", "unless-stopped")
#: HostConfig's modes of namespaces, and what each may be beside ``container:NAME``.
_MODES = {
    "IpcMode": ("IPC", ("", "none", "private", "shareable", "host")),
    "PidMode": ("PID", ("", "host")),
    "UTSMode": ("UTS", ("", "host")),
    "CgroupnsMode": ("cgroup namespace", ("", "host", "private")),
}
_SHARED = ("IpcMode", "PidMode")
_PORT = re.compile(r"\d{0,5}(-\d{1,5})?")
_PLATFORM = re.compile(r"[A-Za-z0-9_.-]+")
#: What one word alone may be.
_SYSTEMS = frozenset(
    "aix android darwin dragonfly freebsd hurd illumos ios js linux netbsd openbsd plan9 solaris wasip1 windows "
    "zos".split()
)
_ARCHITECTURES = frozenset(
    "386 amd64 arm arm64 armbe arm64be loong64 mips mipsle mips64 mips64le ppc ppc64 ppc64le riscv riscv64 s390 s390x "
    "sparc sparc64 wasm".split()
)


def check(config: Mapping[str, Any], host: Mapping[str, Any]) -> None:
    """Everything that needs neither the image nor the engine."""
    _check_networks(host)
    _check_config(config)
    _check_host(host)
    for given in host.get("Mounts") or ():
        mount_spec.check(given)
    mount_spec.check_tmpfs_paths(host)
    resources.check(host)
    if int(host.get("ShmSize") or 0) < 0:
        raise BadParameter("SHM size can not be less than 0")
    score = int(host.get("OomScoreAdj") or 0)
    if not -1000 <= score <= 1000:
        raise BadParameter(f"Invalid value {score}, range for oom score adj is [-1000, 1000]")
    _check_modes(host)


def _check_networks(host: Mapping[str, Any]) -> None:
    mode = str(host.get("NetworkMode") or "")
    word, given, name = mode.partition(":")
    if word == "container" and (not given or not name):
        raise BadParameter("Invalid network mode: invalid container format container:<name|id>")
    isolation = str(host.get("Isolation") or "")
    if isolation.lower() not in ("", "default"):
        raise EngineError(f"Invalid isolation: \"{isolation}\" - linux only supports 'default'")


def _check_modes(host: Mapping[str, Any]) -> None:
    for field, (shown, known) in _MODES.items():
        mode = str(host.get(field) or "")
        shares = field in _SHARED and mode.startswith("container:") and mode != "container:"
        if mode not in known and not shares:
            raise BadParameter(f"invalid {shown} mode: {mode}")


def _check_config(config: Mapping[str, Any]) -> None:
    workdir = config.get("WorkingDir") or "/"
    if not workdir.startswith("/"):
        raise BadParameter(f"the working directory '{workdir}' is invalid, it needs to be an absolute path")
    for word in config.get("Env") or ():
        if not word.partition("=")[0]:
            raise BadParameter(f"invalid environment variable: {word}")
    _check_health(config.get("Healthcheck") or {})
    if config.get("StopSignal"):
        signal_of(str(config["StopSignal"]))


def _check_health(given: Mapping[str, Any]) -> None:
    for field in ("Interval", "Timeout", "StartPeriod", "StartInterval"):
        if 0 != int(given.get(field) or 0) < 1_000_000:
            raise BadParameter(f"{field} in Healthcheck cannot be less than 1ms")
    if int(given.get("Retries") or 0) < 0:
        raise BadParameter("Retries in Healthcheck cannot be negative")


def _check_host(host: Mapping[str, Any]) -> None:
    policy = host.get("RestartPolicy") or {}
    if host.get("AutoRemove") and policy.get("Name", "no") not in ("", "no"):
        raise BadParameter("can't create 'AutoRemove' container with restart policy")
    for word in host.get("ExtraHosts") or ():
        name, colon, address = word.partition(":")
        if not colon or not name:
            raise BadParameter(f'bad format for add-host: "{word}"')
        if address != "host-gateway" and not _is_address(address):
            raise BadParameter(f'invalid IP address in add-host: "{address}"')
    for port, places in (host.get("PortBindings") or {}).items():
        if not _PORT.fullmatch(port.partition("/")[0]):
            raise BadParameter(f'invalid port specification: "{port.partition("/")[0]}"')
        for one in places or ():
            if not _PORT.fullmatch(str(one.get("HostPort") or "")):
                raise BadParameter(f'invalid port specification: "{one["HostPort"]}"')
    check_policy(policy)
    security.capabilities(host)


def check_policy(policy: Mapping[str, Any]) -> None:
    """``RestartPolicy``."""
    if policy.get("Name", "") not in RESTARTS:
        words = "use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
        raise BadParameter(f"invalid restart policy: unknown policy '{policy['Name']}'; {words}")
    count = int(policy.get("MaximumRetryCount") or 0)
    if count and policy.get("Name") != "on-failure":
        raise BadParameter("invalid restart policy: maximum retry count can only be used with 'on-failure'")
    if count < 0:
        raise BadParameter("invalid restart policy: maximum retry count cannot be negative")


def _is_address(text: str) -> bool:
    from ipaddress import ip_address

    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def warnings(config: Mapping[str, Any], host: Mapping[str, Any]) -> list[str]:
    """What is done all the same, and said."""
    found = []
    if host.get("OomKillDisable") and not host.get("Memory"):
        found.append(
            "OOM killer is disabled for the container, but no memory limit is set, this can result in the system "
            "running out of resources."
        )
    if config.get("MacAddress"):
        found.append(
            "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead."
        )
    return found


def signal_of(word: str) -> int:
    """A signal by number or name. Raises ``BadParameter``."""
    from rung.errors import RungError
    from rung.runtime import signal_number

    try:
        return signal_number(word)
    except RungError:
        raise BadParameter(f"invalid signal: {word}") from None


# --- platforms ---------------------------------------------------------------------------


def platform_of(text: str) -> tuple[str, str]:
    """``linux/arm64/v8`` as system and architecture, empty where nothing was said."""
    parts = text.lower().split("/")
    if text and (len(parts) > 3 or not all(_PLATFORM.fullmatch(part) for part in parts)):
        raise BadParameter(f'"{text}": cannot parse platform specifier: invalid argument')
    if not text or (len(parts) == 1 and parts[0] in _SYSTEMS):
        return parts[0], ""
    if len(parts) == 1:
        architecture = Platform("", parts[0]).normal.architecture
        if architecture not in _ARCHITECTURES:
            raise BadParameter(f'"{text}": unknown operating system or architecture: invalid argument')
        return "", architecture
    return parts[0], Platform("", parts[1]).normal.architecture


def check_platform(image: Image, wanted: tuple[str, str], reference: str) -> None:
    """Raises ``NotFound`` where the image is for another machine than was asked for: a client then pulls it."""
    has = str(image.document.get("os", "")), str(image.document.get("architecture", ""))
    if any(asked and asked != there for asked, there in zip(wanted, has)):
        shown, given = "/".join(has), "/".join(part for part in wanted if part)
        raise NotFound(
            f"image with reference {reference} was found but does not match the specified platform: wanted {given}, "
            f"actual: {shown}"
        )
