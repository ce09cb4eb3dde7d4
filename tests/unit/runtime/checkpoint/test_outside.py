"""Which mounts of a container are the host's."""

import os

from plan_configs import config, plan
from rung.runtime.checkpoint import outside


def bound(*mounts, **linux):
    document = config(**linux)
    document["mounts"] += [{"type": "bind", "options": ["rbind"], **mount} for mount in mounts]
    return document


DATA = {"source": "/host/data", "destination": "/conf/data"}
RELATIVE = {"source": "beside", "destination": "beside"}


def test_binds_are_and_file_systems_of_its_own_are_not():
    document = bound(DATA, RELATIVE)
    found = list(outside.binds(plan(document).steps, document))
    assert found == [("/conf/data", "/host/data"), ("/beside", "/bundle/beside")]


def test_the_dump_has_where_a_mount_really_is_and_the_restore_only_its_name():
    document = bound(DATA, RELATIVE)
    steps = plan(document).steps
    real = {"/conf/data": "/real/data"}
    assert outside.for_dump(steps, document, lambda path: real.get(path, "")) == ["mnt[/real/data]:/conf/data"]
    assert outside.for_restore(steps, document) == [
        "mnt[/conf/data]:/host/data",
        "mnt[/beside]:/bundle/beside",
        "mnt[/dev/null]:/dev/null",
    ]


def test_a_source_without_a_name_of_its_own_has_one_for_criu(tmp_path):
    for source in (f"{tmp_path}/.", f"{tmp_path}/", f"{tmp_path}/none/."):
        document = bound({**DATA, "source": source})
        path = source if "none" in source else os.path.realpath(tmp_path)
        assert f"mnt[/conf/data]:{path}" in outside.for_restore(plan(document).steps, document)


def test_v1_cgroups_are_the_hosts_unless_a_namespace_shows_them():
    cgroups = {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"]}
    paths = {"cpu": "/c/cpu/box", "pids": "/c/pids/box", "": "/c/unified/box"}
    document = config(namespaces=[{"type": "mount"}])
    document["mounts"].append(cgroups)
    found = dict(outside.binds(plan(document, cgroup_paths=paths).steps, document))
    assert found == {"/sys/fs/cgroup/cpu": "/c/cpu/box", "/sys/fs/cgroup/pids": "/c/pids/box"}
    document["linux"]["namespaces"].append({"type": "cgroup"})
    assert not list(outside.binds(plan(document, cgroup_paths=paths).steps, document))
