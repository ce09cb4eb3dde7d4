"""Which containers there are: found by id, name, or the beginning of an id."""

from __future__ import annotations

import re
import sys

from rung.engine import names
from rung.engine.container import Container
from rung.engine.errors import BadParameter, Conflict, EngineError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from rung.engine.database import Database

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")


class Containers:
    """All of one engine's, in memory as in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_id: dict[str, Container] = {}
        self._names: dict[str, str] = {}
        self._unsaved: set[str] = set()
        #: Called when something could not be written down: somebody calls ``save_rest`` from time to time then.
        self.owing: Callable[[], None] = lambda: None
        for document in database.all("container"):
            self._add(Container(**document))

    def _add(self, container: Container) -> None:
        self._by_id[container.id] = container
        self._names[container.name] = container.id

    def __iter__(self) -> Iterator[Container]:
        """The newest first."""
        return iter(sorted(self._by_id.values(), key=lambda one: -one.created_ns))

    def get(self, wanted: str) -> Container:
        """By id, name, or the beginning of one id only. Raises ``NotFound``."""
        name = wanted.removeprefix("/")
        found = self._by_id.get(wanted) or self._by_id.get(self._names.get(name, ""))
        if found is not None:
            return found
        begun = [one for one in self._by_id.values() if wanted and one.id.startswith(wanted)]
        if len(begun) > 1:
            raise BadParameter(f"multiple IDs found with provided prefix: {wanted}")
        if not begun:
            raise NotFound(f"No such container: {wanted}")
        return begun[0]

    def ids(self) -> set[str]:
        """Of all."""
        return set(self._by_id)

    def name_of(self, container_id: str) -> str:
        """Empty where it is gone."""
        found = self._by_id.get(container_id)
        return found.name if found is not None else ""

    def find(self, wanted: str) -> Container | None:
        """The same, None where there is none."""
        try:
            return self.get(wanted)
        except NotFound:
            return None

    def check_name(self, name: str) -> None:
        """Raises where a container cannot be called so."""
        if not _NAME.fullmatch(name.removeprefix("/")):
            raise BadParameter(f"Invalid container name ({name}), only {_NAME.pattern[:-1]} are allowed")
        name = name.removeprefix("/")
        if name in self._names:
            raise Conflict(
                f'Conflict. The container name "/{name}" is already in use by container "{self._names[name]}". '
                "You have to remove (or rename) that container to be able to reuse that name."
            )

    def reserve(self, name: str, container_id: str) -> str:
        """Reserve ``name``, or a generated one where it is empty, for a container that is being created; the name.
        ``add`` makes it the container's, ``release`` gives it up. Raises ``BadParameter`` and ``Conflict``."""
        if name:
            self.check_name(name)
        name = name.removeprefix("/") or names.generate(self._names)
        self._names[name] = container_id
        return name

    def release(self, name: str, container_id: str) -> None:
        """Give up a name that was reserved."""
        if self._names.get(name) == container_id:
            del self._names[name]

    def add(self, container: Container) -> None:
        """A new one; its name was reserved."""
        self.save(container)
        self._add(container)

    def save(self, container: Container) -> None:
        """Write down what has changed."""
        self._database.save("container", container.id, container.document())

    def save_as(self, container: Container, status: str, **changes: Any) -> None:
        """Write down what will be so, before it is: whoever comes after a kill finds it begun."""
        document = container.document()
        given: dict[str, Any] = {name: changes.pop(name) for name in ("attached", "published") if name in changes}
        state = {**document["state"], **changes, "status": status}
        self._database.save("container", container.id, {**document, **given, "state": state})

    def note(self, container: Container, status: str = "", **changes: Any) -> None:
        """The same for what has happened already: a disk that is full does not undo it, and it is tried again."""
        try:
            self.save_as(container, status or container.state.status, **changes)
        except EngineError as error:
            self._unsaved.add(container.id)
            self.owing()
            print(f"rungd: container {container.short_id}: {error}", file=sys.stderr, flush=True)

    def save_rest(self) -> bool:
        """Write down what could not be before. Whether nothing is left."""
        for container_id in sorted(self._unsaved):
            container = self._by_id.get(container_id)
            try:
                if container is not None:
                    self.save(container)
            except EngineError:
                return False
            self._unsaved.discard(container_id)
        return True

    def rename(self, container: Container, name: str) -> None:
        """Give it another name."""
        self.check_name(name)
        del self._names[container.name]
        container.name = name
        self._names[name] = container.id
        self.save(container)

    def remove(self, container: Container) -> None:
        """Forget it."""
        self._database.remove("container", container.id)
        self._by_id.pop(container.id, None)
        self.release(container.name, container.id)
