"""Which proxy: as Go's programs read the environment."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from rung.image import RegistryError
from rung.image.registry.proxy import Proxy, choose_proxy, is_loopback

ENVIRONMENT = {"HTTPS_PROXY": "http://me:p%40ss@proxy.example:3128", "http_proxy": "proxy.example"}


def chosen(url: str, **more: str) -> Proxy | None:
    return choose_proxy(urlsplit(url), {**ENVIRONMENT, **more})


def test_one_for_each_scheme() -> None:
    assert chosen("https://registry.example/") == Proxy("proxy.example", 3128, "Basic bWU6cEBzcw==")
    assert chosen("http://registry.example/") == Proxy("proxy.example", 80)
    assert choose_proxy(urlsplit("https://registry.example/"), {}) is None
    assert chosen("http://x.example/", HTTP_PROXY="other", REQUEST_METHOD="GET") == Proxy("proxy.example", 80)
    assert choose_proxy(urlsplit("http://x.example/"), {"HTTP_PROXY": "evil", "REQUEST_METHOD": "GET"}) is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.5.5.5:5000", "[::1]:5000"])
def test_loopback_is_never_proxied(host: str) -> None:
    assert chosen(f"https://{host}/") is None


@pytest.mark.parametrize(
    ("exceptions", "url", "is_direct"),
    [
        ("*", "https://registry.example/", True),
        ("example", "https://registry.example/", True),
        ("registry.example", "https://registry.example/", True),
        (".registry.example", "https://registry.example/", False),
        (".example", "https://registry.example/", True),
        ("*.example", "https://registry.example/", True),
        ("ample", "https://registry.example/", False),
        ("registry.example:443", "https://registry.example/", True),
        ("registry.example:5000", "https://registry.example/", False),
        ("a, REGISTRY.example ,b", "https://registry.example/", True),
        ("10.0.0.0/8", "https://10.1.2.3:5000/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.1.2.3", "https://10.1.2.3/", True),
        ("fd00::/8", "https://[fd00::1]/", True),
        ("[fd00::1]:443", "https://[fd00::1]/", True),
        ("10.0.0.0/8", "https://[fd00::1]/", False),
        ("", "https://registry.example/", False),
    ],
)
def test_exceptions(exceptions: str, url: str, is_direct: bool) -> None:
    assert (chosen(url, NO_PROXY=exceptions) is None) is is_direct


@pytest.mark.parametrize("value", ["socks5://a:1", "http://:5", "http://a:b", "http://a:99999", "http://me:secret@:x"])
def test_what_is_no_proxy(value: str) -> None:
    with pytest.raises(RegistryError, match=r"HTTPS_PROXY .*is no proxy") as caught:
        chosen("https://registry.example/", HTTPS_PROXY=value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("", False),
     ("localhost.example.com", False), ("127.0.0.1.example.com", False), ("10.0.0.1", False), ("::2", False)],
)  # fmt: skip
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
