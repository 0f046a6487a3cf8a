from __future__ import annotations

import pytest

from safebench.errors import BadInput
from safebench.models.connections import proxy_of

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
