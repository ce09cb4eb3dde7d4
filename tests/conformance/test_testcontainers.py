"""testcontainers for Python, another project's, with which tests drive an engine: its waiting for logs, its ports, exec
and networks. Only where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import engineparts

pytestmark = pytest.mark.filterwarnings("default")  # what their newer releases warn of is none of the engine's


@pytest.fixture
def engine(busybox: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[engineparts.Engine]:
    """One that testcontainers finds; without Ryuk, its container that cleans up, whose image is elsewhere."""
    pytest.importorskip("testcontainers", reason="testcontainers is not installed: pip install testcontainers")
    monkeypatch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
    with engineparts.engine(engineparts.image_archive(busybox)) as made:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{made.socket}")
        yield made


def test_a_service_and_its_client(engine: engineparts.Engine) -> None:
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.network import Network
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    testcontainers_config.ryuk_disabled = True
    ready = LogMessageWaitStrategy("ready").with_startup_timeout(int(engineparts.DEADLINE_S))
    with Network() as network:
        service = DockerContainer(engineparts.IMAGE).with_command(["sh", "-c", "echo ready; sleep 1000"])
        service = service.with_network(network).with_network_aliases("service").with_exposed_ports(8080)
        with service.with_env("NAME", "value").waiting_for(ready):
            assert 0 < int(service.get_exposed_port(8080)) < 65536
            assert service.exec(["sh", "-c", "echo $NAME"])[:2] == (0, b"value\n")
            with engine.client() as client:
                seen = client.api.json("GET", f"/containers/{service.get_wrapped_container().id}/json")
            assert "service" in seen["NetworkSettings"]["Networks"][network.name]["Aliases"]
    with engine.client() as client:
        assert client.containers.list(all=True) == []
