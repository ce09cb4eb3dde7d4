"""checkpoint and restore beside runc's: the same commands, the same facts, and each other's images."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from .bed import Bed, Pair, new_id, until

pytestmark = pytest.mark.skipif(shutil.which("criu") is None, reason="no criu: apt-get install criu")

#: Its streams are its own, since CRIU saves no file that a container cannot see.
COUNT = "exec </dev/null >/dev/null 2>&1; i=0; while :; do i=$((i+1)); echo $i >/new; mv /new /count; sleep 0.05; done"
#: Read-write, and nothing that this machine's administrator wants of CRIU.
EDITS: dict[str, Any] = {"root.readonly": False, "annotations": {"org.criu.config": ""}}


def count(bundle: Path) -> int:
    file = bundle / "rootfs/count"
    return int(file.read_text() or 0) if file.exists() else 0


def goes_on(bundle: Path) -> None:
    before = count(bundle)
    until(lambda: count(bundle) > before, f"it counted on from {before}")


def started(bed: Bed) -> tuple[str, Path]:
    bundle = bed.bundle("sh", "-c", COUNT, edits=EDITS)
    name = bed.new_id()
    bed.call("run", "--detach", "--bundle", bundle, name).ok()
    goes_on(bundle)
    return name, bundle


def places(bed: Bed) -> tuple[str | Path, ...]:
    return "--image-path", bed.home / "images", "--work-path", bed.home / "work"


def test_saved_killed_and_restored(pair: Pair) -> None:
    def scenario(bed: Bed) -> dict[str, Any]:
        name, bundle = started(bed)
        facts: dict[str, Any] = {"state before": bed.status(name)}
        facts["checkpoint"] = bed.call("checkpoint", *places(bed), name).code
        facts["state after"] = bed.call("state", name).code
        at = count(bundle)
        pid_file = bed.home / "pid"
        restored = bed.call("restore", "--detach", "--pid-file", pid_file, *places(bed), "--bundle", bundle, name)
        facts["restore"] = restored.code
        goes_on(bundle)
        facts["went on"] = at < count(bundle) < at + 200
        facts["restored"] = bed.status(name)
        facts["pid file"] = int(pid_file.read_text()) == bed.pid(name)
        facts["exec"] = bed.call("exec", name, "sh", "-c", "hostname; id; ls /dev | sort; cat /proc/1/comm").out
        facts["mounts"] = sorted(
            line.split()[4] for line in bed.call("exec", name, "cat", "/proc/1/mountinfo").out.splitlines()
        )
        facts["pause"] = [bed.call(word, name).code for word in ("pause", "resume")]
        facts["kill"] = bed.call("kill", name, "KILL").code
        bed.wait_for(name, "stopped")
        facts["delete"] = bed.call("delete", name).code
        facts["descriptors"] = json.loads((bed.home / "images/descriptors.json").read_text())[0]
        return facts

    pair.agree(scenario)


def test_left_running(pair: Pair) -> None:
    def scenario(bed: Bed) -> dict[str, Any]:
        name, bundle = started(bed)
        pid = bed.pid(name)
        facts: dict[str, Any] = {"checkpoint": bed.call("checkpoint", "--leave-running", *places(bed), name).code}
        facts["same"] = bed.pid(name) == pid
        goes_on(bundle)
        facts["taken"] = bed.call("restore", "--detach", *places(bed), "--bundle", bundle, name).code
        facts["status"] = bed.status(name)
        return facts

    pair.agree(scenario)


def test_a_paused_one(pair: Pair) -> None:
    def scenario(bed: Bed) -> dict[str, Any]:
        name, bundle = started(bed)
        bed.call("pause", name).ok()
        facts: dict[str, Any] = {"checkpoint": bed.call("checkpoint", *places(bed), name).code}
        facts["state"] = bed.call("state", name).code
        facts["restore"] = bed.call("restore", "--detach", *places(bed), "--bundle", bundle, name).code
        facts["status"] = bed.status(name)
        goes_on(bundle)
        return facts

    pair.agree(scenario)


def test_what_is_refused(pair: Pair) -> None:
    def scenario(bed: Bed) -> dict[str, Any]:
        created = bed.created()
        facts: dict[str, Any] = {"created": bed.call("checkpoint", *places(bed), created).code}
        facts["still"] = bed.status(created)
        stopped = bed.detached("true")
        bed.wait_for(stopped, "stopped")
        facts["stopped"] = bed.call("checkpoint", *places(bed), stopped).code
        facts["unknown"] = bed.call("checkpoint", *places(bed), "nobody-of-that-name").code
        name, bundle = started(bed)
        facts["parent"] = bed.call("checkpoint", "--parent-path", "/absolute", *places(bed), name).code
        facts["running"] = bed.status(name)
        other = bed.new_id()
        (bed.home / "empty").mkdir()
        refused = bed.call("restore", "-d", "--image-path", bed.home / "empty", "--bundle", bundle, other)
        facts["no images"] = refused.code
        facts["nothing left"] = bed.call("state", other).code
        return facts

    pair.agree(scenario)


@pytest.mark.parametrize("saver", ["reference", "under_test"])
def test_each_restores_what_the_other_has_saved(pair: Pair, saver: str) -> None:
    ids = [new_id() for _ in range(4)]
    saving, restoring = pair.reference(ids), pair.under_test(ids)
    if saver == "under_test":
        saving, restoring = restoring, saving
    try:
        name, bundle = started(saving)
        saving.call("checkpoint", *places(saving), name).ok()
        at = count(bundle)
        restoring.new_id()
        restoring.call("restore", "--detach", *places(saving), "--bundle", bundle, name).ok()
        goes_on(bundle)
        assert at < count(bundle) < at + 200
        assert restoring.status(name) == "running"
    finally:
        saving.close()
        restoring.close()
