"""What resources are after an update."""

from rung.runtime.cgroup.update import contradictions, updated


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
        "unified": {"a.b": "9"},
        "rdma": {"x": {"hcaObjects": 1}},
    }


def test_devices_rules_stay_as_they_were():
    assert updated({}, {"devices": [{"allow": True, "access": "rwm"}]}) == {}


def test_a_share_ends_being_idle():
    old = {"cpu": {"idle": 1, "shares": 100}}
    assert updated(old, {"cpu": {"shares": 200}})["cpu"] == {"idle": 0, "shares": 200}
    assert updated(old, {"unified": {"cpu.weight": "8"}})["cpu"] == {"idle": 0, "shares": 100}
    assert updated(old, {"cpu": {"period": 5}})["cpu"] == {"idle": 1, "shares": 100, "period": 5}
    assert updated(old, {"cpu": {"shares": 200, "idle": 1}})["cpu"] == {"idle": 1, "shares": 200}


def test_unified_settings_are_of_one_update():
    """They are written last, and would undo a later ``--memory``."""
    old = {"unified": {"memory.max": "5"}, "memory": {"limit": 4}}
    assert updated(old, {"memory": {"limit": 9}}) == {"memory": {"limit": 9}, "unified": {}}


def test_idle_and_a_share_contradict():
    assert "unable to apply both" in contradictions({"cpu": {"idle": 1, "shares": 5}})[0]
    assert contradictions({"unified": {"cpu.idle": "1\n", "cpu.weight": "5"}})
    assert not contradictions({"cpu": {"idle": 0, "shares": 5}, "unified": {"cpu.weight": "5"}})
