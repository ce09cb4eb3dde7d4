"""Events in their envelopes, both forms of the start."""

from __future__ import annotations

from rung.spec.shim import bootstrap, events, task
from rung.spec.shim.common import Anything, Timestamp


def test_an_event_travels_in_an_envelope() -> None:
    sent = events.forward(events.TaskExit(container_id="c", id="c", pid=7, exit_status=137), "moby", 1_500_000_000)
    envelope = events.ForwardRequest.decode(sent.encode()).envelope
    assert envelope is not None
    assert (envelope.namespace, envelope.topic) == ("moby", "/tasks/exit")
    assert envelope.timestamp == Timestamp(seconds=1, nanos=500_000_000)
    assert envelope.event is not None
    assert envelope.event.type_url == "containerd.events.TaskExit"
    assert events.opened(sent) == events.TaskExit(container_id="c", id="c", pid=7, exit_status=137)


def test_an_event_of_something_else_is_none() -> None:
    other = events.Envelope(event=Anything(type_url="containerd.events.ImageCreate", value=b""))
    assert events.opened(events.ForwardRequest(envelope=other)) is None
    assert events.opened(events.ForwardRequest()) is None


def test_every_method_has_its_messages() -> None:
    assert len(task.METHODS) == 17


def test_a_time_that_has_not_come_is_gos_zero() -> None:
    assert Timestamp.of(0).seconds == -62135596800


def test_the_newer_start_is_known_by_its_names() -> None:
    data = bootstrap.BootstrapParams(instance_id="c1", namespace="k8s.io", socket_dir="/run/s").encode()
    found = bootstrap.read_parameters(data, "c1", "k8s.io")
    assert found is not None
    assert found.socket_dir == "/run/s"
    assert bootstrap.read_parameters(data, "c2", "k8s.io") is None
    older = Anything(type_url="containerd.runc.v1.Options", value=b"").encode()
    assert bootstrap.read_parameters(older, "containerd.runc.v1.Options", "moby") is None
    assert bootstrap.read_parameters(b"\xff\xff", "c1", "k8s.io") is None


def test_the_older_start_has_the_runtimes_options() -> None:
    options = bootstrap.Options(binary_name="/usr/bin/crun", root="/run/crun", systemd_cgroup=True)
    data = Anything(type_url="type.googleapis.com/containerd.runc.v1.Options", value=options.encode()).encode()
    assert bootstrap.read_options(data) == options
    assert bootstrap.read_options(b"") == bootstrap.Options()
    assert bootstrap.read_options(Anything(type_url="x.Y", value=options.encode()).encode()) == bootstrap.Options()


def test_what_start_answers() -> None:
    older = b'{"version": 2, "address": "unix:///run/s/1", "protocol": "ttrpc"}'
    assert bootstrap.result("unix:///run/s/1", newer=False) == older
    newer = bootstrap.BootstrapResult.decode(bootstrap.result("unix:///run/s/1", newer=True))
    assert (newer.version, newer.address, newer.protocol) == (3, "unix:///run/s/1", "ttrpc")
