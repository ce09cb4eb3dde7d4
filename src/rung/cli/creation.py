"""Flags of ``run`` and ``create`` -> the body of ``POST /containers/create``. Only files that flags name are read."""

from __future__ import annotations

from rung import posix
from rung.cli import mounts, ports
from rung.cli.numbers import size_bytes
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from rung.cli.flags import Asked

#: flag -> field of HostConfig, written as it was read
_HOST = {
    "add-host": "ExtraHosts", "blkio-weight": "BlkioWeight", "cap-add": "CapAdd", "cap-drop": "CapDrop",
    "cgroup-parent": "CgroupParent", "cgroupns": "CgroupnsMode", "cpu-period": "CpuPeriod", "cpu-quota": "CpuQuota",
    "cpu-rt-period": "CpuRealtimePeriod", "cpu-rt-runtime": "CpuRealtimeRuntime", "cpu-shares": "CpuShares",
    "cpus": "NanoCpus", "cpuset-cpus": "CpusetCpus", "cpuset-mems": "CpusetMems",
    "device-cgroup-rule": "DeviceCgroupRules", "dns": "Dns", "dns-option": "DnsOptions", "dns-search": "DnsSearch",
    "group-add": "GroupAdd", "ipc": "IpcMode", "isolation": "Isolation", "kernel-memory": "KernelMemory",
    "link": "Links", "memory": "Memory", "memory-reservation": "MemoryReservation", "memory-swap": "MemorySwap",
    "oom-kill-disable": "OomKillDisable", "oom-score-adj": "OomScoreAdj", "pid": "PidMode",
    "pids-limit": "PidsLimit", "privileged": "Privileged", "publish-all": "PublishAllPorts",
    "read-only": "ReadonlyRootfs", "rm": "AutoRemove", "runtime": "Runtime", "shm-size": "ShmSize",
    "userns": "UsernsMode", "uts": "UTSMode", "volume-driver": "VolumeDriver", "volumes-from": "VolumesFrom",
}  # fmt: skip
#: flag -> field of the configuration
_CONFIG = {
    "domainname": "Domainname", "hostname": "Hostname", "stop-signal": "StopSignal", "stop-timeout": "StopTimeout",
    "tty": "Tty", "user": "User", "workdir": "WorkingDir",
}  # fmt: skip
_HEALTH = {
    "health-interval": "Interval", "health-retries": "Retries", "health-start-interval": "StartInterval",
    "health-start-period": "StartPeriod", "health-timeout": "Timeout",
}  # fmt: skip
#: Docker's API has no field for what is done when a container is unhealthy: the engine reads this label.
_ACTION_LABEL, _ACTIONS = "rung.health.on-failure", ("none", "restart", "stop", "kill")
#: flag -> field, what the number is called, how it is read
_DEVICES: dict[str, tuple[str, str, Any]] = {
    "blkio-weight-device": ("BlkioWeightDevice", "Weight", int),
    "device-read-bps": ("BlkioDeviceReadBps", "Rate", size_bytes),
    "device-read-iops": ("BlkioDeviceReadIOps", "Rate", int),
    "device-write-bps": ("BlkioDeviceWriteBps", "Rate", size_bytes),
    "device-write-iops": ("BlkioDeviceWriteIOps", "Rate", int),
}


def creation(asked: Asked, image: str, command: Sequence[str], *, detached: bool) -> dict[str, Any]:
    """The body. Raises ``RungError``."""
    _check(asked, detached=detached)
    config = _plain(asked, _CONFIG)
    host = _plain(asked, _HOST)
    config["Image"] = image
    if command:
        config["Cmd"] = list(command)
    if "entrypoint" in asked.given:
        config["Entrypoint"] = [asked["entrypoint"]]
    _streams(asked, config, detached=detached)
    if asked["env"] or asked["env-file"]:
        config["Env"] = variables(asked["env"], asked["env-file"])
    if asked["label"] or asked["label-file"]:
        config["Labels"] = pairs([*_lines(asked["label-file"]), *asked["label"]])
    _health(asked, config)
    if asked["publish"] or asked["expose"]:
        exposed, bound = ports.published(asked["publish"], asked["expose"])
        config["ExposedPorts"], host["PortBindings"] = exposed, bound
    _limits(asked, host)
    _files(asked, config, host)
    networks = _networks(asked, config, host)
    config["HostConfig"] = host
    if networks:
        config["NetworkingConfig"] = {"EndpointsConfig": networks}
    return config


def _check(asked: Asked, *, detached: bool) -> None:
    if asked["rm"] and asked["restart"] not in ("", "no"):
        raise RungError("conflicting options", "", "--restart and --rm")
    if detached and asked["attach"]:
        raise RungError("conflicting options", "", "-a and -d")
    if asked["no-healthcheck"] and any(name.startswith("health-") for name in asked.given):
        raise RungError("--no-healthcheck conflicts with --health-* options")
    for stream in asked["attach"]:
        if stream.lower() not in ("stdin", "stdout", "stderr"):
            raise RungError(
                "invalid argument", f'"{stream}" for "-a, --attach" flag', "", "stdin, stdout or stderr"
            )
    if asked["memory-swappiness"] != -1 and not 0 <= asked["memory-swappiness"] <= 100:
        said = f"invalid value: {asked['memory-swappiness']}. Valid memory swappiness range is 0-100"
        raise RungError(said)


def _plain(asked: Asked, table: dict[str, str]) -> dict[str, Any]:
    """The flags that were given, under their fields' names."""
    return {table[name]: asked.values[name] for name in asked.given if name in table}


def limits(asked: Asked) -> dict[str, Any]:
    """What ``update`` may change of HostConfig."""
    return _plain(asked, _HOST)


def _streams(asked: Asked, config: dict[str, Any], *, detached: bool) -> None:
    attach = {word.lower() for word in asked["attach"]}
    if not attach and not detached:
        attach = {"stdout", "stderr", *(["stdin"] if asked["interactive"] else [])}
    for stream in attach:
        config[f"Attach{stream.capitalize()}"] = True
    if asked["interactive"]:
        config["OpenStdin"] = True
        config["StdinOnce"] = "stdin" in attach


def variables(given: Iterable[str], files: Iterable[str]) -> list[str]:
    """``NAME=VALUE`` as it is; ``NAME`` alone has the caller's value, and is unset where there is none."""
    found = []
    for word in (*_lines(files), *given):
        name, equals, _ = word.partition("=")
        if not name:
            raise RungError("invalid environment variable", "", word)
        own = posix.environ.get(posix.fsencode(name))
        if equals or own is None:
            found += [word] if equals or word in given else []
        else:
            found.append(f"{name}={posix.fsdecode(own)}")
    return found


def _lines(files: Iterable[str]) -> list[str]:
    """The lines of files of variables or labels, without remarks. Raises ``RungError``."""
    found = []
    for path in files:
        text = read_text(path)
        for line in text.removeprefix("\ufeff").splitlines():
            line = line.lstrip()
            if line and not line.startswith("#"):
                if any(each.isspace() for each in line.partition("=")[0]):
                    raise RungError(
                        "poorly formatted environment", "", f"variable '{line}' contains whitespaces"
                    )
                found.append(line)
    return found


def read_text(path: str) -> str:
    """Raises ``RungError``."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RungError("open", path, reason.lower()) from None


def pairs(given: Iterable[str]) -> dict[str, str]:
    """``["a=1", "b"]`` -> ``{"a": "1", "b": ""}``."""
    return {name: value for name, _, value in (word.partition("=") for word in given)}


def _health(asked: Asked, config: dict[str, Any]) -> None:
    if asked["no-healthcheck"]:
        config["Healthcheck"] = {"Test": ["NONE"]}
        return
    if action := asked["health-on-failure"]:
        if action not in _ACTIONS:
            raise RungError("invalid --health-on-failure", "", action, "none, restart, stop or kill")
        config["Labels"] = {**config.get("Labels", {}), _ACTION_LABEL: action}
    found = _plain(asked, _HEALTH)
    if asked["health-cmd"]:
        found["Test"] = ["CMD-SHELL", asked["health-cmd"]]
    if found:
        config["Healthcheck"] = found


def _limits(asked: Asked, host: dict[str, Any]) -> None:
    if asked["memory-swappiness"] != -1:
        host["MemorySwappiness"] = asked["memory-swappiness"]
    if "restart" in asked.given:
        host["RestartPolicy"] = restart_policy(asked["restart"])
    for flag, field in (("sysctl", "Sysctls"), ("annotation", "Annotations"), ("storage-opt", "StorageOpt")):
        if asked[flag]:
            host[field] = pairs(asked[flag])
    if asked["log-driver"] or asked["log-opt"]:
        host["LogConfig"] = {"Type": asked["log-driver"], "Config": pairs(asked["log-opt"])}
    if asked["ulimit"]:
        host["Ulimits"] = [_ulimit(word) for word in asked["ulimit"]]
    for flag, (field, name, number) in _DEVICES.items():
        if asked[flag]:
            host[field] = [_of_device(word, name, number) for word in asked[flag]]
    if asked["gpus"]:
        host["DeviceRequests"] = [mounts.gpus(word) for word in asked["gpus"]]


def restart_policy(word: str) -> dict[str, Any]:
    """``on-failure:3``. Raises ``RungError``."""
    name, colon, times = word.partition(":")
    if colon and not times.isdecimal():
        raise RungError("invalid restart policy format", "", "maximum retry count must be an integer")
    return {"Name": name, "MaximumRetryCount": int(times or 0)}


def _ulimit(word: str) -> dict[str, Any]:
    name, _, values = word.partition("=")
    soft, _, hard = values.partition(":")
    try:
        return {"Name": name, "Soft": int(soft), "Hard": int(hard or soft)}
    except ValueError:
        raise RungError(f"invalid argument {word!r} for --ulimit", "", "", "write NAME=SOFT[:HARD]") from None


def _of_device(word: str, name: str, number: Any) -> dict[str, Any]:
    path, _, value = word.rpartition(":")
    try:
        if not path.startswith("/dev/"):
            raise ValueError
        return {"Path": path, name: number(value)}
    except ValueError:
        raise RungError("bad format for device path", "", word, "write /dev/NAME:NUMBER") from None


def _files(asked: Asked, config: dict[str, Any], host: dict[str, Any]) -> None:
    """Mounts, devices, and options that name files."""
    binds, anonymous = mounts.volumes(asked["volume"])
    if binds:
        host["Binds"] = binds
    if anonymous:
        config["Volumes"] = {path: {} for path in anonymous}
    if asked["mount"]:
        host["Mounts"] = [mounts.mount(word) for word in asked["mount"]]
    if asked["tmpfs"]:
        host["Tmpfs"] = {
            path: options for path, _, options in (word.partition(":") for word in asked["tmpfs"])
        }
    if asked["device"]:
        host["Devices"] = [mounts.device(word) for word in asked["device"]]
    if asked["security-opt"]:
        _security(asked["security-opt"], host)


def _security(given: Sequence[str], host: dict[str, Any]) -> None:
    found = []
    for word in given:
        name, sign, value = word.partition("=" if "=" in word else ":")
        if word == "systempaths=unconfined":
            host["MaskedPaths"], host["ReadonlyPaths"] = [], []
            continue
        if name == "seccomp" and value not in ("unconfined", "builtin"):
            word = f"seccomp={read_text(value)}"
        if not sign and word != "no-new-privileges":
            raise RungError("Invalid --security-opt", "", f'"{word}"')
        found.append(word)
    if found:
        host["SecurityOpt"] = found


def _networks(asked: Asked, config: dict[str, Any], host: dict[str, Any]) -> dict[str, Any]:
    """The first network is the mode; what is asked for of each goes to its endpoint."""
    found: dict[str, dict[str, Any]] = {}
    for word in asked["network"] or ["default"]:
        name, endpoint = ports.network(word)
        if not found:
            if asked["network"]:
                host["NetworkMode"] = name
            endpoint |= _endpoint(asked)
        found[name] = endpoint
    if asked["mac-address"] and not any("MacAddress" in one for one in found.values()):
        config["MacAddress"] = asked["mac-address"]
    return {name: one for name, one in found.items() if one or len(found) > 1}


def _endpoint(asked: Asked) -> dict[str, Any]:
    found: dict[str, Any] = {}
    addresses = {
        "IPv4Address": asked["ip"],
        "IPv6Address": asked["ip6"],
        "LinkLocalIPs": asked["link-local-ip"],
    }
    if any(addresses.values()):
        found["IPAMConfig"] = {name: value for name, value in addresses.items() if value}
    if asked["network-alias"]:
        found["Aliases"] = asked["network-alias"]
    if asked["mac-address"]:
        found["MacAddress"] = asked["mac-address"]
    return found
