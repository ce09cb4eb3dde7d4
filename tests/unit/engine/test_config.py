"""Docker's defaults and a person's choices, as configuration."""

from __future__ import annotations

from typing import Any

import pytest

from rung.engine.config import Identity, arguments, capabilities, container_config
from rung.engine.options import RunOptions
from rung.engine.users import _resolve
from rung.errors import RungError
from rung.spec.runtime.validate import validate

IMAGE: dict[str, Any] = {"Env": ["A=1"], "Cmd": ["sh"], "WorkingDir": "/srv"}
PASSWD = [["root", "x", "0", "0", "", "/root", "sh"], ["web", "x", "33", "34", "", "/", "sh"]]
GROUP = [["root", "x", "0", ""], ["www", "x", "34", ""], ["adm", "x", "4", "web,root"]]


@pytest.mark.parametrize(
    ("image", "options", "expected"),
    [
        ({"Cmd": ["sh"]}, RunOptions(), ["sh"]),
        ({"Cmd": ["sh"]}, RunOptions(command=("ls", "/")), ["ls", "/"]),
        ({"Entrypoint": ["/e"], "Cmd": ["a"]}, RunOptions(), ["/e", "a"]),
        ({"Entrypoint": ["/e"], "Cmd": ["a"]}, RunOptions(command=("b",)), ["/e", "b"]),
        ({"Entrypoint": ["/e"], "Cmd": ["a"]}, RunOptions(entrypoint="/x"), ["/x"]),
        ({"Entrypoint": ["/e"]}, RunOptions(entrypoint="", command=("c",)), ["c"]),
    ],
)
def test_entrypoint_and_command_as_docker_joins_them(
    image: dict[str, Any], options: RunOptions, expected: list[str]
) -> None:
    assert arguments(image, options) == expected


def test_no_command_at_all_is_refused() -> None:
    with pytest.raises(RungError, match="no command specified"):
        arguments({}, RunOptions())


def test_the_result_is_a_valid_configuration() -> None:
    options = RunOptions(memory_bytes=64 << 20, cpus=1.5, volumes=("/srv:/data:ro",), network="host")
    made = validate(container_config("a" * 64, "/r", IMAGE, options, Identity(33, 34, (4,))))
    assert made["process"]["cwd"] == "/srv"
    assert made["process"]["env"][-1] == "A=1"
    assert made["linux"]["resources"]["cpu"] == {"quota": 150_000, "period": 100_000}
    assert "network" not in {n["type"] for n in made["linux"]["namespaces"]}
    assert made["process"]["capabilities"].get("effective") == []


def test_capabilities_are_added_and_dropped_in_dockers_way() -> None:
    assert len(capabilities(RunOptions())) == 14
    assert capabilities(RunOptions(cap_drop=("ALL",), cap_add=("net_admin",))) == ["CAP_NET_ADMIN"]
    assert "CAP_SYS_ADMIN" in capabilities(RunOptions(cap_add=("ALL",)))
    assert "CAP_MKNOD" not in capabilities(RunOptions(cap_drop=("MKNOD",)))
    with pytest.raises(RungError, match='"fly"'):
        capabilities(RunOptions(cap_add=("fly",)))


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("web", Identity(33, 34, (4,))),
        ("33", Identity(33, 34, (4,))),
        ("web:adm", Identity(33, 4, ())),
        ("1234", Identity(1234, 0, ())),
        ("1234:99", Identity(1234, 99, ())),
        ("", Identity(0, 0, (4,), "/root")),
    ],
)
def test_users_by_name_and_number(user: str, expected: Identity) -> None:
    assert _resolve(user, PASSWD, GROUP) == expected


@pytest.mark.parametrize("user", ["ghost", "web:ghosts", "99999999999"])
def test_unknown_users_are_refused_by_name(user: str) -> None:
    with pytest.raises(RungError, match="no matching entries"):
        _resolve(user, PASSWD, GROUP)


@pytest.mark.parametrize("volume", ["data:/x", "/srv", "/srv:rel"])
def test_volumes_need_two_absolute_paths(volume: str) -> None:
    with pytest.raises(RungError, match="invalid volume"):
        container_config("a", "/r", IMAGE, RunOptions(volumes=(volume,)), Identity())
