"""All six kinds of hooks: when, where, with which state on stdin (config.md#posix-platform-hooks)."""

from __future__ import annotations

import json
import os

import pytest

from kernel.runtime.bed import wait

STAGES = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
#: Which run in the container's namespaces, and with which status.
INSIDE = ("createContainer", "startContainer")
STATUS = {
    "prestart": "creating",
    "createRuntime": "creating",
    "createContainer": "creating",
    "startContainer": "created",
    "poststart": "running",
    "poststop": "stopped",
}


@pytest.fixture
def told(bed):
    """A container's life with a hook of each kind: what each was told, in order."""
    shared = bed.folder / "shared"
    shared.mkdir()
    root = bed.own_rootfs()
    (root / "shared").mkdir()
    hooks = {}
    for stage in STAGES:
        where = "/shared" if stage == "startContainer" else str(shared)
        script = (
            f'{{ echo {stage}; cat; echo; readlink /proc/self/ns/mnt; pwd; echo "$A"; echo $0 $1; id -u; }}'
            f" > {where}/{stage}; echo {stage} >> {where}/order"
        )
        hooks[stage] = [{"path": "/bin/sh", "args": ["sh", "-c", script, "zero", "one"], "env": ["A=b", "PATH=/bin:/usr/bin"]}]
    config = bed.config(["true"], {"hooks": hooks, "root.path": str(root), "annotations": {"k": "v"}})
    config["mounts"].append({"destination": "/shared", "type": "bind", "source": str(shared), "options": ["bind"]})
    bundle = bed.write(config)
    container = bed.runtime.create(bed.new_id(), str(bundle))
    facts = {"id": container.id, "pid": container.pid, "bundle": str(bundle)}
    facts["mnt"] = os.readlink(f"/proc/{container.pid}/ns/mnt")
    before = (shared / "order").read_text().split()
    container.start()
    wait(container)
    after = (shared / "order").read_text().split()
    container.delete()
    facts["order"] = (before, after, (shared / "order").read_text().split())
    facts["said"] = {stage: (shared / stage).read_text().splitlines() for stage in STAGES}
    return facts


def test_their_order(told):
    created, started, deleted = told["order"]
    assert created == list(STAGES[:3])
    assert started == list(STAGES[:5])
    assert deleted == list(STAGES)


def test_their_state(told):
    for stage in STAGES:
        state = json.loads(told["said"][stage][1])
        assert state["status"] == STATUS[stage], stage
        assert (state["id"], state["bundle"]) == (told["id"], told["bundle"]), stage
        assert state["ociVersion"].startswith("1.")
        assert state["annotations"] == {"k": "v"}
        if stage == "poststop":
            assert "pid" not in state
        else:
            assert state["pid"] == (1 if stage in INSIDE else told["pid"]), stage


def test_their_namespaces_arguments_and_environment(told):
    ours = os.readlink("/proc/self/ns/mnt")
    for stage in STAGES:
        _, _, mnt, _cwd, a, arguments, uid = told["said"][stage]
        assert mnt == (told["mnt"] if stage in INSIDE else ours), stage
        assert (a, arguments, uid) == ("b", "zero one", "0"), stage


def test_where_they_run(bed, told):
    assert told["said"]["startContainer"][3] == "/"
    assert os.path.isdir(told["said"]["createContainer"][3])


def test_several_run_in_turn_and_the_first_that_fails_is_the_last(bed):
    file = bed.folder / "file"
    hook = [{"path": "/bin/sh", "args": ["sh", "-c", f"echo {n} >> {file}; exit {int(n == 2)}"]} for n in range(4)]
    assert bed.call("create", "-b", bed.bundle(edits={"hooks.createRuntime": hook}), bed.new_id()).status == 1
    assert file.read_text().split() == ["0", "1", "2"]
