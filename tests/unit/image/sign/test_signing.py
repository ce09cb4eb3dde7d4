"""Signing and verifying against a registry: both forms, several signers, and what does not count."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from imageparts import OCI_MANIFEST
from rung.image import PrivateKey, sign_image, verify_image
from rung.image.errors import SignatureError
from rung.image.sign import bundle, forms, payload
from rung.image.sign.attached import Repository
from rung.image.sign.forms import Signature
from rung.spec.errors import SpecError
from rung.spec.image import Digest, Reference
from serveparts import Served, digest_of, image_of, index_of

pytest.importorskip("cryptography")
ALICE, BOB = PrivateKey.make(), PrivateKey.make("ed25519")


@pytest.mark.parametrize("form", ["tag", "referrer", "both", "bundle"])
def test_an_image_is_signed(served: Served, form: str) -> None:
    digest = served.image("app", "1")
    name = f"{served.host}/app:1"
    (signed,) = sign_image(name, ALICE, annotations={"who": "alice"}, form=form)
    assert str(signed.digest) == digest
    found = verify_image(name, [ALICE.public], annotations={"who": "alice"})
    assert str(found.digest) == digest
    assert [one.reference for one in found.payloads] == [f"{served.host}/app"]
    tag = served.ask("GET", f"/v2/app/manifests/{digest.replace(':', '-')}.sig")
    assert (tag.status == 200) is (form in ("tag", "both"))
    referrers = served.ask("GET", f"/v2/app/referrers/{digest}").document["manifests"]
    kind = {"tag": [], "bundle": [bundle.BUNDLE]}.get(form, [forms.ARTIFACT])
    assert [one["artifactType"] for one in referrers] == kind
    assert sign_image(name, ALICE, annotations={"who": "alice"}, form=form)  # once more: nothing is added
    assert len(verify_image(name, [ALICE.public]).payloads) == 1


def test_several_sign(served: Served) -> None:
    digest = served.image("app", "1")
    name = f"{served.host}/app@{digest}"
    for key in (ALICE, BOB, ALICE):
        sign_image(name, key)
    sign_image(name, ALICE, annotations={"release": "yes"})
    assert len(verify_image(name, [ALICE.public]).payloads) == 2
    assert len(verify_image(name, [BOB.public]).payloads) == 1
    assert len(verify_image(name, [ALICE.public, BOB.public]).payloads) == 3
    assert len(served.ask("GET", f"/v2/app/referrers/{digest}").document["manifests"]) == 1


def test_an_index_with_all_its_images(served: Served) -> None:
    child = served.image("app", "amd64")
    size = len(json.dumps(image_of((b"layer",))).encode())
    index = served.manifest("app", "1", index_of([{"mediaType": OCI_MANIFEST, "digest": child, "size": size}]))
    name = f"{served.host}/app"
    assert [str(one.digest) for one in sign_image(f"{name}:1", ALICE, recursive=True)] == [index, child]
    for digest in (index, child):
        verify_image(f"{name}@{digest}", [ALICE.public])
    assert len(sign_image(f"{name}:1", BOB)) == 1
    with pytest.raises(SignatureError):
        verify_image(f"{name}@{child}", [BOB.public])


def test_an_image_without_a_signature(served: Served) -> None:
    served.image("app", "1")
    with pytest.raises(SignatureError, match="has no signature"):
        verify_image(f"{served.host}/app:1", [ALICE.public])


def test_somebody_elses_signature(served: Served) -> None:
    served.image("app", "1")
    sign_image(f"{served.host}/app:1", BOB)
    with pytest.raises(SignatureError, match="none of its 1 signatures"):
        verify_image(f"{served.host}/app:1", [ALICE.public])


def test_a_word_that_was_not_signed(served: Served) -> None:
    served.image("app", "1")
    sign_image(f"{served.host}/app:1", ALICE, annotations={"who": "alice"})
    for wrong in ({"who": "bob"}, {"who": "alice", "more": "x"}):
        with pytest.raises(SignatureError, match="no signature says"):
            verify_image(f"{served.host}/app:1", [ALICE.public], annotations=wrong)


# --- what somebody who may write to the registry, and has no key, could try -----------------


def attach(served: Served, digest: str, signature: Signature) -> None:
    with Repository(Reference.parse(f"{served.host}/app@{digest}")) as repository:
        repository.attach(repository.subject(), signature, "both")


def signed(document: bytes) -> Signature:
    return Signature(document, ALICE.sign(document))


def document(digest: str, kind: str = payload.COSIGN) -> bytes:
    made = payload.document_of("x/app", Digest.parse(digest), {})
    made["critical"]["type"] = kind
    return json.dumps(made).encode()


def test_a_signature_of_another_image(served: Served) -> None:
    """The signature is moved from an image that was signed to one that was not."""
    good, bad = served.image("app", "good", (b"good",)), served.image("app", "bad", (b"bad",))
    attach(served, bad, signed(document(good)))
    with pytest.raises(SignatureError, match="none of its 1"):
        verify_image(f"{served.host}/app@{bad}", [ALICE.public])


@pytest.mark.parametrize(
    "made",
    [
        b"{}",
        b"not JSON",
        b'{"critical": {"type": "cosign container image signature"}}',
        document(digest_of(b"x"), "something else"),
        document(digest_of(b"x")).replace(digest_of(b"x").encode(), b"sha256:short"),
    ],
)
def test_signed_documents_that_say_nothing(served: Served, made: bytes) -> None:
    digest = served.image("app", "1")
    attach(served, digest, signed(made.replace(digest_of(b"x").encode(), digest.encode())))
    with pytest.raises(SignatureError, match="none of its 1"):
        verify_image(f"{served.host}/app:1", [ALICE.public])


def test_other_bytes_under_a_signature(served: Served) -> None:
    digest = served.image("app", "1")
    attach(served, digest, Signature(document(digest), ALICE.sign(document(digest_of(b"x")))))
    with pytest.raises(SignatureError, match="none of its 1"):
        verify_image(f"{served.host}/app:1", [ALICE.public])


def put(served: Served, digest: str, layers: list[dict[str, Any]]) -> None:
    served.blob("app", b"{}")
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest_of(b"{}"), "size": 2}
    made = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers}
    served.manifest("app", f"{digest.replace(':', '-')}.sig", made)


@pytest.mark.parametrize("annotations", [{}, {forms.SIGNATURE: ""}, {forms.SIGNATURE: "!!"}, {"other": "AAAA"}])
def test_layers_that_are_no_signatures(served: Served, annotations: dict[str, str]) -> None:
    digest = served.image("app", "1")
    served.blob("app", b"payload")
    layer = {"mediaType": forms.LAYER, "digest": digest_of(b"payload"), "size": 7, "annotations": annotations}
    put(served, digest, [layer, {**layer, "mediaType": "text/plain"}])
    with pytest.raises(SignatureError, match="has no signature"):
        verify_image(f"{served.host}/app:1", [ALICE.public])


def test_too_large_and_too_many(served: Served) -> None:
    digest = served.image("app", "1")
    served.blob("app", b"payload")
    text = base64.b64encode(b"x").decode()
    layer = {"mediaType": forms.LAYER, "digest": digest_of(b"payload"), "size": 7, "annotations": {forms.SIGNATURE: text}}
    put(served, digest, [{**layer, "size": forms.PAYLOAD_BYTES + 1}, *[layer] * (forms.LIMIT + 50)])
    with pytest.raises(SignatureError, match="none of its 1 signatures"):
        verify_image(f"{served.host}/app:1", [ALICE.public])


def test_an_index_where_the_signatures_should_be(served: Served) -> None:
    digest = served.image("app", "1")
    served.manifest("app", f"{digest.replace(':', '-')}.sig", index_of([]))
    with pytest.raises(SignatureError, match="has no signature"):
        verify_image(f"{served.host}/app:1", [ALICE.public])


def test_what_is_signed() -> None:
    digest = Digest.of(b"x")
    made = payload.make("host/app", digest, {"a": "b"})
    assert payload.parse(made) == payload.Payload("host/app", digest, {"a": "b"})
    assert json.loads(payload.make("host/app", digest, {}))["optional"] is None
    atomic = json.loads(made) | {"optional": None}
    atomic["critical"]["type"] = payload.ATOMIC
    assert payload.parse(json.dumps(atomic).encode()).optional == {}
    with pytest.raises(SpecError, match=r"critical\.identity"):
        payload.parse(made.replace(b"identity", b"entity"))


# --- bundles -----------------------------------------------------------------------------


def bundled(statement: object, kind: str = bundle.IN_TOTO, key: PrivateKey = ALICE) -> bytes:
    data = statement if isinstance(statement, bytes) else json.dumps(statement).encode()
    signature = base64.b64encode(key.sign(bundle.pre_authentication_encoding(kind, data))).decode()
    payload = base64.b64encode(data).decode()
    envelope = {"payload": payload, "payloadType": kind, "signatures": [{"sig": signature}]}
    return json.dumps({"mediaType": bundle.BUNDLE, "dsseEnvelope": envelope}).encode()


def statement(digest: str, **changes: object) -> dict[str, object]:
    algorithm, _, value = digest.partition(":")
    subject = {"name": "x/app", "digest": {algorithm: value}}
    return {"_type": bundle.STATEMENTS[0], "predicateType": bundle.SIGNATURE, "subject": [subject], **changes}


def attach_bundle(served: Served, digest: str, made: bytes) -> None:
    with Repository(Reference.parse(f"{served.host}/app@{digest}")) as repository:
        repository.attach_bundle(repository.subject(), made)


def test_a_bundle_about_several_images(served: Served) -> None:
    digest = served.image("app", "1")
    subjects = [{"digest": {"sha256": "0" * 64}}, {"digest": {"sha256": digest.partition(":")[2]}}]
    attach_bundle(served, digest, bundled(statement(digest, subject=subjects)))
    (found,) = verify_image(f"{served.host}/app:1", [ALICE.public]).payloads
    assert (str(found.digest), found.reference) == (digest, "")


def test_bundles_that_do_not_count(served: Served) -> None:
    digest = served.image("app", "1")
    other = digest_of(b"other")
    forged = json.loads(bundled(statement(other)))
    forged["dsseEnvelope"]["payload"] = base64.b64encode(json.dumps(statement(digest)).encode()).decode()
    for made in (
        bundled(statement(other)),
        bundled(statement(digest), key=BOB),
        bundled(statement(digest), kind="text/plain"),
        bundled(statement(digest, predicateType="https://slsa.dev/provenance/v1")),
        bundled(statement(digest, _type="else")),
        bundled(statement(digest, subject=[])),
        bundled(b"[]"),
        json.dumps(forged).encode(),
        b"{}",
        b"not JSON",
        b'{"dsseEnvelope": {"payload": "!", "payloadType": "", "signatures": []}}',
    ):
        attach_bundle(served, digest, made)
    with pytest.raises(SignatureError, match="none of its"):
        verify_image(f"{served.host}/app:1", [ALICE.public])


@pytest.mark.parametrize("wrong", [b"DSSEv1 ", b"DSSEv1 28 application/vnd.in-toto+json 5 abc", b"DSSEv1 3 abc 3 abc", b"DSSEv1 28 application/vnd.in-toto+json x abc"])
def test_an_encoding_that_is_none(wrong: bytes) -> None:
    with pytest.raises(SpecError):
        payload.parse(wrong)
