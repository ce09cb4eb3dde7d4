"""NaCl's secretbox against NaCl's own example (tests/secretbox.c, secretbox.out)."""

from __future__ import annotations

from rung.image.sign.secretbox import open_, seal

KEY = bytes.fromhex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
NONCE = bytes.fromhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
PLAIN = bytes.fromhex(
    "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c0123"
    "3561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924"
    "ca1c60902e52f0a089bc76897040e082f937763848645e0705"
)
SEALED = bytes.fromhex(
    "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98"
    "dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6b"
    "b3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5"
)


def test_the_published_example() -> None:
    assert seal(PLAIN, NONCE, KEY) == SEALED
    assert open_(SEALED, NONCE, KEY) == PLAIN


def test_what_was_changed_does_not_open() -> None:
    for at in (0, 15, 16, len(SEALED) - 1):
        changed = bytearray(SEALED)
        changed[at] ^= 1
        assert open_(bytes(changed), NONCE, KEY) is None
    assert open_(SEALED, NONCE, bytes(32)) is None
    assert open_(SEALED, bytes(24), KEY) is None
    for short in (b"", SEALED[:15]):
        assert open_(short, NONCE, KEY) is None
    assert open_(SEALED, b"", KEY) is None
    assert open_(SEALED, NONCE, b"") is None


def test_nothing_sealed_is_a_tag() -> None:
    assert len(seal(b"", NONCE, KEY)) == 16
    assert open_(seal(b"", NONCE, KEY), NONCE, KEY) == b""
