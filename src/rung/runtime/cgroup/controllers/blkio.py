"""``linux.resources.blockIO``; config-linux.md#block-io.

Weights are in blkio.weight where CFQ still lives, in *.bfq.weight where BFQ does (10 to
1000 both), and on v2 else in io.weight (1 to 10000, iocost). A rate of 0 lifts a limit.
"""

from __future__ import annotations

from rung.runtime.cgroup.files import Write
from rung.runtime.cgroup.limits import no_equivalent, place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rung.spec.runtime.config import BlockIO, ThrottleDevice, WeightDevice

_FIELD = "linux.resources.blockIO."
_V1_FILES = {"rbps": "read_bps", "wbps": "write_bps", "riops": "read_iops", "wiops": "write_iops"}


def blkio_writes(block_io: BlockIO, controllers: Collection[str]) -> list[Write]:
    """Weights and throttles."""
    if not any(block_io.values()):
        return []
    if place("blkio", "blockIO", controllers):
        return list(_v1(block_io))
    return list(_v2(block_io))


def _v1(block_io: BlockIO) -> Iterator[Write]:
    if weight := block_io.get("weight"):
        yield _either("blkio.weight", "blkio.bfq.weight", str(weight), "weight")
    if leaf := block_io.get("leafWeight"):
        yield Write("blkio", "blkio.leaf_weight", str(leaf), _FIELD + "leafWeight")
    for device in block_io.get("weightDevice") or ():
        if weight := device.get("weight"):
            value = f"{_number(device)} {weight}"
            yield _either("blkio.weight_device", "blkio.bfq.weight_device", value, "weightDevice")
        if leaf := device.get("leafWeight"):
            value = f"{_number(device)} {leaf}"
            yield Write("blkio", "blkio.leaf_weight_device", value, _FIELD + "weightDevice")
    for name, key, throttled in _throttles(block_io):
        file = f"blkio.throttle.{_V1_FILES[key]}_device"
        yield Write("blkio", file, f"{_number(throttled)} {throttled.get('rate', 0)}", _FIELD + name)


def _either(file: str, bfq: str, value: str, name: str) -> Write:
    return Write("blkio", file, value, _FIELD + name, otherwise=Write("blkio", bfq, value, _FIELD + name))


def _v2(block_io: BlockIO) -> Iterator[Write]:
    if block_io.get("leafWeight"):
        raise no_equivalent("blockIO.leafWeight")
    if weight := block_io.get("weight"):
        yield _weight("", weight, "weight")
    for device in block_io.get("weightDevice") or ():
        if device.get("leafWeight"):
            raise no_equivalent("blockIO.weightDevice.leafWeight")
        if weight := device.get("weight"):
            yield _weight(f"{_number(device)} ", weight, "weightDevice")
    for name, key, throttled in _throttles(block_io):
        yield Write(
            "", "io.max", f"{_number(throttled)} {key}={throttled.get('rate') or 'max'}", _FIELD + name
        )


def _throttles(block_io: BlockIO) -> Iterator[tuple[str, str, ThrottleDevice]]:
    """Field, v2's key, and the device, for every throttled device."""
    for device in block_io.get("throttleReadBpsDevice", ()):
        yield "throttleReadBpsDevice", "rbps", device
    for device in block_io.get("throttleWriteBpsDevice", ()):
        yield "throttleWriteBpsDevice", "wbps", device
    for device in block_io.get("throttleReadIOPSDevice", ()):
        yield "throttleReadIOPSDevice", "riops", device
    for device in block_io.get("throttleWriteIOPSDevice", ()):
        yield "throttleWriteIOPSDevice", "wiops", device


def _weight(device: str, weight: int, name: str) -> Write:
    plain = Write("", "io.weight", f"{device}{io_weight(weight)}", _FIELD + name)
    return Write("", "io.bfq.weight", f"{device}{weight}", _FIELD + name, otherwise=plain)


def _number(device: ThrottleDevice | WeightDevice) -> str:
    return f"{device['major']}:{device['minor']}"


def io_weight(weight: int) -> int:
    """blkio's 10 to 1000 as io.weight's 1 to 10000, linearly, as runc and crun have it."""
    return max(1, min(10000, 1 + (weight - 10) * 9999 // 990))
