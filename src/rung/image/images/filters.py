"""Which images a list or a prune is about: docker's filters.

Rule: values of ``label`` must all hold, of any other filter one. Docker Engine API 1.45,
``GET /images/json`` and ``POST /images/prune``.
"""

from __future__ import annotations

import re

from rung.errors import RungError
from rung.image.images.times import moment_of, moment_of_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rung.image.images.summary import Summary

LISTING = ("dangling", "label", "label!", "before", "since", "until", "reference")
PRUNING = ("dangling", "label", "label!", "until")
_TRUTH = {"1": True, "true": True, "0": False, "false": False}


def select(
    images: Sequence[Summary],
    filters: Mapping[str, Sequence[str]],
    find: Callable[[str], Summary],
    known: Sequence[str] = LISTING,
) -> list[Summary]:
    """The images that the filters let through. ``find``: the image of a name, for ``before`` and
    ``since``. With ``reference``, only the names that match are left."""
    for name in filters:
        if name not in known:
            raise RungError("invalid filter", f"'{name}'")
    tests = [
        test
        for name, values in filters.items()
        if name != "reference" and values
        for test in _tests(name, values, find)
    ]
    found = [image for image in images if all(test(image) for test in tests)]
    patterns = filters.get("reference") or ()
    return _named(found, [pattern_of(one) for one in patterns]) if patterns else found


def _tests(
    name: str, values: Sequence[str], find: Callable[[str], Summary]
) -> list[Callable[[Summary], bool]]:
    if name == "label":
        return [lambda image, value=value: _has_label(image, value) for value in values]  # type: ignore[misc]
    if name == "label!":
        return [lambda image, value=value: not _has_label(image, value) for value in values]  # type: ignore[misc]
    if name == "dangling":
        wanted = _truth(values)
        return [lambda image: not image.repo_tags if wanted else not image.dangling]
    if name == "until":
        limit = min(moment_of_text(value) for value in values)
        return [lambda image: moment_of(image.created) < limit]
    moments = [moment_of(find(value).created) for value in values]
    if name == "before":
        return [lambda image: moment_of(image.created) < max(moments)]
    return [lambda image: moment_of(image.created) > min(moments)]


def _truth(values: Sequence[str]) -> bool:
    found = {_TRUTH.get(value.lower()) for value in values}
    if None in found or len(found) > 1:
        raise RungError("invalid filter", f"'dangling=[{' '.join(values)}]'")
    return bool(found.pop())


def _has_label(image: Summary, wanted: str) -> bool:
    key, equals, value = wanted.partition("=")
    return key in image.labels and (not equals or image.labels[key] == value)


def _named(images: Sequence[Summary], patterns: Sequence[re.Pattern[str]]) -> list[Summary]:
    """Images one of whose names matches, with only those names."""

    def matches(name: str) -> bool:
        bare = name.partition("@")[0]
        bare = bare[: bare.rfind(":")] if ":" in bare[bare.rfind("/") + 1 :] else bare
        return any(pattern.fullmatch(name) or pattern.fullmatch(bare) for pattern in patterns)

    found = []
    for image in images:
        tags = tuple(name for name in image.repo_tags if matches(name))
        digests = tuple(name for name in image.repo_digests if matches(name))
        if tags or digests:
            found.append(image.replace(repo_tags=tags, repo_digests=digests))
    return found


def pattern_of(text: str) -> re.Pattern[str]:
    """Go's path.Match: ``*`` and ``?`` stop at a slash, ``[a-c]``, ``[^a]``, a backslash quotes."""
    out, at = "", 0
    while at < len(text):
        letter = text[at]
        if letter == "[":
            end = text.find("]", at + 2)
            if end < 0:
                raise RungError("invalid filter", f"'reference={text}'", "syntax error in pattern")
            inside = text[at + 1 : end]
            negated = inside.startswith("^")
            out += ("[^" if negated else "[") + re.sub(r"([\\\]\[^])", r"\\\1", inside[negated:]) + "]"
            at = end + 1
            continue
        if letter == "\\" and at + 1 < len(text):
            at += 1
            out += re.escape(text[at])
        else:
            out += {"*": "[^/]*", "?": "[^/]"}.get(letter, re.escape(letter))
        at += 1
    return re.compile(out)
