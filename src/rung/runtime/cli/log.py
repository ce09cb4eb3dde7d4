"""What goes wrong, said where runc's callers look for it.

containerd, Docker and Podman pass ``--log FILE --log-format json`` and show their user
the ``msg`` of the last line whose level is ``error``; a person looks at stderr. So an
error goes to both. Lines have logrus's two shapes, times are RFC 3339 in UTC.

Rule: one entry is one ``write`` to a descriptor opened with O_APPEND, so that several
processes may share a log.
"""

from __future__ import annotations

from rung import posix
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

PROGRAM: Final = "rung-runtime"
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/@^+")


class Log:
    """Where messages go. Without a file, they go to stderr only."""

    __slots__ = ("_fd", "_json", "debugging")

    def __init__(self, path: str = "", form: str = "text", debugging: bool = False) -> None:
        if form not in ("", "text", "json"):
            raise RungError("read --log-format", form, "not a format", "use text or json")
        self.debugging = debugging
        self._json = form == "json"
        self._fd = -1
        if path:
            try:
                self._fd = posix.open(path, posix.O_CREAT | posix.O_WRONLY | posix.O_APPEND | posix.O_CLOEXEC, 0o644)
            except OSError as error:
                raise RungError("open log", path, str(error.strerror)) from error

    def close(self) -> None:
        """Nothing more will be said."""
        if self._fd >= 0:
            posix.close(self._fd)
            self._fd = -1

    def error(self, message: str, *, shown: bool = False) -> None:
        """Something failed: into the log and onto stderr, unless it was ``shown`` there already."""
        self._entry("error", message)
        if not shown and (self._fd >= 0 or not self._json):
            write_all(2, f"{PROGRAM}: {message}\n")

    def warning(self, message: str) -> None:
        """Something was passed over."""
        self._entry("warning", message)
        if self._fd < 0 and not self._json:
            write_all(2, f"{PROGRAM}: warning: {message}\n")

    def debug(self, message: str) -> None:
        """For ``--debug`` only. A line of logrus on stderr too, where there is no file: scripts look for the level."""
        if self.debugging:
            write_all(self._fd if self._fd >= 0 else 2, entry("debug", message, now(), self._json))

    def _entry(self, level: str, message: str) -> None:
        fd = self._fd
        if fd < 0:
            if not self._json:
                return
            fd = 2
        write_all(fd, entry(level, message, now(), self._json))


def entry(level: str, message: str, time: str, as_json: bool) -> str:
    """One line as logrus writes it."""
    if as_json:
        from rung.runtime.cli.json_text import compact

        return compact({"level": level, "msg": message, "time": time}) + "\n"
    text = message
    if not message or not _PLAIN.issuperset(message):
        escaped = message.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        text = f'"{escaped}"'
    return f'time="{time}" level={level} msg={text}\n'


def now() -> str:
    """The time as RFC 3339."""
    from time import gmtime, strftime

    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime())


def write_all(fd: int, text: str) -> None:
    """All of ``text``, whatever portions the kernel takes."""
    data = text.encode("utf-8", "surrogateescape")
    while data:
        data = data[posix.write(fd, data) :]
