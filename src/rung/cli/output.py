"""How lists are shown: a table for people, a Go template's common subset, JSON lines."""

from __future__ import annotations

import json
import re
import sys
import time

from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FIELD = re.compile(r"\{\{\s*(json\s+)?\.(\w*)\s*\}\}")
_AGES = (
    (31_536_000, "years"),
    (2_592_000, "months"),
    (604_800, "weeks"),
    (86_400, "days"),
    (3_600, "hours"),
    (60, "minutes"),
)


def print_rows(
    rows: Sequence[Mapping[str, object]], columns: Mapping[str, str], *, quiet: str = "", template: str = ""
) -> None:
    """One line a row. ``columns``: heading -> field; ``quiet``: only this field."""
    if quiet:
        lines = [str(row[quiet]) for row in rows]
    elif template in ("json", "{{json .}}"):
        lines = [json.dumps(row) for row in rows]
    elif template and not template.startswith("table"):
        lines = [expand(template, row) for row in rows]
    else:
        lines = _table(rows, _template_columns(template, columns))
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def expand(template: str, row: Mapping[str, object]) -> str:
    """``{{.Field}}`` and ``{{json .Field}}`` replaced; ``\\t`` and ``\\n`` as people type them."""

    def value(match: re.Match[str]) -> str:
        name = match[2]
        if name and name not in row:
            raise RungError("--format", f'"{template}"', f"there is no field {name}", f"use {', '.join(row)}")
        found = row[name] if name else dict(row)
        return json.dumps(found) if match[1] else str(found)

    return _FIELD.sub(value, template.replace("\\t", "\t").replace("\\n", "\n"))


def _template_columns(template: str, columns: Mapping[str, str]) -> Mapping[str, str]:
    """``table {{.ID}}\\t{{.Names}}``: those columns only."""
    wanted = [match[2] for match in _FIELD.finditer(template)]
    headings = {field: heading for heading, field in columns.items()}
    return {headings.get(field, field.upper()): field for field in wanted} if wanted else columns


def _table(rows: Sequence[Mapping[str, object]], columns: Mapping[str, str]) -> list[str]:
    cells = [list(columns), *([str(row[field]) for field in columns.values()] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return ["   ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]


def age(moment_s: float) -> str:
    """How long ago, in Docker's words: ``2 hours``, ``About a minute``, ``5 seconds``."""
    seconds = max(0.0, time.time() - moment_s)
    for length, unit in _AGES:
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}"
    if seconds >= 3_600:
        return "About an hour"
    if seconds >= 60:
        return "About a minute"
    return "Less than a second" if seconds < 1 else f"{int(seconds)} second{'s' if seconds >= 2 else ''}"
