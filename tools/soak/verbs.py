"""What is done to a container while it runs: through the library or the ``rung`` command, as chance has it."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from faults.engine.load import ARCHIVE, cut
from rung.client import ClientError
from rung.client.blocking.container import waited
from rung.client.frames import Frames
from soak.record import Life
from soak.session import Refused, Session

_ENDED = (409, 404)
_EXEC = ["sh", "-c", "echo hello; exit 5"]


def text(log: bytes) -> str:
    """A log's frames as text."""
    return b"".join(piece for _, piece in Frames().receive(log)).decode()


def some(session: Session, life: Life) -> None:
    """A few of them."""
    for _ in range(session.chance.randrange(4)):
        if session.over.is_set():
            return
        verb = session.chance.choice(list(VERBS))
        VERBS[verb](session, life)


def _container(session: Session, life: Life) -> Any:
    from rung.client.blocking.container import Container

    return Container(session.client.api, {"Id": life.id, "Name": f"/{life.name}"})


def _exec(session: Session, life: Life) -> None:
    import time

    began = time.monotonic()
    if session.chance.random() < 0.5:
        code, out = session.do("exec", lambda: _container(session, life).exec_run(_EXEC), life, _ENDED)
        found = code, out.decode()
    else:
        found = session.command("exec", "exec", life.name, *_EXEC, life=life, statuses=(5,), expected=_ENDED)
    if found != (5, "hello\n") and life.stays and not session.record.disturbed(began, life.id):
        session.record.fault(f"exec is {found}; {life}")


def _logs(session: Session, life: Life) -> None:
    if session.chance.random() < 0.5:
        session.do("logs", lambda: _container(session, life).logs(), life)
    else:
        session.command("logs", "logs", "--tail", "10", life.name, life=life)


def _follow(session: Session, life: Life) -> None:
    """The first lines as they come."""

    def read() -> None:
        kept = b""
        with suppress(StopIteration), _container(session, life).logs(stream=True, follow=True) as stream:
            while kept.count(b"\n") < life.lines:
                kept += next(stream)
        if not life.cut:
            life.seen = max(life.seen, kept.count(b"\n"))

    session.do("logs -f", read, life)


def _copy_in(session: Session, life: Life) -> None:
    if session.chance.random() < 0.5:
        session.do("cp in", lambda: _container(session, life).put_archive("/tmp", ARCHIVE), life)
    else:
        session.command("cp", "cp", __file__, f"{life.name}:/tmp/verbs", life=life)


def _copy_out(session: Session, life: Life) -> None:
    if session.chance.random() < 0.5:
        pieces, _ = session.do("cp out", lambda: _container(session, life).get_archive("/bin/busybox"), life)
        data = session.do("cp out", pieces.read, life)
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            archive.getmembers()
    else:
        target = session.subject.tmp / life.name
        try:
            session.command("cp", "cp", f"{life.name}:/bin/busybox", str(target), life=life)
        finally:
            target.unlink(missing_ok=True)


def _pause(session: Session, life: Life) -> None:
    if session.chance.random() < 0.5:
        session.do("pause", lambda: _container(session, life).pause(), life, _ENDED)
        session.do(
            "unpause", lambda: _container(session, life).unpause(), life, (*_ENDED, 500) if not life.stays else ()
        )
    else:
        session.command("pause", "pause", life.name, life=life, expected=_ENDED)
        session.command("unpause", "unpause", life.name, life=life, expected=(*_ENDED, 500) if not life.stays else ())


def _restart(session: Session, life: Life) -> None:
    life.cut = True
    life.also.add(137)
    if session.chance.random() < 0.5:
        session.do("restart", lambda: _container(session, life).restart(timeout=0), life)
    else:
        session.command("restart", "restart", "-t", "0", life.name, life=life)
    session.record.live()


def _wait(session: Session, life: Life) -> None:
    """For one that stays, only the beginning of it."""
    answer = session.do("wait", lambda: _container(session, life).wait_begun(condition="not-running"), life)
    with answer:
        if not life.stays:
            found = session.do("wait", lambda: waited(answer, timeout=60), life)
            if found["StatusCode"] not in {life.status, *life.also} and not session.record.disturbed(0, life.id):
                session.record.fault(f"wait says {found}; {life}")


def _rename(session: Session, life: Life) -> None:
    name = session.new_name()
    before = life.name
    try:
        session.do("rename", lambda: _container(session, life).rename(name), life)
        life.name = name
    except Refused:
        raise
    except Exception:
        from soak.lives import inspect

        life.name = before if inspect(session, before) is not None else name
        raise


def _simple(
    verb: str, work: Callable[[Any], Any], words: tuple[str, ...], expected: tuple[int, ...] = ()
) -> Callable[[Session, Life], None]:
    """A verb whose answer only has to come."""

    def do(session: Session, life: Life) -> None:
        if session.chance.random() < 0.5:
            session.do(verb, lambda: work(_container(session, life)), life, expected)
        else:
            session.command(
                verb, *(life.name if word == "NAME" else word for word in words), life=life, expected=expected
            )

    return do


def _cut(session: Session, life: Life) -> None:
    """A client that hangs up in the middle."""
    target = session.chance.choice(("logs?follow=1&stdout=1", "stats", "export", "archive?path=/bin", "json"))
    session.record.count(f"cut {target.partition('?')[0]}")
    with suppress(ClientError, OSError):
        cut(session.subject.socket, session.chance, "GET", f"/containers/{life.name}/{target}")
    with suppress(ClientError, OSError):
        cut(session.subject.socket, session.chance, "PUT", f"/containers/{life.name}/archive?path=/tmp", 1 << 20)


VERBS: dict[str, Callable[[Session, Life], None]] = {
    "exec": _exec,
    "logs": _logs,
    "follow": _follow,
    "copy in": _copy_in,
    "copy out": _copy_out,
    "pause": _pause,
    "restart": _restart,
    "rename": _rename,
    "cut": _cut,
    "inspect": _simple("inspect", lambda one: one.reload(), ("inspect", "NAME")),
    "stats": _simple("stats", lambda one: one.stats(), ("stats", "--no-stream", "NAME"), _ENDED),
    "top": _simple("top", lambda one: one.top(), ("top", "NAME"), _ENDED),
    "diff": _simple("diff", lambda one: one.diff(), ("diff", "NAME")),
    "update": _simple("update", lambda one: one.update(cpu_shares=512), ("update", "--cpu-shares", "256", "NAME")),
    "signal": _simple("kill", lambda one: one.kill("WINCH"), ("kill", "-s", "WINCH", "NAME"), _ENDED),
    "export": _simple("export", lambda one: one.export().read(), ("export", "-o", "/dev/null", "NAME")),
    "wait": _wait,
    "ps": _simple("ps", lambda one: one.reload(), ("ps", "-a", "--filter", "name=NAME")),
}
