"""Pausing on the real kernel."""

import pytest

from rung.runtime.cgroup import Cgroup, CgroupError

ANSWER_S = 60
SILENCE_S = 0.1


@pytest.fixture(params=["group", "unified"])
def pausable(request):
    """The host's own freezer, and v2's wherever there is v2."""
    return request.getfixturevalue(request.param)


def test_frozen_is_silent_until_thawed(pausable, worker):
    pausable.create()
    one = worker(pausable)
    assert one.do("fork 3") == "ok"
    assert not pausable.frozen()
    pausable.freeze()
    assert pausable.frozen()
    one.tell("open /dev/null")
    assert not one.says_within(SILENCE_S)
    pausable.thaw()
    assert not pausable.frozen()
    assert one.says_within(ANSWER_S)
    assert one.hear() == "ok"


def test_again_and_again(pausable, worker):
    pausable.create()
    one = worker(pausable)
    for _ in range(50):
        pausable.freeze()
        assert pausable.frozen()
        pausable.thaw()
    assert one.do("open /dev/null") == "ok"


def test_twice_is_once(pausable, worker):
    pausable.create()
    worker(pausable)
    pausable.freeze()
    pausable.freeze()
    assert pausable.frozen()
    pausable.thaw()
    pausable.thaw()
    assert not pausable.frozen()


def test_an_empty_cgroup_freezes(pausable):
    pausable.create()
    pausable.freeze()
    assert pausable.frozen()
    pausable.thaw()


def test_a_frozen_parent_does_not_make_a_child_paused(pausable):
    pausable.create()
    child = Cgroup({name: f"{directory}/sub" for name, directory in pausable.paths.items()})
    child.create()
    pausable.freeze()
    assert not child.frozen()
    pausable.thaw()


def test_killing_the_frozen(pausable, worker):
    pausable.create()
    one = worker(pausable)
    assert one.do("fork 2") == "ok"
    pausable.freeze()
    pausable.kill()
    assert one.process.wait(timeout=ANSWER_S) == -9
    pausable.remove()


def test_another_signal_leaves_the_frozen_frozen(pausable, worker):
    pausable.create()
    one = worker(pausable)
    pausable.freeze()
    pausable.kill(15)
    assert pausable.frozen()
    pausable.thaw()
    assert one.process.wait(timeout=ANSWER_S) == -15


def test_a_frozen_cgroup_takes_no_container(pausable):
    pausable.create()
    pausable.freeze()
    second = Cgroup(pausable.paths)
    with pytest.raises(CgroupError, match="container's cgroup unexpectedly frozen"):
        second.create()
    pausable.thaw()


def test_gone_is_not_frozen(pausable):
    assert not pausable.frozen()
    pausable.thaw()
    with pytest.raises(CgroupError, match="freeze"):
        pausable.freeze()
