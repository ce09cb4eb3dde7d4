"""``LogConfig``: what is refused, in which words, and what it comes to."""

from __future__ import annotations

from typing import Any

import pytest

from rung.engine import log_options
from rung.engine.container import Container
from rung.engine.document import mount_spec
from rung.engine.errors import BadParameter, EngineError
from rung.engine.log_options import Log
from rung.spec.jsonfile import Lines, parse


def host(kind: str, **options: str) -> dict[str, Any]:
    return {"LogConfig": {"Type": kind, "Config": {name.replace("_", "-"): value for name, value in options.items()}}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (host("x"), 'plugin "x" not found'),
        (host("json-file", x="y"), "unknown log opt 'x' for json-file log driver"),
        (host("local", tag="y"), "unknown log opt 'tag' for log driver local"),
        (host("json-file", mode="x"), "logging mode not supported: x"),
        (host("json-file", max_buffer_size="1m"), "only supported with 'mode=non-blocking'"),
    ],
)
def test_refused_at_once(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        log_options.check(given)


def test_not_refused() -> None:
    for given in ({}, host("none", x="y"), host("json-file", max_size="x"), host("local", mode="non-blocking")):
        log_options.check(given)


def test_what_it_comes_to() -> None:
    assert log_options.log_of({}) == Log()
    assert log_options.log_of(host("none")) == Log(files=0)
    assert log_options.log_of(host("json-file", max_size="10k", max_file="3")) == Log(10240, 3)
    assert log_options.log_of(host("json-file", max_size="1m", max_file="2", compress="true")) == Log(1 << 20, 2, True)
    assert log_options.log_of(host("local")) == Log(20 << 20, 5, True)
    for wrong in ({"max_size": "x"}, {"max_file": "0"}, {"max_file": "x"}, {"compress": "true"}, {"compress": "x"}):
        with pytest.raises(BadParameter):
            log_options.log_of(host("json-file", **wrong))


def test_attributes() -> None:
    config = {"Labels": {"a": "1", "b": "2", "cc": "3"}, "Env": ["X=4", "Y=5"]}
    given = host("json-file", labels="a,none", labels_regex="^c", env="Y", tag="{{.Name}}/{{.ImageName}}")
    container = Container("f" * 64, "name", "sha256:0", "image", config, given)
    assert log_options.attributes(container) == {"a": "1", "cc": "3", "Y": "5", "tag": "name/image"}
    assert log_options.attributes(Container("f" * 64, "name", "", "", config, host("local"))) == {}
    with pytest.raises(BadParameter, match="there is no {{.Nothing}}"):
        log_options.tag("{{.Nothing}}", container)
    lines = Lines("stdout", '{"a":"1"}')
    entry = parse(lines.feed(b"x\n", 0))
    assert entry is not None and entry.attributes == {"a": "1"}


def test_modes_of_binds() -> None:
    assert all(map(mount_spec.is_mode, ("ro", "rw,z", "nocopy,rslave", "cached")))
    assert not any(map(mount_spec.is_mode, ("", "x", "ro,rw", "nocopy,nocopy", "shared,private")))
    assert mount_spec.bind("/v") == mount_spec.Bind("", "/v")
    assert mount_spec.bind("/v:ro") == mount_spec.Bind("", "/v", "ro")
    assert mount_spec.bind("/a:/b/../c:ro,z") == mount_spec.Bind("/a", "/c", "ro,z")
    for wrong in ("x", "/a:b", "a:/", "/a:/b:x", ":/b", "/a:/b:ro:rw"):
        with pytest.raises(EngineError, match=r"^invalid (volume specification|mode): "):
            mount_spec.bind(wrong)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"Type": "x", "Target": "/a"}, "mount type unknown"),
        ({"Type": "bind", "Source": "/tmp"}, "field Target must not be empty"),
        ({"Type": "bind", "Target": "/a"}, "field Source must not be empty"),
        ({"Type": "bind", "Source": "/tmp", "Target": "a"}, "mount path must be absolute"),
        ({"Type": "bind", "Source": "/tmp", "Target": "/"}, "destination can't be '/'"),
        ({"Type": "tmpfs", "Target": "/a", "BindOptions": {}}, "BindOptions must not be specified"),
        ({"Type": "volume", "Target": "/a", "VolumeOptions": {"Subpath": "x"}}, "using anonymous volumes"),
        ({"Type": "volume", "Source": "v", "Target": "/a", "VolumeOptions": {"Subpath": "a/../../x"}}, "relative path"),
        ({"Type": "volume", "Source": "v", "Target": "/a", "VolumeOptions": {"Subpath": "/x"}}, "relative path"),
        ({"Type": "tmpfs", "Source": "x", "Target": "/a"}, "field Source must not be specified"),
    ],
)
def test_mounts_that_are_wrong(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        mount_spec.check(given)
