"""Key pairs for signatures: ECDSA (P-256, and P-384 and P-521 to verify), Ed25519, RSA.

Rule: the algorithm follows from the key, never from the signature: ECDSA and RSA (PKCS #1 v1.5)
over SHA-256, Ed25519 over the bytes themselves, as sigstore has them for these keys. Private keys are
read from cosign's encrypted files, and from PEM of openssl; they are written in cosign's form.
The mathematics are those of the package ``cryptography``, which is imported here only.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re

from rung import jsonc
from rung.image.errors import ImageError
from rung.image.sign import secretbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ENCRYPTED = "ENCRYPTED SIGSTORE PRIVATE KEY"
_ENCRYPTED = (ENCRYPTED, "ENCRYPTED COSIGN PRIVATE KEY")
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\r?\n(.*?)-----END \1-----", re.DOTALL)
#: What cosign writes; a file may ask for less, but not for the machine's whole memory.
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 65536, 8, 1
_SCRYPT_BYTES = 256 << 20
KINDS = ("ecdsa", "ed25519", "rsa")
_FILE_BYTES = 1 << 20


class KeyFileError(ImageError):
    """A key cannot be used."""


class PublicKey:
    """Whose signatures count. ``name`` is where it came from."""

    def __init__(self, key: Any, name: str) -> None:
        self._key = key
        self.name = name

    @classmethod
    def load(cls, path: str) -> PublicKey:
        """From a PEM file."""
        return cls.parse(_read(path), path)

    @classmethod
    def parse(cls, pem: bytes, name: str) -> PublicKey:
        """From PEM: a public key, or a certificate's."""
        serialization, x509 = _library("serialization"), _library("x509")
        try:
            if b"-----BEGIN CERTIFICATE-----" in pem:
                key = x509.load_pem_x509_certificate(pem).public_key()
            else:
                key = serialization.load_pem_public_key(pem)
        except (ValueError, TypeError) as error:
            hint = "a PEM file that begins with -----BEGIN PUBLIC KEY-----"
            raise KeyFileError("read", name, "is no public key", hint) from error
        except _unsupported() as error:
            raise KeyFileError("read", name, f"is a key of another kind: {error}") from error
        return cls(_known(key, name), name)

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether this key's owner signed these bytes."""
        invalid = _library("exceptions").InvalidSignature
        hashes = _library("hashes")
        try:
            match _kind(self._key):
                case "ecdsa":
                    self._key.verify(signature, data, _library("ec").ECDSA(hashes.SHA256()))
                case "rsa":
                    self._key.verify(signature, data, _library("padding").PKCS1v15(), hashes.SHA256())
                case _:
                    self._key.verify(signature, data)
        except (invalid, ValueError):
            return False
        return True

    @property
    def pem(self) -> bytes:
        """As a file of its own."""
        return self._encoded("PEM")

    @property
    def der(self) -> bytes:
        """The same without armour."""
        return self._encoded("DER")

    def _encoded(self, encoding: str) -> bytes:
        serialization = _library("serialization")
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return bytes(self._key.public_bytes(getattr(serialization.Encoding, encoding), form))


class PrivateKey:
    """Who signs."""

    def __init__(self, key: Any, name: str) -> None:
        self._key = key
        self.name = name

    @classmethod
    def load(cls, path: str, password: bytes = b"") -> PrivateKey:
        """From cosign's file, or PEM with or without a password."""
        return cls.parse(_read(path), path, password)

    @classmethod
    def parse(cls, pem: bytes, name: str, password: bytes = b"") -> PrivateKey:
        """As ``load``."""
        serialization = _library("serialization")
        blocks = _PEM.finditer(pem.decode("latin-1"))  # openssl writes a curve's parameters before a key
        match = next((block for block in blocks if "PRIVATE KEY" in block[1]), None)
        if match is None:
            raise KeyFileError("read", name, "is no private key", "rung image keygen makes one")
        try:
            if match[1] in _ENCRYPTED:
                key = serialization.load_der_private_key(_decrypt(match[2], name, password), None)
            else:
                is_locked = "ENCRYPTED" in match[0]
                key = serialization.load_pem_private_key(match[0].encode(), password if is_locked else None)
        except (ValueError, TypeError) as error:
            raise KeyFileError("read", name, "cannot be opened", "is the password right?") from error
        except _unsupported() as error:
            raise KeyFileError("read", name, f"is a key of another kind: {error}") from error
        return cls(_known(key, name), name)

    @classmethod
    def make(cls, kind: str = "ecdsa") -> PrivateKey:
        """A new one of ``KINDS``."""
        if kind == "ecdsa":
            ec = _library("ec")
            return cls(ec.generate_private_key(ec.SECP256R1()), "new")
        if kind == "ed25519":
            return cls(_library("ed25519").Ed25519PrivateKey.generate(), "new")
        if kind == "rsa":
            return cls(_library("rsa").generate_private_key(65537, 3072), "new")
        raise KeyFileError("make key", kind, "is no kind of key", f"one of {', '.join(KINDS)}")

    @property
    def public(self) -> PublicKey:
        """The half that others get."""
        return PublicKey(self._key.public_key(), self.name)

    def sign(self, data: bytes) -> bytes:
        """A signature of these bytes."""
        hashes = _library("hashes")
        match _kind(self._key):
            case "ecdsa":
                made = self._key.sign(data, _library("ec").ECDSA(hashes.SHA256()))
            case "rsa":
                made = self._key.sign(data, _library("padding").PKCS1v15(), hashes.SHA256())
            case _:
                made = self._key.sign(data)
        return bytes(made)

    def sealed(self, password: bytes) -> bytes:
        """As cosign's private key file."""
        serialization = _library("serialization")
        plain = self._key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        salt, nonce = os.urandom(32), os.urandom(secretbox.NONCE_BYTES)
        key = _scrypt(password, salt, _SCRYPT_N, _SCRYPT_R, _SCRYPT_P)
        document = {
            "kdf": {
                "name": "scrypt",
                "params": {"N": _SCRYPT_N, "r": _SCRYPT_R, "p": _SCRYPT_P},
                "salt": base64.b64encode(salt).decode(),
            },
            "cipher": {"name": "nacl/secretbox", "nonce": base64.b64encode(nonce).decode()},
            "ciphertext": base64.b64encode(secretbox.seal(plain, nonce, key)).decode(),
        }
        text = base64.b64encode(jsonc.dumps(document).encode()).decode()
        lines = [text[at : at + 64] for at in range(0, len(text), 64)]
        return "\n".join([f"-----BEGIN {ENCRYPTED}-----", *lines, f"-----END {ENCRYPTED}-----", ""]).encode()


def _decrypt(text: str, name: str, password: bytes) -> bytes:
    """The DER within cosign's file. ``ValueError`` where it is none."""
    try:
        document = jsonc.loads(base64.b64decode(text))
        kdf, cipher = document["kdf"], document["cipher"]
        if (kdf["name"], cipher["name"]) != ("scrypt", "nacl/secretbox"):
            raise ValueError("another cipher")
        cost = (int(kdf["params"]["N"]), int(kdf["params"]["r"]), int(kdf["params"]["p"]))
        key = _scrypt(password, base64.b64decode(kdf["salt"]), *cost)
        sealed, nonce = base64.b64decode(document["ciphertext"]), base64.b64decode(cipher["nonce"])
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError("not cosign's file") from error
    plain = secretbox.open_(sealed, nonce, key)
    if plain is None:
        raise KeyFileError("read", name, "the password is wrong", "RUNG_KEY_PASSWORD or COSIGN_PASSWORD")
    return plain


def _scrypt(password: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=_SCRYPT_BYTES, dklen=secretbox.KEY_BYTES)


def _kind(key: Any) -> str:
    """One of ``KINDS``, empty for another."""
    ec, ed25519, rsa = _library("ec"), _library("ed25519"), _library("rsa")
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return "ecdsa"
    if isinstance(key, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey):
        return "ed25519"
    return "rsa" if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey) else ""


def _known(key: Any, name: str) -> Any:
    kind = _kind(key)
    if not kind:
        raise KeyFileError("read", name, "is a key of another kind", f"one of {', '.join(KINDS)}")
    if kind == "rsa" and key.key_size < 2048:
        raise KeyFileError("read", name, f"an RSA key of {key.key_size} bits is too short", "2048 at least")
    return key


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_FILE_BYTES)
    except OSError as error:
        raise KeyFileError("read", path, error.strerror or "") from error


_HOMES = {
    "serialization": "cryptography.hazmat.primitives.serialization",
    "hashes": "cryptography.hazmat.primitives.hashes",
    "ec": "cryptography.hazmat.primitives.asymmetric.ec",
    "ed25519": "cryptography.hazmat.primitives.asymmetric.ed25519",
    "rsa": "cryptography.hazmat.primitives.asymmetric.rsa",
    "padding": "cryptography.hazmat.primitives.asymmetric.padding",
    "exceptions": "cryptography.exceptions",
    "x509": "cryptography.x509",
}


def _library(part: str) -> Any:
    from importlib import import_module

    try:
        return import_module(_HOMES[part])
    except ImportError as error:
        hint = "pip install 'rung[sign]'"
        raise ImageError("signatures", "", "the package cryptography is not installed", hint) from error


def _unsupported() -> type[Exception]:
    found: type[Exception] = _library("exceptions").UnsupportedAlgorithm
    return found
