"""Numbers as docker's flags take them: ``1.5``, ``64m``, ``1m30s``. Pure, and what is refused in docker's words."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SIZES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_TIMES_NS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


def integer(word: str) -> int:
    """Raises ``ValueError``."""
    try:
        return int(word.replace("_", "x"), 10)
    except ValueError:
        raise ValueError(f'strconv.ParseInt: parsing "{word}": invalid syntax') from None


def unsigned(word: str) -> int:
    """Raises ``ValueError``."""
    if not word.isdecimal():
        raise ValueError(f'strconv.ParseUint: parsing "{word}": invalid syntax')
    return int(word)


def nano_cpus(word: str) -> int:
    """``1.5`` -> 1,500,000,000. Raises ``ValueError``."""
    whole, _, part = word.partition(".")
    if not (whole + part).isdecimal():
        raise ValueError(f"failed to parse {word} as a rational number")
    if len(part.rstrip("0")) > 9:
        raise ValueError("value is too precise")
    return int(whole or "0") * 10**9 + int(part[:9].ljust(9, "0"))


def size_bytes(word: str) -> int:
    """``64m`` -> 67108864; -1 stands for itself. Raises ``ValueError``."""
    if word == "-1":
        return -1
    text = word.lower().replace(" ", "")
    text = (
        text.removesuffix("ib") if text.endswith("ib") else text.removesuffix("b") if len(text) > 1 else text
    )
    digits = text.rstrip("bkmgtp")
    unit = text[len(digits) :]
    if unit not in _SIZES or not digits.replace(".", "", 1).isdecimal():
        raise ValueError(f"invalid size: '{word}'")
    return int(float(digits) * _SIZES[unit])


def duration_ns(word: str) -> int:
    """Go's durations: ``1m30s``, ``1.5h``. Raises ``ValueError``."""
    wrong = ValueError(f'time: invalid duration "{word}"')
    rest, total = word.lstrip("+-"), 0.0
    if rest == "0":
        return 0
    if not rest:
        raise wrong
    while rest:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789."))]
        rest = rest[len(digits) :]
        unit = next((each for each in ("ns", "us", "µs", "ms", "s", "m", "h") if rest.startswith(each)), "")
        if not digits.replace(".", "", 1).isdecimal():
            raise wrong
        if not unit:
            raise ValueError(f'time: missing unit in duration "{word}"' if not rest else str(wrong))
        total += float(digits) * _TIMES_NS[unit]
        rest = rest[len(unit) :]
    return int(-total if word[0] == "-" else total)


def filter_(word: str) -> str:
    """``name=value``. Raises ``ValueError``."""
    if "=" not in word:
        raise ValueError("bad format of filter (expected name=value)")
    return word


#: A flag's kind -> how its word is read.
PARSED: dict[str, Callable[[str], Any]] = {
    "int": integer,
    "uint16": unsigned,
    "decimal": nano_cpus,
    "bytes": size_bytes,
    "duration": duration_ns,
    "filter": filter_,
}
