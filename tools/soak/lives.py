"""A container's life through the Python library, and how it must have ended."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from engineparts import IMAGE
from rung.client import ApiError, Client, NotFound
from soak import verbs, workload
from soak.record import Life
from soak.session import Away, Refused, Session

LOST = 255
KILLED = 137
NOT_STARTED = 128
ENDS_S = 60.0
POLL_S = 0.02


def live(session: Session) -> None:
    """Create, start, some verbs, end, checks, remove."""
    life, command = workload.choose(session.chance, session.new_name())
    with suppress(Refused, Away):
        _begin(session, life, command)
        verbs.some(session, life)
    finish(session, life)


def _begin(session: Session, life: Life, command: list[str]) -> None:
    options: dict[str, Any] = {
        "network_mode": session.chance.choice(("none", "none", "bridge")),
        "labels": session.labels,
    }
    if session.chance.random() < 0.2:
        options["mem_limit"] = "64m"
    if session.chance.random() < 0.1:
        options["init"] = True
        life.also.add(143)
    made = session.do(
        "create", lambda: session.client.containers.create(IMAGE, command, name=life.name, **options), life
    )
    life.id, life.created = made.id, True
    if session.chance.random() < 0.2:
        attached = session.do("attach", made.attach, life)
        attached.close()
    start(session, life)


def start(session: Session, life: Life) -> None:
    """The container that was created."""
    session.do("start", lambda: session.client.api.do("POST", f"/containers/{life.name}/start"), life)
    life.started = True
    session.record.live()


def inspect(session: Session, name: str) -> Any:
    """The container's document, or None where there is none."""

    def look(client: Client) -> Any:
        try:
            return client.api.json("GET", f"/containers/{name}/json")
        except NotFound:
            return None

    return session.subject.persist(look)


def finish(session: Session, life: Life) -> None:
    """End it, hold it to what was acknowledged, and remove it."""
    try:
        found = inspect(session, life.name)
        if found is None:
            if life.created and not life.removing:
                session.record.fault(f"a container that was acknowledged is gone: {life}")
            return
        life.id = found["Id"]
        if found["State"]["Status"] == "created":
            if life.started:
                session.record.fault(f"a container that was started is as created: {life}")
        else:
            _end(session, life, found)
            found = _await_end(session, life)
            if found is not None:
                check(session, life, found["State"])
        if session.chance.random() < 0.9:
            remove(session, life)
        else:
            prune(session, life)
    except ApiError as error:
        session.record.fault(f"while it is ended: {error}; {life}")


def _end(session: Session, life: Life, found: Any) -> None:
    state = found["State"]
    path = f"/containers/{life.name}"
    if state["Paused"]:
        _persist(session, life, "unpause", "POST", f"{path}/unpause")
    if not (life.stays and state["Running"]):
        return
    life.cut = True
    began = time.monotonic()
    way = session.chance.choice(("stop", "stop", "kill"))
    if way == "kill" or life.term_status is None or not life.seen:
        life.also.add(KILLED)
    if way == "stop":
        t = 30 if life.term_status is not None and life.seen else 0
        _persist(session, life, "stop", "POST", f"{path}/stop", {"t": t})
    else:
        _persist(session, life, "kill", "POST", f"{path}/kill", {"signal": "KILL"})
    if session.record.disturbed(began, life.id):
        life.also.add(KILLED)


def _persist(session: Session, life: Life, verb: str, method: str, path: str, query: Any = None) -> None:
    """A request again until it was answered; what is so already is an answer."""
    life.note(verb)
    session.record.count(verb)

    def ask(client: Client) -> None:
        began = time.monotonic()
        try:
            client.api.do(method, path, query, patient=True)
        except ApiError as error:
            if error.status not in (304, 404, 409) and not session.record.disturbed(began, life.id):
                raise
            session.record.error(verb, str(error))

    session.subject.persist(ask)


def _await_end(session: Session, life: Life) -> Any:
    end = time.monotonic() + ENDS_S
    while True:
        found = inspect(session, life.name)
        if found is None or found["State"]["Status"] in ("exited", "dead", "created"):
            return found
        if time.monotonic() > end:
            session.record.fault(f"it does not end: {found['State']}; {life}")
            _persist(session, life, "kill", "POST", f"/containers/{life.name}/kill", {"signal": "KILL"})
            return None
        time.sleep(POLL_S)


def check(session: Session, life: Life, state: Any) -> None:
    """Exit status and log."""
    code, shim_killed = state["ExitCode"], session.record.shim_killed(life.id)
    right = {life.status, *life.also, *({LOST, KILLED} if shim_killed or not life.started else ())}
    if state["Error"] and session.record.disturbed(life.began, life.id):
        right.add(NOT_STARTED)
    if life.started and code not in right:
        session.record.fault(f"exit status {code}, not one of {sorted(right)}: {state}; {life}")
    log = session.subject.persist(
        lambda client: client.api.open("GET", f"/containers/{life.name}/logs", {"stdout": 1, "stderr": 1}).whole()
    )
    whole = life.started and not life.cut and code == life.status and not shim_killed
    wrong = workload.check_log(life, verbs.text(log), whole=whole)
    if wrong:
        session.record.fault(f"{wrong}; {life}")


def remove(session: Session, life: Life) -> None:
    """Whatever state it is in."""
    life.removing = True
    _persist(session, life, "remove", "DELETE", f"/containers/{life.name}", {"force": True, "v": True})
    if inspect(session, life.name) is not None:  # a refusal that a kill explains
        _persist(session, life, "remove", "DELETE", f"/containers/{life.name}", {"force": True, "v": True})


def prune(session: Session, life: Life) -> None:
    """With all others of this client that have ended; or by itself, where that was cut off."""
    life.removing = True
    with suppress(Refused, Away):
        if session.chance.random() < 0.5:
            session.do(
                "container prune", lambda: session.client.containers.prune({"label": [f"soak={session.name}"]}), life
            )
        else:
            session.command(
                "container prune", "container", "prune", "-f", "--filter", f"label=soak={session.name}", life=life
            )
        if inspect(session, life.name) is None:
            return
        session.record.fault(f"pruned and still there: {life}")
    remove(session, life)
