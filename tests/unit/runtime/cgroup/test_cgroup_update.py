"""What resources are after an update."""

from rung.runtime.cgroup.update import updated


def test_only_what_is_given_changes():
    old = {"memory": {"limit": 1, "reservation": 2}, "cpu": {"shares": 3}, "devices": [{"allow": False}]}
    new = {"memory": {"limit": 9}, "cpu": {}, "pids": {"limit": 5}, "blockIO": {}}
    assert updated(old, new) == {
        "memory": {"limit": 9, "reservation": 2},
        "cpu": {"shares": 3},
        "devices": [{"allow": False}],
        "pids": {"limit": 5},
    }
    assert old == {
        "memory": {"limit": 1, "reservation": 2},
        "cpu": {"shares": 3},
        "devices": [{"allow": False}],
    }


def test_quota_keeps_its_period_and_memory_its_swap():
    assert updated({"cpu": {"quota": 1, "period": 2}}, {"cpu": {"quota": 5}})["cpu"] == {
        "quota": 5,
        "period": 2,
    }
    assert updated({"memory": {"limit": 1, "swap": 4}}, {"memory": {"limit": 2}})["memory"] == {
        "limit": 2,
        "swap": 4,
    }


def test_unlimited_memory_is_unlimited_swap():
    assert updated({"memory": {"limit": 1, "swap": 2}}, {"memory": {"limit": -1}}) == {
        "memory": {"limit": -1}
    }
    new = {"memory": {"limit": -1, "swap": 7}}
    assert updated({"memory": {"limit": 1, "swap": 2}}, new) == new


def test_null_and_empty_say_nothing():
    old = {"cpu": {"cpus": "0", "shares": 5}}
    assert updated(old, {"cpu": {"cpus": "", "shares": None}, "memory": None}) == old


def test_devices_are_changed_one_by_one():
    old = {"blockIO": {"weight": 1, "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1}]}}
    entry = {"major": 8, "minor": 0, "rate": 2}
    other = {"major": 8, "minor": 16, "rate": 3}
    new = {"blockIO": {"throttleReadBpsDevice": [entry, other], "weightDevice": [{"major": 1, "minor": 2}]}}
    assert updated(old, new)["blockIO"] == {
        "weight": 1,
        "throttleReadBpsDevice": [entry, other],
        "weightDevice": [{"major": 1, "minor": 2}],
    }


def test_huge_pages_rdma_and_unified_by_name():
    old = {"hugepageLimits": [{"pageSize": "2MB", "limit": 1}], "unified": {"a.b": "1", "c.d": "2"}}
    new = {
        "hugepageLimits": [{"pageSize": "1GB", "limit": 2}, {"pageSize": "2MB", "limit": 3}],
        "unified": {"a.b": "9"},
        "rdma": {"x": {"hcaObjects": 1}},
    }
    assert updated(old, new) == {
        "hugepageLimits": [{"pageSize": "2MB", "limit": 3}, {"pageSize": "1GB", "limit": 2}],
        "unified": {"a.b": "9", "c.d": "2"},
        "rdma": {"x": {"hcaObjects": 1}},
    }


def test_devices_rules_stay_as_they_were():
    assert updated({}, {"devices": [{"allow": True, "access": "rwm"}]}) == {}
