"""Names of images: ``[domain[:port]/]path[:tag][@digest]``, and Docker's short forms.

Grammar and normalisation are the distribution project's (reference/reference.go,
normalize.go): ``debian`` means ``docker.io/library/debian:latest``; a first part is a
domain when it has a dot or colon, is ``localhost`` or has an upper-case letter.
"""

from __future__ import annotations

import re

from rung.record import Record
from rung.spec.errors import SpecError
from rung.spec.image.digest import Digest

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"
_OFFICIAL = "library/"

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}")
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_NAME_LIMIT = 255


class Reference(Record):
    """A normalised reference. At least one of ``tag`` and ``digest`` is set."""

    domain: str
    path: str
    tag: str = ""
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """A reference as people type it, normalised; raises ``SpecError``."""
        rest, at, digest_text = text.partition("@")
        digest = Digest.parse(digest_text, field=text, document="reference") if at else None
        slash = rest.rfind("/")
        colon = rest.rfind(":")
        tag = ""
        if colon > slash:
            rest, tag = rest[:colon], rest[colon + 1 :]
            if not _TAG.fullmatch(tag):
                raise _broken(text, f'"{tag:.140}" is not a tag', "letters, digits, _ . -; at most 128")
        domain, path = _split_domain(rest)
        if _IDENTIFIER.fullmatch(rest):
            raise _broken(text, "64 hexadecimal digits are an image's ID, not a name")
        if not _DOMAIN.fullmatch(domain):
            raise _broken(text, f'"{domain:.140}" is not a registry\'s host')
        if not _PATH.fullmatch(path):
            hint = "names are lower case" if path != path.lower() else ""
            raise _broken(text, f'"{path:.140}" is not a repository\'s name', hint)
        if len(domain) + 1 + len(path) > _NAME_LIMIT:
            raise _broken(text, f"the name is longer than {_NAME_LIMIT} characters")
        if not tag and digest is None:
            tag = DEFAULT_TAG
        return cls(domain, path, tag, digest)

    @property
    def name(self) -> str:
        """Domain and path, without tag and digest."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """The name as docker prints it: without the default domain and ``library/``."""
        return familiar(self.name)

    @property
    def familiar(self) -> str:
        """The whole reference in its short form."""
        return familiar(str(self))

    @property
    def target(self) -> str:
        """What to ask a registry for: the digest if there is one, else the tag."""
        return str(self.digest) if self.digest else self.tag

    @property
    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        return self.name + self._suffix


def familiar(full: str) -> str:
    """A normalised reference as docker prints it: ``docker.io/library/debian:trixie`` is ``debian:trixie``."""
    path = full.removeprefix(f"{DEFAULT_DOMAIN}/")
    if path == full:
        return full
    official = path.removeprefix(_OFFICIAL)
    return path if "/" in official.partition("@")[0] else official


def _split_domain(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    is_domain = bool(slash) and (
        "." in first or ":" in first or first == "localhost" or first != first.lower()
    )
    domain, path = (first, rest) if is_domain else (DEFAULT_DOMAIN, name)
    if domain == "index.docker.io":
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and path and "/" not in path:
        path = _OFFICIAL + path
    return domain, path


def _broken(text: str, reason: str, hint: str = "") -> SpecError:
    return SpecError(f"{text:.300}" or '""', reason, hint, document="reference")
