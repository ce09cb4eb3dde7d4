"""What a vendor's specification does to a configuration."""

from __future__ import annotations

from typing import Any

import pytest

from rung.spec import cdi
from rung.spec.errors import SpecError

DOCUMENT: dict[str, Any] = {
    "cdiVersion": "0.6.0",
    "kind": "vendor.com/net",
    "containerEdits": {"env": ["ALL=1"], "additionalGids": [0, 77]},
    "devices": [
        {
            "name": "eth.0",
            "containerEdits": {
                "env": ["PATH=/vendor"],
                "deviceNodes": [
                    {"path": "/dev/vendor0", "hostPath": "/dev/null", "permissions": "rw", "fileMode": 0o600},
                    {"path": "/dev/vendor1", "type": "b", "major": 8, "minor": 1, "uid": 5, "gid": 6},
                ],
                "mounts": [
                    {"hostPath": "/usr/lib/vendor", "containerPath": "/usr/lib/vendor", "options": ["ro", "bind"]},
                    {"hostPath": "tmpfs", "containerPath": "/v", "type": "tmpfs"},
                ],
                "hooks": [{"hookName": "createContainer", "path": "/bin/hook", "args": ["hook", "x"], "timeout": 5}],
                "intelRdt": {"closID": "c"},
            },
        },
        {"name": "other"},
    ],
}


def look(path: str) -> tuple[str, int, int]:
    return {"/dev/null": ("c", 1, 3)}[path]


def config() -> dict[str, Any]:
    return {
        "process": {"env": ["PATH=/bin", "A=1"], "user": {"uid": 9, "gid": 0}},
        "mounts": [{"destination": "/proc"}, {"destination": "/v"}, {"destination": "/usr/lib/vendor/deep/below"}],
        "linux": {"resources": {"devices": [{"allow": False, "access": "rwm"}]}},
    }


def test_a_device_and_what_all_of_its_kind_want() -> None:
    found = config()
    known = cdi.parse(DOCUMENT)
    assert cdi.inject(found, ["vendor.com/net=eth.0", "vendor.com/net=other"], [known], look) == []
    assert found["process"]["env"] == ["A=1", "ALL=1", "PATH=/vendor"]
    assert found["process"]["user"]["additionalGids"] == [77]
    assert found["linux"]["devices"] == [
        {"path": "/dev/vendor0", "type": "c", "major": 1, "minor": 3, "fileMode": 0o600, "uid": 9},
        {"path": "/dev/vendor1", "type": "b", "major": 8, "minor": 1, "uid": 5, "gid": 6},
    ]
    assert found["linux"]["resources"]["devices"][1:] == [
        {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rw"},
        {"allow": True, "type": "b", "major": 8, "minor": 1, "access": "rwm"},
    ]
    assert [one["destination"] for one in found["mounts"]] == ["/proc", "/v", "/usr/lib/vendor", "/usr/lib/vendor/deep/below"]
    assert found["mounts"][1] == {"destination": "/v", "source": "tmpfs", "type": "tmpfs", "options": []}
    assert found["hooks"] == {"createContainer": [{"path": "/bin/hook", "args": ["hook", "x"], "timeout": 5}]}
    assert found["linux"]["intelRdt"] == {"closID": "c"}


def test_nothing_is_changed_for_what_nobody_has() -> None:
    found = config()
    known = [cdi.parse(DOCUMENT)]
    assert cdi.inject(found, ["vendor.com/net=eth.0", "vendor.com/net=none", "x.y/z=1"], known, look) == ["vendor.com/net=none", "x.y/z=1"]
    assert found == config()


def test_the_later_specification_counts() -> None:
    later = {**DOCUMENT, "containerEdits": {}, "devices": [{"name": "other", "containerEdits": {"env": ["LATER=1"]}}]}
    found = config()
    cdi.inject(found, ["vendor.com/net=other"], [cdi.parse(DOCUMENT), cdi.parse(later)], look)
    assert found["process"]["env"] == ["PATH=/bin", "A=1", "LATER=1"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cdiVersion": "9.0.0"}, "cdiVersion"),
        ({"kind": "vendor"}, "kind"),
        ({"devices": []}, "devices: must have one at least"),
        ({"devices": {}}, "devices: must be a list"),
        ({"devices": [{"name": "-"}]}, r"devices\[0\].name"),
        ({"devices": [{"name": "a"}, {"name": "a"}]}, "a is there twice"),
        ({"containerEdits": {"env": ["X"]}}, "must be NAME=VALUE"),
        ({"containerEdits": {"mounts": [{"hostPath": "/x"}]}}, r"mounts\[0\].containerPath"),
        ({"containerEdits": {"hooks": [{"hookName": "x", "path": "/x"}]}}, "x is none of"),
        ({"containerEdits": {"files": []}}, "containerEdits.files"),
        ({"containerEdits": []}, "must be an object"),
    ],
)
def test_what_is_no_specification(change: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        cdi.parse({**DOCUMENT, **change})


def test_whole_names() -> None:
    assert cdi.is_qualified("nvidia.com/gpu=GPU-1:0")
    assert not any(map(cdi.is_qualified, ("/dev/null", "nvidia.com/gpu", "nvidia.com/gpu=", "gpu=0", "a/b=-")))
