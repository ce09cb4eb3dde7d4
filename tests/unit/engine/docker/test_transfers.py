"""What is pushed where no tag was said, and what a registry's "not found" is to a client."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from rung.engine.docker import transfers
from rung.engine.docker.answers import refused
from rung.engine.errors import NotFound
from rung.image import RegistryError

TAGS = (("other:1",), ("host:5000/some:b", "host:5000/some:latest"), (), ("host:5000/some/more:x", "host:5000/some:a"))


def engine() -> Any:
    store = SimpleNamespace(
        summaries=lambda _filters: [SimpleNamespace(repo_tags=tags) for tags in TAGS],
        find=lambda name: SimpleNamespace(name=name) if name == "host:5000/some:a" else None,
    )
    return cast("Any", SimpleNamespace(store=store))


def test_all_tags_of_a_repository() -> None:
    assert transfers._all_tags(engine(), "host:5000/some") == ["host:5000/some:a", "host:5000/some:b", "host:5000/some:latest"]
    assert transfers._all_tags(engine(), "docker.io/library/other") == ["other:1"]


def test_a_name_that_has_its_tag() -> None:
    assert transfers._all_tags(engine(), "host:5000/some:a") == ["host:5000/some:a"]
    for absent in ("host:5000/some:z", "nothing"):
        with pytest.raises(NotFound):
            transfers._all_tags(engine(), absent)


@pytest.mark.parametrize(("status", "answered"), [(404, 404), (500, 500), (401, 500)])
def test_what_a_registry_does_not_have(status: int, answered: int) -> None:
    with pytest.raises((NotFound, RegistryError)) as caught, transfers._missing("manifest for x:y not found: "):
        raise RegistryError("registry", "x:y", "no such manifest", status=status)
    assert refused(caught.value).status == answered
    assert (str(caught.value) == "manifest for x:y not found: manifest unknown: no such manifest") is (status == 404)
