"""What a ``config.json`` asks for that is passed over: sentences for the log.

None of these stops a container; runc warns of the same.
"""

from __future__ import annotations

from rung.spec.errors import shown
from rung.spec.runtime.names import CAPABILITIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.spec.runtime.config import Config, Process


def warnings(config: Config) -> list[str]:
    """Sentences, each naming its field."""
    found = process_warnings(config["process"]) if "process" in config else []
    linux = config.get("linux", {})
    if linux.get("personality", {}).get("flags"):
        found.append("linux.personality.flags: ignored, no flags are defined")
    for index, device in enumerate(linux.get("resources", {}).get("devices", ())):
        if strange := device.get("access", "").strip("rwm"):
            found.append(f"linux.resources.devices[{index}].access: {shown(strange)} ignored, not r, w or m")
    memory = linux.get("resources", {}).get("memory", {})
    if "kernel" in memory or "kernelTCP" in memory:
        found.append("linux.resources.memory.kernel: ignored, kernel memory has no limit of its own any more")
    return found


def process_warnings(process: Process) -> list[str]:
    """Those about a process (also that of ``exec``)."""
    sets = process.get("capabilities", {})
    unknown: set[str] = set()
    for kind in ("bounding", "effective", "inheritable", "permitted", "ambient"):
        names: list[str] = sets.get(kind, [])  # type: ignore[assignment]
        unknown.update(name for name in names if name not in CAPABILITIES)
    found = [f"process.capabilities: {', '.join(map(shown, sorted(unknown)))} ignored, not known"] if unknown else []
    # capabilities(7): the kernel raises one only where it is permitted and inheritable
    possible = {*sets.get("permitted", ())} & {*sets.get("inheritable", ())}
    for name in sets.get("ambient", ()):
        if name not in possible and name not in unknown:
            found.append(f"can't raise ambient capability {name}: it is not both permitted and inheritable")
    return found
