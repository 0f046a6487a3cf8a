from __future__ import annotations

import ssl

import pytest

from safebench.errors import BadInput
from safebench.models.connections import cause, proxy_of

URL = "https://models.example.com/v1"


@pytest.mark.parametrize(
    ("named", "proxy"),
    [
        ("proxy:3128", "http://proxy:3128"),
        ("me:word@proxy:3128", "http://me:word@proxy:3128"),
        ("http://proxy", "http://proxy"),
        ("https://[::1]:3128", "https://[::1]:3128"),
        ("", None),
    ],
)
def test_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch, named: str, proxy: str | None) -> None:
    monkeypatch.setenv("https_proxy", named)
    assert proxy_of(URL) == proxy
    assert proxy_of(URL.replace("https", "http")) is None
    monkeypatch.setenv("no_proxy", "models.example.com")
    assert proxy_of(URL) is None


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("socks5://me:word@proxy:1080", r"one of SOCKS, socks5://proxy:1080, which is not supported"),
        ("SOCKS4A://proxy:1080", r"one of SOCKS, SOCKS4A://proxy:1080"),
        ("not a proxy", r"no address of one, 'http://not a proxy'"),
        ("proxy:port", r"no address of one, 'http://proxy:port'"),
        ("ftp://me:word@proxy", r"no address of one, 'ftp://proxy'"),
    ],
)
def test_what_is_no_proxy_of_http_is_named_as_what_it_is(
    monkeypatch: pytest.MonkeyPatch, named: str, told: str
) -> None:
    monkeypatch.setenv("all_proxy", named)
    with pytest.raises(BadInput, match=told) as caught:
        proxy_of(URL)
    assert "word" not in str(caught.value)


def of_tls(error: ssl.SSLError, **told: str) -> Exception:
    for name, value in told.items():
        setattr(error, name, value)
    outer = ConnectionError("no answer")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            of_tls(ssl.SSLCertVerificationError(1, "failed"), verify_message="self-signed certificate"),
            "TLS: its certificate is not accepted (self-signed certificate); SSL_CERT_FILE names authorities that are",
        ),
        (
            of_tls(ssl.SSLError(1, "failed"), reason="WRONG_VERSION_NUMBER"),
            "TLS: wrong version number; if the server speaks no TLS, its address begins with http://",
        ),
        (of_tls(ssl.SSLError(1, "failed"), reason="NO_CIPHERS_AVAILABLE"), "TLS: no ciphers available"),
    ],
)
def test_what_is_wrong_with_tls_is_told_with_what_to_do(error: Exception, told: str) -> None:
    assert cause(error) == told
