"""Files that commands read and write, ``-`` for the standard streams, and what is said of bad ones."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager

from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

#: How long a server may say nothing.
_PATIENCE_S = 60


@contextmanager
def open_input(path: str) -> Iterator[BinaryIO]:
    """A file for reading, or standard input."""
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        file = open(path, "rb")
    except OSError as error:
        reason = error.strerror or str(error)
        raise RungError("open", path, reason[:1].lower() + reason[1:]) from error
    with file:
        yield file


@contextmanager
def open_url(url: str) -> Iterator[BinaryIO]:
    """What a URL gives."""
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    try:
        answer = urlopen(url, timeout=_PATIENCE_S)
    except HTTPError as error:
        error.close()
        raise RungError(f"failed to GET {url} with status {error.code} {error.reason}") from error
    except URLError as error:
        raise RungError(f"failed to GET {url}", "", str(error.reason)) from error
    with answer:
        yield answer


@contextmanager
def replaced(path: str, operation: str = "write") -> Iterator[BinaryIO]:
    """A file that is written beside its place and renamed: what was there stays if this fails."""
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise RungError(operation, "", f'invalid output path: directory "{folder}" does not exist')
    if os.path.exists(path) and not os.path.isfile(path):  # a device or a pipe has no place beside it
        with open(path, "wb") as file:
            yield file
        return
    temporary = f"{path}.{os.getpid()}"
    try:
        with open(temporary, "xb") as file:
            yield file
        os.rename(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
