"""Keys in the forms in which servers repeat them."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from safebench.models.keys import MASK, Mask
from safebench.types import Response

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
    told = mask.response(Response("answered", text=f"a {form}", thinking=form))
    assert (told.text, told.thinking) == (f"a {MASK}", MASK)


def test_what_only_stands_in_for_a_key_is_a_word_like_others() -> None:
    assert Mask("none", "", "EMPTY").text("none is EMPTY") == "none is EMPTY"
