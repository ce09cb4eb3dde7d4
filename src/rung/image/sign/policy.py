"""containers-policy.json(5): which images may come in, by where they are and who signed them.

Rule: strict, as the man page has it ("unrecognized, duplicated or otherwise invalid fields cause
the entire file ... to be rejected"), and what this cannot check (GPG keyrings, Fulcio, Rekor) is a
requirement that no image meets. Nothing here reads a file or a registry.
"""

from __future__ import annotations

from rung import jsonc
from rung.image.sign.identity import DEFAULT, Identity, parse_identity
from rung.record import Record
from rung.spec.errors import SpecError
from rung.spec.image.fields import Fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rung.spec.image import Reference

ACCEPT, REJECT, SIGSTORE = "insecureAcceptAnything", "reject", "sigstoreSigned"
_KEYS = ("keyPath", "keyPaths", "keyData", "keyDatas")
_OTHER_KEYS = ("fulcio", "pki")
_REKOR = ("rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas")
#: The transports of the man page; ``store`` is ours, for what runs from the store.
_TRANSPORTS = (
    *("atomic", "containers-storage", "dir", "docker", "docker-archive", "docker-daemon", "oci"),
    *("oci-archive", "ostree", "sif", "store", "tarball"),
)


class Requirement(Record):
    """``kind``: ``ACCEPT``, ``REJECT``, ``SIGSTORE``. ``unmet`` is why no image can meet it, if so."""

    kind: str
    key_paths: tuple[str, ...] = ()
    key_data: tuple[str, ...] = ()
    identity: Identity = DEFAULT
    unmet: str = ""


class Policy(Record):
    """A policy file. ``transports``: name -> scope -> requirements, all of which must be met."""

    name: str
    default: tuple[Requirement, ...]
    transports: Mapping[str, Mapping[str, tuple[Requirement, ...]]]

    @property
    def admits_everything(self) -> bool:
        """Whether there is nothing to ask."""
        all_of_them = [self.default, *(found for scopes in self.transports.values() for found in scopes.values())]
        return all(one.kind == ACCEPT for found in all_of_them for one in found)

    def applying(self, transport: str, scopes: Iterator[str]) -> tuple[Requirement, ...]:
        """ "Only the requirements from the most specific match apply": the first of ``scopes`` that there is."""
        known = self.transports.get(transport, {})
        for scope in (*scopes, ""):
            if scope in known:
                return known[scope]
        return self.default


def scopes_of(reference: Reference) -> Iterator[str]:
    """The scopes that an image in a registry falls under, the narrowest first."""
    if reference.digest:
        yield f"{reference.name}@{reference.digest}"
    else:
        yield f"{reference.name}:{reference.tag}"
    name = reference.name
    while name:
        yield name
        name = name.rpartition("/")[0]
    # "a wildcarded expression starting with *., for matching all subdomains (not including a port number)".
    labels = reference.domain.partition(":")[0].split(".")
    for at in range(1, len(labels)):
        yield f"*.{'.'.join(labels[at:])}"


def path_scopes(path: str) -> Iterator[str]:
    """The scopes of a file or directory (absolute, without symbolic links): itself and what it lies in."""
    while path not in ("", "/"):
        yield path
        path = path.rpartition("/")[0]


def parse_policy(data: bytes, name: str) -> Policy:
    """A policy file. Raises ``SpecError`` naming the field."""
    fields = Fields(_unique(data, name), name)
    _only(fields, "default", "transports")
    default = _requirements(fields, "default")
    transports: dict[str, dict[str, tuple[Requirement, ...]]] = {}
    below = fields.object("transports")
    for transport in below.value if below else ():
        assert below is not None
        if transport not in _TRANSPORTS:
            raise below.broken(transport, "is no transport", f"one of {', '.join(_TRANSPORTS)}")
        scopes = below.required_object(transport)
        transports[transport] = {scope: _requirements(scopes, scope) for scope in scopes.value}
    return Policy(name, default, transports)


def _unique(data: bytes, name: str) -> object:
    """The JSON value, no field of it said twice: two readers could see two policies."""

    def pairs(found: list[tuple[str, object]]) -> dict[str, object]:
        names = [key for key, _ in found]
        twice = next((key for key in names if names.count(key) > 1), None)
        if twice is not None:
            raise SpecError("", f"{twice} is there twice", document=name)
        return dict(found)

    try:
        return jsonc.loads(data, pairs)
    except (ValueError, RecursionError) as error:
        raise SpecError("", f"is not JSON: {error}", document=name) from None


def _requirements(fields: Fields, name: str) -> tuple[Requirement, ...]:
    found = tuple(_requirement(each) for each in fields.objects(name, required=True))
    if not found:
        raise fields.broken(name, "must name a requirement", f'{{"type": "{ACCEPT}"}} is none')
    return found


def _requirement(fields: Fields) -> Requirement:
    kind = fields.text("type")
    if kind in (ACCEPT, REJECT):
        _only(fields, "type")
        return Requirement(kind)
    if kind == "signedBy":
        _only(fields, "type", "keyType", "keyPath", "keyPaths", "keyData", "signedIdentity")
        return Requirement(
            SIGSTORE, unmet="it asks for a GPG signature (signedBy), which is not verified here"
        )
    if kind != SIGSTORE:
        raise fields.broken("type", f'"{kind:.60}" is no requirement', f"{ACCEPT}, {REJECT} or {SIGSTORE}")
    _only(fields, "type", "signedIdentity", *_KEYS, *_OTHER_KEYS, *_REKOR)
    given = [key for key in (*_KEYS, *_OTHER_KEYS) if fields.value.get(key) is not None]
    if len(given) != 1:
        raise fields.broken("", f"must have exactly one of {', '.join((*_KEYS, *_OTHER_KEYS))}")
    identity = parse_identity(fields.object("signedIdentity"))
    beyond = [key for key in (*_OTHER_KEYS, *_REKOR) if fields.value.get(key) is not None]
    if beyond:
        return Requirement(
            SIGSTORE, identity=identity, unmet=f"it asks for {beyond[0]}, which is not verified here"
        )
    one = fields.text(given[0]) if given[0] in ("keyPath", "keyData") else ""
    several = (one,) if one else fields.texts(given[0])
    if not several:
        raise fields.broken(given[0], "names no key")
    if "Path" in given[0]:
        return Requirement(SIGSTORE, key_paths=several, identity=identity)
    return Requirement(SIGSTORE, key_data=several, identity=identity)


def _only(fields: Fields, *names: str) -> None:
    for name in fields.value:
        if name not in names:
            raise SpecError(
                f"{fields.path}.{name}".lstrip("."), "is not known here", document=fields.document
            )
