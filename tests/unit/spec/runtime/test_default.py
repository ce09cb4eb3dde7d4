"""What ``spec`` writes is what ``runc spec`` writes, but for the host's name."""

import json
import os
import shutil
import subprocess

import pytest

from rung.spec.runtime.default import default_config, rootless_config, to_text
from rung.spec.runtime.features import features
from rung.spec.runtime.validate import validate


def runc_spec(directory, *options):
    if shutil.which("runc") is None:
        pytest.skip("no runc here to compare with")
    subprocess.run(["runc", "spec", *options], cwd=directory, check=True)
    text = (directory / "config.json").read_text()
    document = json.loads(text)
    # Without inheritable ones the kernel raises no ambient capability: runc 1.3 names none any more, 1.1 does.
    document["process"]["capabilities"].pop("ambient", None)
    assert text.endswith("}") and json.dumps(json.loads(text), indent="\t") == text
    return json.dumps(document, indent="\t")


def is_cgroup_v2():
    return os.path.exists("/sys/fs/cgroup/cgroup.controllers")


def differing(ours, theirs):
    """The lines of ours that differ."""
    ours, theirs = ours.split("\n"), theirs.split("\n")
    assert len(ours) == len(theirs)
    return [line for line, other in zip(ours, theirs) if line != other]


def test_the_text_is_runcs_but_for_the_host_name(tmp_path):
    theirs = runc_spec(tmp_path)
    ours = to_text(default_config(cgroup_v2=is_cgroup_v2()))
    # runc's version of the specification moves with its release.
    ours = ours.replace('"1.3.0"', json.dumps(json.loads(theirs)["ociVersion"]), 1)
    assert differing(ours, theirs) == ['\t"hostname": "rung",']


def test_the_rootless_text_is_runcs_but_for_the_host_name(tmp_path):
    theirs = runc_spec(tmp_path, "--rootless")
    ours = to_text(rootless_config(os.geteuid(), os.getegid(), cgroup_v2=is_cgroup_v2()))
    ours = ours.replace('"1.3.0"', json.dumps(json.loads(theirs)["ociVersion"]), 1)
    assert differing(ours, theirs) == ['\t"hostname": "rung",']


@pytest.mark.parametrize("cgroup_v2", [False, True])
def test_both_are_valid(cgroup_v2):
    validate(default_config(cgroup_v2=cgroup_v2))
    validate(rootless_config(1000, 1000, cgroup_v2=cgroup_v2))


def test_two_calls_share_nothing():
    default_config()["process"]["capabilities"]["bounding"].append("X")
    default_config()["mounts"][0]["type"] = "x"
    assert "X" not in default_config()["process"]["capabilities"]["bounding"]
    assert default_config()["mounts"][0]["type"] == "proc"


def test_features_has_what_the_schema_requires():
    document = features(
        version="1.0",
        mount_options=["ro", "bind"],
        seccomp_archs=["SCMP_ARCH_X86_64"],
        seccomp_actions=["SCMP_ACT_ALLOW"],
        seccomp_flags=["SECCOMP_FILTER_FLAG_LOG"],
    )
    assert document["ociVersionMin"] == "1.0.0"
    assert document["ociVersionMax"] == "1.3.0"
    assert document["mountOptions"] == ["bind", "ro"]
    assert "time" in document["linux"]["namespaces"]
    assert document["linux"]["seccomp"]["supportedFlags"] == ["SECCOMP_FILTER_FLAG_LOG"]
    assert "MPOL_F_STATIC_NODES" in document["linux"]["memoryPolicy"]["flags"]
    assert json.loads(to_text(document)) == document
