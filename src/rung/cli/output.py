"""How lists are shown: docker's tables, its Go templates, JSON lines, its ages and sizes."""

from __future__ import annotations

import sys
import time

from rung import jsonc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rung.cli.flags import Asked

#: docker's tables: a column is at least this wide, and this much wider than what it holds.
_LEAST, _GAP = 10, 3
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")


def print_rows(
    rows: Sequence[Mapping[str, object]],
    columns: Mapping[str, str],
    *,
    quiet: str = "",
    template: str = "",
    headings: Mapping[str, str] | None = None,
) -> None:
    """One line a row. ``columns``: heading -> field; ``quiet``: only this field; ``headings``: what
    other fields are called above a ``table`` template."""
    if quiet and not template.startswith("table"):
        lines: Iterable[str] = [str(row[quiet]) for row in rows]
    elif template in ("json", "{{json .}}"):
        lines = [json_line({name: value for name, value in row.items() if not callable(value)}) for row in rows]
    elif template in ("", "table"):
        lines = table([list(columns), *([str(row[field]) for field in columns.values()] for row in rows)])
    else:
        from rung.cli.template import Template

        named = {field: heading for heading, field in columns.items()} | dict(headings or {})
        is_table = template.startswith("table ")
        made = Template((template[6:] if is_table else template).replace("\\t", "\t").replace("\\n", "\n"))
        lines = [made.execute(row) for row in rows]
        if is_table:
            fields = {field for row in rows[:1] for field in row} | set(named)
            heading = made.execute({field: named.get(field, field.upper()) for field in fields})
            lines = table([line.split("\t") for line in (heading, *lines)])
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def json_line(value: object) -> str:
    """JSON as Go's ``encoding/json`` writes it: compact, and safe within HTML."""
    import json

    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def table(cells: Sequence[Sequence[str]], least: int = _LEAST) -> list[str]:
    """Lines in columns, as Go's tabwriter sets them for docker: the last column as long as it is."""
    columns = max(map(len, cells)) - 1
    widths = [max([least, *(len(row[at]) + _GAP for row in cells if at < len(row) - 1)]) for at in range(columns)]
    return ["".join([*map(str.ljust, row[:-1], widths), row[-1]]) for row in cells]


def age(moment_s: float) -> str:
    """How long ago, in Docker's words: ``2 hours``, ``About a minute``, ``5 seconds``."""
    return duration(max(0.0, time.time() - moment_s))


def duration(seconds: float) -> str:
    """go-units' HumanDuration."""
    minutes, hours = int(seconds / 60), int(seconds / 3600 + 0.5)
    if seconds < 60:
        whole = int(seconds)
        return "Less than a second" if whole < 1 else f"{whole} second{'' if whole == 1 else 's'}"
    if minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    if hours < 48:
        return "About an hour" if hours == 1 else f"{hours} hours"
    for limit_days, days, unit in ((14, 1, "days"), (60, 7, "weeks"), (730, 30, "months")):
        if hours < limit_days * 24:
            return f"{hours // 24 // days} {unit}"
    return f"{int(seconds / 3600) // 24 // 365} years"


def human_size(size_bytes: int, digits: int = 3) -> str:
    """go-units' HumanSizeWithPrecision, as docker prints sizes: ``124MB``."""
    value, at = float(size_bytes), 0
    while value >= 1000 and at < len(_UNITS) - 1:
        value /= 1000
        at += 1
    return f"{value:.{digits}g}{_UNITS[at]}"


def human_binary(size_bytes: float) -> str:
    """go-units' BytesSize, as docker prints memory: ``1.944GiB``."""
    value, at = float(size_bytes), 0
    while value >= 1024 and at < len(_BINARY) - 1:
        value /= 1024
        at += 1
    return f"{value:.4g}{_BINARY[at]}"


def shortened(text: str, size: int) -> str:
    """docker's Ellipsis: cut, with one character that says so."""
    return text if len(text) <= size else f"{text[: size - 1]}…"


def moment(seconds: float) -> str:
    """Go's way to write a local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(seconds))


def print_list(
    asked: Asked,
    found: object,
    rows: Sequence[Mapping[str, object]],
    columns: Mapping[str, str],
    *,
    quiet: str = "ID",
    headings: Mapping[str, str] | None = None,
) -> None:
    """A list as its flags ask for it: ``--json`` is what the engine says, as it says it."""
    if asked["json"]:
        print(jsonc.dumps(found, indent=2))
        return
    only = quiet if asked.values.get("quiet") else ""
    print_rows(rows, columns, quiet=only, template=asked["format"], headings=headings)
