"""Fixtures for tests that need containers: ``rung_client``, ``rung_container``, ``rung_network``.

Rule: what a test has made is gone after it, and what tests have made goes with their process, by a lease. Where no
engine answers the test is skipped, and says so. The library is imported by the first test that asks for it, so that the
plug-in costs other projects nothing.
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from rung.client.blocking.client import Client
    from rung.client.blocking.container import Container
    from rung.client.blocking.networks import Network


@pytest.fixture(scope="session")
def rung_client() -> Iterator[Client]:
    """A client of the engine at ``RUNG_HOST``, or at the usual place."""
    from rung.client import Client, NotFound, Unreachable

    with ExitStack() as stack:
        client = stack.enter_context(Client())
        try:
            client.ping()
            stack.enter_context(client.lease({"of": "pytest"}))
        except Unreachable as error:
            pytest.skip(str(error))
        except NotFound:  # Docker's engine knows no leases: tests that are killed leave something there
            pass
        yield client


@pytest.fixture
def rung_container(rung_client: Client) -> Iterator[Callable[..., Container]]:
    """Starts containers: ``rung_container("redis:7", ports={"6379/tcp": None})``, with the words of
    ``client.containers.run``."""
    from rung.client import NotFound

    made: list[Container] = []

    def start(image: str, command: str | list[str] | None = None, **words: Any) -> Container:
        container = rung_client.containers.create(image, command, **words)
        made.append(container)
        container.start()
        container.reload()
        return container

    yield start
    for container in reversed(made):
        try:
            container.remove(force=True, v=True)
        except NotFound:  # the test has, or auto_remove
            continue


@pytest.fixture
def rung_network(rung_client: Client) -> Iterator[Network]:
    """A network of the test's own, whose containers reach each other by name. Those still in it are parted from it."""
    import secrets

    from rung.client import NotFound

    network = rung_client.networks.create(f"test-{secrets.token_hex(6)}")
    yield network
    try:
        network.reload()
        for container_id in list(network.attrs.get("Containers") or ()):
            network.disconnect(container_id, force=True)
        network.remove()
    except NotFound:  # the test has
        return
