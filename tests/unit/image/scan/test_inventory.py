"""Layers stacked: which packages are there in the end, and which layer brought them."""

from __future__ import annotations

import io
import tarfile

import pytest

from imageparts import archive, directory, entry, symlink
from rung.image.errors import LayerError
from rung.image.scan.inventory import Inventory, read_layer, stack
from scanparts import OS_RELEASE, debian_layer, dpkg_status, go_inline, rpm_ndb

METADATA = b"Name: requests\nVersion: 2.19.0\n\n"
SITE = "usr/lib/python3/dist-packages/requests-2.19.0.dist-info/METADATA"


def inventory(*layers: bytes) -> Inventory:
    return stack([read_layer(io.BytesIO(layer).read) for layer in layers])


def found(*layers: bytes) -> list[tuple[str, str, int]]:
    return [(package.name, package.version, package.layer) for package in inventory(*layers).packages]


def test_a_package_counts_for_the_layer_that_first_had_this_version() -> None:
    layers = [
        debian_layer(("bash", "5.1"), ("openssl", "3.0.9-1")),
        debian_layer(("bash", "5.1"), ("openssl", "3.0.11-1"), ("curl", "7.88")),
        archive(entry("etc/motd", b"hello")),
        debian_layer(("bash", "5.1"), ("openssl", "3.0.11-1")),
    ]
    assert found(*layers) == [("bash", "5.1", 0), ("openssl", "3.0.11-1", 1)]
    assert found(*layers[:3]) == [("bash", "5.1", 0), ("curl", "7.88", 1), ("openssl", "3.0.11-1", 1)]


def test_the_operating_system() -> None:
    system = inventory(debian_layer(), archive(symlink("etc/os-release", "../usr/lib/os-release"))).os
    assert system is not None
    assert (system.id, system.version) == ("debian", "12")
    assert inventory(archive(entry("a"))).os is None


@pytest.mark.parametrize(
    "hiding",
    [
        [entry("usr/lib/python3/dist-packages/requests-2.19.0.dist-info/.wh.METADATA")],
        [entry("usr/lib/.wh.python3")],
        [directory("usr"), entry("usr/.wh..wh..opq")],
        [entry(".wh..wh..opq")],
        [symlink("usr/lib/python3", "/elsewhere")],
        [symlink(SITE, "/elsewhere")],
    ],
    ids=["file", "directory", "opaque", "opaque root", "link over a directory", "link over the file"],
)
def test_what_later_layers_hide_is_gone(hiding: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    base = archive(entry(SITE, METADATA))
    assert found(base) == [("requests", "2.19.0", 0)]
    assert found(base, archive(*hiding)) == []


def test_an_opaque_directory_keeps_what_comes_with_it() -> None:
    base = archive(entry(SITE, METADATA))
    assert found(base, archive(entry(SITE, METADATA), entry("usr/.wh..wh..opq"))) == [("requests", "2.19.0", 0)]


def test_what_the_systems_package_manager_installed_counts_once() -> None:
    status = dpkg_status(("python3-requests", "2.19.0-1"))
    base = archive(entry("var/lib/dpkg/status", status), entry(SITE, METADATA))
    assert found(base) == [("python3-requests", "2.19.0-1", 0), ("requests", "2.19.0", 0)]
    files = archive(entry("var/lib/dpkg/info/python3-requests.list", f"/.\n/{SITE}\n".encode()))
    assert found(base, files) == [("python3-requests", "2.19.0-1", 0)]


def test_distroless() -> None:
    layer = archive(
        entry("var/lib/dpkg/status.d/libssl3", b"Package: libssl3\nVersion: 3.0.9-1\nSource: openssl\n"),
        entry("var/lib/dpkg/status.d/libssl3.md5sums", b"0  usr/lib/libssl.so.3\n"),
    )
    assert found(layer) == [("libssl3", "3.0.9-1", 0)]


def test_programs_are_looked_into_only_if_they_are_executable() -> None:
    assert ("golang.org/x/net", "v0.7.0", 0) in found(archive(entry("usr/bin/tool", go_inline(), mode=0o755)))
    assert found(archive(entry("usr/bin/tool", go_inline(), mode=0o644))) == []


def test_what_cannot_be_read_is_noted_and_the_rest_is_found() -> None:
    layer = archive(
        entry("var/lib/rpm/Packages.db", rpm_ndb()[:5000].replace(b"Slot", b"slot")),
        entry("app/node_modules/broken/package.json", b"{"),
        entry("etc/os-release", OS_RELEASE),
        entry(SITE, METADATA),
    )
    result = inventory(layer)
    assert [package.name for package in result.packages] == ["requests"]
    assert [note.partition(" is")[0] for note in result.notes] == [
        "/var/lib/rpm/Packages.db",
        "/app/node_modules/broken/package.json",
    ]


def test_what_is_too_large_is_noted() -> None:
    name = "app/node_modules/large/package.json"
    (note,) = inventory(archive(entry(name, b" " * (4 << 20) + b"{}"))).notes
    assert note == f"/{name} is larger than 4 MiB and was not read"


def test_a_layer_that_is_cut_off() -> None:
    with pytest.raises(LayerError, match="cut off"):
        read_layer(io.BytesIO(debian_layer(("a", "1"))[:700]).read)
