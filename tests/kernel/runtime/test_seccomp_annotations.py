"""crun's annotations about the filter."""

from __future__ import annotations

import base64
import os
import struct

import pytest

from kernel.runtime.bed import one_sentence

UNKNOWN = {"linux.seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["no_such_call", "chdir"], "action": "SCMP_ACT_ERRNO"}]}}
#: Actions: SECCOMP_RET_ERRNO with 5 (EIO), SECCOMP_RET_ALLOW.
ERRNO_5, ALLOW = 0x00050005, 0x7FFF0000
CHDIR = 80 if os.uname().machine == "x86_64" else 49


def program(action: int, call: int) -> str:
    """A call gets ``action``, all else is allowed; struct sock_filter[] in base64."""
    lines = [(0x20, 0, 0, 0), (0x15, 0, 1, call), (0x06, 0, 0, action), (0x06, 0, 0, ALLOW)]
    return base64.b64encode(b"".join(struct.pack("<HBBI", *line) for line in lines)).decode()


def test_an_unknown_call_is_passed_over_or_an_error(bed):
    assert bed.run("true", UNKNOWN).status == 0
    bundle = bed.bundle(edits={**UNKNOWN, "annotations": {"run.oci.seccomp_fail_unknown_syscall": "1"}})
    one_sentence(bed.call("create", "-b", bundle, bed.new_id()), "linux.seccomp.syscalls no_such_call: no such system call")


def test_a_program_that_is_given_as_it_is(bed):
    """In place of what the configuration says, for exec too."""
    given = {"annotations": {"run.oci.seccomp_bpf_data": program(ERRNO_5, CHDIR)}, **UNKNOWN}
    outcome = bed.run("cd /tmp; echo $?", given)
    assert "can't cd to /tmp: Input/output error" in outcome.output
    with bed.running(given) as container:
        assert "Input/output error" in bed.exec(container, "cd /tmp").output


@pytest.mark.parametrize("data", ["", "AAAA", "*", base64.b64encode(bytes(8 * 4097)).decode()], ids=["nothing", "three bytes", "no base64", "too long"])
def test_a_program_that_is_none(bed, data):
    bundle = bed.bundle(edits={"annotations": {"run.oci.seccomp_bpf_data": data}})
    one_sentence(bed.call("create", "-b", bundle, bed.new_id()), "run.oci.seccomp_bpf_data")
