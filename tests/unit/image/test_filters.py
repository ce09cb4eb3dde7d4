"""Which images docker's filters let through, and which names of them."""

from __future__ import annotations

import pytest

from rung.errors import RungError
from rung.image import Summary
from rung.image.images.filters import PRUNING, pattern_of, select
from rung.image.images.summary import group
from rung.image.store.metadata import ImageRow

DAY = "2024-01-{:02}T00:00:00Z"


def image(number: int, *tags: str, digests: tuple[str, ...] = (), **labels: str) -> Summary:
    return Summary(f"sha256:{number}", tags, digests, DAY.format(number), 0, labels, "linux/amd64", (), (), 0.0)


IMAGES = [
    image(4, "app:2", "host:5000/team/app:2", a="1", b="2"),
    image(3, "app:1", a="2"),
    image(2, digests=("debian@sha256:0",)),
    image(1),
]


def numbers(*conditions: tuple[str, str]) -> list[str]:
    filters: dict[str, list[str]] = {}
    for name, value in conditions:
        filters.setdefault(name, []).append(value)
    return [one.id[7:] for one in select(IMAGES, filters, lambda name: IMAGES[int(name)])]


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ((), "4321"),
        ((("dangling", "true"),), "21"),
        ((("dangling", "false"),), "432"),
        ((("label", "a"),), "43"),
        ((("label", "a=1"),), "4"),
        ((("label", "a"), ("label", "b=2")), "4"),
        ((("label!", "b"),), "321"),
        ((("before", "1"),), "21"),
        ((("since", "2"),), "43"),
        ((("until", "2024-01-03"),), "21"),
        ((("until", "1704240000"),), "21"),
        ((("until", "1h"),), "4321"),
        ((("reference", "app"),), "43"),
        ((("reference", "app:1"), ("reference", "debian")), "32"),
        ((("reference", "*/*/*"),), "4"),
        ((("reference", "app"), ("label", "b")), "4"),
    ],
)
def test_lets_through(conditions: tuple[tuple[str, str], ...], found: str) -> None:
    assert "".join(numbers(*conditions)) == found


def test_only_the_names_that_match_are_shown() -> None:
    (found,) = select(IMAGES, {"reference": ["*/*/*"]}, lambda _: IMAGES[0])
    assert found.repo_tags == ("host:5000/team/app:2",)


@pytest.mark.parametrize(("name", "value"), [("colour", "red"), ("dangling", "perhaps"), ("until", "soon"), ("reference", "[a")])
def test_refuses(name: str, value: str) -> None:
    with pytest.raises(RungError, match="invalid filter"):
        numbers((name, value))


def test_what_a_list_knows_a_prune_need_not() -> None:
    with pytest.raises(RungError, match="invalid filter 'before'"):
        select(IMAGES, {"before": ["0"]}, lambda _: IMAGES[0], PRUNING)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("a*", "abc", True), ("a*", "a/c", False), ("a?c", "abc", True), ("a?c", "a/c", False), ("[a-c]x", "bx", True), ("[^a-c]x", "bx", False),
        ("\\*", "*", True), ("a.c", "abc", False), ("[]a]x", "]x", True), ("", "", True), ("a+", "a+", True),
    ],
)  # fmt: skip
def test_patterns_are_go_s(pattern: str, text: str, matches: bool) -> None:
    assert bool(pattern_of(pattern).fullmatch(text)) == matches


def test_names_of_one_image_come_together() -> None:
    def row(name: str, config: str = "c") -> ImageRow:
        return ImageRow(name, "t", "type", "m", 1.0, "type", 1, config, "", "2024", "linux/amd64", 5, {})

    one, other = group(
        [row("docker.io/library/a:1"), row("<none>@m", "d"), row("docker.io/library/a@sha256:0"), row("docker.io/team/a:2"), row("quay.io/a:3")]
    )
    assert one.repo_tags == ("a:1", "team/a:2", "quay.io/a:3") and one.repo_digests == ("a@sha256:0",)
    assert other.dangling and not one.dangling
