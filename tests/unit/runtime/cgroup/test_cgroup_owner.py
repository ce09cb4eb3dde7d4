"""config-linux.md#cgroup-ownership."""

from __future__ import annotations

from typing import Any

import pytest

from rung.runtime.cgroup.owner import owner

MAPPED = {"namespaces": [{"type": "cgroup"}, {"type": "user"}]}
MAPPED["uidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 1000}, {"containerID": 2000, "hostID": 7, "size": 1}]
WRITABLE = [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid"]}]
READONLY = [{**WRITABLE[0], "options": ["nosuid", "ro"]}]


def config(uid: int, linux: dict[str, Any], mounts: list[Any]) -> Any:
    return {"process": {"user": {"uid": uid}}, "linux": linux, "mounts": mounts}


@pytest.mark.parametrize(("uid", "host"), [(0, 100000), (999, 100999), (2000, 7), (1500, None)])
def test_it_is_the_processs_user_as_the_host_has_it(uid: int, host: int | None) -> None:
    assert owner(config(uid, MAPPED, WRITABLE)) == host


def test_without_a_user_namespace_ids_are_the_hosts() -> None:
    assert owner(config(5, {"namespaces": [{"type": "cgroup"}]}, WRITABLE)) == 5


@pytest.mark.parametrize(
    ("linux", "mounts"),
    [
        (MAPPED, READONLY),
        (MAPPED, []),
        ({**MAPPED, "namespaces": [{"type": "user"}]}, WRITABLE),
        ({**MAPPED, "namespaces": [{"type": "user"}, {"type": "cgroup", "path": "/proc/1/ns/cgroup"}]}, WRITABLE),
    ],
)
def test_nobody_is_given_what_he_could_not_use(linux: dict[str, Any], mounts: list[Any]) -> None:
    assert owner(config(0, linux, mounts)) is None
