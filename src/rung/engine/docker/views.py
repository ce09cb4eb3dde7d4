"""Containers as Docker shows them: in lists and under inspection. Pure."""

from __future__ import annotations

from time import time_ns

from rung.engine import states
from rung.engine.container import moment
from rung.engine.document.mounts import Mounted
from rung.engine.document.process import words
from rung.engine.log_options import driver_of
from rung.engine.network.endpoint import Endpoint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.places import Places


def ago(nanoseconds: int) -> str:
    """Docker's words for a duration (go-units HumanDuration)."""
    seconds = nanoseconds // 1_000_000_000
    if seconds < 1:
        return "Less than a second"
    for least, unit, size in (
        (0, "second", 1),
        (60, "minute", 60),
        (3600, "hour", 3600),
        (48 * 3600, "day", 24 * 3600),
        (14 * 24 * 3600, "week", 7 * 24 * 3600),
        (60 * 24 * 3600, "month", 30 * 24 * 3600),
        (2 * 365 * 24 * 3600, "year", 365 * 24 * 3600),
    ):
        if seconds >= least:
            found = (seconds // size, unit)
    count, unit = found
    if unit in ("minute", "hour") and count == 1:
        return f"About {'an' if unit == 'hour' else 'a'} {unit}"
    return f"{count} {unit}{'' if count == 1 else 's'}"


def status(container: Container) -> str:
    """``Up 5 minutes (healthy)``, ``Exited (0) 2 hours ago``."""
    state = container.state
    now = time_ns()
    if state.status in states.LIVE:
        up = f"Up {ago(now - state.started_ns)}"
        if state.status == states.PAUSED:
            return f"{up} (Paused)"
        health = (state.health or {}).get("Status", "none")
        return f"{up} ({'health: starting' if health == 'starting' else health})" if health != "none" else up
    if state.status == states.RESTARTING:
        return f"Restarting ({state.exit_code}) {ago(now - state.finished_ns)} ago"
    if state.status == states.REMOVING:
        return "Removal In Progress"
    if state.status == states.DEAD:
        return "Dead"
    if not state.started_ns:
        return "Created"
    return f"Exited ({state.exit_code}) {ago(now - state.finished_ns)} ago"


def command(container: Container) -> str:
    """The words in one line, as ``docker ps`` has them."""
    return " ".join(f"'{word}'" if " " in word else word for word in words(container.config))


def summary(container: Container, network: dict[str, Any], ports: list[dict[str, Any]]) -> dict[str, Any]:
    """An entry of ``/containers/json``."""
    return {
        "Id": container.id,
        "Names": [f"/{container.name}"],
        "Image": container.image_name,
        "ImageID": container.image,
        "Command": command(container),
        "Created": container.created_ns // 1_000_000_000,
        "Ports": ports,
        "Labels": container.labels,
        "State": container.state.status,
        "Status": status(container),
        "HostConfig": {"NetworkMode": container.network_mode},
        "NetworkSettings": {"Networks": network},
        "Mounts": points(container),
    }


def points(container: Container) -> list[dict[str, Any]]:
    """Docker's MountPoint objects."""
    return [Mounted(**document).point() for document in container.mounts]


def state_of(container: Container) -> dict[str, Any]:
    """``State`` of an inspection."""
    state = container.state
    found: dict[str, Any] = {
        "Status": state.status,
        "Running": state.status in (*states.LIVE, states.RESTARTING),
        "Paused": state.status == states.PAUSED,
        "Restarting": state.status == states.RESTARTING,
        "OOMKilled": state.oom_killed,
        "Dead": state.status == states.DEAD,
        "Pid": state.pid,
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": moment(state.started_ns),
        "FinishedAt": moment(state.finished_ns),
    }
    if state.health is not None:
        found["Health"] = state.health
    return found


def inspection(container: Container, places: Places, networks: dict[str, Any], execs: list[str]) -> dict[str, Any]:
    """``/containers/ID/json``."""
    argv = words(container.config)
    bundle = places.bundle(container.id)
    begun = bool(container.state.started_ns)  # its files are written when it is started
    return {
        "Id": container.id,
        "Created": container.created,
        "Path": argv[0],
        "Args": argv[1:],
        "State": state_of(container),
        "Image": container.image,
        "ResolvConfPath": f"{bundle}/resolv.conf" if begun else "",
        "HostnamePath": f"{bundle}/hostname" if begun else "",
        "HostsPath": f"{bundle}/hosts" if begun else "",
        "LogPath": places.log(container.id) if begun and driver_of(container.host) == "json-file" else "",
        "Name": f"/{container.name}",
        "RestartCount": container.state.restarts,
        "Driver": "overlay2",
        "Platform": container.platform,
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": execs or None,
        "HostConfig": host_config(container),
        "GraphDriver": {"Data": {}, "Name": "overlay2"},
        "Mounts": points(container),
        "Config": {**_CONFIG, **container.config, "Env": container.config.get("Env") or None},
        "NetworkSettings": networks,
    }


def endpoints(container: Container) -> dict[str, Any]:
    """The networks it is on, or will be on, by name."""
    if container.attached:
        return {name: Endpoint(**document).view() for name, document in container.attached.items()}
    mode = container.network_mode
    if mode.startswith("container:"):
        return {}
    names = {"bridge" if mode == "default" else mode: {}, **container.endpoints}
    given = {name: asked or {} for name, asked in names.items()}
    return {
        name: Endpoint(network=name, asked=asked, mac=str(asked.get("MacAddress") or "")).view()
        for name, asked in given.items()
    }


def ports(container: Container) -> list[dict[str, Any]]:
    """Docker's Port objects: those that are published, then those that are only exposed."""
    found = [
        {
            "IP": one["host_ip"] or "0.0.0.0",
            "PrivatePort": one["port"],
            "PublicPort": one["host_port"],
            "Type": one["protocol"],
        }
        for one in container.published
    ]
    published = {(one["port"], one["protocol"]) for one in container.published}
    if container.state.running:
        for text in container.config.get("ExposedPorts") or {}:
            number, _, protocol = text.partition("/")
            if (int(number), protocol or "tcp") not in published:
                found.append({"PrivatePort": int(number), "Type": protocol or "tcp"})
    return found


def network_settings(container: Container) -> dict[str, Any]:
    """``NetworkSettings`` of an inspection; the first fields are those of the default network."""
    bound: dict[str, Any] = {}
    if container.state.running:
        bound = {text if "/" in text else f"{text}/tcp": None for text in container.config.get("ExposedPorts") or {}}
    for one in container.published:
        places = bound.get(f"{one['port']}/{one['protocol']}") or []
        places.append({"HostIp": one["host_ip"] or "0.0.0.0", "HostPort": str(one["host_port"])})
        bound[f"{one['port']}/{one['protocol']}"] = places
    found = endpoints(container)
    default = found.get("bridge", {})
    return {
        "Bridge": "",
        "SandboxID": container.id if container.state.running else "",
        "SandboxKey": f"/proc/{container.state.pid}/ns/net" if container.state.running else "",
        "Ports": bound,
        "HairpinMode": False,
        "LinkLocalIPv6Address": "",
        "LinkLocalIPv6PrefixLen": 0,
        "SecondaryIPAddresses": None,
        "SecondaryIPv6Addresses": None,
        "EndpointID": default.get("EndpointID", ""),
        "Gateway": default.get("Gateway", ""),
        "GlobalIPv6Address": default.get("GlobalIPv6Address", ""),
        "GlobalIPv6PrefixLen": default.get("GlobalIPv6PrefixLen", 0),
        "IPAddress": default.get("IPAddress", ""),
        "IPPrefixLen": default.get("IPPrefixLen", 0),
        "IPv6Gateway": default.get("IPv6Gateway", ""),
        "MacAddress": default.get("MacAddress", ""),
        "Networks": found,
    }


_CONFIG: dict[str, Any] = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": None,
    "Cmd": None,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": {},
}
#: What Docker shows of a HostConfig in which nothing was said.
_HOST: dict[str, Any] = {
    "Binds": None,
    "ContainerIDFile": "",
    "LogConfig": {"Type": "json-file", "Config": {}},
    "NetworkMode": "default",
    "PortBindings": None,
    "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    "AutoRemove": False,
    "VolumeDriver": "",
    "VolumesFrom": None,
    "ConsoleSize": [0, 0],
    "CapAdd": None,
    "CapDrop": None,
    "CgroupnsMode": "private",
    "Dns": None,
    "DnsOptions": None,
    "DnsSearch": None,
    "ExtraHosts": None,
    "GroupAdd": None,
    "IpcMode": "private",
    "Cgroup": "",
    "Links": None,
    "OomScoreAdj": 0,
    "PidMode": "",
    "Privileged": False,
    "PublishAllPorts": False,
    "ReadonlyRootfs": False,
    "SecurityOpt": None,
    "UTSMode": "",
    "UsernsMode": "",
    "ShmSize": 67108864,
    "Runtime": "rung",
    "Isolation": "",
    "CpuShares": 0,
    "Memory": 0,
    "NanoCpus": 0,
    "CgroupParent": "",
    "BlkioWeight": 0,
    "BlkioWeightDevice": None,
    "BlkioDeviceReadBps": None,
    "BlkioDeviceWriteBps": None,
    "BlkioDeviceReadIOps": None,
    "BlkioDeviceWriteIOps": None,
    "CpuPeriod": 0,
    "CpuQuota": 0,
    "CpuRealtimePeriod": 0,
    "CpuRealtimeRuntime": 0,
    "CpusetCpus": "",
    "CpusetMems": "",
    "Devices": None,
    "DeviceCgroupRules": None,
    "DeviceRequests": None,
    "MemoryReservation": 0,
    "MemorySwap": 0,
    "MemorySwappiness": None,
    "OomKillDisable": False,
    "PidsLimit": None,
    "Ulimits": None,
    "CpuCount": 0,
    "CpuPercent": 0,
    "IOMaximumIOps": 0,
    "IOMaximumBandwidth": 0,
}


def host_config(container: Container) -> dict[str, Any]:
    """``HostConfig`` of an inspection: what was asked for over Docker's defaults, and the paths that are hidden."""
    from rung.engine.document.namespaces import mode
    from rung.engine.document.security import paths

    found = {**_HOST, **{key: value for key, value in container.host.items() if value is not None}}
    found["CgroupnsMode"] = mode(container.host, "cgroup")
    hidden = paths(container.host)
    found["MaskedPaths"] = hidden["maskedPaths"] or None
    found["ReadonlyPaths"] = hidden["readonlyPaths"] or None
    for name in ("LogConfig", "RestartPolicy"):
        key = "Type" if name == "LogConfig" else "Name"
        given = {word: value for word, value in (container.host.get(name) or {}).items() if word != key or value}
        found[name] = {**_HOST[name], **given}
    return found
