"""``/_ping``, ``/version``, ``/info``, ``/events``, and what an engine says of itself."""

from __future__ import annotations

import asyncio
import os
import platform

from rung import __version__, jsonc
from rung.engine import log_options
from rung.engine.docker import registries
from rung.engine.docker.answers import Answer, Streamed, document
from rung.engine.docker.filters import carries
from rung.engine.docker.server import SERVER
from rung.engine.docker.versions import API, OLDEST
from rung.engine.document.namespaces import has_cgroup_v2
from rung.engine.errors import BadParameter, EngineError
from rung.engine.runtimes import installed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from typing import Any

    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.engine import Engine
    from rung.engine.events import Event

#: What Docker calls this machine.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def table(engine: Engine) -> Table:
    """The endpoints of this file."""

    async def ping(call: Call) -> Answer:
        fresh = "no-cache, no-store, must-revalidate"
        headers = (("Builder-Version", "1"), ("Cache-Control", fresh), ("Pragma", "no-cache"), ("Swarm", "inactive"))
        return Answer(body=b"OK", kind="text/plain; charset=utf-8", headers=headers)

    async def version(call: Call) -> Answer:
        return document(version_of(engine))

    async def info(call: Call) -> Answer:
        found = await engine.threads.own(information, engine)
        if call.before(1, 42):
            found["KernelMemory"] = False
        if call.before(1, 25):
            found["ExecutionDriver"] = "<not supported>"
            found["SecurityOptions"] = [
                word.partition("=")[2].partition(",")[0] for word in found["SecurityOptions"]
            ]
        return document(found)

    async def events(call: Call) -> Streamed:
        since, until = (epoch_ns(call.query.get(name)) for name in ("since", "until"))
        if since is not None and until is not None and since > until:
            raise BadParameter(
                f"`since` time ({call.query['since']}) cannot be after `until` time ({call.query['until']})"
            )
        if until is not None and since is None:
            since = 0
        return Streamed(_events(engine, call.filters(), since, until))

    return {
        "GET /_ping": ping,
        "GET /version": version,
        "GET /info": info,
        "GET /events": events,
    }


def version_of(engine: Engine) -> dict[str, Any]:
    """Docker's ``/version``."""
    found = os.uname()
    machine = _ARCHITECTURES.get(found.machine, found.machine)
    details = {
        "ApiVersion": API,
        "Arch": machine,
        "KernelVersion": found.release,
        "MinAPIVersion": OLDEST,
        "Os": "linux",
        "PythonVersion": platform.python_version(),
    }
    more = {"Experimental": True} if engine.settings.experimental else {}
    return {
        "Platform": {"Name": "Rung"},
        "Components": [{"Name": "Engine", "Version": __version__, "Details": details}],
        "Version": SERVER.split("/")[1].split()[0],
        "ApiVersion": API,
        "MinAPIVersion": OLDEST,
        "GitCommit": "",
        "GoVersion": "",
        "Os": "linux",
        "Arch": machine,
        "KernelVersion": found.release,
        "BuildTime": "",
        **more,
    }


def information(engine: Engine) -> dict[str, Any]:
    """Docker's ``/info``."""
    states = [container.state.status for container in engine.containers]
    found = os.uname()
    release = _os_release()
    return {
        "ID": machine_id(engine),
        "Containers": len(states),
        "ContainersRunning": states.count("running"),
        "ContainersPaused": states.count("paused"),
        "ContainersStopped": len(states) - states.count("running") - states.count("paused"),
        "Images": len({image.id for image in engine.store.images()}),
        "Driver": "overlay2",
        "DriverStatus": [["Backing Filesystem", _filesystem(engine.places.data)], ["Supports d_type", "true"]],
        "Plugins": {
            "Volume": ["local"],
            "Network": ["bridge", "host", "null"],
            "Authorization": None,
            "Log": sorted(log_options.DRIVERS),
        },
        "KernelMemoryTCP": False,
        "MemoryLimit": True,
        "SwapLimit": True,
        "CpuCfsPeriod": True,
        "CpuCfsQuota": True,
        "CPUShares": True,
        "CPUSet": True,
        "PidsLimit": True,
        "IPv4Forwarding": _forwards(),
        "BridgeNfIptables": False,
        "BridgeNfIp6tables": False,
        "Debug": engine.settings.debug,
        "NFd": len(os.listdir("/proc/self/fd")),
        "OomKillDisable": True,
        "NGoroutines": len(asyncio.all_tasks(engine.loop)) if engine.loop is not None else 0,
        "SystemTime": _now(),
        "LoggingDriver": engine.settings.log_driver,
        "CgroupDriver": "cgroupfs",
        "CgroupVersion": "2" if has_cgroup_v2() else "1",
        "NEventsListener": engine.events.listeners,
        "KernelVersion": found.release,
        "OperatingSystem": release.get("PRETTY_NAME", "Linux"),
        "OSVersion": release.get("VERSION_ID", ""),
        "OSType": "linux",
        "Architecture": found.machine,
        "IndexServerAddress": "https://index.docker.io/v1/",
        "RegistryConfig": registries.shown(engine.settings),
        "NCPU": os.cpu_count() or 1,
        "MemTotal": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "GenericResources": None,
        "DockerRootDir": engine.places.data,
        "HttpProxy": os.environ.get("HTTP_PROXY", ""),
        "HttpsProxy": os.environ.get("HTTPS_PROXY", ""),
        "NoProxy": os.environ.get("NO_PROXY", ""),
        "Name": found.nodename,
        "Labels": list(engine.settings.labels),
        "ExperimentalBuild": engine.settings.experimental,
        "ServerVersion": version_of(engine)["Version"],
        "Runtimes": installed(engine.settings.runtimes),
        "DefaultRuntime": engine.settings.default_runtime,
        "Swarm": {
            "NodeID": "",
            "NodeAddr": "",
            "LocalNodeState": "inactive",
            "ControlAvailable": False,
            "Error": "",
            "RemoteManagers": None,
        },
        "LiveRestoreEnabled": True,
        "Isolation": "",
        "InitBinary": "docker-init",
        "ContainerdCommit": {"ID": "", "Expected": ""},
        "RuncCommit": {"ID": "", "Expected": ""},
        "InitCommit": {"ID": "", "Expected": ""},
        "SecurityOptions": [
            "name=seccomp,profile=builtin",
            *(["name=rootless"] if engine.outside is not None else []),
            *(["name=userns"] if engine.remap is not None else []),
            "name=cgroupns",
        ],
        "CDISpecDirs": list(engine.settings.cdi_dirs),
        "Warnings": [*(_warnings() or ()), *rootless_warnings(engine)] or None,
    }


def _warnings() -> list[str] | None:
    """What Docker's client shows below ``docker info``: what this kernel does not do."""
    found = []
    if not _forwards():
        found.append("WARNING: IPv4 forwarding is disabled")
    return found or None


def _forwards() -> bool:
    """Whether the kernel forwards, or will: the first bridge switches it on."""
    path = "/proc/sys/net/ipv4/ip_forward"
    return _is_one(path) or os.access(path, os.W_OK)


def rootless_warnings(engine: Engine) -> list[str]:
    """What somebody should know who runs containers as an ordinary user."""
    if engine.outside is None:
        return []
    found = []
    if not engine.outside.by:
        reason = "neither pasta nor slirp4netns is installed: containers reach no other host"
        found.append(f"WARNING: {reason} (apt-get install passt, then start rungd again)")
    if not is_delegated():
        found.append("WARNING: no cgroups are delegated to this user: containers have no limits and cannot be paused")
    return found


def is_delegated() -> bool:
    """Whether the cgroup v2 that we are in may be divided by us (systemd: Delegate=yes)."""
    with open("/proc/self/cgroup") as file:
        own = next((line[3:].strip() for line in file if line.startswith("0::")), "")
    return bool(own) and has_cgroup_v2() and os.access(f"/sys/fs/cgroup{own}/cgroup.procs", os.W_OK)


def machine_id(engine: Engine) -> str:
    """Of this engine on this machine: made once."""
    import uuid

    path = f"{engine.places.data}/engine/id"
    try:
        with open(path) as file:
            return file.read().strip()
    except FileNotFoundError:
        made = str(uuid.uuid4())
        with open(path, "w") as file:
            file.write(made)
        return made


def _filesystem(path: str) -> str:
    """The type of what a path lies on, as /proc has it."""
    best, kind = "", "unknown"
    with open("/proc/self/mountinfo") as file:
        for line in file:
            before, _, after = line.partition(" - ")
            point = before.split()[4]
            if (path == point or path.startswith(point.rstrip("/") + "/")) and len(point) >= len(best):
                best, kind = point, after.split()[0]
    return kind


def _os_release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _is_one(path: str) -> bool:
    try:
        with open(path) as file:
            return file.read().strip() == "1"
    except OSError:
        return False


def _now() -> str:
    from time import time_ns

    from rung.spec.jsonfile import timestamp

    return timestamp(time_ns())


def moment_ns(text: str | None) -> int | None:
    """``since`` and ``until``: seconds, with a fraction, or RFC 3339. Raises ``BadParameter``."""
    if not text or text == "0":
        return None
    whole, _, rest = text.partition(".")
    if whole.isdecimal() and (not rest or rest.isdecimal()):
        return int(whole) * 1_000_000_000 + int((rest + "000000000")[:9])
    from datetime import UTC, datetime

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadParameter(f"failed to parse value as time or duration: {text!r}".replace("'", '"')) from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1e9)


def epoch_ns(text: str | None) -> int | None:
    """``since`` and ``until`` of events: seconds, with a fraction; the client has made them of durations."""
    if not text:
        return None
    whole, _, rest = text.partition(".")
    for part in (whole, rest or "0"):
        if not part.removeprefix("-").isdecimal():
            raise EngineError(f'strconv.ParseInt: parsing "{part}": invalid syntax')
    return int(whole) * 1_000_000_000 + int((rest + "000000000")[:9])


# --- events ------------------------------------------------------------------------------


async def _events(
    engine: Engine, wanted: Mapping[str, list[str]], since: int | None, until: int | None
) -> AsyncIterator[bytes]:
    from time import time_ns

    yield b""  # the head goes out before anything has happened
    stream = engine.events.listen(since)
    try:
        async with asyncio.timeout(None if until is None else max(0.0, (until - time_ns()) / 1e9)):
            async for event in stream:
                if until is not None and event.moment_ns > until:
                    return
                if matches(event, wanted):
                    yield jsonc.dumps(event.document(), compact=True).encode() + b"\n"
    except TimeoutError:
        return
    finally:
        await stream.aclose()  # type: ignore[attr-defined]


def matches(event: Event, wanted: Mapping[str, list[str]]) -> bool:
    """Whether an event is one of those that filters ask for: all filters, any word of each, every label."""
    return all(
        carries(event.attributes, words) if name == "label" else any(_fits(event, name, word) for word in words)
        for name, words in wanted.items()
    )


def _fits(event: Event, name: str, word: str) -> bool:
    attributes = event.attributes
    if name in ("type", "event"):
        found = event.kind if name == "type" else event.action
        return found == word or (name == "event" and found.startswith(f"{word}:"))
    if name == "image":
        image = attributes.get("image", "") if event.kind == "container" else event.id
        return image in (word, f"{word}:latest") or image.partition(":")[0] == word
    if name in ("scope", "daemon", "node"):
        return word == "local" or name != "scope"
    return event.kind == name and (event.id.startswith(word) or attributes.get("name") == word)
