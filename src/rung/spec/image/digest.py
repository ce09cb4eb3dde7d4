"""Content digests: ``sha256:...``.

Rule: a ``Digest`` that exists is well-formed, so it may be used as a file name.
OCI image specification, descriptor.md#digests.
"""

from __future__ import annotations

from rung.record import Record
from rung.sha2 import sha256
from rung.spec.errors import SpecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hashlib import _Hash

#: Registered algorithms and the length of their hexadecimal form.
ALGORITHMS = {"sha256": 64, "sha512": 128}
_HEX = frozenset("0123456789abcdef")


class Digest(Record):
    """An algorithm and its value in lower-case hexadecimal."""

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: object, *, field: str = "", document: str = "digest") -> Digest:
        """``algorithm:hex`` as a digest; raises ``SpecError`` naming ``field`` of ``document``."""
        if not isinstance(text, str):
            raise SpecError(field, f"{text!r:.80} is not a digest", document=document)
        algorithm, colon, value = text.partition(":")
        if not colon or algorithm not in ALGORITHMS:
            known = " or ".join(ALGORITHMS)
            raise SpecError(field, f'"{text:.80}" is not a {known} digest', document=document)
        if len(value) != ALGORITHMS[algorithm] or not _HEX.issuperset(value):
            wanted = f"{ALGORITHMS[algorithm]} lower-case hexadecimal digits after {algorithm}:"
            raise SpecError(field, f'"{text:.160}" does not have {wanted}', document=document)
        return cls(algorithm, value)

    @classmethod
    def of(cls, data: bytes, algorithm: str = "sha256") -> Digest:
        """The digest of some bytes."""
        if algorithm == "sha256":
            return cls(algorithm, sha256(data).hexdigest())
        import hashlib

        return cls(algorithm, hashlib.new(algorithm, data).hexdigest())

    def hasher(self) -> _Hash:
        """A fresh hash object of this digest's algorithm."""
        import hashlib  # OpenSSL, 4 MB: an engine that only runs containers does without

        return hashlib.new(self.algorithm)

    def matches(self, data: bytes) -> bool:
        """Whether ``data`` is what this digest names."""
        return Digest.of(data, self.algorithm) == self

    @property
    def short(self) -> str:
        """The first twelve digits: how people name an image."""
        return self.hex[:12]

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"
