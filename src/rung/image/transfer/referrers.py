"""What refers to an image in its registry: signatures, bills of material, attestations."""

from __future__ import annotations

from rung.image.registry import manifests
from rung.image.registry.client import Registry
from rung.spec.image import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.spec.image import Descriptor


def list_referrers(name: str, artifact_type: str = "", *, insecure: bool = False) -> list[Descriptor]:
    """The manifests whose subject an image is, of one type or of all."""
    reference = Reference.parse(name)
    with Registry(reference.domain, insecure=insecure) as registry:
        at, _ = manifests.get(registry, reference.path, reference.target)
        return manifests.referrers(registry, reference.path, at.digest, artifact_type)
