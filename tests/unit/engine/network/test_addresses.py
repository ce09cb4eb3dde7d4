"""Subnets and addresses."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

import pytest

from rung.engine.errors import BadParameter, Conflict, NotAllowed
from rung.engine.network import addresses
from rung.engine.network.addresses import Pool


def test_the_first_pool_that_overlaps_nobody() -> None:
    assert str(addresses.free_subnet([])) == "172.17.0.0/16"
    taken = [IPv4Network("172.17.3.0/24"), IPv4Network("172.18.0.0/15")]
    assert str(addresses.free_subnet(taken)) == "172.20.0.0/16"
    with pytest.raises(Conflict, match="non-overlapping"):
        addresses.free_subnet([IPv4Network("0.0.0.0/0")])


def test_a_subnet_that_was_asked_for() -> None:
    wanted = addresses.subnet("10.1.2.3/24")
    assert str(wanted) == "10.1.2.0/24"
    with pytest.raises(NotAllowed, match="Pool overlaps"):
        addresses.check_free(wanted, [IPv4Network("10.0.0.0/8")])
    for bad in ("10.1.2.0/33", "fd00::/129", "x"):
        with pytest.raises(BadParameter, match="invalid subnet"):
            addresses.subnet(bad)


def test_addresses_are_given_once_and_the_last_given_back_comes_last() -> None:
    pool = Pool(IPv4Network("10.0.0.0/29"))
    given = [pool.take() for _ in range(6)]
    assert given == [f"10.0.0.{last}" for last in range(1, 7)]
    with pytest.raises(Conflict, match="no available"):
        pool.take()
    pool.give_back("10.0.0.3")
    pool.give_back("10.0.0.1")
    assert pool.take() == "10.0.0.1"


def test_an_address_of_ones_own() -> None:
    pool = Pool(IPv4Network("10.0.0.0/24"), "10.0.0.128/25")
    assert pool.take() == "10.0.0.129"
    assert pool.take("10.0.0.9") == "10.0.0.9"
    with pytest.raises(Conflict, match="already in use"):
        pool.take("10.0.0.9")
    with pytest.raises(BadParameter, match="does not belong"):
        pool.take("10.0.1.9")
    with pytest.raises(BadParameter, match="invalid IPv4 address"):
        pool.take("ten")


def test_addresses_of_the_other_family() -> None:
    pool = Pool(IPv6Network("fd00::/64"))
    assert [pool.take("fd00::1"), pool.take(), pool.take("fd00::0:9"), pool.take()] == ["fd00::1", "fd00::2", "fd00::9", "fd00::3"]
    with pytest.raises(Conflict, match="already in use"):
        pool.take("fd00:0::9")
    with pytest.raises(BadParameter, match="does not belong"):
        pool.take("10.0.0.1")
    assert addresses.of_mac("fd00:d0c::/64", "02:42:ac:11:00:02") == "fd00:d0c::242:ac11:2"
    assert addresses.of_mac("fd00:d0c::/96", "02:42:ac:11:00:02") == ""


def test_subnets_of_the_other_family() -> None:
    own = addresses.local_pool(bytes.fromhex("0102030405"))
    taken = [IPv4Network("10.0.0.0/8"), IPv6Network("fd01:203:405::/64")]
    assert str(addresses.free_subnet(taken, own, 6)) == "fd01:203:405:1::/64"
    with pytest.raises(Conflict, match="IPv6 address pool"):
        addresses.free_subnet([], [], 6)


def test_pools_that_were_told() -> None:
    told = addresses.pools([{"base": "10.10.0.0/16", "size": 24}, {"base": "fd00::/56", "size": 64}])
    assert str(addresses.free_subnet([IPv4Network("10.10.0.0/24")], told)) == "10.10.1.0/24"
    assert str(addresses.free_subnet([], told, 6)) == "fd00::/64"
    for wrong in ({"base": "10.0.0.0/16", "size": 8}, {"base": "x", "size": 8}, {"base": "fd00::/8", "size": 64}):
        with pytest.raises(BadParameter):
            addresses.pools([wrong])


def test_a_request_has_one_subnet_of_each_family() -> None:
    asked = [{"Subnet": "fd00::/64", "Gateway": "fd00::5"}, {"Subnet": "10.0.0.0/24"}]
    assert addresses.of_version(asked, 6)["Gateway"] == "fd00::5"
    assert addresses.of_version([{"Gateway": "10.0.0.1"}], 4) == {"Gateway": "10.0.0.1"}
    with pytest.raises(BadParameter, match="a second one"):
        addresses.of_version([*asked, {"Subnet": "10.1.0.0/24"}], 4)


def test_hardware_addresses() -> None:
    assert addresses.mac_of("172.17.0.2") == "02:42:ac:11:00:02"
    assert addresses.mac_bytes("02:42:ac:11:00:02").hex() == "0242ac110002"
    with pytest.raises(BadParameter, match="invalid MAC"):
        addresses.mac_bytes("02:42")
