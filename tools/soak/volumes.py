"""Volumes: created, written by one container, read by another, removed or pruned."""

from __future__ import annotations

import time
from contextlib import suppress

from engineparts import IMAGE
from rung.client import Client, Conflict, NotFound
from soak.session import Away, Refused, Session

BUSY_S = 10.0


def share(session: Session) -> None:
    """What one container writes, another reads."""
    name = session.new_name()
    with suppress(Refused, Away):
        session.do("volume create", lambda: session.client.volumes.create(name, labels=session.labels))
        mount = ["--network", "none", "-v", f"{name}:/shared"]
        session.run_rm(mount, IMAGE, "sh", "-c", f"echo {name} > /shared/file")
        life, _, out = session.run_rm([*mount, "-v", "/anonymous"], IMAGE, "cat", "/shared/file")
        if out != f"{name}\n" and not session.record.disturbed(session.began, life.id):
            session.record.fault(f"volume {name} has {out!r}")
        session.command("volume ls", "volume", "ls", "-q")
        session.do("volume inspect", lambda: session.client.volumes.get(name))
    clear_containers(session)
    if session.chance.random() < 0.3:
        with suppress(Refused, Away):
            filters = {"label": [f"soak={session.name}"], "all": ["true"]}
            session.do("volume prune", lambda: session.client.volumes.prune(filters))
    _remove(session, name)


def _remove(session: Session, name: str) -> None:
    """A container that a killed client had begun to remove may still have it."""
    deadline = time.monotonic() + BUSY_S

    def remove(client: Client) -> bool:
        try:
            client.volumes.get(name).remove()
        except NotFound:
            pass
        except Conflict:
            if time.monotonic() > deadline:
                raise
            return False
        return True

    session.record.count("volume rm")
    while not session.subject.persist(remove):
        time.sleep(0.05)


def clear_containers(session: Session) -> None:
    """No container of this client stays."""

    def clear(client: Client) -> None:
        for one in client.api.json(
            "GET", "/containers/json", {"all": True, "filters": {"label": [f"soak={session.name}"]}}
        ):
            with suppress(NotFound, Conflict):  # a removal that a killed client began is under way
                client.api.do("DELETE", f"/containers/{one['Id']}", {"force": True, "v": True}, patient=True)

    session.subject.persist(clear)
