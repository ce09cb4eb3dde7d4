"""Key pairs: every kind signs and verifies; files of cosign and openssl; what is refused."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from rung.image import ImageError, PrivateKey, PublicKey
from rung.image.sign.keys import KINDS

pytest.importorskip("cryptography")


def openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("kind", KINDS)
def test_a_pair(kind: str) -> None:
    key = PrivateKey.make(kind)
    public = PublicKey.parse(key.public.pem, "x")
    signature = key.sign(b"data")
    assert public.verify(signature, b"data")
    assert not public.verify(signature, b"date")
    assert not public.verify(signature[:-1], b"data")
    assert not public.verify(b"", b"data")
    assert not PrivateKey.make(kind).public.verify(signature, b"data")


def test_another_kinds_signature_does_not_count() -> None:
    pairs = [PrivateKey.make(kind) for kind in KINDS]
    for one in pairs:
        for other in pairs:
            assert other.public.verify(one.sign(b"x"), b"x") is (one is other)


@pytest.mark.parametrize("password", [b"", "pässword".encode()])
def test_a_key_with_a_password(tmp_path: Path, password: bytes) -> None:
    key = PrivateKey.make()
    (tmp_path / "key").write_bytes(key.sealed(password))
    again = PrivateKey.load(str(tmp_path / "key"), password)
    assert again.public.pem == key.public.pem
    with pytest.raises(ImageError, match="password is wrong"):
        PrivateKey.load(str(tmp_path / "key"), b"other")


#: Made by cosign 2.5.0 (generate-key-pair) with the password "secret".
COSIGN = b"""-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
OCwicCI6MX0sInNhbHQiOiJjRjFERFAyVXd0MElyNmE0ZUdDQXUzMUZhR3Y1TmJG
cGl6eTVxTkxqTzNvPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiJISk1ObmhOM00wbEsxYnZuYzRBSnZ0VU9HS3Y1UEFWTCJ9LCJj
aXBoZXJ0ZXh0IjoiNjh0ZEkzbUJoZCs1UmVuWlF3aGcvcmpaYk5wSW1kVEVJZS9Z
YnVGMWZZRnpzT2U5eGxaQlR2bWUyVUJuSnhjTGpmOThvUnErakFrTWU4cVZUL3Bq
bGVxQTg4cjRkZkxRYWh6YUJGY1NmYi9Hd2V2cytDZkpIU0E0WngrRVo5a1lWRHBX
bFkxWVJoTG85WjRTWExFdGM1alNyYU5ISllEazNFWTMvZ3FESDBOSGdvVlVXeXJK
QlgrWS80T2lLQkExL1pLUVZFdTR2ZURQbnc9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
"""
COSIGN_PUBLIC = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1/GDsUA0G147xtxxLuBVQf4rt/sd
0BLYP9o9CTUWE0sIi9Q2LJqTheBPGAtXKhSnv3SQ9s7rCtub5W4vFK7GyQ==
-----END PUBLIC KEY-----
"""


def test_cosigns_key() -> None:
    assert PrivateKey.parse(COSIGN, "cosign.key", b"secret").public.pem == COSIGN_PUBLIC


@pytest.mark.parametrize(
    "words",
    [
        ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
        ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
        ("genpkey", "-algorithm", "ED25519"),
        ("genrsa", "-traditional", "2048"),
        ("ecparam", "-name", "prime256v1", "-genkey"),
        ("genpkey", "-algorithm", "ED25519", "-aes256", "-pass", "pass:word"),
    ],
    ids=lambda words: "-".join(words),
)
def test_keys_of_openssl(tmp_path: Path, words: tuple[str, ...]) -> None:
    out = ("-out", str(tmp_path / "key"))
    openssl(words[0], *out, *words[1:])
    openssl("pkey", "-in", tmp_path / "key", "-passin", "pass:word", "-pubout", "-out", tmp_path / "pub")
    key, public = PrivateKey.load(str(tmp_path / "key"), b"word"), PublicKey.load(str(tmp_path / "pub"))
    assert public.verify(key.sign(b"x"), b"x")


def test_a_certificate_is_a_public_key(tmp_path: Path) -> None:
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=x",
        "-keyout", tmp_path / "key", "-out", tmp_path / "cert",
    )  # fmt: skip
    key, public = PrivateKey.load(str(tmp_path / "key")), PublicKey.load(str(tmp_path / "cert"))
    assert public.verify(key.sign(b"x"), b"x")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("genpkey", "-algorithm", "X25519"), "another kind"),
        (("genpkey", "-algorithm", "ED448"), "another kind"),
        (("genrsa", "1024"), "1024 bits"),
    ],
    ids=lambda words: words[-1] if isinstance(words, tuple) else "",
)
def test_keys_that_are_refused(tmp_path: Path, words: tuple[str, ...], reason: str) -> None:
    openssl(words[0], "-out", str(tmp_path / "key"), *words[1:])
    openssl("pkey", "-in", tmp_path / "key", "-pubout", "-out", tmp_path / "pub")
    with pytest.raises(ImageError, match=reason):
        PrivateKey.load(str(tmp_path / "key"))
    with pytest.raises(ImageError, match=reason):
        PublicKey.load(str(tmp_path / "pub"))


def sealed(**changes: object) -> bytes:
    """cosign's file with some fields changed."""
    document = json.loads(base64.b64decode(b"".join(COSIGN.split(b"\n")[1:-2])))
    for path, value in changes.items():
        *above, last = path.split("__")
        at = document
        for each in above:
            at = at[each]
        at[last] = value
    text = base64.encodebytes(json.dumps(document).encode()).decode()
    return f"-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\n{text}-----END ENCRYPTED COSIGN PRIVATE KEY-----\n".encode()


def test_the_older_name_of_cosigns_file() -> None:
    assert PrivateKey.parse(sealed(), "x", b"secret").public.pem == COSIGN_PUBLIC


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"hello",
        COSIGN_PUBLIC,
        COSIGN.replace(b"ey", b"!!", 1),
        sealed(kdf__name="pbkdf2"),
        sealed(kdf="x"),
        sealed(kdf__params={}),
        sealed(kdf__params__N=1 << 30),
        sealed(kdf__params__N=3),
        sealed(cipher__nonce="AAAA"),
        sealed(cipher__nonce=7),
        sealed(ciphertext="AAAA"),
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ],
)
def test_files_that_are_no_private_key(pem: bytes) -> None:
    with pytest.raises(ImageError, match="read x"):
        PrivateKey.parse(pem, "x", b"secret")


@pytest.mark.parametrize("pem", [b"", b"x", COSIGN, b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_files_that_are_no_public_key(pem: bytes) -> None:
    with pytest.raises(ImageError, match="read x"):
        PublicKey.parse(pem, "x")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        PublicKey.load(str(tmp_path / "none"))


def test_without_the_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.serialization", None)
    with pytest.raises(ImageError, match=r"pip install 'rung\[sign\]'"):
        PublicKey.parse(COSIGN_PUBLIC, "x")
