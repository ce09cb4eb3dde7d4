"""The numbers, held against what this machine's Python and kernel headers say."""

import os
import re
import resource
from pathlib import Path

import pytest

from rung.spec.runtime import names
from rung.spec.runtime.sysctl import namespace_of, sysctl_path


def test_capabilities_are_numbered_in_order():
    assert list(names.CAPABILITIES.values()) == list(range(41))


def test_capabilities_agree_with_the_kernel_headers():
    header = Path("/usr/include/linux/capability.h")
    if not header.exists():
        pytest.skip("no kernel headers here (linux-libc-dev)")
    found = dict(re.findall(r"^#define (CAP_\w+)\s+(\d+)\s*$", header.read_text(), re.M))
    assert {name: int(found[name]) for name in names.CAPABILITIES} == names.CAPABILITIES


def test_rlimits_agree_with_python():
    known = {name: getattr(resource, name) for name in names.RLIMITS if hasattr(resource, name)}
    assert len(known) >= 9
    assert known == {name: names.RLIMITS[name] for name in known}


def test_namespaces_agree_with_python_and_proc():
    for kind, flag in (("uts", "NEWUTS"), ("ipc", "NEWIPC"), ("mount", "NEWNS"), ("time", "NEWTIME")):
        if hasattr(os, f"CLONE_{flag}"):
            assert names.NAMESPACES[kind][0] == getattr(os, f"CLONE_{flag}")
    for _flag, name in names.NAMESPACES.values():
        assert Path("/proc/self/ns", name).is_symlink()


def test_schedulers_agree_with_python():
    for name, number in names.SCHEDULERS.items():
        if hasattr(os, name):
            assert number == getattr(os, name)


@pytest.mark.parametrize(
    ("key", "path", "namespace"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward", "network"),
        ("net/ipv4/conf/eno2.100/forwarding", "net/ipv4/conf/eno2.100/forwarding", "network"),
        ("net.ipv4.conf.eno2/100.forwarding", "net/ipv4/conf/eno2.100/forwarding", "network"),
        ("kernel.sem", "kernel/sem", "ipc"),
        ("fs.mqueue.msg_max", "fs/mqueue/msg_max", "ipc"),
        ("kernel.domainname", "kernel/domainname", "uts"),
        ("user.max_user_namespaces", "user/max_user_namespaces", "user"),
        ("kernel.panic", "kernel/panic", ""),
        ("vm.swappiness", "vm/swappiness", ""),
        ("network", "network", ""),
    ],
)
def test_sysctl_names(key, path, namespace):
    assert sysctl_path(key) == path
    assert namespace_of(path) == namespace
