"""Whatever a request says, its answer says what is wrong with it: the engine has no error of its own, does not hang, and
keeps nothing of what it refuses. The same requests each time, unless ``RUNG_TEST_FUZZ_S`` asks for as many more as of the
other fuzzers (30 is as many), at random."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import engineparts
from engineparts import Engine
from rung.engine.docker import bodies

from . import asking
from .asking import Asker, text_of

FEW = int(os.environ.get("RUNG_TEST_FUZZ_S", "30")) * 5
#: What Docker's daemon has no better status for either.
AS_DOCKER = ("strconv.", "invalid volume specification: ", "Invalid escape keys ", "invalid filter: 'type'=")
LISTS = ("/containers/json", "/images/json", "/networks", "/volumes", "/events")
PRUNES = ("/containers/prune", "/networks/prune", "/volumes/prune", "/images/prune")

many: Callable[..., Any] = settings(
    max_examples=FEW, deadline=None, derandomize="RUNG_TEST_FUZZ_S" not in os.environ, database=None, suppress_health_check=list(HealthCheck)
)


class Bench:
    """An engine with one container that lives, and what there is of anything when nothing was asked for."""

    def __init__(self, engine: Engine, asker: Asker) -> None:
        self.engine, self.asker = engine, asker
        self.container = engine.run_one("sleep", "100000").id
        self.before = self.found()

    def ask(self, method: str, path: str, body: str | None = None, **query: str) -> tuple[int, Any]:
        """An answer that is none of an engine in trouble."""
        status, said = self.asker.ask(method, path, body, **query)
        message = said.get("message", "") if isinstance(said, dict) else ""
        assert status < 500 or message.startswith(AS_DOCKER), (status, said)
        assert status < 400 or message, (status, said)
        assert status not in (400, 409) or not message.partition(":")[0].endswith("Error"), message
        return status, said

    def found(self) -> set[str]:
        containers = self.asker.ask("GET", "/containers/json", all="1")[1]
        networks = self.asker.ask("GET", "/networks")[1]
        volumes = self.asker.ask("GET", "/volumes")[1]["Volumes"] or ()
        return {
            *(f"/containers/{one['Id']}" for one in containers),
            *(f"/networks/{one['Id']}" for one in networks),
            *(f"/volumes/{one['Name']}" for one in volumes),
        }

    def check(self, status: int) -> None:
        """Nothing is there of what was refused; what was made can be removed."""
        more = sorted(self.found() - self.before)  # containers before their networks and volumes
        assert status < 400 or not more, f"left of what was refused: {more}"
        for path in more:
            force = {"force": "1", "v": "1"} if path.startswith("/containers/") else {}
            got, said = self.ask("DELETE", path, **force)
            assert got == 204 or (got == 404 and path.startswith("/volumes/")), (got, said)
        assert self.found() == self.before


@pytest.fixture(scope="module")
def bench(busybox: Path) -> Iterator[Bench]:
    with engineparts.engine(engineparts.image_archive(busybox)) as engine, closing(Asker(engine.socket)) as asker:
        yield Bench(engine, asker)


def _with_image(body: Any) -> Any:
    """Most have one, or all would be refused for that."""
    return {"Image": engineparts.IMAGE, "Cmd": ["true"], **body} if isinstance(body, dict) else body


@many
@given(body=asking.of(bodies.CONTAINER).map(_with_image), name=asking.words)
def test_a_container_of_anything(bench: Bench, body: Any, name: str) -> None:
    bench.check(bench.ask("POST", "/v1.47/containers/create", text_of(body), name=name)[0])


@many
@given(body=asking.of(bodies.NETWORK))
@example(body={"Name": "x", "IPAM": {"Config": [None]}})
def test_a_network_of_anything(bench: Bench, body: Any) -> None:
    bench.check(bench.ask("POST", "/networks/create", text_of(body))[0])


@many
@given(body=asking.of(bodies.VOLUME))
@example(body={"Name": "y" * 300})
def test_a_volume_of_anything(bench: Bench, body: Any) -> None:
    bench.check(bench.ask("POST", "/volumes/create", text_of(body))[0])


@many
@given(body=asking.of(bodies.EXEC))
def test_an_exec_of_anything(bench: Bench, body: Any) -> None:
    bench.ask("POST", f"/containers/{bench.container}/exec", text_of(body))


@many
@given(body=asking.of(bodies.UPDATE))
@example(body={"CpuRealtimePeriod": -1})
def test_an_update_to_anything(bench: Bench, body: Any) -> None:
    bench.ask("POST", f"/containers/{bench.container}/update", text_of(body))


names = st.sampled_from(
    "id name label label! status exited ancestor before since health network publish expose volume is-task isolation "
    "dangling reference until driver scope type container image event daemon x".split()
)
filters = st.one_of(st.dictionaries(names, st.one_of(st.lists(asking.words), st.dictionaries(asking.words, st.booleans()), asking.anything), max_size=2), asking.anything)


@many
@given(path=st.sampled_from(LISTS), wanted=filters.map(text_of))
@example(path="/networks", wanted="{")
@example(path="/networks", wanted='{"dangling":[]}')
@example(path="/networks", wanted='{"name":["["]}')
@example(path="/containers/json", wanted='{"name":["("],"id":["*"]}')
@example(path="/containers/json", wanted='{"publish":["%s"]}' % ("9" * 5000))
@example(path="/networks", wanted='{"name":{"x":true},"name":["y"]}')
def test_a_list_of_what_fits_anything(bench: Bench, path: str, wanted: str) -> None:
    bench.ask("GET", path, filters=wanted, since="0", until="1")


@many
@given(path=st.sampled_from(PRUNES), wanted=filters.map(text_of))
def test_what_is_pruned_by_anything(bench: Bench, path: str, wanted: str) -> None:
    bench.ask("POST", path, filters=wanted)
    assert bench.found() == bench.before


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"x"', "{}{}", '{"Image":', "\0", "{}" + " " * 70000, "[" * 20000, '{"a":' * 20000])
@pytest.mark.parametrize("path", ["/containers/create", "/networks/create", "/volumes/create", "/containers/{}/exec", "/containers/{}/update"])
def test_what_is_no_document(bench: Bench, path: str, body: str) -> None:
    bench.check(bench.ask("POST", path.format(bench.container), body)[0])
