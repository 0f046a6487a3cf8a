from __future__ import annotations

import json
from dataclasses import replace

from safebench.datasets.diff import Change, compare
from safebench.datasets.queries import Dataset
from safebench.types import Intent, Query

OLD = (
    Query("a", "How?", scenario="bias"),
    Query("b", "Why?", Intent.BENIGN),
    Query("c", "When?"),
    Query("d", "Where?"),
    Query("e", "Who?"),
)


def dataset(*queries: Query) -> Dataset:
    return Dataset("d", queries)


def test_every_kind_of_change_is_told() -> None:
    a, b, c, d, _ = OLD
    new = dataset(
        replace(a, text="How, then?", scenario="hate_speech"),
        replace(b, intent=Intent.HARMFUL),
        replace(c, twin="b"),
        replace(d, id="d2"),
        Query("f", "What?"),
    )
    assert compare(dataset(*OLD), new).changes == (
        Change("reworded", "a", "How?", "How, then?"),
        Change("other scenario", "a", "bias", "hate_speech"),
        Change("other intent", "b", "benign", "harmful"),
        Change("other twin", "c", "None", "b"),
        Change("renamed", "d", "d", "d2"),
        Change("removed", "e", "Who?"),
        Change("added", "f", None, "What?"),
    )


def test_equal_sets_do_not_differ() -> None:
    found = compare(dataset(*OLD), replace(dataset(*OLD), name="copy"))
    assert (found.changes, found.reordered, found.sha256[0]) == ((), False, found.sha256[1])


def test_another_order_is_another_hash_and_is_told() -> None:
    found = compare(dataset(*OLD), dataset(*reversed(OLD)))
    assert found.sha256[0] != found.sha256[1]
    assert found.changes == ()
    assert found.reordered
    assert any("another order" in line for line in found.lines())


def test_a_removal_in_the_middle_is_no_other_order() -> None:
    assert not compare(dataset(*OLD), dataset(*OLD[:2], *OLD[3:])).reordered


def test_a_text_that_several_have_is_not_called_renamed() -> None:
    found = compare(dataset(Query("a", "Same?"), Query("b", "Same?")), dataset(Query("c", "Same?")))
    assert found.counts == {"removed": 2, "added": 1}


def test_the_json_form_has_all_changes() -> None:
    told = json.loads(compare(dataset(*OLD), dataset(*OLD[1:])).as_json())
    assert told["counts"] == {"removed": 1}
    assert told["changes"][0]["id"] == "a"
