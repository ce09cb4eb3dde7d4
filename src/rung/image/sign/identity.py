"""Whether what a signature calls an image is the image that is asked about.

containers-policy.json(5), ``signedIdentity``. cosign signs a repository without a tag: only
``matchRepository``, ``exactRepository`` and a name with a digest take such a signature.
"""

from __future__ import annotations

from rung.record import Record
from rung.spec.errors import SpecError
from rung.spec.image import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.spec.image.fields import Fields

EXACT, BY_DIGEST, REPOSITORY = "matchExact", "matchRepoDigestOrExact", "matchRepository"
EXACT_REFERENCE, EXACT_REPOSITORY, REMAP = "exactReference", "exactRepository", "remapIdentity"
_FIELDS = {
    EXACT: (),
    BY_DIGEST: (),
    REPOSITORY: (),
    EXACT_REFERENCE: ("dockerReference",),
    EXACT_REPOSITORY: ("dockerRepository",),
    REMAP: ("prefix", "signedPrefix"),
}


class Identity(Record):
    """``kind`` is one of the above; the texts are its fields in order."""

    kind: str
    texts: tuple[str, ...] = ()

    def matches(self, signed: str, image: Reference | None) -> bool:
        """Whether ``signed`` (a docker reference in a signature) is about ``image``, whose reference is
        None where it has none (an archive, a directory)."""
        said = _parse(signed)
        if said is None:
            return False
        if self.kind == EXACT_REFERENCE:
            return _has_tag(signed) and str(said) == str(Reference.parse(self.texts[0]))
        if self.kind == EXACT_REPOSITORY:
            return said.name == Reference.parse(self.texts[0]).name
        if image is None:
            return False
        if self.kind == REPOSITORY:
            return said.name == image.name
        name = _remapped(image.name, *self.texts) if self.kind == REMAP else image.name
        if image.digest and self.kind != EXACT:
            return said.name == name
        return (
            _has_tag(signed) and said.name == name and said.tag == image.tag and said.digest == image.digest
        )


#: "If the signedIdentity field is missing, it is treated as matchRepoDigestOrExact."
DEFAULT = Identity(BY_DIGEST)


def parse_identity(fields: Fields | None) -> Identity:
    """The object ``signedIdentity``. Raises ``SpecError``."""
    if fields is None:
        return DEFAULT
    kind = fields.text("type")
    if kind not in _FIELDS:
        raise fields.broken("type", f'"{kind:.60}" is no identity', f"one of {', '.join(_FIELDS)}")
    for name in fields.value:
        if name not in ("type", *_FIELDS[kind]):
            raise fields.broken(name, "is not known here")
    texts = tuple(fields.text(name) for name in _FIELDS[kind])
    if kind in (EXACT_REFERENCE, EXACT_REPOSITORY) and (
        _parse(texts[0]) is None or _has_tag(texts[0]) is not (kind == EXACT_REFERENCE)
    ):
        raise fields.broken(_FIELDS[kind][0], f'"{texts[0]:.100}" is not what it must be')
    return Identity(kind, texts)


def _has_tag(text: str) -> bool:
    return ":" in text.partition("@")[0].rpartition("/")[2] or "@" in text


def _parse(text: str) -> Reference | None:
    try:
        return Reference.parse(text)
    except SpecError:
        return None


def _remapped(name: str, prefix: str, signed_prefix: str) -> str:
    if name == prefix or name.startswith(f"{prefix}/"):
        return signed_prefix + name[len(prefix) :]
    return name
