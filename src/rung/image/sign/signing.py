"""``rung image sign``: say with a key that an image is this one."""

from __future__ import annotations

from rung.image.sign import bundle, payload
from rung.image.sign.attached import BOTH, BUNDLE, Repository
from rung.image.sign.counting import counts
from rung.image.sign.forms import Signature
from rung.spec.image import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from rung.image.sign.keys import PrivateKey
    from rung.spec.image import Descriptor


def sign_image(
    name: str,
    key: PrivateKey,
    *,
    annotations: Mapping[str, str] | None = None,
    recursive: bool = False,
    form: str = BOTH,
    insecure: bool = False,
) -> list[Descriptor]:
    """Sign an image where it is, in its registry; what has been signed. ``recursive``: an index with
    everything it names. What this key has signed already is left as it is."""
    with Repository(Reference.parse(name), insecure=insecure) as repository:
        at = repository.subject()
        subjects = list(repository.below(at)) if recursive else [at]
        for subject in subjects:
            _sign(repository, subject, key, dict(annotations or {}), form)
        return subjects


def _sign(
    repository: Repository, subject: Descriptor, key: PrivateKey, annotations: Mapping[str, str], form: str
) -> None:
    make = bundle.make_statement if form == BUNDLE else payload.make
    document = make(repository.reference.name, subject.digest, annotations)
    for each in repository.signatures(subject.digest):
        if each.payload == document and counts(each, subject.digest, [key.public]):
            return
    made = Signature(document, key.sign(document))
    if form == BUNDLE:
        repository.attach_bundle(subject, bundle.make_bundle(made, key.public.der))
    else:
        repository.attach(subject, made, form)
