"""What the soak has done: lives, verbs, kills, errors, and the faults, which are outcomes that nothing explains."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

#: An error soon after a kill is explained by it: the engine's clients, DNS and the zygote's successor need this long.
AFTERMATH_S = 1.0
_VARIABLE = re.compile(r"\b[0-9a-f]{12,64}\b|/tmp/[^ :,]+|\bs\d+[a-z0-9-]*|\d+(\.\d+){3}(/\d+)?|\b\d+\b")


@dataclass
class Life:
    """One container, and what was acknowledged of it."""

    name: str
    lines: int
    status: int
    #: It runs until it is stopped.
    stays: bool = False
    #: What it ends with when SIGTERM comes and it has written a line; None: it ignores SIGTERM.
    term_status: int | None = None
    id: str = ""
    created: bool = False
    started: bool = False
    #: Its exit statuses beside its own, because of what a client did.
    also: set[int] = field(default_factory=set)
    #: A stop, kill or restart was begun: its log may end early.
    cut: bool = False
    #: Lines that a client has read already, of the first run.
    seen: int = 0
    removing: bool = False
    history: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def note(self, what: str) -> None:
        self.history.append(f"{time.monotonic():.2f} {what}")

    def __str__(self) -> str:
        return f"{self.name} {self.id[:12]} (lines {self.lines}, status {self.status}): {', '.join(self.history)}"


@dataclass
class Kill:
    """One kill. ``container``: whose shim it was, empty where that could not be said. ``over``: when the engine
    answered again."""

    kind: str
    at: float
    container: str = ""
    over: float = 0.0


class Record:
    """Shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.verbs: Counter[str] = Counter()
        self.kill_counts: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.lives = 0
        self.faults: list[str] = []
        self.memory: list[dict[str, float]] = []
        self._kills: list[Kill] = []
        self.began = time.monotonic()

    def now(self) -> float:
        """The time as kills have it."""
        return time.monotonic()

    def count(self, verb: str) -> None:
        with self._lock:
            self.verbs[verb] += 1

    def live(self) -> None:
        """One more run of a container has begun."""
        with self._lock:
            self.lives += 1

    def killed(self, kind: str, container: str = "") -> Kill:
        made = Kill(kind, time.monotonic(), container)
        with self._lock:
            self.kill_counts[kind] += 1
            if kind != "client":
                self._kills.append(made)
        return made

    def fault(self, what: str) -> None:
        """An outcome that nothing explains."""
        at = time.monotonic() - self.began
        with self._lock:
            self.faults.append(f"at {at:.1f} s: {what}")
        print(f"FAULT at {at:.1f} s: {what}", flush=True)

    def error(self, verb: str, sentence: str) -> None:
        """An error that is explained, by its kind."""
        with self._lock:
            self.errors[f"{verb}: {normalize(sentence)}"] += 1

    def disturbed(
        self, since: float, container: str = "", kinds: tuple[str, ...] = ("engine", "zygote", "worker", "shim")
    ) -> bool:
        """Whether a kill explains what went wrong since then. A shim's explains it for its container only, where
        ``container`` is given."""
        with self._lock:
            return any(_explains(kill, since, container) for kill in reversed(self._kills) if kill.kind in kinds)

    def shim_killed(self, container: str) -> bool:
        """Whether the shim of this container was killed, or one of which nobody knows whose it was."""
        with self._lock:
            return any(kill.kind == "shim" and kill.container in ("", container) for kill in self._kills)


def _explains(kill: Kill, since: float, container: str) -> bool:
    if kill.kind == "shim" and container and kill.container not in ("", container):
        return False
    if kill.kind == "engine" and not kill.over:
        return True
    return max(kill.at, kill.over) + AFTERMATH_S >= since


def normalize(sentence: str) -> str:
    """An error's sentence without ids, names, numbers and paths, so that errors of a kind are counted together."""
    return _VARIABLE.sub("*", sentence.strip().split("\n")[0])[:200]
