"""Whatever a configuration says: it becomes a plan, or is refused by the field's path; nothing else."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configurations import edits, namespaces, struct
from conformance.bundle import edit
from rung.errors import RungError
from rung.runtime.plan import wire
from rung.runtime.plan.compile import compile_container, compile_exec
from rung.runtime.plan.request import ExecRequest, Request
from rung.runtime.plan.text import as_data, render
from rung.runtime.seccomp.compile import compile_filter
from rung.spec.errors import SpecError
from rung.spec.runtime.default import default_config
from rung.spec.runtime.validate import validate, validate_process
from rung.spec.runtime.warnings import warnings

MANY = settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))


def accepted(document: dict[str, Any], check: Any = validate) -> bool:
    """Whether it passes; if not, by one sentence that names a field."""
    before = copy.deepcopy(document)
    try:
        check(document)
    except SpecError as error:
        assert error.field, error
        assert str(error).isprintable(), error
        return False
    assert document == before
    return True


def becomes_a_plan(document: dict[str, Any]) -> None:
    config = validate(document)
    assert all(said.isprintable() for said in warnings(config))
    seccomp = config.get("linux", {}).get("seccomp")
    if seccomp:
        compile_filter(seccomp, native="x86_64")
    if "process" not in config:
        return
    made = compile_container(Request("box", "/bundle", config, {"": "/c/box", "pids": "/c/pids/box"}))
    assert render(made).isprintable() or "\n" in render(made)
    as_data(made)
    assert wire.decode(wire.encode(made.steps, {}, 3).whole()) == made.steps
    again = compile_exec(ExecRequest("box", config, config["process"]))
    assert wire.decode(wire.encode(again.steps, {}, 3).whole()) == again.steps


@MANY
@given(edits(6), st.one_of(st.none(), namespaces()))
def test_a_changed_configuration(changes, kinds):
    document: Any = default_config()
    del document["hostname"]
    if kinds is not None:
        document["linux"]["namespaces"] = kinds
    for path, value in changes.items():
        edit(document, path, value)
    if accepted(document):
        try:
            becomes_a_plan(document)
        except SpecError as error:
            assert error.field
        except RungError as error:
            assert str(error).isprintable(), error


@MANY
@given(struct("Config"))
def test_a_whole_configuration(document):
    if accepted(document):
        try:
            becomes_a_plan(document)
        except SpecError as error:
            assert error.field


@MANY
@given(struct("Process"))
def test_a_process_of_an_exec(process):
    if accepted(process, validate_process):
        document: Any = default_config()
        made = compile_exec(ExecRequest("box", document, validate_process(process)))
        assert wire.decode(wire.encode(made.steps, {}, 3).whole()) == made.steps
