from __future__ import annotations

from typing import Any

import pytest

from rung.runtime.cgroup import CgroupError
from rung.runtime.cgroup.systemd.annotations import annotated_properties, parse
from rung.runtime.cgroup.systemd.marshal import Variant


@pytest.mark.parametrize(
    ("text", "signature", "value"),
    [
        ("true", "b", True),
        ("5", "i", 5),
        ("-0x10", "i", -16),
        ("017", "i", 15),
        ("1.5", "d", 1.5),
        ("uint64 18446744073709551615", "t", 2**64 - 1),
        ("byte 0x1f", "y", 31),
        ("@t 9", "t", 9),
        ("'it\\'s \\u00e9'", "s", "it's é"),
        ('"inactive-or-failed"', "s", "inactive-or-failed"),
        ("objectpath '/a'", "o", "/a"),
        ("['a', 'b']", "as", ["a", "b"]),
        ("@as []", "as", []),
        ("[byte 1, 2]", "ay", b"\1\2"),
        ("[('/dev/null', 'rw')]", "a(ss)", [("/dev/null", "rw")]),
        ("@a(st) [('/dev/sda', 5)]", "a(st)", [("/dev/sda", 5)]),
        ("('x', uint32 1, true)", "(sub)", ("x", 1, True)),
        ("<'x'>", "v", Variant("s", "x")),
    ],
)
def test_gvariant_text(text: str, signature: str, value: Any) -> None:
    assert parse(text) == Variant(signature, value)


def test_seconds_are_microseconds_to_systemd() -> None:
    given = {
        "org.systemd.property.RuntimeMaxSec": "2",
        "org.systemd.property.TimeoutStopSec": "1.5",
        "org.systemd.property.TimeoutStopUSec": "uint64 7",
        "org.systemd.property.CollectMode": "'inactive-or-failed'",
        "some.other": "not looked at",
    }
    assert list(annotated_properties(given)) == [
        ("RuntimeMaxUSec", Variant("t", 2_000_000)),
        ("TimeoutStopUSec", Variant("t", 1_500_000)),
        ("TimeoutStopUSec", Variant("t", 7)),
        ("CollectMode", Variant("s", "inactive-or-failed")),
    ]


@pytest.mark.parametrize("text", ["", "'x", "[1, 'a']", "[]", "1 2", "(1", "@z 1", "nonsense", "@s 5", "['a'"])
def test_other_text_is_refused_by_the_annotations_name(text: str) -> None:
    with pytest.raises(CgroupError, match="org.systemd.property.Wants"):
        list(annotated_properties({"org.systemd.property.Wants": text}))


@pytest.mark.parametrize("name", ["", "X", "a.b", "Sec-x", "Ümlaut"])
def test_what_is_no_propertys_name_is_refused(name: str) -> None:
    with pytest.raises(CgroupError):
        list(annotated_properties({f"org.systemd.property.{name}": "1"}))
