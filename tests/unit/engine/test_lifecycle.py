"""What is decided about containers without running any: states, names, merges, policies, events, lists."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path
from time import time_ns
from typing import Any

import pytest

from rung.engine import states
from rung.engine.container import Container
from rung.engine.database import Database
from rung.engine.docker import views
from rung.engine.docker.attach import detach_keys
from rung.engine.docker.system import matches, moment_ns
from rung.engine.errors import BadParameter, Conflict, EngineError, NotFound
from rung.engine.events import Event, Events
from rung.engine.health import Check
from rung.engine.lifecycle import exits
from rung.engine.lifecycle.boot_order import in_order
from rung.engine.lifecycle.checks import check, signal_of
from rung.engine.lifecycle.create import merge
from rung.engine.lifecycle.exits import wants_restart
from rung.engine.lifecycle.reconcile import comes_back
from rung.engine.lifecycle.start import exit_code_of
from rung.engine.registry import Containers
from rung.engine.running import Running
from rung.engine.sizes import size_bytes
from rung.spec.shim.common import Timestamp
from rung.spec.shim.task import WaitResponse


def container(name: str = "one", **more: Any) -> Container:
    host = more.pop("host", {})
    state = more.pop("state", None)
    return Container(name.ljust(64, "0"), name, "sha256:1", "image", {"Cmd": ["a b", "c"], **more}, host, state=state)


def test_states_follow_the_table() -> None:
    one = container()
    one.become(states.RUNNING)
    with pytest.raises(Conflict, match="it cannot become removing"):
        one.become(states.REMOVING)
    assert set(states.NEXT) == {state for after in states.NEXT.values() for state in after}


def test_the_database_gives_back_what_it_got(tmp_path: Path) -> None:
    database = Database(str(tmp_path))
    containers = Containers(database)
    one = container(host={"Memory": 5})
    one.state.exit_code = 3
    containers.add(one)
    with pytest.raises(EngineError, match="another engine runs on"):
        Database(str(tmp_path))
    database.close()
    again = Database(str(tmp_path))
    found = Containers(again).get("one")
    assert (found.document(), found.state.exit_code) == (one.document(), 3)
    again.close()


def test_finding_by_name_and_the_beginning_of_an_id(tmp_path: Path) -> None:
    database = Database(str(tmp_path))
    containers = Containers(database)
    for name in ("aa", "ab"):
        containers.add(container(name))
    assert containers.get("/aa").name == containers.get("aa0").name == "aa"
    with pytest.raises(BadParameter, match="multiple IDs"):
        containers.get("a")
    with pytest.raises(NotFound, match="No such container: x"):
        containers.get("x")
    with pytest.raises(Conflict, match='The container name "/aa" is already in use by container "aa0'):
        containers.check_name("aa")
    with pytest.raises(BadParameter, match="Invalid container name"):
        containers.check_name("a b")
    containers.rename(containers.get("aa"), "ac")
    containers.check_name("aa")
    database.close()


def test_what_was_not_said_is_as_the_image_has_it() -> None:
    image = {"Cmd": ["sh"], "Entrypoint": ["/e"], "Env": ["A=1", "B=1"], "Labels": {"x": "1", "y": "1"}, "User": "u"}
    assert merge({}, image)["Cmd"] == ["sh"]
    given = merge({"Cmd": ["ls"], "Env": ["B=2"], "Labels": {"y": "2"}}, image)
    assert (given["Entrypoint"], given["Cmd"], given["User"]) == (["/e"], ["ls"], "u")
    assert sorted(given["Env"]) == ["A=1", "B=2"]
    assert given["Labels"] == {"x": "1", "y": "2"}
    assert merge({"Entrypoint": ["/mine"]}, image).get("Cmd") is None
    assert merge({"Entrypoint": [""], "Cmd": ["ls"]}, image)["Entrypoint"] is None


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ({"RestartPolicy": {"Name": "sometimes"}}, "unknown policy 'sometimes'"),
        ({"RestartPolicy": {"Name": "always", "MaximumRetryCount": 3}}, "only be used with 'on-failure'"),
        ({"RestartPolicy": {"Name": "always"}, "AutoRemove": True}, "can't create 'AutoRemove'"),
    ],
)
def test_requests_that_make_no_sense(host: dict[str, Any], said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        check({}, host)


def test_signals() -> None:
    assert (signal_of("9"), signal_of("SIGTERM"), signal_of("usr1")) == (9, 15, 10)
    with pytest.raises(BadParameter, match="invalid signal: NOPE"):
        signal_of("NOPE")


@pytest.mark.parametrize(
    ("policy", "status", "by_hand", "restarts", "wanted"),
    [
        ({}, 1, False, 0, False),
        ({"Name": "always"}, 0, False, 9, True),
        ({"Name": "always"}, 0, True, 0, False),
        ({"Name": "on-failure"}, 0, False, 0, False),
        ({"Name": "on-failure"}, 1, False, 99, True),
        ({"Name": "on-failure", "MaximumRetryCount": 2}, 1, False, 1, True),
        ({"Name": "on-failure", "MaximumRetryCount": 2}, 1, False, 2, False),
        ({"Name": "unless-stopped"}, 0, False, 0, True),
    ],
)
def test_restart_policies(policy: dict[str, Any], status: int, by_hand: bool, restarts: int, wanted: bool) -> None:
    state = {"exit_code": status, "stopped_by_hand": by_hand, "restarts": restarts}
    assert wants_restart(container(host={"RestartPolicy": policy}, state=state), status) is wanted


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ('exec: "x": executable file not found in $PATH', 127),
        ("no such file or directory", 127),
        ("exec: permission denied", 126),
        ("is a directory", 126),
        ("a hook failed", 128),
    ],
)
def test_the_status_of_a_start_that_failed(said: str, code: int) -> None:
    assert exit_code_of(said) == code


def test_sizes() -> None:
    assert [size_bytes(text) for text in ("10", "1k", "2MB", "1.5g")] == [10, 1024, 2 << 20, 3 << 29]
    with pytest.raises(BadParameter, match="invalid size"):
        size_bytes("many")


def test_health_checks() -> None:
    check_ = Check({"Test": ["CMD-SHELL", "true"], "Interval": 2_000_000_000, "Retries": 2})
    assert (check_.command, check_.interval_s, check_.timeout_s, check_.retries) == (["/bin/sh", "-c", "true"], 2, 30, 2)
    assert Check({"Test": ["CMD", "a", "b"]}).command == ["a", "b"]
    assert Check({"Test": ["NONE"]}).command == Check({}).command == []


def test_events_are_kept_and_heard() -> None:
    async def listen() -> list[str]:
        events = Events()
        events.tell("container", "create", "1", {})
        heard = []
        stream = events.listen(since_ns=0)
        async for event in stream:
            heard.append(event.action)
            if event.action == "create":
                events.tell("container", "start", "1", {})
            else:
                break
        await stream.aclose()  # type: ignore[attr-defined]
        return heard

    assert asyncio.run(listen()) == ["create", "start"]


def test_filters_of_events() -> None:
    event = Event("container", "health_status: healthy", "abc", {"name": "web", "image": "busybox:latest", "l": "1", "m": ""}, 5)
    for wanted in (
        {"type": ["container"]},
        {"event": ["die", "health_status"]},
        {"container": ["web"]},
        {"container": ["ab"]},
        {"image": ["busybox"]},
        {"label": ["l=1"], "type": ["container"]},
        {"label": ["l=1", "m"]},
    ):
        assert matches(event, wanted), wanted
    for unwanted in ({"type": ["image"]}, {"label": ["l=2"]}, {"label": ["l=1", "m=x"]}, {"container": ["web"], "event": ["die"]}):
        assert not matches(event, unwanted), unwanted


def test_moments() -> None:
    assert moment_ns("1.5") == 1_500_000_000
    assert moment_ns("1970-01-01T00:00:02Z") == moment_ns("1970-01-01T00:00:02+00:00") == 2_000_000_000
    assert moment_ns("") is None
    with pytest.raises(BadParameter, match="failed to parse"):
        moment_ns("yesterday")


def test_detach_keys() -> None:
    assert detach_keys(None, True) == b"\x10\x11"
    assert detach_keys(None, False) == b""
    assert detach_keys("a,ctrl-],ctrl-@", True) == b"a\x1d\x00"
    with pytest.raises(BadParameter, match="Invalid detach keys"):
        detach_keys("ctrl-!", True)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (150, "2 minutes"),
        (3600, "About an hour"),
        (47 * 3600, "47 hours"),
        (49 * 3600, "2 days"),
        (15 * 86400, "2 weeks"),
        (70 * 86400, "2 months"),
    ],
)
def test_durations_in_dockers_words(seconds: int, words: str) -> None:
    assert views.ago(seconds * 1_000_000_000) == words


def test_a_command_in_one_line() -> None:
    assert views.command(container()) == "'a b' c"


def service(name: str, depends: str = "", **more: Any) -> Container:
    labels = {"com.docker.compose.project": "p", "com.docker.compose.service": name}
    return container(name, Labels={**labels, "com.docker.compose.depends_on": depends}, **more)


def test_whoever_others_wait_for_comes_back_first() -> None:
    web = service("web", "db:service_healthy:false,init:service_completed_successfully:false")
    db, proxy = service("db"), service("proxy", "web:service_started:true")
    found = in_order([proxy, web, db, container("alone")])
    order = [one.name for one, _ in found]
    assert order.index("db") < order.index("web") < order.index("proxy")
    assert {one.name: [(other.name, how) for other, how in before] for one, before in found}["web"] == [
        ("db", "service_healthy")
    ]
    assert len(in_order([service("a", "b:service_started:x"), service("b", "a:service_started:x")])) == 2


@pytest.mark.parametrize(
    ("policy", "state", "wanted"),
    [
        ("always", {"status": "exited", "stopped_by_hand": True}, True),
        ("unless-stopped", {"status": "exited", "stopped_by_hand": True}, False),
        ("unless-stopped", {"status": "exited"}, True),
        ("on-failure", {"status": "exited", "exit_code": 1}, False),
        ("on-failure", {"status": "exited", "exit_code": 255}, True),
        ("no", {"status": "exited", "exit_code": 255}, False),
        ("always", {"status": "created"}, False),
        ("on-failure", {"status": "restarting"}, True),
    ],
)
def test_who_comes_back_with_the_engine(policy: str, state: dict[str, Any], wanted: bool) -> None:
    assert comes_back(container(host={"RestartPolicy": {"Name": policy}}, state=state)) is wanted


@pytest.mark.parametrize("jump_s", [3600, -3600])
def test_the_pause_before_a_restart_knows_no_time_of_day(monkeypatch: pytest.MonkeyPatch, jump_s: int) -> None:
    """A clock that is set while a container runs makes no short run a long one: the pause grows."""
    one = container(host={"RestartPolicy": {"Name": "always"}})
    paused: list[float] = []

    async def slept(pause_s: float) -> None:
        paused.append(pause_s)
        one.state.status = states.EXITED  # it is not started again: that is another's

    class Shim:
        async def call(self, *_: object, **__: object) -> Any:
            return WaitResponse(exit_status=1, exited_at=Timestamp.of(one.state.started_ns + jump_s * 1_000_000_000))

    class Quiet:
        """An engine in which nothing is to be cleared away."""

        def __init__(self) -> None:
            self.stories, self.begun = self, list[Any]()

        def telling(self, *_: object) -> Any:
            return nullcontext()

        def later(self, work: Any, _what: str) -> None:
            self.begun.append(work)

    async def over(_engine: Any, _one: Any, _running: Any, _status: int, finished_ns: int) -> None:
        one.state.status, one.state.finished_ns = states.RESTARTING, finished_ns

    async def follow() -> None:
        one.state.started_ns, one.state.pause_s, one.state.status = time_ns(), 0.4, states.RUNNING
        engine = Quiet()
        await exits.follow(engine, one, Running(Shim()))  # type: ignore[arg-type]
        for work in engine.begun:
            await work

    monkeypatch.setattr(exits, "_over", over)
    monkeypatch.setattr(exits.asyncio, "sleep", slept)
    asyncio.run(follow())
    assert paused == [0.8]
