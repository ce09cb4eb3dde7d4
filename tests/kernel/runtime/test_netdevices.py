"""Network devices that move from the host into a container, and back where it comes to nothing."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from kernel.runtime.bed import one_sentence, until
from rung.errors import RungError

pytestmark = pytest.mark.skipif(shutil.which("ip") is None, reason="no ip: apt-get install iproute2")
_numbers = itertools.count()


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=True).stdout


def here(name: str) -> str:
    """What ``ip address show`` says of a device of this namespace; "" where there is none."""
    return subprocess.run(["ip", "address", "show", "dev", name], capture_output=True, text=True).stdout


@pytest.fixture
def device(bed) -> Iterator[str]:
    """One end of a pair, with addresses of every kind; the other end stays here."""
    name = f"rt{os.getpid() % 100000}x{next(_numbers)}"
    peer = f"{name}p"
    ip("link", "add", name, "mtu", "1400", "type", "veth", "peer", "name", peer)
    ip("link", "set", peer, "up")
    ip("link", "set", name, "address", "00:11:22:33:44:55")
    ip("link", "set", name, "up")
    ip("address", "add", "198.51.100.7/24", "dev", name)
    ip("address", "add", "127.3.3.3/32", "dev", name, "scope", "host")
    ip("address", "add", "2001:db8::7/64", "dev", name, "nodad")
    yield name
    subprocess.run(["ip", "link", "del", peer], capture_output=True)


def test_it_is_there_with_its_addresses_and_up(bed, device):
    outcome = bed.run(f"ip address show dev {device}", {"linux.netDevices": {device: {}}})
    assert outcome.status == 0
    for words in ("198.51.100.7/24", "2001:db8::7/64", "00:11:22:33:44:55", "mtu 1400", ",UP"):
        assert words in outcome.output, outcome.output
    assert "127.3.3.3" not in outcome.output, "of the host's scope"
    until(lambda: not here(f"{device}p"), "the pair goes with the container's namespace")


def test_another_name(bed, device):
    outcome = bed.run("ip address show dev eth7", {"linux.netDevices": {device: {"name": "eth7"}}})
    assert "198.51.100.7/24" in outcome.output


def test_a_name_that_the_kernel_chooses(bed, device):
    outcome = bed.run("ip address", {"linux.netDevices": {device: {"name": "net%d"}}})
    assert "net0" in outcome.output
    assert "198.51.100.7/24" in outcome.output


@pytest.fixture
def namespace() -> Iterator[str]:
    name = f"rung-test-{os.getpid()}-{next(_numbers)}"
    ip("netns", "add", name)
    yield name
    ip("netns", "del", name)


def test_into_a_namespace_that_is_joined(namespace, bed, device):  # the first one mounts /run/netns, which stays
    edits = {
        "linux.namespaces": [
            *({"type": kind} for kind in ("mount", "pid", "ipc", "uts")),
            {"type": "network", "path": f"/run/netns/{namespace}"},
        ],
        "linux.netDevices": {device: {"name": "moved"}},
    }
    assert "198.51.100.7/24" in bed.run("ip address show dev moved", edits).output
    assert "198.51.100.7/24" in ip("-n", namespace, "address", "show", "dev", "moved"), "it stays when we are gone"


@pytest.mark.parametrize(
    "failing",
    [
        {"hooks.createRuntime": [{"path": "/bin/false"}]},
        {"process.args": ["no-such-program"]},
    ],
)
def test_it_comes_back_when_create_fails(bed, device, failing):
    edits = {"linux.netDevices": {device: {"name": "eth7"}}, **failing}
    bundle = bed.bundle(edits=edits)
    with pytest.raises(RungError) as error:
        bed.runtime.create(bed.new_id(), str(bundle))
    assert not getattr(error.value, "__notes__", [])
    found = here(device)
    for words in ("198.51.100.7/24", "2001:db8::7/64", "00:11:22:33:44:55", "mtu 1400", ",UP"):
        assert words in found, found


def test_a_device_that_is_not_here(bed):
    edits = {"linux.netDevices": {"no-such-device": {}}}
    outcome = bed.call("run", "-b", bed.bundle(edits=edits), bed.new_id())
    one_sentence(outcome, '"no-such-device"', "none of that name")


def test_a_name_that_is_taken(bed, device):
    outcome = bed.call("run", "-b", bed.bundle(edits={"linux.netDevices": {device: {"name": "lo"}}}), bed.new_id())
    one_sentence(outcome, device, '"lo" already')
    assert ",UP" in here(device)
    assert "2001:db8::7/64" in here(device)
