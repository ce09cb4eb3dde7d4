"""``rung registry`` and the commands of signatures: words in, words out."""

from __future__ import annotations

import io
import os
import re
import stat
import sys
from pathlib import Path

import pytest

from rung.cli.main import execute
from rung.image.serve import bcrypt
from serveparts import Served


def test_collecting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Served(tmp_path / "root/image") as served:
        served.blob("a", b"12345")
        served.image("a", "x")
    assert execute(["registry", "gc", "--root", str(tmp_path / "root")]) == 0
    assert capsys.readouterr().out == "removed 0 manifests, 0 blobs, 0 bytes\n"
    assert execute(["--data-root", str(tmp_path / "root"), "registry", "gc", "--grace", "0"]) == 0
    assert capsys.readouterr().out == "removed 0 manifests, 1 blobs, 5 bytes\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tls-cert", "x"], "TLS needs both a certificate and its key"),
        (["--anonymous-pull"], "without users everything is anonymous"),
        (["--client-ca", "x"], "certificates of clients need TLS"),
        (["--tls-cert", "/none", "--tls-key", "/none"], "TLS /none: No such file"),
        (["--htpasswd", "/none"], "read /none: No such file"),
        (["--proxy", "ftp://x"], "is no registry's address"),
        (["--listen", "127.0.0.1:1", "--htpasswd", "/none"], "No such file"),
        (["--listen", "192.0.2.1:0"], "listen 192.0.2.1:0: Cannot assign"),
    ],
)
def test_serving_what_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert execute(["registry", "serve", "--root", str(tmp_path), *words]) == 1
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "status"),
    [(["serve", "--listen", "x"], 125), (["serve", "--listen", "h:99999"], 125), (["gc", "--grace", "soon"], 125), (["serve", "x"], 1)],
)
def test_words_that_are_wrong(words: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["registry", *words]) == status
    assert "See 'rung registry" in capsys.readouterr().err


def test_a_user(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("wonder\n"))
    assert execute(["registry", "passwd", "alice"]) == 0
    user, _, known = capsys.readouterr().out.strip().partition(":")
    assert user == "alice" and bcrypt.verify(b"wonder", known)
    assert execute(["registry", "passwd", "a:b"]) == 1


def test_a_key_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cryptography")
    monkeypatch.setenv("RUNG_KEY_PASSWORD", "secret")
    prefix = str(tmp_path / "mine")
    keygen = ["image", "keygen", "--output-key-prefix", prefix]
    assert execute(keygen) == 0
    assert capsys.readouterr().out == f"Private key written to {prefix}.key\nPublic key written to {prefix}.pub\n"
    assert stat.S_IMODE(os.stat(f"{prefix}.key").st_mode) == 0o600
    assert execute(keygen) == 1
    assert "is there already" in capsys.readouterr().err
    with Served(tmp_path / "store") as served:
        served.image("app", "1")
        name = f"{served.host}/app:1"
        assert execute(["image", "sign", "--key", f"{prefix}.key", "-a", "a=b", name]) == 0
        assert re.fullmatch(rf"Signed: {name}@sha256:[0-9a-f]{{64}}\n", capsys.readouterr().out)
        assert execute(["image", "verify-signature", "--key", f"{prefix}.pub", "-a", "a=b", name]) == 0
        assert '"a": "b"' in capsys.readouterr().out
        assert execute(["image", "verify-signature", "-q", "--key", f"{prefix}.pub", "-a", "a=c", name]) == 1
        assert "no signature says a=c" in capsys.readouterr().err
        assert execute(["image", "verify", "--key", f"{prefix}.pub", name]) == 0
        assert f"Verified {name}" in capsys.readouterr().err
        for half in (["--key", f"{prefix}.pub"], [name]):
            assert execute(["image", "verify", *half]) == 1
            assert "go together" in capsys.readouterr().err
        assert execute(["image", "sign", "--key", f"{prefix}.key", "-a", "a", name]) == 1
        assert "is not KEY=VALUE" in capsys.readouterr().err
        monkeypatch.setenv("RUNG_KEY_PASSWORD", "wrong")
        assert execute(["image", "sign", "--key", f"{prefix}.key", name]) == 1
        assert "the password is wrong" in capsys.readouterr().err
