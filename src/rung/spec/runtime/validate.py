"""Is this document a ``config.json``? Names the field where it is not.

``validate`` walks the tables of ``schema.py`` (types, ranges, words, required keys), then
asks the rules (``rules.py``) what a single field cannot say. No I/O: whether paths exist
and what the kernel supports is found out by whoever uses them.

JSON's null means "not given", and a name in another case is the field's, as in Go, whose programs
write and read these documents: "pagesize" is a limit for runc, and must not be passed over here. What
comes back has no nulls and the standard's names, and mount points are absolute; it is the same object
where nothing had to be changed, and the caller's document is never altered.
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
    """``document`` without nulls and with the standard's names, once it has the shape of ``struct``."""
    amiss: list[str] = []
    try:
        _check_struct(document, struct, amiss)
    except _Wrong as wrong:
        raise SpecError(wrong.field(), wrong.reason, wrong.hint, document=name) from None
    return _amended(document, struct) if amiss else document


class _Wrong(Exception):
    """Something found deep in the walk; its path grows on the way out."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.path: list[str] = []

    def field(self) -> str:
        return "".join(reversed(self.path)).removeprefix(".")


def _check_struct(value: object, struct: str, amiss: list[str]) -> None:
    if type(value) is not dict:
        raise _Wrong(f"{shown(value)} is not an object")
    required, fields = STRUCTS[struct]
    for key, item in value.items():
        kind = fields.get(key)
        if kind is None and (name := _in_another_case(key, value, fields)):
            kind = fields[name]
            amiss.append(key)
        if item is None:
            amiss.append(key)
        elif kind is not None:
            try:
                _check(item, kind, amiss)
            except _Wrong as wrong:
                wrong.path.append("." + key)
                raise
    for key in required:
        if value.get(key) is None and (not amiss or _amended(value, struct).get(key) is None):
            missing = _Wrong("missing", MISSING.get(f"{struct}.{key}", ""))
            missing.path.append("." + key)
            raise missing


def _in_another_case(key: str, value: dict[str, Any], fields: dict[str, str]) -> str:
    """The field that ``key`` is but for the case of its letters, unless it is there in its own."""
    low = key.lower()
    return next((name for name in fields if name.lower() == low and name not in value), "")


def _check(value: object, kind: str, amiss: list[str]) -> None:
    scalar = _SCALARS.get(kind)
    if scalar is not None:
        scalar(value, kind)
        return
    first = kind[0]
    if first == "[":
        _check_list(value, kind[1:], amiss)
    elif first == "{":
        _check_map(value, kind[1:], amiss)
    elif first == "@":
        _check_word(value, kind[1:])
    else:
        _check_struct(value, kind, amiss)


def _check_list(value: object, kind: str, amiss: list[str]) -> None:
    if type(value) is not list:
        raise _Wrong(f"{shown(value)} is not a list")
    if kind == "text" and _are_plain(value):
        return
    index = 0
    try:
        for item in value:
            _check(item, kind, amiss)
            index += 1
    except _Wrong as wrong:
        wrong.path.append(f"[{index}]")
        raise


def _are_plain(texts: list[Any]) -> bool:
    """Whether nothing can be wrong with any of them: most of a configuration is names of system calls, and they are
    looked at all at once."""
    try:
        joined = "".join(texts)
    except TypeError:
        return False
    return joined.isascii() and "\0" not in joined


def _check_map(value: object, kind: str, amiss: list[str]) -> None:
    if type(value) is not dict:
        raise _Wrong(f"{shown(value)} is not an object")
    for key, item in value.items():
        try:
            _check_text(key, "text")
            if item is None:
                amiss.append(key)
            else:
                _check(item, kind, amiss)
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


def _amended(value: Any, kind: str) -> Any:
    """``value``, of ``kind`` ("": of no standard's), without nulls and with the standard's names."""
    if type(value) is list:
        return [_amended(item, kind[1:]) for item in value]
    if type(value) is not dict:
        return value
    if kind[:1] == "{":
        return {key: _amended(item, kind[1:]) for key, item in value.items() if item is not None}
    fields = STRUCTS[kind][1] if kind else {}
    amended = {}
    for key, item in value.items():
        if item is not None:
            name = key if key in fields else _in_another_case(key, value, fields) or key
            amended[name] = _amended(item, fields.get(name, ""))
    return amended


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
