"""A ``config.json`` that is wrong: one sentence that names the field, and nothing is made."""

from __future__ import annotations

import json
import os

import pytest

from faults import broken
from kernel.runtime.bed import one_sentence
from rung.errors import RungError
from rung.spec.runtime.validate import checked


def refused(bed, document) -> str:
    """The library's sentence about a bundle with this document."""
    bundle = bed.write(document)
    with pytest.raises(RungError) as caught:
        bed.runtime.create(bed.new_id(), str(bundle))
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_the_whole_document_has_the_right_shape():
    checked(broken.whole(), "Config", "config.json")


@pytest.mark.parametrize("kind", ["missing", "mistyped"])
def test_every_field_in_turn(bed, kind):
    cases = list(getattr(broken, kind)())
    assert len(cases) > 30
    for field, document in cases:
        text = refused(bed, document)
        assert field in text, (field, text)
    assert not list(bed.state.iterdir())


@pytest.mark.parametrize(
    ("edits", "field"),
    [
        ({"ociVersion": None}, "ociVersion"),
        ({"ociVersion": "one"}, "ociVersion"),
        ({"root": None}, "root"),
        ({"root.path": None}, "root.path"),
        ({"root.path": ""}, "root.path"),
        ({"process": None}, "process"),
        ({"process": {}}, "process.args"),
        ({"process.args": None}, "process.args"),
        ({"process.args": []}, "process.args"),
        ({"process.args": [""]}, "process.args"),
        ({"process.args": "true"}, "process.args"),
        ({"process.args": ["a\0b"]}, "process.args[0]"),
        ({"process.cwd": None}, "process.cwd"),
        ({"process.cwd": "tmp"}, "process.cwd"),
        ({"process.env": ["A"]}, "process.env[0]"),
        ({"process.user.uid": -1}, "process.user.uid"),
        ({"process.rlimits": [{"type": "RLIMIT_FISH", "soft": 1, "hard": 1}]}, "process.rlimits[0].type"),
        ({"process.rlimits": [{"type": "RLIMIT_CPU", "soft": 2, "hard": 1}]}, "process.rlimits[0]"),
        ({"mounts": [{"destination": ""}]}, "mounts[0].destination"),
        ({"mounts": {"destination": "/x"}}, "mounts"),
        ({"hooks.prestart": [{"path": "relative"}]}, "hooks.prestart[0].path"),
        ({"hooks.poststop": [{"path": "/x", "timeout": 0}]}, "hooks.poststop[0].timeout"),
        ({"linux.namespaces": [{"type": "fish"}]}, "linux.namespaces[0].type"),
        ({"linux.namespaces": [{"type": "pid"}, {"type": "pid"}]}, "linux.namespaces[1].type"),
        ({"linux.namespaces": [{"type": "pid", "path": "proc/1/ns/pid"}]}, "linux.namespaces[0].path"),
        ({"linux.uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]}, "linux.uidMappings"),
        ({"linux.sysctl": {"vm.swappiness": "1"}}, "linux.sysctl"),
        ({"linux.rootfsPropagation": "sideways"}, "linux.rootfsPropagation"),
        ({"linux.devices": [{"path": "null", "type": "c", "major": 1, "minor": 3}]}, "linux.devices[0].path"),
        ({"linux.devices": [{"path": "/dev/x", "type": "c"}]}, "linux.devices[0].major"),
        ({"linux.seccomp": {"defaultAction": "SCMP_ACT_FISH"}}, "linux.seccomp.defaultAction"),
        ({"linux.cgroupsPath": "/"}, "linux.cgroupsPath"),
        ({"linux.resources.pids": {"limit": "many"}}, "linux.resources.pids.limit"),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_by_the_program(bed, edits, field):
    bundle = bed.bundle(edits=edits)
    for command in ("create", "run"):
        one_sentence(bed.call(command, "--bundle", bundle, bed.new_id()), field)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[]", "is not an object"),
        (b"null", "is not an object"),
        (b"\xff\xfe{}", "is not JSON"),
        (b'{"ociVersion": "1.2.0"' + b"," * 5, "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"a":' * 5000, "is not JSON"),
        (b'{"ociVersion": "1.2.0", "root": {"path": "\\ud800"}}', "root.path"),
        (b'{"ociVersion": "1.2.0", "x": ' + b"9" * 5000 + b"}", "is not JSON"),
        (b"\0" * 4096, "is not JSON"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_no_document(bed, text, words):
    bundle = bed.write(text)
    one_sentence(bed.call("create", "--bundle", bundle, bed.new_id()), "config.json", words)


def test_the_config_is_a_directory_or_a_link_to_nowhere(bed):
    folder = bed.folder / "folder"
    (folder / "config.json").mkdir(parents=True)
    one_sentence(bed.call("create", "--bundle", folder, bed.new_id()), "config.json", "Is a directory")
    link = bed.folder / "link"
    link.mkdir()
    (link / "config.json").symlink_to("nowhere")
    one_sentence(bed.call("create", "--bundle", link, bed.new_id()), "config.json", "not found")


def test_a_bundle_that_is_not_there_or_no_directory(bed):
    gone = bed.folder / "gone"
    one_sentence(bed.call("create", "--bundle", gone, bed.new_id()), str(gone))
    gone.write_text("a file")
    one_sentence(bed.call("create", "--bundle", gone, bed.new_id()), str(gone))


def test_a_rootfs_that_is_a_file_or_missing_or_a_fifo(bed):
    file = bed.folder / "file"
    file.write_text("")
    one_sentence(bed.call("create", "-b", bed.bundle(edits={"root.path": str(file)}), bed.new_id()), str(file))
    file.unlink()
    one_sentence(bed.call("create", "-b", bed.bundle(edits={"root.path": str(file)}), bed.new_id()), str(file))
    os.mkfifo(file)
    one_sentence(bed.call("create", "-b", bed.bundle(edits={"root.path": str(file)}), bed.new_id()), str(file))
    one_sentence(bed.call("create", "-b", bed.bundle(edits={"root.path": "../../nowhere"}), bed.new_id()), "nowhere")


@pytest.mark.parametrize("destination", ["../../../../etc", "/a/../../../../x", "..", "/../made-here"])
def test_a_mount_point_that_climbs_out(bed, destination):
    config = bed.config()
    config["mounts"].append({"destination": destination, "type": "tmpfs", "source": "tmpfs"})
    one_sentence(bed.call("create", "-b", bed.write(config), bed.new_id()), "destination", destination)
