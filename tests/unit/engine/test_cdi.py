"""Which devices a request means, and where their specifications are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rung.engine import cdi
from rung.engine.errors import BadParameter, EngineError
from rung.spec.cdi import parse

NVIDIA = parse({"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "devices": [{"name": name} for name in ("0", "1", "10", "2", "all")]})


def gpus(**more: Any) -> dict[str, Any]:
    return {"Driver": "", "Capabilities": [["gpu"]], **more}


def test_devices_by_their_whole_names() -> None:
    assert cdi.devices([{"Driver": "cdi", "DeviceIDs": ["a.b/c=1"]}, {"Driver": "cdi", "DeviceIDs": ["a.b/c=2"]}], []) == ["a.b/c=1", "a.b/c=2"]


def test_gpus_are_devices_of_nvidias_kind() -> None:
    assert cdi.devices([gpus(Count=-1)], [NVIDIA]) == ["nvidia.com/gpu=all"]
    assert cdi.devices([gpus(Count=3)], [NVIDIA]) == [f"nvidia.com/gpu={number}" for number in (0, 1, 2)]
    assert cdi.devices([gpus(DeviceIDs=["1", "GPU-ab"])], [NVIDIA]) == ["nvidia.com/gpu=1", "nvidia.com/gpu=GPU-ab"]
    assert cdi.devices([{"Driver": "nvidia", "Count": 1}], [NVIDIA]) == ["nvidia.com/gpu=0"]
    with pytest.raises(BadParameter, match="cannot set both Count and DeviceIDs"):
        cdi.devices([gpus(Count=1, DeviceIDs=["1"])], [NVIDIA])


@pytest.mark.parametrize(("request_", "said"), [(gpus(Count=-1), 'driver "" with capabilities: [[gpu]]'), ({"Driver": "foo"}, 'driver "foo" with capabilities: []')])
def test_a_driver_that_there_is_not(request_: dict[str, Any], said: str) -> None:
    with pytest.raises(EngineError) as caught:
        cdi.devices([request_], [])
    assert said in str(caught.value)


def test_specifications_of_directories(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    document = {"cdiVersion": "0.6.0", "kind": "a.b/c", "devices": [{"name": "x", "containerEdits": {"env": ["FROM=1"]}}]}
    (first / "a.json").write_text(json.dumps(document))
    (first / "bad.json").write_text("{")
    (first / "README").write_text("nothing")
    (second / "a.yaml").write_text("cdiVersion: 0.6.0\nkind: a.b/c\ndevices:\n- name: x\n  containerEdits: {env: [FROM=2]}\n")
    config: dict[str, Any] = {}
    cdi.add(config, [{"Driver": "cdi", "DeviceIDs": ["a.b/c=x"]}], [str(first), str(second), str(tmp_path / "none")])
    assert config["process"]["env"] == ["FROM=2"]
    with pytest.raises(EngineError, match=r"CDI device injection failed: unresolvable CDI devices a.b/c=y, z.y/x=1 \(.*bad.json"):
        cdi.add(config, [{"Driver": "cdi", "DeviceIDs": ["a.b/c=y", "z.y/x=1"]}], [str(first)])


def test_a_node_that_is_not_there(tmp_path: Path) -> None:
    node = {"path": "/dev/x", "hostPath": str(tmp_path / "none")}
    document = {"cdiVersion": "0.6.0", "kind": "a.b/c", "devices": [{"name": "x", "containerEdits": {"deviceNodes": [node]}}]}
    (tmp_path / "a.json").write_text(json.dumps(document))
    with pytest.raises(EngineError, match="none: No such file or directory"):
        cdi.add({}, [{"Driver": "cdi", "DeviceIDs": ["a.b/c=x"]}], [str(tmp_path)])
