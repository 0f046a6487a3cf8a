from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safebench.serialisation import counts, decoder, finite, read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 30, "9" * 5000])
def test_a_number_that_cannot_be_stored_is_text(written: str) -> None:
    assert read_json(f'{{"a": [{written}]}}') == {"a": [written]}
    assert decoder(dict).raw_decode(f'{{"a": {written}}}')[0] == {"a": written}


def test_other_values_are_what_they_are() -> None:
    assert read_json(b'{"a": [1, -2.5, 1e3, true, null, "NaN"]}') == {"a": [1, -2.5, 1000.0, True, None, "NaN"]}


@pytest.mark.parametrize("text", ["[" * 300 + "]" * 300, "[" * 100_000, '{"a":' * 300 + "1" + "}" * 300])
def test_what_is_nested_too_deeply_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="nested"):
        read_json(text)


@given(VALUES)
def test_whatever_was_read_or_counted_can_be_stored(value: Any) -> None:
    for stored in (finite(value), counts(value), read_json(json.dumps(value))):
        json.dumps(stored, allow_nan=False)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (None, {}),
        ({}, {}),
        ("9 tokens", {"told": "9 tokens"}),
        ([1, 2], {"told": "[1, 2]"}),
        (7, {"told": "7"}),
        ({"total_tokens": 9, "speed": 31.5}, {"total_tokens": 9, "speed": 31.5}),
        ({"speed": float("inf"), "cost": float("nan")}, {"speed": "inf", "cost": "nan"}),
        ({"total_tokens": "9"}, {"total_tokens": "9"}),
        ({"total_tokens": 10**30}, {"total_tokens": str(10**30)}),
        ({"details": {"cached": 3, "list": [1]}}, {"details": {"cached": 3, "list": "[1]"}}),
        ({"x": "a" * 900}, {"x": "a" * 200}),
    ],
)
def test_what_a_call_took_is_kept_as_numbers_or_as_text(told: object, kept: dict[str, Any]) -> None:
    assert counts(told) == kept
