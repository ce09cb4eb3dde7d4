"""What makes a ``config.json`` wrong although every field has its type.

One function a rule or a section; each takes the document (or its section) and raises
``SpecError`` with the field's path. Pure: rules that need the kernel or the file system
(does the root exist, is this path the host's own namespace) are the runtime's.

Where the specification and runc differ, the comment says which is followed. Sections:
process in ``rules_process.py``, resources in ``rules_resources.py``, seccomp in
``rules_seccomp.py``, sysctls in ``sysctl.py``.
"""

from __future__ import annotations

from rung.spec.errors import SpecError, shown
from rung.spec.runtime.rules_process import check_process
from rung.spec.runtime.rules_resources import check_resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.spec.runtime.config import (
        Config,
        Device,
        Hook,
        Hooks,
        IdMapping,
        IntelRdt,
        Linux,
        Mount,
    )

#: How many characters the kernel keeps of a host or domain name (__NEW_UTS_LEN).
HOST_NAME_MAX = 64


def check_config(config: Config) -> None:
    """Every rule. ``config`` has passed the schema."""
    check_version(config["ociVersion"])
    if not config["root"]["path"]:
        raise SpecError(
            "root.path", "empty", 'give the directory of the root file system, for example "rootfs"'
        )
    if "process" in config:
        check_process(config["process"], "process.")
    check_mounts(config)
    if "hooks" in config:
        check_hooks(config["hooks"])
    if "" in config.get("annotations", ()):
        raise SpecError("annotations", 'the key "" is empty')
    linux = config.get("linux", {})
    namespaces = namespace_paths(linux)
    check_host_names(config, namespaces)
    check_linux(linux, namespaces)
    if "seccomp" in linux:
        from rung.spec.runtime.rules_seccomp import check_listener, check_seccomp

        check_seccomp(linux["seccomp"], "linux.seccomp.")
        check_listener(config)


def check_version(version: str) -> None:
    """config.md#specification-version: "MUST be in SemVer v2.0.0 format".

    runc does not look; a later minor version adds only fields that are ignored here, a later
    major one may mean something else by the fields that are here."""
    release, _, _build = version.partition("+")
    core, dash, pre = release.partition("-")
    numbers = core.split(".")
    well_formed = (
        len(numbers) == 3
        and all(n.isascii() and n.isdigit() and (n == "0" or n[0] != "0") for n in numbers)
        and (not dash or all(_is_identifier(word) for word in pre.split(".")))
    )
    if not well_formed:
        raise SpecError("ociVersion", f"{shown(version)} is not a version", 'write it as in "1.2.0"')
    if numbers[0] != "1":
        raise SpecError(
            "ociVersion", f"{shown(version)} is of a major version that is not known", "known is 1"
        )


def _is_identifier(word: str) -> bool:
    return word.isascii() and word.replace("-", "a").isalnum()


def check_mounts(config: Config) -> None:
    for index, mount in enumerate(config.get("mounts", [])):
        field = f"mounts[{index}]"
        if not mount["destination"]:
            raise SpecError(f"{field}.destination", "empty", "give the mount point inside the container")
        if climbs_out(mount["destination"]):
            raise SpecError(
                f"{field}.destination", f"{shown(mount['destination'])} is above the container's root"
            )
        check_mount_mappings(mount, field, config)


def check_mount_mappings(mount: Mount, field: str, config: Config) -> None:
    """config.md#posix-platform-mounts: uidMappings, gidMappings, and the option ``idmap``."""
    uids, gids = mount.get("uidMappings") or [], mount.get("gidMappings") or []
    if not uids and not gids:
        namespaces = config.get("linux", {}).get("namespaces", [])
        if any(word in ("idmap", "ridmap") for word in mount.get("options", [])) and not any(
            namespace["type"] == "user" for namespace in namespaces
        ):
            raise SpecError(
                f"{field}.uidMappings",
                "missing",
                "idmap without mappings takes those of the user namespace, and there is none",
            )
        return
    # "If specified, it MUST be specified along with" the other one.
    if not uids or not gids:
        absent = "gidMappings" if uids else "uidMappings"
        raise SpecError(f"{field}.{absent}", "missing", "uidMappings and gidMappings go together")
    check_id_mappings(uids, f"{field}.uidMappings")
    check_id_mappings(gids, f"{field}.gidMappings")


def climbs_out(path: str) -> bool:
    """Whether a path, read without following links, goes above ``/``.

    It would be harmless (the kernel stops at the root), and nobody means it."""
    depth = 0
    for part in path.split("/"):
        if part == "..":
            depth -= 1
            if depth < 0:
                return True
        elif part not in ("", "."):
            depth += 1
    return False


def check_hooks(hooks: Hooks) -> None:
    for stage in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"):
        listed: list[Hook] = hooks.get(stage, [])  # type: ignore[assignment]
        for index, hook in enumerate(listed):
            field = f"hooks.{stage}[{index}]"
            if not hook["path"].startswith("/"):
                raise SpecError(f"{field}.path", f"{shown(hook['path'])} is not an absolute path")
            if hook.get("args", [])[:1] == [""]:
                raise SpecError(f"{field}.args[0]", "empty", "the program's name, by habit its path")
            for number, entry in enumerate(hook.get("env", ())):
                if entry.find("=") < 1:
                    raise SpecError(
                        f"{field}.env[{number}]", f"{shown(entry)} has no name before a =", "write NAME=value"
                    )
            if hook.get("timeout", 1) <= 0:
                raise SpecError(f"{field}.timeout", f"{hook['timeout']} is not more than zero seconds")


def namespace_paths(linux: Linux) -> dict[str, str]:
    """Type -> path ("" for a new one) of every namespace that is listed."""
    paths: dict[str, str] = {}
    for index, namespace in enumerate(linux.get("namespaces", [])):
        kind, path = namespace["type"], namespace.get("path", "")
        field = f"linux.namespaces[{index}]"
        if kind in paths:
            raise SpecError(
                f"{field}.type", f'"{kind}" is there twice', "a container has one namespace of each type"
            )
        if path and not path.startswith("/"):
            raise SpecError(f"{field}.path", f"{shown(path)} is not an absolute path")
        paths[kind] = path
    return paths


def check_host_names(config: Config, namespaces: dict[str, str]) -> None:
    """Setting them in the caller's uts namespace would rename the host."""
    names = (("hostname", config.get("hostname", "")), ("domainname", config.get("domainname", "")))
    for field, name in names:
        if not name:
            continue
        if "uts" not in namespaces:
            raise SpecError(field, "cannot be set in the host's uts namespace", "add a uts namespace")
        if len(name.encode()) > HOST_NAME_MAX:
            raise SpecError(field, f"{shown(name)} is longer than {HOST_NAME_MAX} bytes")
    by_sysctl = config.get("linux", {}).get("sysctl", {}).get("kernel.domainname", "")
    if by_sysctl and names[1][1] and by_sysctl != names[1][1]:
        raise SpecError("domainname", f"is {shown(names[1][1])}, but linux.sysctl says {shown(by_sysctl)}")


def check_linux(linux: Linux, namespaces: dict[str, str]) -> None:
    check_mappings(linux, namespaces)
    check_time_offsets(linux, namespaces)
    for field in ("maskedPaths", "readonlyPaths"):
        if linux.get(field) and "mount" not in namespaces:
            raise SpecError(f"linux.{field}", "would change the host's mounts", "add a mount namespace")
    for index, device in enumerate(linux.get("devices", [])):
        check_device(device, f"linux.devices[{index}]")
    check_net_devices(linux, namespaces)
    if linux.get("sysctl"):
        from rung.spec.runtime.sysctl import check_sysctls

        check_sysctls(linux["sysctl"], namespaces)
    if "resources" in linux:
        check_resources(linux["resources"], "linux.resources.")
    if "memoryPolicy" in linux:
        from rung.spec.runtime.rules_memory_policy import check_memory_policy

        check_memory_policy(linux["memoryPolicy"])
    if "intelRdt" in linux:
        check_intel_rdt(linux["intelRdt"])


def check_mappings(linux: Linux, namespaces: dict[str, str]) -> None:
    """A user namespace is joined by its path or made with mappings; with none at all, its one id
    is the caller's (``with_own_ids``).

    Path and mappings together are against the specification, but containerd and CRI-O
    write them; the runtime compares them with the namespace's own, as runc does."""
    uids, gids = linux.get("uidMappings", []), linux.get("gidMappings", [])
    if "user" not in namespaces:
        if uids or gids:
            field = "uidMappings" if uids else "gidMappings"
            raise SpecError(
                f"linux.{field}", "there is no user namespace to map into", "add a user namespace"
            )
        return
    for field, mappings in (("uidMappings", uids), ("gidMappings", gids)):
        if not mappings and (uids or gids) and not namespaces["user"]:
            raise SpecError(
                f"linux.{field}", "missing", "a new user namespace needs uidMappings and gidMappings, or neither"
            )
        check_id_mappings(mappings, f"linux.{field}")


def check_id_mappings(mappings: list[IdMapping], field: str) -> None:
    """user_namespaces(7): ranges are not empty and do not overlap on either side."""
    for index, mapping in enumerate(mappings):
        size = mapping["size"]
        if size == 0:
            raise SpecError(f"{field}[{index}].size", "0 maps nothing", "give the number of ids")
        for side in ("containerID", "hostID"):
            first = mapping[side]
            if first + size > 0xFFFFFFFF:
                raise SpecError(
                    f"{field}[{index}].{side}", f"{first} + {size} is past the last id, 4294967294"
                )
            for other in mappings[:index]:
                start: int = other[side]
                if first < start + other["size"] and start < first + size:
                    raise SpecError(f"{field}[{index}].{side}", "overlaps a mapping before it")


def check_time_offsets(linux: Linux, namespaces: dict[str, str]) -> None:
    offsets = linux.get("timeOffsets")
    if not offsets:
        return
    if "time" not in namespaces:
        raise SpecError("linux.timeOffsets", "there is no time namespace to set", "add a time namespace")
    if namespaces["time"]:
        raise SpecError("linux.timeOffsets", "a namespace that is joined by path keeps its own offsets")
    for clock, offset in offsets.items():
        if clock not in ("monotonic", "boottime"):
            raise SpecError(
                "linux.timeOffsets", f"{shown(clock)} is not a clock", "one of boottime, monotonic"
            )
        if offset.get("nanosecs", 0) > 999_999_999:
            raise SpecError(f"linux.timeOffsets.{clock}.nanosecs", "is a second or more")


def check_device(device: Device, field: str) -> None:
    if not device["path"].startswith("/"):
        raise SpecError(f"{field}.path", f"{shown(device['path'])} is not an absolute path")
    if device["type"] == "p":
        return
    for number in ("major", "minor"):
        if number not in device:
            raise SpecError(f"{field}.{number}", "missing", f'a "{device["type"]}" device has both numbers')
        if not 0 <= device[number] <= 0xFFFFFFFF:
            raise SpecError(f"{field}.{number}", "is not a device number")


def check_net_devices(linux: Linux, namespaces: dict[str, str]) -> None:
    for name, device in linux.get("netDevices", {}).items():
        if "network" not in namespaces:
            raise SpecError("linux.netDevices", "there is no network namespace to move into", "add one")
        for word in (name, device.get("name", "")):
            # net/core/dev.c: dev_valid_name
            if word in (".", "..") or len(word.encode()) > 15 or any(c in "/:" or c.isspace() for c in word):
                raise SpecError("linux.netDevices", f"{shown(word)} is not the name of an interface")
        if not name:
            raise SpecError("linux.netDevices", 'the key "" is empty', "give the name of an interface")


def check_intel_rdt(rdt: IntelRdt) -> None:
    group = rdt.get("closID", "")
    if group in (".", "..") or (len(group) > 1 and "/" in group):
        raise SpecError("linux.intelRdt.closID", f"{shown(group)} is not the name of a directory")
    schemas = [("l3CacheSchema", rdt.get("l3CacheSchema", "")), ("memBwSchema", rdt.get("memBwSchema", ""))]
    schemas += [(f"schemata[{index}]", line) for index, line in enumerate(rdt.get("schemata", []))]
    for field, line in schemas:
        if "\n" in line:
            raise SpecError(
                f"linux.intelRdt.{field}", "has a line break inside", "one line for each resource"
            )
    if rdt.get("memBwSchema", "MB:")[:3] not in ("", "MB:"):
        raise SpecError("linux.intelRdt.memBwSchema", 'does not begin with "MB:"')
