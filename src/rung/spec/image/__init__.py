"""The image standards as typed data: references, digests, manifests, indexes, configs.

Pure: bytes and text in, records out, ``SpecError`` naming the field where a document
breaks its standard. Follows the OCI image specification 1.1, Docker's image manifest
version 2 schema 2, and the reference grammar of the distribution project.
"""

from rung.spec.image.config import HistoryEntry, ImageConfig, parse_config
from rung.spec.image.digest import Digest
from rung.spec.image.manifest import Descriptor, Index, Manifest, parse_manifest
from rung.spec.image.platform import Platform, choose_platform
from rung.spec.image.reference import Reference

__all__ = [
    "Descriptor",
    "Digest",
    "HistoryEntry",
    "ImageConfig",
    "Index",
    "Manifest",
    "Platform",
    "Reference",
    "choose_platform",
    "parse_config",
    "parse_manifest",
]
