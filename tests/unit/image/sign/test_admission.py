"""The policy enforced: at a pull, a copy, a load, and before a run."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imageparts import archive, entry
from rung.image import ImageError, PrivateKey, Store, copy_image, sign_image
from rung.image.errors import PolicyError
from rung.image.progress import silent
from rung.image.sign.admission import admit_stored, kept
from rung.image.sign.policy_file import VARIABLE, find_policy
from serveparts import Served

pytest.importorskip("cryptography")
KEY = PrivateKey.make()
LAYER = archive(entry("file", b"hello"))
REPOSITORY = {"type": "matchRepository"}
ACCEPT, REJECT = {"type": "insecureAcceptAnything"}, {"type": "reject"}


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Writes the policy that counts from then on."""

    def write(default: list[Any], **transports: Any) -> None:
        path = tmp_path / "policy.json"
        named = {name.replace("_", "-"): scopes for name, scopes in transports.items()}
        path.write_text(json.dumps({"default": default, "transports": named}))
        monkeypatch.setenv(VARIABLE, str(path))

    monkeypatch.setenv(VARIABLE, "")
    return write


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "root"), snapshotter="native")


def signed(**fields: Any) -> dict[str, Any]:
    data = base64.b64encode(KEY.public.pem).decode()
    return {"type": "sigstoreSigned", "keyData": data, "signedIdentity": REPOSITORY, **fields}


def test_without_a_policy_everything_may(served: Served, store: Store, policy: Callable[..., None]) -> None:
    served.image("app", "1", (LAYER,))
    store.pull(f"{served.host}/app:1")


def test_a_signed_image_is_pulled_and_may_run(served: Served, store: Store, policy: Callable[..., None], tmp_path: Path) -> None:
    policy([REJECT], docker={served.host: [signed()]})
    name = f"{served.host}/app:1"
    served.image("app", "1", (LAYER,))
    with pytest.raises(PolicyError, match="it has no signature"):
        store.pull(name)
    assert store.find(name) is None
    sign_image(name, KEY)
    image = store.pull(name)
    store.content.collect()
    assert len(kept(store.content, image.digest)) == 1
    rules = find_policy()
    assert rules is not None
    admit_stored(rules, store.content, image)  # the registry is not asked
    store.tag(name, "mine:1")
    with pytest.raises(PolicyError, match="policy mine:1: is not admitted"):
        admit_stored(rules, store.content, store.get("mine:1"))


def test_a_key_that_is_taken_out_counts_no_more(served: Served, store: Store, policy: Callable[..., None]) -> None:
    policy([signed()])
    name = f"{served.host}/app:1"
    served.image("app", "1", (LAYER,))
    sign_image(name, KEY)
    image = store.pull(name)
    other = base64.b64encode(PrivateKey.make().public.pem).decode()
    policy([signed(keyData=other)])
    with pytest.raises(PolicyError, match="none of its 1 signatures is by a key of the policy"):
        store.prepare_rootfs(image, "c1")
    assert store.rootfs("c1") is None


def test_an_image_that_was_pulled_before_the_policy(served: Served, store: Store, policy: Callable[..., None]) -> None:
    served.image("app", "1", (LAYER,))
    sign_image(f"{served.host}/app:1", KEY)
    image = store.pull(f"{served.host}/app:1")
    policy([signed()])
    with pytest.raises(PolicyError, match="it has no signature"):
        store.prepare_rootfs(image, "c1")
    store.pull(f"{served.host}/app:1")
    rules = find_policy()
    assert rules is not None
    admit_stored(rules, store.content, image)


def test_what_the_store_may_run_can_be_said_apart(served: Served, store: Store, policy: Callable[..., None]) -> None:
    served.image("app", "1", (LAYER,))
    image = store.pull(f"{served.host}/app:1")
    policy([REJECT], store={"": [REJECT], served.host: [ACCEPT]})
    rules = find_policy()
    assert rules is not None
    admit_stored(rules, store.content, image)


def test_a_signature_under_another_name(served: Served, store: Store, policy: Callable[..., None]) -> None:
    """Who may push to one repository copies a signed image, with its signature, to another name."""
    digest = served.image("good", "1", (LAYER,))
    sign_image(f"{served.host}/good:1", KEY, form="tag")
    served.image("evil", "1", (LAYER,))
    tag = f"{digest.replace(':', '-')}.sig"
    manifest = served.ask("GET", f"/v2/good/manifests/{tag}").document
    for blob in (manifest["config"], *manifest["layers"]):
        served.blob("evil", served.ask("GET", f"/v2/good/blobs/{blob['digest']}").body)
    served.manifest("evil", tag, manifest)
    policy([signed()])
    with pytest.raises(PolicyError, match=r"signed as .*/good, which the policy does not take"):
        store.pull(f"{served.host}/evil:1")
    policy([signed(signedIdentity={"type": "exactRepository", "dockerRepository": f"{served.host}/good"})])
    store.pull(f"{served.host}/evil:1")


def test_all_requirements_must_be_met(served: Served, store: Store, policy: Callable[..., None]) -> None:
    served.image("app", "1", (LAYER,))
    sign_image(f"{served.host}/app:1", KEY)
    second = PrivateKey.make("ed25519")
    both = [ACCEPT, signed(), signed(keyData=base64.b64encode(second.public.pem).decode())]
    policy(both)
    with pytest.raises(PolicyError):
        store.pull(f"{served.host}/app:1")
    sign_image(f"{served.host}/app:1", second)
    image = store.pull(f"{served.host}/app:1")
    assert len(kept(store.content, image.digest)) == 2


@pytest.mark.parametrize("requirement", [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/x"}, signed() | {"rekorPublicKeyPath": "/x"}])
def test_a_requirement_of_another_kind(served: Served, store: Store, policy: Callable[..., None], requirement: Any) -> None:
    served.image("app", "1", (LAYER,))
    sign_image(f"{served.host}/app:1", KEY)
    policy([requirement])
    with pytest.raises(PolicyError, match="not verified here"):
        store.pull(f"{served.host}/app:1")


@pytest.mark.parametrize(("scope", "admitted"), [({}, False), ({"": [ACCEPT]}, True)])
def test_archives(store: Store, policy: Callable[..., None], scope: Any, admitted: bool, tmp_path: Path) -> None:
    store.import_(io.BytesIO(LAYER), "mine:1")
    saved = io.BytesIO()
    store.save(["mine:1"], saved)
    saved.seek(0)
    policy([REJECT], docker_archive=scope)
    other = Store(str(tmp_path / "other"), snapshotter="native")
    if admitted:
        assert [image.name for image in other.load(saved)] == ["mine:1"]
        return
    with pytest.raises(PolicyError, match="docker-archive"):
        other.load(saved)
    assert other.images() == [] and list(other.content.blobs.all()) == []


def test_copies(served: Served, policy: Callable[..., None], tmp_path: Path) -> None:
    served.image("app", "1", (LAYER,))
    source, there = f"docker://{served.host}/app:1", f"dir:{tmp_path}/copied"

    def copy(begin: str, end: str) -> None:
        copy_image(begin, end, silent, open_store=lambda: pytest.fail("no store"))

    policy([signed()], dir={str(tmp_path): [ACCEPT]})
    with pytest.raises(PolicyError, match="it has no signature"):
        copy(source, there)
    assert not os.path.exists(tmp_path / "copied")
    sign_image(f"{served.host}/app:1", KEY)
    copy(source, there)
    copy(there, f"docker://{served.host}/app:2")
    policy([signed()])
    with pytest.raises(PolicyError, match="it has no signature"):
        copy(there, f"docker://{served.host}/app:3")
    assert served.ask("GET", "/v2/app/manifests/3").status == 404


@pytest.mark.parametrize("text", ["", "{", '{"default": []}', '{"default": [{"type": "insecureAcceptAnything"}], "x": 1}'])
def test_a_policy_that_cannot_be_read_admits_nothing(served: Served, store: Store, policy: Callable[..., None], tmp_path: Path, text: str) -> None:
    served.image("app", "1", (LAYER,))
    policy([ACCEPT])
    (tmp_path / "policy.json").write_text(text)
    with pytest.raises(PolicyError, match=r"policy\.json"):
        store.pull(f"{served.host}/app:1")
    (tmp_path / "policy.json").unlink()
    with pytest.raises(PolicyError, match="is not there"):
        store.pull(f"{served.host}/app:1")


@pytest.mark.parametrize(("fields", "reason"), [({"keyData": "!!"}, "base64"), ({"keyData": "YQ=="}, "no public key")])
def test_keys_of_a_policy_that_are_none(served: Served, store: Store, policy: Callable[..., None], fields: Any, reason: str) -> None:
    served.image("app", "1", (LAYER,))
    policy([signed(**fields)])
    with pytest.raises(ImageError, match=reason):
        store.pull(f"{served.host}/app:1")


def test_a_key_in_a_file(served: Served, store: Store, policy: Callable[..., None], tmp_path: Path) -> None:
    served.image("app", "1", (LAYER,))
    sign_image(f"{served.host}/app:1", KEY)
    (tmp_path / "key.pub").write_bytes(KEY.public.pem)
    policy([{"type": "sigstoreSigned", "keyPath": str(tmp_path / "key.pub"), "signedIdentity": REPOSITORY}])
    store.pull(f"{served.host}/app:1")


def test_an_image_by_its_digest_needs_no_special_identity(served: Served, store: Store, policy: Callable[..., None]) -> None:
    digest = served.image("app", "1", (LAYER,))
    sign_image(f"{served.host}/app:1", KEY)
    default = {key: value for key, value in signed().items() if key != "signedIdentity"}
    policy([default])
    with pytest.raises(PolicyError, match="matchRepository"):
        store.pull(f"{served.host}/app:1")
    store.pull(f"{served.host}/app@{digest}")


