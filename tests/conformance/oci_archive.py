"""A root file system as an OCI image in one archive, which ``ctr image import`` reads.

An image layout as the OCI image specification 1.1 defines it: ``oci-layout``, ``index.json``
and blobs named by their digests; one layer, not compressed.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
MEDIA = "application/vnd.oci.image"


def write(layer: Path, archive: Path, name: str, command: Sequence[str] = ("sh",)) -> Path:
    """``layer`` (a tar archive of a root file system) as the image ``name``, which runs ``command``."""
    machine = platform.machine()
    content = layer.read_bytes()
    with tarfile.open(archive, "w") as tar:

        def put(path: str, data: bytes) -> None:
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))

        def blob(data: bytes, media_type: str) -> dict[str, Any]:
            digest = hashlib.sha256(data).hexdigest()
            put(f"blobs/sha256/{digest}", data)
            return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

        layer_blob = blob(content, f"{MEDIA}.layer.v1.tar")
        config = {
            "architecture": ARCHITECTURES.get(machine, machine),
            "os": "linux",
            "config": {"Cmd": list(command), "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [layer_blob["digest"]]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{MEDIA}.manifest.v1+json",
            "config": blob(_encode(config), f"{MEDIA}.config.v1+json"),
            "layers": [layer_blob],
        }
        described = blob(_encode(manifest), f"{MEDIA}.manifest.v1+json")
        described["annotations"] = {
            "org.opencontainers.image.ref.name": name,
            "io.containerd.image.name": name,
        }
        index = {"schemaVersion": 2, "mediaType": f"{MEDIA}.index.v1+json", "manifests": [described]}
        put("index.json", _encode(index))
        put("oci-layout", _encode({"imageLayoutVersion": "1.0.0"}))
    return archive


def _encode(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()
