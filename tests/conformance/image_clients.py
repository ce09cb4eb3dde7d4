"""Other people's clients of registries, each with its own words for push and pull."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imageparts import OCI_INDEX, describe, sha256

TIMEOUT_S = 120


def call(*words: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a program to its end; what it printed."""
    run = subprocess.run(
        words, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, **(env or {})}, cwd=cwd,
    )  # fmt: skip
    assert run.returncode == 0, f"{' '.join(map(str, words))}: status {run.returncode}\n{run.stdout}{run.stderr}"
    return run.stdout


def write_layout(folder: Path, root: bytes, media_type: str, blobs: Mapping[str, bytes], tag: str = "1") -> Path:
    """An OCI image layout: ``root`` is a manifest or an index, ``blobs`` all that is below it."""
    (folder / "blobs/sha256").mkdir(parents=True)
    for digest, data in {**blobs, sha256(root): root}.items():
        (folder / "blobs/sha256" / digest.partition(":")[2]).write_bytes(data)
    at = describe(root, media_type, annotations={"org.opencontainers.image.ref.name": tag})
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [at], "mediaType": OCI_INDEX}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return folder


class Skopeo:
    """Without a store of its own: layouts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def push(self, layout: Path, name: str) -> None:
        call("skopeo", "copy", "-q", "--all", "--dest-tls-verify=false", f"oci:{layout}:1", f"docker://{name}")

    def pull(self, name: str) -> str:
        into = self.folder / "skopeo"  # a layout would be of OCI's manifests alone: docker's are made over
        call("skopeo", "copy", "-q", "--all", "--src-tls-verify=false", f"docker://{name}", f"dir:{into}")
        return sha256((into / "manifest.json").read_bytes())


class Oras:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def push(self, layout: Path, name: str) -> None:
        call("oras", "cp", "--no-tty", "--from-oci-layout", "--to-plain-http", f"{layout}:1", name)

    def pull(self, name: str) -> str:
        into = self.folder / "oras"
        call("oras", "cp", "--no-tty", "--from-plain-http", "--to-oci-layout", name, f"{into}:1")
        return str(json.loads((into / "index.json").read_text())["manifests"][0]["digest"])


class Podman:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _call(self, *words: str) -> str:
        place = ["--root", f"{self.folder}/root", "--runroot", f"{self.folder}/run", "--storage-driver", "vfs"]
        env = {"PODMAN_IGNORE_CGROUPSV1_WARNING": "1", "TMPDIR": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder)}
        return call("podman", *place, "--cgroup-manager", "cgroupfs", "--events-backend", "none", *words, env=env)

    def push(self, layout: Path, name: str) -> None:
        archive = self.folder / "image.tar"
        call("skopeo", "copy", "-q", f"oci:{layout}:1", f"oci-archive:{archive}:{name}")
        self._call("load", "-q", "-i", str(archive))
        self._call("push", "-q", "--tls-verify=false", name)

    def pull(self, name: str) -> str:
        self._call("pull", "-q", "--tls-verify=false", name)
        return self._call("image", "inspect", "--format", "{{.Digest}}", name).strip()


class Docker:
    def __init__(self, folder: Path, socket: Path) -> None:
        self.folder, self.socket = folder, socket

    def _call(self, *words: str) -> str:
        return call("docker", "--host", f"unix://{self.socket}", *words, env={"DOCKER_CONFIG": str(self.folder)})

    def push(self, layout: Path, name: str) -> None:
        archive = self.folder / "image.tar"
        call("skopeo", "copy", "-q", f"oci:{layout}:1", f"docker-archive:{archive}:{name}")
        self._call("load", "-q", "-i", str(archive))
        self._call("push", "-q", name)

    def pull(self, name: str) -> str:
        self._call("pull", "-q", name)
        found: list[str] = json.loads(self._call("image", "inspect", "--format", "{{json .RepoDigests}}", name))
        return found[0].partition("@")[2]


def raw(name: str) -> bytes:
    """A manifest as a registry has it, byte for byte, read by skopeo."""
    words = ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{name}"]
    run = subprocess.run(words, capture_output=True, timeout=TIMEOUT_S, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def index_of(*parts: Any) -> bytes:
    """An index of ``Parts``, one for each architecture that they say."""
    manifests = []
    for one in parts:
        config = json.loads(one.config)
        platform = {"os": config["os"], "architecture": config["architecture"]}
        manifests.append(describe(one.manifest, one.document["mediaType"], platform=platform))
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}).encode()
