"""Lives through the ``rung`` command: run in the foreground, run in the background, and commands that are killed."""

from __future__ import annotations

import time
from contextlib import suppress

from engineparts import IMAGE
from soak import lives, workload
from soak.kills import kill_client
from soak.record import Life
from soak.session import Away, Refused, Session

KILLED_WITHIN_S = 0.3


def _choose(session: Session) -> tuple[Life, list[str]]:
    """A life that ends by itself."""
    while True:
        life, command = workload.choose(session.chance, session.new_name())
        if not life.stays:
            return life, command


def _options(session: Session, life: Life) -> list[str]:
    network = session.chance.choice(("none", "bridge"))
    return ["--name", life.name, "--label", f"soak={session.name}", "--network", network]


def run_rm(session: Session) -> None:
    """``rung run --rm``: its output and exit status are the container's, and nothing stays."""
    life, command = _choose(session)
    began = time.monotonic()
    statuses = (life.status, lives.LOST, lives.KILLED)
    try:
        code, out = session.command(
            "run --rm", "run", "--rm", *_options(session, life), IMAGE, *command, life=life, statuses=statuses
        )
        session.record.live()
        disturbed = session.record.disturbed(began, life.id)
        if code != life.status and not disturbed:
            session.record.fault(f"rung run --rm exits with {code}; {life}")
        wrong = workload.check_log(life, out, whole=code == life.status)
        if wrong and not disturbed:
            session.record.fault(f"rung run --rm: {wrong}; {life}")
        if not disturbed and lives.inspect(session, life.name) is not None:
            session.record.fault(f"it is still there after rung run --rm: {life}")
    except (Refused, Away):
        pass
    lives.finish(session, life)


def run_detached(session: Session) -> None:
    """``run -d``, ``wait``, then as every life."""
    life, command = _choose(session)
    with suppress(Refused, Away):
        _, out = session.command("run -d", "run", "-d", *_options(session, life), IMAGE, *command, life=life)
        life.id, life.created, life.started = out.strip(), True, True
        session.record.live()
        _, out = session.command("wait", "wait", life.name, life=life)
        if out.strip() != str(life.status) and not session.record.disturbed(life.began, life.id):
            session.record.fault(f"rung wait prints {out!r}; {life}")
    lives.finish(session, life)


def start_attached(session: Session) -> None:
    """``create``, ``start -a``."""
    life, command = _choose(session)
    with suppress(Refused, Away):
        _, out = session.command("create", "create", *_options(session, life), IMAGE, *command, life=life)
        life.id, life.created = out.strip(), True
        code, out = session.command("start -a", "start", "-a", life.name, life=life, statuses=(life.status, 255, 137))
        life.started = True
        session.record.live()
        wrong = workload.check_log(life, out, whole=code == life.status)
        if (wrong or code != life.status) and not session.record.disturbed(life.began, life.id):
            session.record.fault(f"rung start -a: status {code}, {wrong}; {life}")
    lives.finish(session, life)


def killed(session: Session) -> None:
    """A command that is killed under way. What it was at is done, not done, or cleared away; then it is removed."""
    life, command = workload.choose(session.chance, session.new_name())
    what = session.chance.choice(("run", "run", "create", "exec", "logs -f", "attach", "wait"))
    life.cut = True  # a killed client of ``run`` may have passed a signal on
    if what in ("run", "create"):
        words = [what, *_options(session, life), IMAGE, *command]
    else:
        with suppress(Refused, Away):
            _, out = session.command("run -d", "run", "-d", *_options(session, life), IMAGE, *command, life=life)
            life.id, life.created, life.started = out.strip(), True, True
            session.record.live()
        words = [*what.split(), life.name]
        words += ["sh", "-c", "echo hello; sleep 1"] if what == "exec" else []
    life.note(f"killed rung {what}")
    session.record.count(f"killed rung {what}")
    with session.spawn(*words) as process:
        session.over.wait(session.chance.random() * KILLED_WITHIN_S)
        kill_client(session.record, process.pid)
        process.communicate()
    _await_made(session, life)
    lives.finish(session, life)


def _await_made(session: Session, life: Life) -> None:
    """A create or start that the engine is at is finished or undone first: until its state has been the same twice."""
    before: object = ()
    while True:
        found = lives.inspect(session, life.name)
        now = found and (found["State"]["Status"], found["Id"])
        if now == before:
            return
        before = now
        time.sleep(0.3)
