"""In which order containers come back after the engine's start: those that others wait for come first.

Compose writes down what a container depends on in labels: ``com.docker.compose.depends_on`` has
``SERVICE:CONDITION:RESTART`` words, and the services are containers of the same project. Pure.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rung.engine.container import Container

PROJECT, SERVICE, DEPENDS = (
    "com.docker.compose.project",
    "com.docker.compose.service",
    "com.docker.compose.depends_on",
)
HEALTHY, COMPLETED = "service_healthy", "service_completed_successfully"


def dependencies(container: Container) -> dict[str, str]:
    """Service -> condition. Jobs that ended well have done so for good."""
    found = {}
    for word in container.labels.get(DEPENDS, "").split(","):
        service, _, rest = word.partition(":")
        condition = rest.partition(":")[0]
        if service and condition != COMPLETED:
            found[service] = condition
    return found


def in_order(containers: Iterable[Container]) -> list[tuple[Container, list[tuple[Container, str]]]]:
    """Each with those it waits for and how; whoever waits comes behind. A circle is broken where it is found."""
    waiting = sorted(containers, key=lambda one: one.created_ns)
    known = {(one.labels.get(PROJECT, ""), one.labels[SERVICE]): one for one in waiting if SERVICE in one.labels}
    ordered: list[tuple[Container, list[tuple[Container, str]]]] = []
    seen: set[str] = set()

    def add(one: Container) -> None:
        if one.id in seen:
            return
        seen.add(one.id)
        before = []
        for service, condition in dependencies(one).items():
            other = known.get((one.labels.get(PROJECT, ""), service))
            if other is not None and other is not one:
                add(other)
                before.append((other, condition))
        ordered.append((one, before))

    for one in waiting:
        add(one)
    return ordered
