"""hosts and resolv.conf."""

from __future__ import annotations

from rung.engine.network import files

HOST = "# comment\nnameserver 127.0.0.53\nnameserver 10.0.0.1\nsearch lan\noptions edns0\n"


def test_hosts() -> None:
    found = files.hosts(["172.17.0.2"], ["web.lan", "web"], ["db:10.1.1.1", "me:host-gateway"], "172.17.0.1")
    assert found.splitlines()[-3:] == ["10.1.1.1\tdb", "172.17.0.1\tme", "172.17.0.2\tweb.lan web"]
    assert found.startswith("127.0.0.1\tlocalhost\n")


def test_the_hosts_resolver_without_what_is_only_the_hosts() -> None:
    assert files.resolv_conf(HOST, {}, own_names=False) == "nameserver 10.0.0.1\nsearch lan\noptions edns0\n"
    assert files.resolv_conf("nameserver ::1\n", {}, own_names=False) == "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"


def test_a_resolver_of_ones_own() -> None:
    given = {"Dns": ["9.9.9.9"], "DnsSearch": ["."], "DnsOptions": ["timeout:1"]}
    assert files.resolv_conf(HOST, given, own_names=False) == "nameserver 9.9.9.9\noptions timeout:1\n"


def test_our_own_names() -> None:
    found = files.resolv_conf(HOST, {}, own_names=True)
    assert found == "nameserver 127.0.0.11\nsearch lan\noptions edns0 ndots:0\n"
    assert files.upstream(HOST, {}) == ["127.0.0.53", "10.0.0.1"]
    assert files.upstream(HOST, {"Dns": ["9.9.9.9"]}) == ["9.9.9.9"]
