"""bcrypt, by the system's own libcrypt.

Rule: nothing else of libcrypt is used. Python's ``crypt`` module is gone since 3.13, a package
of its own would be a dependency for one function, and bcrypt in Python takes a minute a password;
libcrypt is on every system that can check a login (on Debian, ``login`` and Perl need it).
crypt(3), crypt(5).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import hmac
import re

from rung.image.errors import ImageError

#: ``$2b$12$`` and 22 characters of salt, 31 of hash, in bcrypt's own alphabet.
HASH = re.compile(r"\$2[aby]\$(?:0[4-9]|1[0-9]|2[0-9]|3[01])\$[./A-Za-z0-9]{53}")
#: bcrypt sees no more than this of a password: no hash is made of a longer one.
PASSWORD_BYTES = 72
_DATA_BYTES = 32768  # sizeof(struct crypt_data)
_SALT_BYTES = 192  # CRYPT_GENSALT_OUTPUT_SIZE


@functools.cache
def _library() -> ctypes.CDLL:
    for name in ("libcrypt.so.1", "libcrypt.so.2", ctypes.util.find_library("crypt")):
        try:
            library = ctypes.CDLL(name) if name else None
        except OSError:
            continue
        if library is not None and hasattr(library, "crypt_rn"):
            library.crypt_rn.restype = ctypes.c_char_p
            library.crypt_rn.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int)
            library.crypt_gensalt_rn.restype = ctypes.c_char_p
            library.crypt_gensalt_rn.argtypes = (
                *(ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_int),
                *(ctypes.c_char_p, ctypes.c_int),
            )
            return library
    hint = "install libcrypt1 (Debian, Ubuntu), libxcrypt (Fedora, Arch)"
    raise ImageError("bcrypt", "libcrypt.so.1", "is not on this system", hint)


def verify(password: bytes, hash: str) -> bool:
    """Whether this is the password behind a bcrypt hash. Takes tens of milliseconds, without the GIL."""
    if b"\0" in password:
        return False
    found = _crypt(password, hash.encode())
    return hmac.compare_digest(found, hash.encode())


def bcrypt_hash(password: bytes, cost: int = 10) -> str:
    """A new hash of a password, in the form that ``htpasswd -B`` writes."""
    if len(password) > PASSWORD_BYTES or b"\0" in password:
        raise ImageError("bcrypt", "password", f"bcrypt takes {PASSWORD_BYTES} bytes, and none that is zero")
    setting = ctypes.create_string_buffer(_SALT_BYTES)
    made = _library().crypt_gensalt_rn(b"$2y$", cost, None, 0, setting, len(setting))
    if not made:
        raise ImageError("bcrypt", "salt", "libcrypt makes none of cost " + str(cost))
    return _crypt(password, made).decode()


def _crypt(password: bytes, setting: bytes) -> bytes:
    data = ctypes.create_string_buffer(_DATA_BYTES)
    found = _library().crypt_rn(password, setting, data, _DATA_BYTES)
    return bytes(found) if found else b"*"
