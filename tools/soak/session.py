"""One client: what it does is counted, and what it is answered is explained or is a fault."""

from __future__ import annotations

import os
import random
import subprocess
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from engineparts import PROGRAMS
from rung.client import ApiError, ClientError
from soak.record import Life, Record
from soak.subject import Subject

Value = TypeVar("Value")
COMMAND_S = 120.0
#: What a killed engine, zygote, worker or shim may be seen as by the ``rung`` command.
_AWAY = ("is rungd running", "no engine", "connection", "Connection", "ended before", "broken pipe", "no answer", "EOF")


class Refused(Exception):
    """The engine refused, and that is written down already."""


class Away(Exception):
    """The engine or a shim was killed meanwhile."""


class Session:
    """``name`` begins the names of all that this client makes, and is the value of the label ``soak``."""

    def __init__(self, subject: Subject, record: Record, seed: str, name: str) -> None:
        self.subject, self.record, self.name = subject, record, name
        self.chance = random.Random(seed)
        self.client = subject.client()
        self.over = threading.Event()
        self.labels = {"soak": name}
        self._number = 0
        #: When what it is at began.
        self.began = time.monotonic()

    def new_name(self) -> str:
        self._number += 1
        return f"{self.name}-{self._number}"

    # --- through the library ----------------------------------------------------------------

    def do(
        self, verb: str, work: Callable[[], Value], life: Life | None = None, expected: tuple[int, ...] = ()
    ) -> Value:
        """``work``'s result. ``expected``: HTTP statuses that are an answer as good as another. Raises ``Refused`` and
        ``Away``."""
        began = time.monotonic()
        self.record.count(verb)
        if life is not None:
            life.note(verb)
        try:
            return work()
        except ApiError as error:
            self._refused(verb, error.status, str(error), life, began, expected)
            raise Refused(verb) from None
        except (ClientError, OSError) as error:
            self._away(verb, f"{type(error).__name__}: {error}", life, began)
            raise Away(verb) from None

    def attempt(
        self, verb: str, work: Callable[[], Value], life: Life | None = None, expected: tuple[int, ...] = ()
    ) -> Value | None:
        """The same, and None where it was refused."""
        try:
            return self.do(verb, work, life, expected)
        except Refused:
            return None

    # --- through the rung command -------------------------------------------------------------

    def run_rm(
        self, options: list[str], image: str, *command: str, statuses: tuple[int, ...] = (0,)
    ) -> tuple[Life, int, str]:
        """``rung run --rm`` of something else than a workload; its container, exit status and output."""
        life = Life("", 0, 0)
        words = ("run", "--rm", "--label", f"soak={self.name}", *options, image, *command)
        code, out = self.command("run --rm", *words, life=life, statuses=statuses)
        self.record.live()
        return life, code, out

    def spawn(self, *words: str) -> subprocess.Popen[str]:
        """A ``rung`` command that has begun."""
        env = {**os.environ, "RUNG_HOST": f"unix://{self.subject.socket}", "TMPDIR": str(self.subject.tmp)}
        return subprocess.Popen([PROGRAMS / "rung", *words], env=env, stdin=-3, stdout=-1, stderr=-1, text=True)

    def command(
        self,
        verb: str,
        *words: str,
        life: Life | None = None,
        statuses: tuple[int, ...] = (0,),
        expected: tuple[int, ...] = (),
    ) -> tuple[int, str]:
        """Exit status and output of a ``rung`` command; other exit statuses than ``statuses`` are refusals."""
        began = time.monotonic()
        cidfile = self.subject.tmp / f"{self.name}.cid" if words[0] == "run" else None
        if cidfile is not None:
            words = ("run", "--cidfile", str(cidfile), *words[1:])
        self.record.count(f"rung {verb}")
        if life is not None:
            life.note(f"rung {verb}")
        with self.spawn(*words) as process:
            try:
                out, err = process.communicate(timeout=COMMAND_S)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                self.record.fault(f"rung {verb} does not end: {words}; {out[-200:]!r} {err[-200:]!r}; {life}")
                raise Away(verb) from None
        if cidfile is not None and cidfile.exists():
            if life is not None:
                life.id = cidfile.read_text().strip()
            cidfile.unlink()
        if process.returncode in statuses:
            return process.returncode, out
        sentence = f"status {process.returncode}: {err.strip() or out[-200:]}"
        if any(sign in err for sign in _AWAY):
            self._away(f"rung {verb}", sentence, life, began)
            raise Away(verb)
        status = (
            404
            if "No such" in sentence
            else 409  # an exec whose container has ended under it: nothing is left to say it on
            if sentence == "status 126: "
            or any(sign in sentence for sign in ("not running", "is paused", "has ended", "does not exist: not found"))
            else 500
        )
        self._refused(f"rung {verb}", status, sentence, life, began, expected)
        raise Refused(verb)

    # --- what explains an answer -----------------------------------------------------------------

    def _refused(
        self, verb: str, status: int, sentence: str, life: Life | None, began: float, expected: tuple[int, ...]
    ) -> None:
        bug = "Error: " in sentence or "Traceback" in sentence  # a Python exception's name: nobody had thought of it
        explained = status in expected or self.record.disturbed(began, life.id if life else "")
        if bug or not explained:
            self.record.fault(f"{verb} is answered {status}: {sentence}; {life}")
        self.record.error(verb, f"{status} {sentence}")

    def _away(self, verb: str, sentence: str, life: Life | None, began: float) -> None:
        if not self.record.disturbed(began, life.id if life else ""):
            self.record.fault(f"{verb} lost its connection: {sentence}; {life}")
        self.record.error(verb, sentence)
        self.subject.await_answer()
