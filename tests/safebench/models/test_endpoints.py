"""Addresses of endpoints, and the headers that a key travels in."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from safebench.errors import BadInput
from safebench.models.endpoints import MASK, Mask, address, endpoint_url, key_headers, split_version
from safebench.types import Response

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


# --- keys in the forms in which servers repeat them

KEY = 'sk-a/b+c"ü='


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        json.dumps(KEY)[1:-1],
        json.dumps(KEY)[1:-1].replace("/", "\\/"),
        quote(KEY),
        quote(KEY, safe=""),
    ],
)
def test_a_key_is_masked_in_every_form(form: str) -> None:
    mask = Mask(KEY, "other-key-1")
    assert mask.text(f"of {form}, other-key-1.") == f"of {MASK}, {MASK}."
    assert mask.body(f"of {form}.".encode()) == f"of {MASK}.".encode()
    cut = [bytes([byte]) for byte in f"of {form}.".encode()]
    assert b"".join(mask.pieces(cut)) == f"of {MASK}.".encode()
    told = mask.response(Response("answered", text=f"a {form}", thinking=form))
    assert (told.text, told.thinking) == (f"a {MASK}", MASK)


def test_what_only_stands_in_for_a_key_is_a_word_like_others() -> None:
    assert Mask("none", "", "EMPTY").text("none is EMPTY") == "none is EMPTY"
