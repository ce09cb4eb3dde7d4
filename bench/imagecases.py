"""The images that ``bench/images.py`` pulls, made once from the real archives and kept in ``build/``.

Rule: what is measured must be what people pull, so the two large ones are real files (Debian's
packages, wheels from the package index); the four small ones are each one thing in excess.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

SUITE = "trixie"
DEBS = """python3.13 python3.13-minimal libpython3.13-stdlib libpython3.13-minimal libpython3.13-dev python3-pip
    gcc-14 cpp-14 libgcc-14-dev git perl-modules-5.40""".split()
#: Each line is a layer, as a Dockerfile's RUN would make it.
WHEELS = (
    "numpy", "pandas", "scipy", "django", "matplotlib", "sympy", "scikit-learn", "boto3", "jupyterlab",
    "flask sqlalchemy requests",
)  # fmt: skip


def debian() -> Iterator[bytes]:
    """Debian minbase: 124 MB in one layer."""
    command = ["mmdebstrap", "--variant=minbase", "--mode=root", "--format=tar", "--skip=output/dev", SUITE, "-"]
    yield subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


def python() -> Iterator[bytes]:
    """Debian, a compiler, Python and the wheels of a scientist: twelve layers."""
    yield from debian()
    with tempfile.TemporaryDirectory(prefix="rung-bench-") as scratch:
        yield _tree(Path(scratch, "debs"), _unpack_debs)
        for number, wheels in enumerate(WHEELS):
            yield _tree(Path(scratch, str(number)), partial(_install, wheels=wheels.split()))


def sixty() -> Iterator[bytes]:
    """Sixty layers of twenty small files."""
    for layer in range(60):
        yield _files({f"srv/app/part-{layer}/file-{at}": _text(layer * 100 + at, 4000) for at in range(20)})


def big() -> Iterator[bytes]:
    """One file of 256 MiB that compresses to half."""
    noise = random.Random(1)
    yield _files({"srv/data.bin": b"".join(noise.randbytes(512) + bytes(512) for _ in range(256 << 10))})


def tiny120() -> Iterator[bytes]:
    """120 layers of one file."""
    for layer in range(120):
        yield _files({f"etc/layer-{layer}": b"%d\n" % layer})


def many() -> Iterator[bytes]:
    """100,000 small files in 1,000 directories."""
    yield _files({f"srv/d{at // 100}/f{at}": _text(at, 600) for at in range(100_000)})


CASES: dict[str, Callable[[], Iterator[bytes]]] = {
    "debian": debian, "python": python, "sixty": sixty, "big": big, "tiny120": tiny120, "many": many,
}  # fmt: skip


def layout(case: str, where: Path) -> Path:
    """The case as an OCI image layout, made where it is missing."""
    final = where / case
    if final.exists():
        return final
    new = where / f".{case}.new"
    shutil.rmtree(new, ignore_errors=True)
    (new / "blobs/sha256").mkdir(parents=True)
    layers, diff_ids = [], []
    for tar in CASES[case]():
        diff_ids.append(_digest(tar))
        layers.append(_store(new, gzip.compress(tar, 6, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip"))
    config = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine],
        "os": "linux",
        "config": {"Cmd": ["/bin/true"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _store(new, json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
        "layers": layers,
    }
    described = _store(new, json.dumps(manifest).encode(), "application/vnd.oci.image.manifest.v1+json")
    described["annotations"] = {"org.opencontainers.image.ref.name": "1"}
    (new / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [described]}))
    (new / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    new.rename(final)
    return final


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _store(layout: Path, data: bytes, media_type: str) -> dict[str, object]:
    digest = _digest(data)
    (layout / "blobs/sha256" / digest[7:]).write_bytes(data)
    return {"mediaType": media_type, "digest": digest, "size": len(data)}


def _text(seed: int, size: int) -> bytes:
    """Something between noise and zeros, as files are."""
    return random.Random(seed).randbytes(size // 3).hex().encode()


def _files(files: dict[str, bytes]) -> bytes:
    """A tar with the directories that the names need."""
    buffer = io.BytesIO()
    made: set[str] = set()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files.items():
            parts = name.split("/")[:-1]
            for depth in range(1, len(parts) + 1):
                directory = "/".join(parts[:depth])
                if directory not in made:
                    made.add(directory)
                    info = tarfile.TarInfo(directory)
                    info.type, info.mode, info.mtime = tarfile.DIRTYPE, 0o755, 1_700_000_000
                    tar.addfile(info)
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(data), 0o644, 1_700_000_000
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _tree(root: Path, fill: Callable[[Path], None]) -> bytes:
    root.mkdir()
    fill(root)
    command = ["tar", "-C", str(root), "--sort=name", "--numeric-owner", "--format=pax", "-c", "."]
    data = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    shutil.rmtree(root)
    return data


def _unpack_debs(root: Path) -> None:
    debs = root.with_name("archives")
    debs.mkdir()
    subprocess.run(["apt-get", "download", "-qq", *DEBS], cwd=debs, check=True, stdout=subprocess.DEVNULL)
    for deb in sorted(debs.glob("*.deb")):
        subprocess.run(["dpkg", "-x", str(deb), str(root)], check=True)


def _install(root: Path, wheels: list[str]) -> None:
    target = root / "usr/local/lib/python3.13/dist-packages"
    command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", str(target)]
    subprocess.run([*command, "--no-deps" if len(wheels) == 1 else "--upgrade", *wheels], check=True)


if __name__ == "__main__":
    for one in sys.argv[1:] or CASES:
        print(layout(one, Path(__file__).resolve().parents[1] / "build/bench-images"))
