"""What makes resource limits wrong: those of ``config.json`` and of ``update --resources``.

Follows config-linux.md#control-groups. Values that only a kernel can judge (a CPU that
is not there, a weight out of a controller's range) are left to it. ``at`` is the prefix
of the fields' paths: ``"linux.resources."`` or "".
"""

from __future__ import annotations

from rung.spec.errors import SpecError, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.spec.runtime.config import CPU, BlockIO, DeviceCgroup, Memory, Resources


#: Files of a v2 cgroup that are no limits (cgroup-v2.rst, Core Interface Files).
NOT_LIMITS = ("cgroup.freeze", "cgroup.kill", "cgroup.procs", "cgroup.threads")


def check_resources(resources: Resources, at: str) -> None:
    """Every rule about resources that have passed the schema."""
    for index, device in enumerate(resources.get("devices", ())):
        _check_device(device, f"{at}devices[{index}].")
    if "memory" in resources:
        _check_memory(resources["memory"], f"{at}memory.")
    if "cpu" in resources:
        _check_cpu(resources["cpu"], f"{at}cpu.")
    if "blockIO" in resources:
        _check_block_io(resources["blockIO"], f"{at}blockIO.")
    for index, page in enumerate(resources.get("hugepageLimits", ())):
        size = page["pageSize"]
        if size[-2:] not in ("KB", "MB", "GB") or not _positive(size[:-2]):
            raise SpecError(
                f"{at}hugepageLimits[{index}].pageSize", f"{shown(size)} is not a page size", 'as in "2MB"'
            )
    for name, limits in resources.get("rdma", {}).items():
        if "hcaHandles" not in limits and "hcaObjects" not in limits:
            raise SpecError(f"{at}rdma[{shown(name)}]", "has neither hcaHandles nor hcaObjects")
    for key in resources.get("unified", ()):
        # A key is a file's name in the cgroup: a slash would reach another one.
        if "/" in key or "." not in key.strip("."):
            reason = f"the specified key has not the form CONTROLLER.VALUE `{shown(key)[1:-1]}`"  # crun's words
            raise SpecError(f"{at}unified", reason, 'name a file of the cgroup, as "memory.high"')
        if key in NOT_LIMITS:  # "1" in cgroup.procs would move the host's init, to be killed with the rest
            raise SpecError(f"{at}unified", f"{shown(key)} limits nothing: it acts on processes", "leave it out")


def _positive(digits: str) -> bool:
    return digits.isascii() and digits.isdigit() and digits[0] != "0"


def _check_device(device: DeviceCgroup, at: str) -> None:
    access = device.get("access", "")
    if access and not set(access) & set("rwm"):  # other letters beside them are passed over, with a warning
        raise SpecError(f"{at}access", f"{shown(access)} is not made of r, w and m")
    for number in ("major", "minor"):
        if not -1 <= device.get(number, -1) <= 0xFFFFFFFF:  # type: ignore[operator]
            raise SpecError(f"{at}{number}", "is not a device number", "leave it out to mean all")


def _check_memory(memory: Memory, at: str) -> None:
    for field in ("limit", "reservation", "swap", "kernel", "kernelTCP"):
        value = memory.get(field, 0)
        if type(value) is int and value < -1:
            raise SpecError(f"{at}{field}", f"{value} is not a number of bytes", "-1 means no limit")
    limit, swap = memory.get("limit", 0), memory.get("swap", 0)
    if limit > 0 and 0 < swap < limit:
        raise SpecError(
            f"{at}swap", f"{swap} is less than limit, {limit}", "swap counts memory and swap together"
        )
    if memory.get("swappiness", 0) > 100:
        raise SpecError(f"{at}swappiness", f"{memory['swappiness']} is outside 0 to 100")


def _check_cpu(cpu: CPU, at: str) -> None:
    """ "burst: this value MUST be no larger than any positive quota"."""
    quota, burst = cpu.get("quota", 0), cpu.get("burst", 0)
    if 0 < quota < burst:
        raise SpecError(f"{at}burst", f"{burst} is more than quota, {quota}")
    for field in ("cpus", "mems"):
        value = cpu.get(field, "")
        if type(value) is str and value.strip("0123456789,- \n"):
            raise SpecError(f"{at}{field}", f"{shown(value)} is not a list of numbers", 'as in "0-3,7"')


def _check_block_io(block_io: BlockIO, at: str) -> None:
    for index, device in enumerate(block_io.get("weightDevice", ())):
        if "weight" not in device and "leafWeight" not in device:
            raise SpecError(f"{at}weightDevice[{index}]", "has neither weight nor leafWeight")
