"""Networks: names that are looked up, ports that are published, containers that are connected and disconnected."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Any

from engineparts import IMAGE
from rung.client import Client, NotFound
from rung.kernel.netlink import inside
from soak.session import Away, Refused, Session
from soak.volumes import clear_containers

SERVES = ["sh", "-c", "exec busybox nc -ll -p 80 -e echo served"]
ANSWERS_S = 10.0


def serve(session: Session) -> None:
    """A server on a network of its own, reached by its name and by its published port."""
    name, began = session.new_name(), time.monotonic()
    with suppress(Refused, Away):
        network = session.do("network create", lambda: session.client.networks.create(name, labels=session.labels))
        server = session.do(
            "run",
            lambda: session.client.containers.run(
                IMAGE,
                SERVES,
                detach=True,
                name=f"{name}-web",
                network=name,
                ports={"80/tcp": None},
                labels=session.labels,
            ),
        )
        session.record.live()
        _look_up(session, name, server, began)
        _reach(session, server, began)
        _move(session, server, network, name)
    clear_containers(session)
    _remove(session, name)


def _look_up(session: Session, network: str, server: Any, began: float) -> None:
    """By name, then through the address that the name has."""
    look = f"busybox nslookup {server.name} && busybox nc {server.name} 80 </dev/null"
    life, code, out = session.run_rm(["--network", network], IMAGE, "sh", "-c", look, statuses=(0, 1))
    session.record.count("look-up by name")
    explained = session.record.disturbed(began, server.id) or session.record.disturbed(began, life.id)
    if (code or "served" not in out) and not explained:
        session.record.fault(f"{server.name} is looked up with status {code}: {out!r}")


def _reach(session: Session, server: Any, began: float) -> None:
    """From the host, through the published port."""
    found = session.do("port", lambda: session.client.api.json("GET", f"/containers/{server.id}/json"))
    bound = (found["NetworkSettings"]["Ports"] or {}).get("80/tcp") or []
    session.record.count("published port")
    if not bound:
        if not session.record.disturbed(began, server.id):
            session.record.fault(f"{server.name} has no published port: {found['NetworkSettings']}")
        return

    def ask() -> bytes:
        with socket.create_connection(("127.0.0.1", int(bound[0]["HostPort"])), ANSWERS_S) as connection:
            return connection.recv(100)

    try:
        answer = inside(session.subject.network, ask)
    except OSError as error:
        answer = repr(error).encode()
    if answer != b"served\n" and not session.record.disturbed(began, server.id):
        session.record.fault(f"{server.name} at port {bound}: {answer!r}")


def _move(session: Session, server: Any, network: Any, name: str) -> None:
    """To a second network and away from the first."""
    other = f"{name}-other"
    session.command("network create", "network", "create", "--label", f"soak={session.name}", other)
    session.command("network connect", "network", "connect", "--alias", "second", other, f"{name}-web")
    if session.chance.random() < 0.5:
        session.do("network disconnect", lambda: network.disconnect(server.id))
    else:
        session.command("network disconnect", "network", "disconnect", name, f"{name}-web")
    session.command("network inspect", "network", "inspect", other)
    session.do("network ls", session.client.networks.list)


def _remove(session: Session, name: str) -> None:
    if session.chance.random() < 0.3:
        with suppress(Refused, Away):
            session.do("network prune", lambda: session.client.networks.prune({"label": [f"soak={session.name}"]}))

    def remove(client: Client) -> None:
        for each in (name, f"{name}-other"):
            with suppress(NotFound):
                client.networks.get(each).remove()

    session.record.count("network rm")
    session.subject.persist(remove)
