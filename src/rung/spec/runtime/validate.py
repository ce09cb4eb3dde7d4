"""Is this document a ``config.json``? Names the field where it is not.

``validate`` walks the tables of ``schema.py`` (types, ranges, words, required keys), then
asks the rules (``rules.py``) what a single field cannot say. No I/O: whether paths exist
and what the kernel supports is found out by whoever uses them.

JSON's null means "not given", as in Go, whose programs write these documents. What comes
back has no nulls, and mount points are absolute; it is the same object where nothing
had to be changed, and the caller's document is never altered.
"""

from __future__ import annotations

from rung.spec.errors import SpecError, shown
from rung.spec.runtime.schema import ENUMS, MISSING, RANGES, STRUCTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.spec.runtime.config import Config, Process, Resources, Seccomp


def validate(document: object, *, name: str = "config.json") -> Config:
    """The document as a ``Config``. Raises ``SpecError`` on the first thing that is wrong."""
    from rung.spec.runtime.rules import check_config

    config: Config = _absolute_mounts(checked(document, "Config", name))
    try:
        check_config(config)
    except SpecError as error:
        raise _renamed(error, name) from None
    return config


def validate_process(document: object, *, name: str = "process.json") -> Process:
    """The document of ``exec --process``; fields are named from its top: ``cwd``."""
    from rung.spec.runtime.rules_process import check_process

    process: Process = checked(document, "Process", name)
    try:
        check_process(process, "")
    except SpecError as error:
        raise _renamed(error, name) from None
    return process


def validate_resources(document: object, *, name: str = "resources.json") -> Resources:
    """The document of ``update --resources``."""
    from rung.spec.runtime.rules_resources import check_resources

    resources: Resources = checked(document, "Resources", name)
    try:
        check_resources(resources, "")
    except SpecError as error:
        raise _renamed(error, name) from None
    return resources


def validate_seccomp(document: object, *, name: str = "seccomp profile") -> Seccomp:
    """A seccomp section on its own."""
    from rung.spec.runtime.rules_seccomp import check_seccomp

    seccomp: Seccomp = checked(document, "Seccomp", name)
    try:
        check_seccomp(seccomp, "")
    except SpecError as error:
        raise _renamed(error, name) from None
    return seccomp


def checked(document: Any, struct: str, name: str) -> Any:
    """``document`` without nulls, once it has the shape of ``struct``."""
    nulls: list[str] = []
    try:
        _check_struct(document, struct, nulls)
    except _Wrong as wrong:
        raise SpecError(wrong.field(), wrong.reason, wrong.hint, document=name) from None
    return _without_nulls(document) if nulls else document


class _Wrong(Exception):
    """Something found deep in the walk; its path grows on the way out."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.path: list[str] = []

    def field(self) -> str:
        return "".join(reversed(self.path)).removeprefix(".")


def _check_struct(value: object, struct: str, nulls: list[str]) -> None:
    if type(value) is not dict:
        raise _Wrong(f"{shown(value)} is not an object")
    required, fields = STRUCTS[struct]
    for key, item in value.items():
        kind = fields.get(key)
        if item is None:
            nulls.append(key)
        elif kind is not None:
            try:
                _check(item, kind, nulls)
            except _Wrong as wrong:
                wrong.path.append("." + key)
                raise
    for key in required:
        if value.get(key) is None:
            raise _missing(value, struct, key)


def _missing(value: dict[str, Any], struct: str, key: str) -> _Wrong:
    hint = MISSING.get(f"{struct}.{key}", "")
    for other in value:
        if other.lower() == key.lower() and other != key:
            hint = f'there is "{other}", and names are case-sensitive'
    wrong = _Wrong("missing", hint)
    wrong.path.append("." + key)
    return wrong


def _check(value: object, kind: str, nulls: list[str]) -> None:
    scalar = _SCALARS.get(kind)
    if scalar is not None:
        scalar(value, kind)
        return
    first = kind[0]
    if first == "[":
        _check_list(value, kind[1:], nulls)
    elif first == "{":
        _check_map(value, kind[1:], nulls)
    elif first == "@":
        _check_word(value, kind[1:])
    else:
        _check_struct(value, kind, nulls)


def _check_list(value: object, kind: str, nulls: list[str]) -> None:
    if type(value) is not list:
        raise _Wrong(f"{shown(value)} is not a list")
    index = 0
    try:
        for item in value:
            _check(item, kind, nulls)
            index += 1
    except _Wrong as wrong:
        wrong.path.append(f"[{index}]")
        raise


def _check_map(value: object, kind: str, nulls: list[str]) -> None:
    if type(value) is not dict:
        raise _Wrong(f"{shown(value)} is not an object")
    for key, item in value.items():
        try:
            _check_text(key, "text")
            if item is None:
                nulls.append(key)
            else:
                _check(item, kind, nulls)
        except _Wrong as wrong:
            wrong.path.append(f"[{shown(key)}]")
            raise


def _check_word(value: object, enum: str) -> None:
    words = ENUMS[enum]
    if type(value) is not str or value not in words:
        choice = ", ".join(word for word in words if word)
        raise _Wrong(f"invalid {enum} {shown(value)}", f"one of {choice}")


def _check_text(value: object, _kind: str) -> None:
    if type(value) is not str:
        raise _Wrong(f"{shown(value)} is not a string")
    if "\0" in value:
        raise _Wrong(f"{shown(value)} has a NUL byte inside", "the kernel's strings end there")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _Wrong(f"{shown(value)} has half of a surrogate pair inside") from None


def _check_bool(value: object, _kind: str) -> None:
    if type(value) is not bool:
        raise _Wrong(f"{shown(value)} is not true or false")


def _check_integer(value: object, kind: str) -> None:
    if type(value) is not int:
        raise _Wrong(f"{shown(value)} is not an integer")
    low, high = RANGES[kind]
    if not low <= value <= high:
        raise _Wrong(f"{shown(value)} is outside {low} to {high}")


_SCALARS = {
    "text": _check_text,
    "bool": _check_bool,
    "u16": _check_integer,
    "u32": _check_integer,
    "u64": _check_integer,
    "i32": _check_integer,
    "i64": _check_integer,
}


def _without_nulls(value: Any) -> Any:
    if type(value) is dict:
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if type(value) is list:
        return [_without_nulls(item) for item in value]
    return value


def _absolute_mounts(config: dict[str, Any]) -> Any:
    """Mount points relative to ``/``, as old tools write them, made absolute.

    config.md#mounts: a relative destination "MUST be interpreted as relative to "/""."""
    mounts = config.get("mounts", ())
    if all(mount["destination"][:1] in ("/", "") for mount in mounts):
        return config
    return {**config, "mounts": [_absolute_mount(mount) for mount in mounts]}


def _absolute_mount(mount: dict[str, Any]) -> dict[str, Any]:
    destination = mount["destination"]
    return mount if destination[:1] in ("/", "") else {**mount, "destination": "/" + destination}


def _renamed(error: SpecError, name: str) -> SpecError:
    return SpecError(error.field, error.reason, error.hint, document=name)
