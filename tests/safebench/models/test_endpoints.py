"""Addresses of endpoints, and the headers that a key travels in."""

from __future__ import annotations

import pytest

from safebench.errors import BadInput
from safebench.models.endpoints import address, endpoint_url, key_headers, split_version

VERSIONED = "https://me.openai.azure.com/openai/deployments/m?api-version=2024-06-01"


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        (VERSIONED, VERSIONED),
    ],
)
def test_an_address_is_taken_as_it_is(url: str, read: str) -> None:
    assert endpoint_url(url) == read


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("127.0.0.1:8000/v1", "127.0.0.1:8000/v1"),
        ("ftp://h/v1", "ftp://h/v1"),
        ("http://h:99999/v1", "http://h:99999/v1"),
        ("http://h:port/v1", "http://h:port/v1"),
        ("http://[::1/v1", r"http://\[::1/v1"),
        ("http:///v1", "http:///v1"),
        ("http://h/v1#secret", "http://h/v1'"),
        ("me:secret@h:81/v1?key=secret", "h:81/v1'"),
    ],
)
def test_what_is_none_is_named_without_what_may_be_a_key(url: str, shown: str) -> None:
    with pytest.raises(BadInput, match=rf"base_url '{shown}.* is not an http\(s\) URL") as caught:
        endpoint_url(url)
    assert "secret" not in str(caught.value)


def test_a_version_stands_behind_the_path() -> None:
    assert address(VERSIONED, "/models") == VERSIONED.replace("?", "/models?")
    assert address("http://h/v1", "/models") == "http://h/v1/models"
    assert split_version(VERSIONED) == (VERSIONED.partition("?")[0], {"api-version": "2024-06-01"})


def test_azure_gets_its_key_in_a_header_of_its_own_and_nobody_else_does() -> None:
    assert key_headers(VERSIONED, "k") == {"Authorization": "Bearer k", "api-key": "k"}
    assert key_headers("https://azure.com.example.org/v1", "k") == {"Authorization": "Bearer k"}
