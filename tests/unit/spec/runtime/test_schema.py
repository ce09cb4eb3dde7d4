"""The tables that are walked and the types that are read say the same."""

import typing

import pytest

from rung.spec.runtime import config, names, schema

STRUCTS = {
    name: value
    for name, value in vars(config).items()
    if typing.is_typeddict(value) and value.__module__ == config.__name__
}


def kind_of(hint):
    origin = typing.get_origin(hint)
    if origin is typing.NotRequired:
        return kind_of(typing.get_args(hint)[0])
    if origin is typing.Annotated:
        return hint.__metadata__[0]
    if origin is list:
        return "[" + kind_of(typing.get_args(hint)[0])
    if origin is dict:
        key, value = typing.get_args(hint)
        assert key is str
        return "{" + kind_of(value)
    if typing.is_typeddict(hint):
        return hint.__name__
    return {str: "text", bool: "bool"}[hint]


def test_the_same_structs():
    assert set(STRUCTS) == set(schema.STRUCTS)


@pytest.mark.parametrize("name", sorted(schema.STRUCTS))
def test_the_same_fields(name):
    required, fields = schema.STRUCTS[name]
    hints = typing.get_type_hints(STRUCTS[name], include_extras=True)
    assert {key: kind_of(hint) for key, hint in hints.items()} == fields
    # __required_keys__ does not see through postponed annotations; the hints do.
    assert {key for key, hint in hints.items() if typing.get_origin(hint) is not typing.NotRequired} == set(
        required
    )


def test_every_kind_is_known():
    for _, fields in schema.STRUCTS.values():
        for kind in fields.values():
            word = kind.lstrip("[{")
            assert (
                word in ("text", "bool")
                or word in schema.RANGES
                or word in schema.STRUCTS
                or (word[0] == "@" and word[1:] in schema.ENUMS)
            )


def test_every_hint_is_about_a_required_field():
    for path in schema.MISSING:
        struct, field = path.split(".")
        assert field in schema.STRUCTS[struct][0]


@pytest.mark.parametrize(
    ("enum", "table"),
    [
        ("namespace", names.NAMESPACES),
        ("resource limit", names.RLIMITS),
        ("scheduling policy", names.SCHEDULERS),
        ("scheduling flag", names.SCHEDULER_FLAGS),
        ("I/O priority class", names.IO_PRIORITIES),
        ("personality", names.PERSONALITIES),
        ("memory policy mode", names.MEMORY_POLICIES),
        ("memory policy flag", names.MEMORY_POLICY_FLAGS),
    ],
)
def test_every_word_has_its_number(enum, table):
    assert set(schema.ENUMS[enum]) == set(table)


def test_words_are_sorted():
    for words in schema.ENUMS.values():
        assert list(words) == sorted(words)
