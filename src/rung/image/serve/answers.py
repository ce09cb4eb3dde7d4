"""What the registry says: an ``Answer``, or a ``Refusal`` with one of the specification's codes.

OCI Distribution 1.1, "Error Codes"; the statuses are those of "Endpoints".
"""

from __future__ import annotations

from rung import jsonc
from rung.image.errors import ImageError
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from rung.image.serve.follow import Download

#: The code and the status it usually comes with. The last two are Docker's, for a 5xx, whose body the
#: specification leaves free.
STATUS = {
    "BLOB_UNKNOWN": 404,
    "BLOB_UPLOAD_INVALID": 400,
    "BLOB_UPLOAD_UNKNOWN": 404,
    "DIGEST_INVALID": 400,
    "MANIFEST_BLOB_UNKNOWN": 404,
    "MANIFEST_INVALID": 400,
    "MANIFEST_UNKNOWN": 404,
    "NAME_INVALID": 400,
    "NAME_UNKNOWN": 404,
    "SIZE_INVALID": 400,
    "UNAUTHORIZED": 401,
    "DENIED": 403,
    "UNSUPPORTED": 405,
    "TOOMANYREQUESTS": 429,
    "UNKNOWN": 500,
    "UNAVAILABLE": 502,
}

#: Said with every answer: what docker looks for to know a v2 registry, and what keeps a browser from guessing.
ALWAYS = (("Docker-Distribution-Api-Version", "registry/2.0"), ("X-Content-Type-Options", "nosniff"))
JSON = ("Content-Type", "application/json")
OCTETS = ("Content-Type", "application/octet-stream")


class FilePart(Record):
    """Bytes ``start`` to ``end`` of an open file, which the answer's ``close`` closes."""

    file: BinaryIO
    start: int
    end: int


class Growing(Record):
    """Bytes ``start`` to ``end`` of an open file that is still being downloaded."""

    file: BinaryIO
    download: Download
    start: int
    end: int


class Answer(Record):
    """A status, header fields, and a body; ``length`` is said of bodies that are not sent (HEAD)."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | FilePart | Growing = b""
    length: int | None = None

    @property
    def size(self) -> int:
        """The body's length in bytes."""
        if self.length is not None:
            return self.length
        return len(self.body) if isinstance(self.body, bytes) else self.body.end - self.body.start

    def without_body(self) -> Answer:
        """The same answer to HEAD."""
        self.close()
        answer: Answer = self.replace(body=b"", length=self.size)
        return answer

    def close(self) -> None:
        """Nothing more of the body is needed."""
        if not isinstance(self.body, bytes):
            self.body.file.close()


class Refusal(ImageError):
    """A request that is not carried out."""

    def __init__(
        self,
        code: str,
        message: str,
        detail: Any = None,
        *,
        status: int = 0,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__("registry", code, message)
        self.code = code
        self.message = message
        self.detail = detail
        self.status = status or STATUS[code]
        self.headers = headers

    def answer(self) -> Answer:
        """As it goes to the client."""
        error = {"code": self.code, "message": self.message}
        if self.detail is not None:
            error["detail"] = self.detail
        return Answer(self.status, (JSON, *self.headers), jsonc.dumps({"errors": [error]}).encode() + b"\n")
