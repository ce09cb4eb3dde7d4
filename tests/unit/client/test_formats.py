"""The library's pure half: words, targets, frames, documents, archives."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import pytest

from rung.client import Unreachable, asked, tars, words
from rung.client.documents import Documents
from rung.client.errors import Conflict, NotFound, ServerError, refusal
from rung.client.frames import Frames
from rung.http1.errors import Malformed

# --- words ---------------------------------------------------------------------------


def test_a_container_in_words() -> None:
    found = words.creation(
        "busybox",
        "echo 'a b'",
        {
            "name": "not in the document",
            "environment": {"A": "1", "B": None},
            "labels": ["x"],
            "user": 5,
            "mem_limit": "256m",
            "volumes": {"/host": {"bind": "/in", "mode": "ro"}, "named": {"bind": "/data"}},
            "ports": {"80/tcp": 8080, "53/udp": None, 9000: ("127.0.0.1", 9001), "1/tcp": [1, 2]},
            "devices": ["/dev/fuse", "/dev/a:/dev/b:r"],
            "extra_hosts": {"me": "127.0.0.1"},
            "read_only": True,
            "hostname": None,
        },
    )
    assert found == {
        "Image": "busybox",
        "Cmd": ["echo", "a b"],
        "Env": ["A=1", "B"],
        "Labels": {"x": ""},
        "User": "5",
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}, "9000/tcp": {}, "1/tcp": {}},
        "HostConfig": {
            "Memory": 256 << 20,
            "Binds": ["/host:/in:ro", "named:/data:rw"],
            "PortBindings": {
                "80/tcp": [{"HostIp": "", "HostPort": "8080"}],
                "53/udp": [{"HostIp": "", "HostPort": ""}],
                "9000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "9001"}],
                "1/tcp": [{"HostIp": "", "HostPort": "1"}, {"HostIp": "", "HostPort": "2"}],
            },
            "Devices": [
                {"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rwm"},
                {"PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "r"},
            ],
            "ExtraHosts": ["me:127.0.0.1"],
            "ReadonlyRootfs": True,
        },
    }


def test_every_word_is_written_somewhere() -> None:
    known = set(words._CONFIG) | set(words._HOST) | {"name", "platform", "ports"}
    assert known == set(words.CreateWords.__annotations__)
    assert set(words._HOST) >= words._UPDATE


def test_words_that_there_are_not() -> None:
    with pytest.raises(TypeError, match="a container has no 'memroy'"):
        words.creation("x", None, {"memroy": 1})
    with pytest.raises(TypeError, match="'hostname' of a container cannot be updated"):
        words.changes({"hostname": "x"})
    assert words.changes({"pids_limit": 5}) == {"PidsLimit": 5}


@pytest.mark.parametrize(
    ("text", "size"), [("1", 1), ("1b", 1), ("2k", 2048), ("2KB", 2048), ("0.5g", 1 << 29), ("1t", 1 << 40), (7, 7)]
)
def test_sizes(text: str | int, size: int) -> None:
    assert words.size_bytes(text) == size


@pytest.mark.parametrize("text", ["", "m", "12q", "1mm", "kb"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        words.size_bytes(text)


# --- requests ------------------------------------------------------------------------


def test_targets() -> None:
    query = {"all": True, "no": False, "none": None, "n": 0, "filters": {"a": ["b c"]}, "names": ["x", "y"]}
    wanted = "/v1.47/containers/a%20b?all=1&n=0&filters=%7B%22a%22%3A+%5B%22b+c%22%5D%7D&names=x&names=y"
    assert asked.target("/containers/a b", query) == wanted
    assert asked.target("/x/../\r\ny?") == "/v1.47/x/../%0D%0Ay%3F"


def test_filters() -> None:
    assert asked.filters({"label": "a", "id": ["1", 2], "dangling": True}) == {
        "label": ["a"],
        "id": ["1", "2"],
        "dangling": ["true"],
    }
    assert asked.filters({}) is None


def test_bodies() -> None:
    def whole(body: Any) -> tuple[int | None, bytes]:
        _, length, pieces = asked.encoded(body)
        return length, b"".join(pieces)

    assert whole(None) == (0, b"")
    assert whole({}) == (2, b"{}")
    assert whole(b"x") == (1, b"x")
    assert whole(io.BytesIO(b"x" * 100_000)) == (None, b"x" * 100_000)
    assert whole([b"a", b"b"]) == (None, b"ab")


@pytest.mark.parametrize(
    ("name", "tag", "wanted"),
    [
        ("busybox", None, ("busybox", "latest")),
        ("busybox:1", None, ("busybox", "1")),
        ("host:5000/a/b", None, ("host:5000/a/b", "latest")),
        ("host:5000/a/b:2", None, ("host:5000/a/b", "2")),
        ("a@sha256:12", None, ("a", "sha256:12")),
        ("a", "3", ("a", "3")),
    ],
)
def test_names_and_tags(name: str, tag: str | None, wanted: tuple[str, str]) -> None:
    assert asked.name_and_tag(name, tag) == wanted


def test_where_the_engine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked.socket_path("unix:///a.sock", {}) == asked.socket_path("/a.sock", {}) == "/a.sock"
    assert asked.socket_path(None, {"RUNG_HOST": "unix:///b.sock"}) == "/b.sock"
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert asked.socket_path(None, {"XDG_RUNTIME_DIR": "/run/user/1000"}) == "/run/user/1000/rung/rung.sock"
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert asked.socket_path(None, {"XDG_RUNTIME_DIR": "/run/user/0"}) == "/run/rung/rung.sock"
    with pytest.raises(Unreachable, match="only unix sockets are spoken to"):
        asked.socket_path("tcp://127.0.0.1:2375", {})


def test_refusals() -> None:
    said = refusal(404, b'{"message": "No such container: x"}', "GET /containers/x/json")
    assert (type(said), str(said), said.status) == (NotFound, "No such container: x", 404)
    assert type(refusal(409, b"{}", "GET /x")) is Conflict
    assert str(refusal(500, b"", "GET /x")) == "the engine answers 500 to GET /x"
    assert str(refusal(502, b"bad gateway\n", "GET /x")) == "bad gateway"
    assert type(refusal(503, b"[]", "GET /x")) is ServerError


# --- answers -------------------------------------------------------------------------

FRAMES = b"\x01\0\0\0\0\0\0\x05hello\x02\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\x01!"


def test_frames() -> None:
    assert Frames().receive(FRAMES) == [(1, b"hello"), (2, b"!")]
    frames, found = Frames(), []
    for at in range(len(FRAMES)):
        found += frames.receive(FRAMES[at : at + 1])
    assert found == [(1, b"h"), (1, b"e"), (1, b"l"), (1, b"l"), (1, b"o"), (2, b"!")]
    assert frames.whole
    assert Frames().receive(b"\x01\0\0\0\xff\xff\xff\xffab") == [(1, b"ab")], "no frame is waited for"
    for wrong in (b"\x07\0\0\0\0\0\0\x01x", b"\x01\0\1\0\0\0\0\x01x", b"OCI runtime failed"):
        with pytest.raises(Malformed, match="no header of a frame"):
            Frames().receive(wrong)


def test_documents() -> None:
    documents = Documents()
    assert documents.receive(b'{"a": 1}\r\n\n{"b"') == [{"a": 1}]
    assert documents.receive(b": 2}\n[3]") == [{"b": 2}]
    assert documents.receive(b"") == [[3]]
    assert documents.receive(b"") == []


def test_archives() -> None:
    assert tars.only_file(tars.packed("x", b"hello", 0o600)) == b"hello"
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as archive:
        for name, kind in (("w", tarfile.DIRTYPE), ("w/b", tarfile.REGTYPE), ("w/a", tarfile.DIRTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type = kind
            archive.addfile(entry)
        deep, link = tarfile.TarInfo("w/a/deep"), tarfile.TarInfo("w/c")
        link.type, link.linkname = tarfile.SYMTYPE, "b"
        archive.addfile(deep)
        archive.addfile(link)
    found = tars.listed(into.getvalue())
    assert [(each.name, each.kind) for each in found] == [("a", "directory"), ("b", "file"), ("c", "link")]
    assert tars.only_file(into.getvalue()) is None
