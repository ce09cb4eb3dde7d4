"""Mounts whose files show other owners than the file system has (idmapped mounts).

config.md#posix-platform-mounts: ``uidMappings`` and ``gidMappings`` of a mount, the options
``idmap`` (this mount) and ``ridmap`` (all below too). Without mappings of its own a mount
has the container's. crun's long form, ``idmap=uids=0-1000-10#10-2000-5;gids=...``, is the
same in one word: file system's first id, host's first id, how many; ``@`` before a range
counts the host's ids as the container's user namespace does.

The kernel takes a mapping as a user namespace: one for each distinct mapping is made by the
outer process, which is privileged over the file systems. Loaded only where a mount has one.
"""

from __future__ import annotations

from rung.record import Record
from rung.runtime.errors import RuntimeFailure
from rung.runtime.plan import mountopts, steps
from rung.runtime.plan.namespaces import id_map, is_bind, join_slots, new_and_joined
from rung.runtime.plan.request import get
from rung.spec.errors import SpecError, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.runtime.plan.mountopts import MountOptions
    from rung.runtime.plan.request import Request
    from rung.runtime.plan.steps import Step
    from rung.spec.runtime.config import Config, IdMapping, Mount

#: Above the slots of namespaces to join.
_FIRST_SLOT = steps.SLOT_FIRST_FREE + 16


class Mapped(Record):
    """One mapped mount: the user namespace's slot, and the file system's where it is no bind."""

    idmap: int
    fs: int = steps.SLOT_NONE


class _Slots:
    """Hands out slots: one for each distinct mapping, one for each file system."""

    def __init__(self) -> None:
        self.maps: dict[tuple[str, str], int] = {}
        self._next = _FIRST_SLOT

    def new(self) -> int:
        self._next += 1
        if self._next > steps.SLOT_COUNT - steps.DEVICES_MAX:
            raise RuntimeFailure("cannot map ids", "mounts", "there are too many different mappings")
        return self._next - 1

    def of(self, maps: tuple[str, str]) -> int:
        if maps not in self.maps:
            self.maps[maps] = self.new()
        return self.maps[maps]


def mapped_mounts(config: Config) -> dict[int, Mapped]:
    """Index in ``mounts`` -> its slots."""
    return _assign(config)[0]


def _assign(config: Config) -> tuple[dict[int, Mapped], _Slots]:
    slots = _Slots()
    found: dict[int, Mapped] = {}
    _, joined = new_and_joined(config)
    for index, mount in enumerate(config.get("mounts") or ()):
        options = mountopts.parse(mount.get("options") or ())
        if not (options.idmap or mount.get("uidMappings")):
            continue
        maps = _maps(config, mount, options, index)
        idmap = slots.of(maps) if maps else join_slots(joined)["user"]
        found[index] = Mapped(idmap, steps.SLOT_NONE if is_bind(mount.get("options")) else slots.new())
    return found, slots


def _maps(config: Config, mount: Mount, options: MountOptions, index: int) -> tuple[str, str] | None:
    """The texts of its two maps; None: those of the user namespace that is joined."""
    if mount.get("uidMappings"):
        return id_map(mount.get("uidMappings")), id_map(mount.get("gidMappings"))
    if options.mapping:
        return _written_out(config, options.mapping, index)
    if "user" in new_and_joined(config)[1]:
        return None
    return id_map(get(config, "linux", "uidMappings")), id_map(get(config, "linux", "gidMappings"))


def idmap_steps(request: Request) -> Iterator[Step]:
    """What the outer process makes for them."""
    config = request.config
    found, slots = _assign(config)
    if request.caller.uid:
        raise RuntimeFailure(
            "cannot map ids", f"mounts[{min(found)}]", "only root may", "leave out idmap, or run as root"
        )
    for (uids, gids), slot in slots.maps.items():
        yield steps.MakeUserns(slot, uids, gids)
    for index, mapped in found.items():
        if mapped.fs != steps.SLOT_NONE:
            yield _file_system((config.get("mounts") or [])[index], index, mapped)


def _file_system(mount: Mount, index: int, mapped: Mapped) -> Step:
    options = mountopts.parse(mount.get("options") or ())
    kind = mount.get("type") or ""
    if options.copy_up:
        raise SpecError(f"mounts[{index}].options", "tmpcopyup and mapped ids do not go together")
    return steps.MakeFs(
        mapped.fs, kind, mount.get("source") or kind, options.flags + options.data, options.set, mapped.idmap
    )


def _written_out(config: Config, text: str, index: int) -> tuple[str, str]:
    """crun's ``uids=...;gids=...`` as two maps."""
    field = f"mounts[{index}].options"
    maps = {"uids": "", "gids": ""}
    for part in text.split(";"):
        side, _, ranges = part.partition("=")
        if side not in maps:
            raise SpecError(field, f"{shown(part)} in idmap is neither uids= nor gids=")
        around = get(config, "linux", "uidMappings" if side == "uids" else "gidMappings") or []
        maps[side] = "".join([_range(one, around, field) for one in ranges.split("#")])
    if not all(maps.values()):
        raise SpecError(field, "idmap needs both uids= and gids=")
    return maps["uids"], maps["gids"]


def _range(text: str, around: list[IdMapping], field: str) -> str:
    numbers = text.removeprefix("@").split("-")
    if len(numbers) != 3 or not all(n.isascii() and n.isdigit() for n in numbers):
        raise SpecError(field, f"{shown(text)} in idmap is not a range", "write it as 0-1000-10")
    inside, host, size = map(int, numbers)
    if text[0] == "@":
        for mapping in around:
            if mapping["containerID"] <= host < mapping["containerID"] + mapping["size"]:
                host += mapping["hostID"] - mapping["containerID"]
                break
        else:
            raise SpecError(field, f"{shown(text)} in idmap is outside the container's user namespace")
    return f"{inside} {host} {size}\n"
