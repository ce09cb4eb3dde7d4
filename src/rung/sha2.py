"""SHA-256 of small things, without OpenSSL: ``hashlib`` loads it, which takes 4 ms and 4 MB. FIPS 180-4.

For what is hashed by the gigabyte (layers), OpenSSL is the quicker one: there it is ``hashlib``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import sha256
else:
    try:
        from _sha2 import sha256  # Python 3.12 and later
    except ImportError:
        try:
            from _sha256 import sha256
        except ImportError:  # pragma: no cover - an interpreter built without either
            from hashlib import sha256

__all__ = ["sha256"]
