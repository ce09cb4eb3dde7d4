"""OTLP/JSON as its specification has it ("JSON Protobuf Encoding"), field by field of opentelemetry-proto."""

from __future__ import annotations

import json
import re
from typing import Any

from rung.trace import otlp
from rung.trace.spans import Node

TRACE, SPAN, ABOVE = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174", "eee19b7ec3c1b173"
#: message -> field -> what a value of it is
FIELDS: dict[str, dict[str, str]] = {
    "ExportTraceServiceRequest": {"resourceSpans": "[ResourceSpans"},
    "ResourceSpans": {"resource": "Resource", "scopeSpans": "[ScopeSpans", "schemaUrl": "string"},
    "Resource": {"attributes": "[KeyValue", "droppedAttributesCount": "uint32"},
    "ScopeSpans": {"scope": "InstrumentationScope", "spans": "[Span", "schemaUrl": "string"},
    "InstrumentationScope": {"name": "string", "version": "string"},
    "Span": {
        "traceId": "hex32",
        "spanId": "hex16",
        "parentSpanId": "hex16",
        "traceState": "string",
        "name": "string",
        "kind": "enum",
        "startTimeUnixNano": "fixed64",
        "endTimeUnixNano": "fixed64",
        "attributes": "[KeyValue",
        "status": "Status",
    },
    "Status": {"code": "enum", "message": "string"},
    "KeyValue": {"key": "string", "value": "AnyValue"},
    "AnyValue": {"stringValue": "string"},
}
SCALARS = {
    "string": lambda value: isinstance(value, str),
    "enum": lambda value: type(value) is int,
    "uint32": lambda value: type(value) is int,
    "hex32": lambda value: isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value) is not None,
    "hex16": lambda value: isinstance(value, str) and re.fullmatch("[0-9a-f]{16}", value) is not None,
    "fixed64": lambda value: isinstance(value, str) and re.fullmatch("[0-9]{1,20}", value) is not None,
}


def check(value: Any, kind: str, at: str = "") -> None:
    """That a document is one of that message."""
    if kind.startswith("["):
        assert isinstance(value, list), at
        for item in value:
            check(item, kind[1:], f"{at}[]")
    elif kind in SCALARS:
        assert SCALARS[kind](value), f"{at}: {value!r} is no {kind}"
    else:
        assert isinstance(value, dict), at
        for name, inner in value.items():
            assert name in FIELDS[kind], f"{at}: {kind} has no {name}"
            check(inner, FIELDS[kind][name], f"{at}.{name}")


def nodes() -> list[Node]:
    return [
        Node("client", TRACE, ABOVE, "", "rung run", "", "", 5, 90, ""),
        Node("api", TRACE, SPAN, ABOVE, "POST /x", "", "", 10, 80, "500 it failed"),
        Node("init", TRACE, "1" * 16, SPAN, "mount", "/proc", "config.md#mounts", 20, 0, ""),
    ]


def test_a_line_is_a_request_by_the_mapping() -> None:
    line = otlp.line(nodes(), 1_600_000_000_000_000_000, "abc")
    assert line.count(b"\n") == 1
    document = json.loads(line)
    check(document, "ExportTraceServiceRequest")
    names = [one["resource"]["attributes"][0]["value"]["stringValue"] for one in document["resourceSpans"]]
    assert names == ["rung-client", "rungd", "rung-init"]


def test_times_ids_and_errors() -> None:
    document = otlp.document(nodes(), 1_600_000_000_000_000_000, "abc")
    client, api, init = (one["scopeSpans"][0]["spans"][0] for one in document["resourceSpans"])
    assert "parentSpanId" not in client
    assert (api["traceId"], api["spanId"], api["parentSpanId"]) == (TRACE, SPAN, ABOVE)
    assert (api["startTimeUnixNano"], api["endTimeUnixNano"]) == ("1600000000000000010", "1600000000000000080")
    assert api["status"] == {"code": 2, "message": "500 it failed"}
    assert (client["kind"], api["kind"], init["kind"]) == (3, 2, 1)
    assert init["endTimeUnixNano"] == init["startTimeUnixNano"], "one that was not seen to end has no negative length"
    assert {one["key"]: one["value"]["stringValue"] for one in init["attributes"]} == {
        "container.id": "abc",
        "rung.object": "/proc",
        "rung.clause": "config.md#mounts",
    }
