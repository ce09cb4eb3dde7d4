"""Bodies of requests: what is read, and Go's words for what cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from rung.engine.docker import gojson
from rung.engine.docker.bodies import CONTAINER, NETWORK, UPDATE
from rung.engine.docker.typed import read
from rung.engine.errors import BadParameter


def test_names_in_any_letters_and_unknown_ones() -> None:
    given = {"image": "x", "NOTHING": 1, "hostconfig": {"memory": 5, "Binds": None}, "Cmd": "true"}
    assert read(CONTAINER, given) == {"Image": "x", "HostConfig": {"Memory": 5}, "Cmd": ["true"]}


def test_null_in_lists_and_maps() -> None:
    given = {"Env": ["A=1", None], "Labels": {"a": None}, "ExposedPorts": {"80/tcp": None}}
    assert read(CONTAINER, given) == {"Env": ["A=1", ""], "Labels": {"a": ""}, "ExposedPorts": {"80/tcp": None}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "array into Go value of type runconfig.ContainerConfigWrapper"),
        ({"Image": 1}, "number into Go struct field ContainerConfigWrapper.Config.Image of type string"),
        ({"Env": "x"}, "string into Go struct field ContainerConfigWrapper.Config.Env of type []string"),
        ({"Cmd": [1]}, "array into Go struct field ContainerConfigWrapper.Config.Cmd of type string"),
        ({"Tty": 1, "Env": 1}, "number into Go struct field ContainerConfigWrapper.Config.Tty of type bool"),
        (
            {"HostConfig": {"Memory": 1.5}},
            "number 1.5 into Go struct field HostConfig.HostConfig.Resources.Memory of type int64",
        ),
        (
            {"HostConfig": {"BlkioWeight": 70000}},
            "number 70000 into Go struct field HostConfig.HostConfig.Resources.BlkioWeight of type uint16",
        ),
        (
            {"HostConfig": {"Mounts": [{"BindOptions": {"NonRecursive": 1}}]}},
            "number into Go struct field BindOptions.HostConfig.Mounts.BindOptions.NonRecursive of type bool",
        ),
        (
            {"NetworkingConfig": {"EndpointsConfig": []}},
            "array into Go struct field NetworkingConfig.NetworkingConfig.EndpointsConfig of type "
            "map[string]*network.EndpointSettings",
        ),
    ],
)
def test_other_types(given: Any, said: str) -> None:
    with pytest.raises(BadParameter) as refused:
        read(CONTAINER, given)
    assert str(refused.value) == f"json: cannot unmarshal {said}"


def test_embedded_structs_of_others() -> None:
    with pytest.raises(BadParameter, match=r"NetworkCreateRequest\.NetworkCreate\.Internal of type bool"):
        read(NETWORK, {"Name": "x", "Internal": "x"})
    with pytest.raises(BadParameter, match=r"UpdateConfig\.Resources\.Memory of type int64"):
        read(UPDATE, {"Memory": "x"})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "EOF"),
        (b"{", "unexpected EOF"),
        (b'{"a', "unexpected EOF"),
        (b"tru", "unexpected EOF"),
        (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        (b"{'a':1}", "invalid character '\\'' looking for beginning of object key string"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
        (b'{"a":01}', "invalid character '1' after object key:value pair"),
        (b'{"a":tru}', "invalid character '}' in literal true (expecting 'e')"),
        (b'{"a":"\n"}', "invalid character '\\n' in string literal"),
        (b'{"a":"\\x"}', "invalid character 'x' in string escape code"),
        (b'{"a":"\\u12g4"}', "invalid character 'g' in \\u hexadecimal character escape"),
        (b'{"a":-}', "invalid character '}' in numeric literal"),
        (b'{"a":1.}', "invalid character '}' after decimal point in numeric literal"),
        (b'{"a":1e}', "invalid character '}' in exponent of numeric literal"),
        (b'{"a":[1 2]}', "invalid character '2' after array element"),
        (b"[,]", "invalid character ',' looking for beginning of value"),
        (b"\x00", "invalid character '\\x00' looking for beginning of value"),
        (b"\xff", "invalid character '\xff' looking for beginning of value"),
        (b'{"a": [true, null, -1.5e+3, "\\u00e4"]} x', ""),
        (b"{}", ""),
    ],
)
def test_what_is_no_json(data: bytes, said: str) -> None:
    assert gojson.complaint(data) == said
