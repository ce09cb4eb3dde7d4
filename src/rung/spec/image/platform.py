"""Platforms, and which manifest of an index serves one.

OCI image specification, image-index.md#image-index-property-descriptions; the
normal forms (``x86_64`` is ``amd64``, ``arm64`` means ``arm64/v8``) and the order of
preference among variants are containerd's, which Docker shares.
"""

from __future__ import annotations

from rung.record import Record
from rung.spec.errors import SpecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeVar

    from rung.spec.image.manifest import Descriptor

    T = TypeVar("T")

_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "i386": ("386", ""),
    "i486": ("386", ""),
    "i586": ("386", ""),
    "i686": ("386", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv5l": ("arm", "v5"),
    "armv6l": ("arm", "v6"),
    "armv7l": ("arm", "v7"),
    "armv8l": ("arm", "v8"),
}
#: What stands unwritten: the variant that a bare architecture means.
_IMPLIED = {"amd64": "v1", "arm64": "v8", "arm": "v7"}


class Platform(Record):
    """An operating system and an architecture; ``variant`` is empty where implied."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    @classmethod
    def parse(cls, text: str) -> Platform:
        """``linux/amd64``, ``linux/arm64/v8`` or ``arm64``; raises ``SpecError``."""
        parts = text.strip().lower().split("/")
        if len(parts) == 1:
            parts.insert(0, "linux")
        if len(parts) > 3 or not all(part and part.replace("_", "").isalnum() for part in parts):
            raise SpecError(f"{text:.100}", "is not OS/ARCHITECTURE[/VARIANT]", document="platform")
        return cls(*parts).normal

    @classmethod
    def of_machine(cls, machine: str) -> Platform:
        """Linux on what ``uname -m`` calls ``machine``."""
        return cls("linux", machine.lower()).normal

    @property
    def normal(self) -> Platform:
        """One spelling for what is the same."""
        architecture, implied = _ARCHITECTURES.get(self.architecture, (self.architecture, ""))
        variant = self.variant or implied
        if variant and not variant.startswith("v") and variant.isdigit():
            variant = "v" + variant
        if variant == _IMPLIED.get(architecture):
            variant = ""
        return Platform(self.os, architecture, variant, self.os_version)

    def serves(self, wanted: Platform) -> int | None:
        """How far this is from what is ``wanted`` (0: the same); None where it does not run there."""
        mine, theirs = self.normal, wanted.normal
        if (mine.os, mine.architecture) != (theirs.os, theirs.architecture):
            return None
        if mine.variant == theirs.variant:
            return 0
        have, need = _version(mine), _version(theirs)
        # A processor runs code for older variants of its architecture.
        return need - have if have is not None and need is not None and have < need else None

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


def _version(platform: Platform) -> int | None:
    variant = platform.variant or _IMPLIED.get(platform.architecture, "")
    return int(variant[1:]) if variant[1:].isdigit() else None


def choose_platform(manifests: Iterable[Descriptor], wanted: Platform) -> Descriptor | None:
    """The manifest of an index that serves ``wanted`` best; the first one where several do."""
    found: Descriptor | None = None
    distance = -1
    for descriptor in manifests:
        if descriptor.platform is None:
            continue
        this = descriptor.platform.serves(wanted)
        if this is not None and (found is None or this < distance):
            found, distance = descriptor, this
    return found
