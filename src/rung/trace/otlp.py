"""Spans as OpenTelemetry's OTLP/JSON: an ``ExportTraceServiceRequest`` in protobuf's JSON mapping. Pure.

opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding": ``traceId`` and ``spanId`` are hexadecimal and not base64 as
other bytes; keys are lowerCamelCase; enums are integers; 64-bit integers are decimal strings (protobuf's own rule).
A file has one such document a line ("OTLP File Exporter"); over HTTP it is the body of a POST to ``/v1/traces``.
"""

from __future__ import annotations

from rung import __version__, jsonc
from rung.trace.spans import API, CLIENT, ENGINE, INIT, RUNTIME, SHIM
from rung.trace.tree import whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from rung.trace.spans import Node

#: rung -> the program that is the resource (semantic conventions: service.name)
SERVICES = {
    CLIENT: "rung-client",
    API: "rungd",
    ENGINE: "rungd",
    SHIM: "rung-shim",
    RUNTIME: "rung-runtime",
    INIT: "rung-init",
}
# opentelemetry.proto.trace.v1.Span.SpanKind and Status.StatusCode
_INTERNAL, _SERVER, _CLIENT = 1, 2, 3
_KINDS = {CLIENT: _CLIENT, API: _SERVER}
_ERROR = 2


def document(nodes: Iterable[Node], epoch_ns: int, container: str) -> dict[str, Any]:
    """``epoch_ns``: what the monotonic clock's zero is since 1970."""
    by_service: dict[str, list[dict[str, Any]]] = {}
    for node in whole(nodes):
        by_service.setdefault(SERVICES.get(node.layer, node.layer), []).append(_span(node, epoch_ns, container))
    return {"resourceSpans": [_resource(service, spans) for service, spans in by_service.items()]}


def line(nodes: Iterable[Node], epoch_ns: int, container: str) -> bytes:
    """The document as a line of a file, or as a body."""
    return jsonc.dumps(document(nodes, epoch_ns, container)).encode() + b"\n"


def _resource(service: str, spans: list[dict[str, Any]]) -> dict[str, Any]:
    attributes = [_attribute("service.name", service), _attribute("service.version", __version__)]
    scope = {"name": "rung", "version": __version__}
    return {"resource": {"attributes": attributes}, "scopeSpans": [{"scope": scope, "spans": spans}]}


def _span(node: Node, epoch_ns: int, container: str) -> dict[str, Any]:
    ended = node.ended_ns or node.began_ns  # "end_time_unix_nano ... MUST be greater or equal"
    given = (("container.id", container), ("rung.object", node.object), ("rung.clause", node.clause))
    found: dict[str, Any] = {
        "traceId": node.trace_id,
        "spanId": node.span_id,
        "name": node.what,
        "kind": _KINDS.get(node.layer, _INTERNAL),
        "startTimeUnixNano": str(epoch_ns + node.began_ns),
        "endTimeUnixNano": str(epoch_ns + ended),
        "attributes": [_attribute(key, value) for key, value in given if value],
        "status": {"code": _ERROR, "message": node.failed} if node.failed else {},
    }
    if node.parent_id:
        found["parentSpanId"] = node.parent_id
    return found


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}
