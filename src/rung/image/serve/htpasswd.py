"""Who may come in: Apache's htpasswd file with bcrypt hashes, as Docker's registry reads it.

Rule: a wrong name takes as long as a wrong password, and wrong passwords of any number of
clients take no more than two processors. A right one is remembered (by a keyed hash, in
memory only) for as long as the file does not change, since a client sends it with every request.
RFC 7617 (Basic); RFC 9110 section 11.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import threading

from rung.image.errors import ImageError
from rung.image.serve import bcrypt
from rung.image.serve.answers import Refusal

CHALLENGE = ("WWW-Authenticate", 'Basic realm="rung registry", charset="UTF-8"')
_AT_ONCE = 2


class Htpasswd:
    """The users of a file, which is read again when it has changed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._key = os.urandom(32)
        self._known: set[bytes] = set()
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._stamp = _stamp(path)
        self._users = read(path)
        self._nobody = bcrypt.bcrypt_hash(os.urandom(16).hex().encode())

    def check(self, authorization: str) -> str:
        """The user that an Authorization field proves. Raises ``Refusal``."""
        user, password = _basic(authorization)
        with self._lock:
            self._read_again()
            known = self._users.get(user)
            proof = hmac.digest(self._key, f"{user}\0{known}\0".encode() + password, hashlib.sha256)
            if proof in self._known:
                return user
        with self._turns:
            right = bcrypt.verify(password, known or self._nobody)
        if known is None or not right:
            raise denied("the user or the password is wrong")
        with self._lock:
            self._known.add(proof)
        return user

    def _read_again(self) -> None:
        stamp = _stamp(self.path)
        if stamp != self._stamp:
            self._stamp, self._users, self._known = stamp, read(self.path), set()


def read(path: str) -> dict[str, str]:
    """The users of a htpasswd file and their hashes. Raises ``ImageError`` naming the line."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ImageError("read", path, getattr(error, "strerror", "") or "is not text") from error
    users: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        user, colon, found = line.strip().partition(":")
        if not colon or not user or not bcrypt.HASH.fullmatch(found):
            hint = "make it with htpasswd -B, or rung registry passwd"
            raise ImageError("read", f"{path}:{number}", "is not a user with a bcrypt hash", hint)
        users[user] = found
    return users


def denied(message: str) -> Refusal:
    """The refusal that makes a client ask for a password."""
    return Refusal("UNAUTHORIZED", message, headers=(CHALLENGE,))


def _basic(authorization: str) -> tuple[str, bytes]:
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise denied("authentication required")
    try:
        pair = base64.b64decode(text.strip(), validate=True)
        user, colon, password = pair.partition(b":")
        if not colon:
            raise ValueError
        return user.decode(), password
    except (binascii.Error, ValueError):
        raise denied("the credentials cannot be read") from None


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
