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
    facts = {"rootfs": str(root), "id": container.id, "pid": container.pid, "bundle": str(bundle)}
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
    assert told["said"]["createContainer"][3] == told["rootfs"]


def test_several_run_in_turn_and_the_first_that_fails_is_the_last(bed):
    file = bed.folder / "file"
    hook = [{"path": "/bin/sh", "args": ["sh", "-c", f"echo {n} >> {file}; exit {int(n == 2)}"]} for n in range(4)]
    assert bed.call("create", "-b", bed.bundle(edits={"hooks.createRuntime": hook}), bed.new_id()).status == 1
    assert file.read_text().split() == ["0", "1", "2"]


def test_variables_of_hooks_that_name_none(bed):
    """The runtime's for one that runs outside, the process's, with the HOME found for it, for startContainer's."""
    file, script = bed.folder / "file", 'echo "$MARK $HOME" >> {}'
    config = bed.config(["true"], {"root.path": str(bed.own_rootfs()), "process.env": ["MARK=inside", "PATH=/bin"]})
    config["mounts"].append({"destination": "/shared", "type": "bind", "source": str(bed.folder), "options": ["bind"]})
    config["hooks"] = {
        stage: [{"path": "/bin/sh", "args": ["sh", "-c", script.format(path)]}]
        for stage, path in {"createRuntime": file, "startContainer": "/shared/file", "poststop": file}.items()
    }
    (bed.folder / "shared").mkdir(exist_ok=True)
    env = {**os.environ, "MARK": "outside", "HOME": "/far"}
    assert bed.call("run", "-b", bed.write(config), bed.new_id(), env=env).status == 0
    assert file.read_text().splitlines() == ["outside /far", "inside /root", "outside /far"]


def test_hooks_output_goes_where_crun_annotations_say(bed):
    out, error = bed.folder / "out", bed.folder / "error"
    hooks = {"hooks.prestart": [{"path": "/bin/sh", "args": ["sh", "-c", "echo one; echo two >&2"]}] * 2}
    annotations = {"annotations": {"run.oci.hooks.stdout": str(out), "run.oci.hooks.stderr": str(error)}}
    outcome = bed.call("run", "-b", bed.bundle(edits={**hooks, **annotations}), bed.new_id())
    assert (outcome.status, outcome.output, outcome.error) == (0, "", "")
    assert (out.read_text(), error.read_text()) == ("one\none\n", "two\ntwo\n")
    annotations["annotations"]["run.oci.hooks.stdout"] = "/no/such/file"
    outcome = bed.call("run", "-b", bed.bundle(edits={**hooks, **annotations}), bed.new_id())
    assert outcome.status == 1
    assert "hook #0: /bin/sh: cannot run: /no/such/file: No such file" in outcome.error


@pytest.mark.parametrize("stage", ["createRuntime", "createContainer", "startContainer"])
def test_the_hook_that_fails_is_named_by_its_number(bed, stage):
    hooks = {f"hooks.{stage}": [{"path": "/bin/true"}, {"path": "/bin/false"}]}
    outcome = bed.call("run", "-b", bed.bundle(edits=hooks), bed.new_id())
    assert outcome.status == 1
    assert f"error running {stage} hook #1: /bin/false: " in outcome.error
