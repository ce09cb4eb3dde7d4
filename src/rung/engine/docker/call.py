"""One request, as a handler sees it: the words of its path and query, its body."""

from __future__ import annotations

from urllib.parse import parse_qsl

from rung.engine.docker import gojson
from rung.engine.docker.typed import read
from rung.engine.errors import BadParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

    from rung.engine.docker.server import Handler, Link
    from rung.engine.docker.typed import Kind
    from rung.http1.head import Request

_DOCUMENT_LIMIT = 8 << 20
#: What Docker's own reading of a switch takes for no.
_NO = ("", "0", "no", "false", "none")


def cancellable(handler: Handler) -> Handler:
    """Mark a handler that ends when its client has gone: it waits for others, and leaves nothing half done."""
    handler.is_cancellable = True  # type: ignore[attr-defined]
    return handler


class Call:
    """See the module. ``version``: of the API that the client speaks."""

    def __init__(
        self,
        link: Link,
        request: Request,
        path: str,
        query: str,
        words: dict[str, str],
        version: tuple[int, ...],
    ) -> None:
        self.link, self.request, self.version = link, request, version
        self._pairs = parse_qsl(query, keep_blank_values=True)
        #: The first value of each word.
        self.query = dict(reversed(self._pairs))
        self.path, self.words = path, words

    def before(self, *version: int) -> bool:
        """Whether the client speaks an older version of the API."""
        return self.version < version

    def all(self, name: str) -> list[str]:
        """Every value of a word that may come several times."""
        return [value for key, value in self._pairs if key == name]

    def flag(self, name: str, default: bool = False) -> bool:
        """A switch of the query: Docker takes ``1``, ``true``, ``True``, ``t`` for yes."""
        value = self.query.get(name)
        return default if value is None else value.strip().lower() not in _NO

    def number(self, name: str, default: int | None = None) -> int | None:
        """A number of the query. Raises ``BadParameter``."""
        value = self.query.get(name)
        if value in (None, ""):
            return default
        try:
            return int(str(value))
        except ValueError:
            raise BadParameter(f'strconv.Atoi: parsing "{value}": invalid syntax') from None

    def needed_number(self, name: str) -> int:
        """The same of a word that must be there. Raises ``BadParameter``."""
        found = self.number(name)
        if found is None:
            raise BadParameter('strconv.Atoi: parsing "": invalid syntax')
        return found

    def filters(self) -> dict[str, list[str]]:
        """``filters``: ``{"name": ["a"]}``, or the older ``{"name": {"a": true}}``. Raises ``BadParameter``."""
        text = self.query.get("filters")
        if not text:
            return {}
        from rung import jsonc

        try:
            return {name: _chosen(given) for name, given in jsonc.loads(text).items()}
        except (ValueError, AttributeError, TypeError):
            raise BadParameter("invalid filter") from None

    async def body(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        while True:
            piece = await self.link.body()
            if not piece:
                return
            yield piece

    async def document(self, kind: Kind, *, needed: bool = False) -> Any:
        """The body as a JSON object of this kind; an empty one where there is none and none is ``needed``; None for
        ``null``. Raises ``BadParameter``."""
        has_body = self.request.get("content-length") not in ("", "0") or bool(
            self.request.get("transfer-encoding")
        )
        if has_body or needed:
            self._check_kind()
        data = bytearray()
        async for piece in self.body():
            data += piece
            if len(data) > _DOCUMENT_LIMIT:
                raise BadParameter("http: request body too large")
        if not data.strip():
            if needed or data:
                raise BadParameter("invalid JSON: got EOF while reading request body")
            return {}
        try:
            return read(kind, _loaded(bytes(data)))
        except BadParameter as error:
            said = str(error)
            raise BadParameter(
                said if said.startswith("unexpected content") else f"invalid JSON: {said}"
            ) from None

    def _check_kind(self) -> None:
        """``Content-Type``: it may be missing, but not another one. Raises ``BadParameter``."""
        given = self.request.all("content-type")
        if not given:
            return
        kind = given[0].partition(";")[0].strip().lower()
        if not kind:
            raise BadParameter(f"malformed Content-Type header ({given[0]}): mime: no media type")
        if kind != "application/json":
            raise BadParameter(f"unsupported Content-Type header ({given[0]}): must be 'application/json'")


def _chosen(given: Any) -> list[str]:
    if isinstance(given, dict):
        if not all(isinstance(value, bool) for value in given.values()):
            raise TypeError
        return [word for word in given if given[word]]
    if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
        raise TypeError
    return list(dict.fromkeys(given))


def _loaded(data: bytes) -> Any:
    """Raises ``BadParameter`` in Go's words."""
    from rung import jsonc

    try:
        return jsonc.loads(data)
    except (ValueError, UnicodeDecodeError) as error:
        try:
            wrong = gojson.complaint(data)
        except RecursionError:
            wrong = f"invalid character '{data.lstrip()[:1].decode()}' exceeded max depth"
        if not wrong and not isinstance(error, UnicodeDecodeError):
            raise BadParameter("unexpected content after JSON") from None
        if not wrong:  # Go reads what is no UTF-8 within a string as U+FFFD
            return jsonc.loads(data.decode("utf-8", "replace"))
        raise BadParameter(wrong) from None
