"""``rung explain`` of containers of the engine: every rung on the way, one trace, and what collectors get."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import engineparts
from engineparts import Engine, until
from rung.client import ApiError
from rung.trace.spans import Node
from rung.trace.tree import walk

CALLER = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
RUNGS = {"client", "api", "engine", "shim", "runtime", "init"}


@pytest.fixture(scope="module")
def engine(busybox: Path) -> Iterator[Engine]:
    with engineparts.engine(engineparts.image_archive(busybox)) as made:
        yield made


@pytest.fixture(scope="module")
def container(engine: Engine) -> Iterator[Any]:
    made = engine.run_one("true", name="told")
    made.wait()
    yield made
    made.remove()


def spans(engine: Engine, name: str, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = engine.ask("GET", "/rung/explain", {"container": name, **more})["Spans"]
    return found


def story(engine: Engine, name: str) -> list[Node]:
    return [Node(**{key: value for key, value in span.items() if key != "depth"}) for span in spans(engine, name)]


def ended(engine: Engine, name: str) -> list[dict[str, Any]]:
    """The story with its end: that is told a moment after those who wait for it have heard."""
    until(lambda: any("clear away" in one["what"] for one in spans(engine, name)), "the end is told")
    return spans(engine, name)


def test_every_rung_is_in_one_trace(engine: Engine, container: Any) -> None:
    found = ended(engine, "told")
    assert {one["layer"] for one in found} == RUNGS
    assert len({one["trace_id"] for one in found}) == 1
    assert len({one["span_id"] for one in found}) == len(found)


def test_each_hangs_below_who_asked_for_it(engine: Engine, container: Any) -> None:
    ended(engine, "told")
    path: list[Node] = []
    above: dict[str, list[str]] = {}
    for depth, node in walk(story(engine, "told")):
        path[depth:] = [node]
        above[node.what] = [one.layer for one in path]
        assert depth == 0 or path[depth - 1].span_id == node.parent_id
    assert above["make the task"] == ["client", "api", "engine", "shim"]
    execute = next(layers for what, layers in above.items() if what.startswith("execute true"))
    assert execute == ["client", "api", "engine", "shim", "runtime", "init"]
    pivot = next(layers for what, layers in above.items() if "pivot_root" in what)
    assert pivot[:5] == ["client", "api", "engine", "shim", "runtime"]
    assert pivot[-1] == "init"


def test_calls_are_told_where_they_are_asked_for(engine: Engine, container: Any) -> None:
    assert not any(one["what"].startswith("pivot_root =") for one in spans(engine, "told"))
    assert any(one["what"].startswith("pivot_root = 0") for one in spans(engine, "told", calls=True))


def test_the_command_shows_the_tree(engine: Engine, container: Any) -> None:
    text = engine.cli("explain", "told")
    assert "POST /v1.47/containers/create" in text
    assert "change the root: pivot_root" in text
    last = [json.loads(line) for line in engine.cli("explain", "--json").splitlines()]
    assert {one["layer"] for one in last} == RUNGS


def test_a_removed_container_is_told_of_too(engine: Engine) -> None:
    made = engine.run_one("true", name="gone")
    made.wait()
    made.remove()
    for name in ("gone", made.id, made.id[:12]):
        assert "DELETE" in engine.cli("explain", name)
    with pytest.raises(AssertionError, match="nothing is recorded of container never"):
        engine.cli("explain", "never")


def test_a_callers_trace_is_gone_on_with(engine: Engine) -> None:
    trace_id, span_id = CALLER
    headers = [("traceparent", f"00-{trace_id}-{span_id}-01"), ("tracestate", "rung=my_tool@1")]
    with engine.client() as client:
        asked = {"Image": engineparts.IMAGE, "Cmd": ["true"], "HostConfig": {"NetworkMode": "none"}}
        made = client.api.json("POST", "/containers/create", {"name": "carried"}, body=asked, headers=headers)
        client.api.do("POST", f"/containers/{made['Id']}/start", headers=headers)
        client.containers.get("carried").wait()
    nodes = ended(engine, "carried")
    ours = [one for one in nodes if one["trace_id"] == trace_id]
    assert {one["layer"] for one in ours} == RUNGS
    client_span = next(one for one in ours if one["layer"] == "client")
    assert (client_span["span_id"], client_span["what"], client_span["began_ns"]) == (span_id, "my tool", 1)
    with engine.client() as client:
        client.containers.get("carried").remove()


def test_a_story_outlives_the_engine(engine: Engine) -> None:
    made = engine.run_one("sleep", "1000", name="lasting")
    assert {one["layer"] for one in spans(engine, "lasting")} == RUNGS
    engine.kill()
    engine.start()
    assert {one["layer"] for one in spans(engine, "lasting")} == RUNGS
    made.remove(force=True)


def test_a_start_that_fails_says_where(engine: Engine) -> None:
    made = engine.create("no-such-program", name="broken")
    with pytest.raises(ApiError):
        made.start()
    failed = [one for one in spans(engine, "broken") if one["failed"]]
    assert {one["layer"] for one in failed} >= {"api", "engine", "shim"}
    made.remove()


def test_stories_are_bounded(engine: Engine) -> None:
    made = engine.run_one("sleep", "1000", name="busy")
    for _ in range(300):
        with pytest.raises(ApiError):
            made.unpause()
    kept = spans(engine, "busy")
    assert 0 < len(kept) < 700
    made.remove(force=True)


class Collector(BaseHTTPRequestHandler):
    """What an OpenTelemetry collector is asked."""

    got: list[tuple[str, str, Any]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.got.append((self.path, self.headers["content-type"], json.loads(body)))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_words: object) -> None:
        return


def test_a_collector_gets_a_story(engine: Engine, container: Any, tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        engine.cli("explain", "told", "--otlp", f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    path, kind, document = Collector.got[-1]
    assert (path, kind) == ("/v1/traces", "application/json")
    services = {one["resource"]["attributes"][0]["value"]["stringValue"] for one in document["resourceSpans"]}
    assert services == {"rung-client", "rungd", "rung-shim", "rung-runtime", "rung-init"}
    engine.cli("explain", "told", "--otlp", str(tmp_path / "file"))
    engine.cli("explain", "told", "--otlp", str(tmp_path / "file"))
    assert [json.loads(line) for line in (tmp_path / "file").read_text().splitlines()] == [document] * 2


def test_an_engine_exports_by_itself_each_span_once(busybox: Path, tmp_path: Path) -> None:
    target = tmp_path / "traces"
    with engineparts.engine(engineparts.image_archive(busybox), "--otlp", str(target)) as engine:
        made = engine.run_one("true")
        made.wait()
        made.remove()

        def exported() -> list[dict[str, Any]]:
            lines = target.read_text().splitlines() if target.exists() else []
            found = [one for line in lines for one in json.loads(line)["resourceSpans"]]
            return [span for one in found for scope in one["scopeSpans"] for span in scope["spans"]]

        until(lambda: any(one["name"].startswith("DELETE") for one in exported()), "the end is exported")
        ids = [one["spanId"] for one in exported()]
        assert len(ids) == len(set(ids))
        assert any(one["name"].startswith("execute true") for one in exported())
