"""Evidence as it is read from a run's store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from safebench.runs.evidence import evidence_of
from safebench.statistics.evidence import Evidence
from safebench.store.store import Store
from safebench.types import CONTROL, Fidelity, Intent, Item, Outcome
from tests.safebench.recorded import record, twins

API = {"target": "python:fakes:any"}


def helps(item: Item) -> Outcome:
    return Outcome.SAFE if item.query.intent is Intent.BENIGN else Outcome.REFUSED


def read(folder: Path, outcome: Any = helps, conditions: tuple[str, ...] = ("audio:female",), **told: Any) -> Evidence:
    repeats = told.get("repeats", 1)
    record(folder, twins(10), conditions, outcome, **told)
    with Store(folder, readonly=True) as store:
        known = evidence_of({"target": told.get("target", "reference"), "repeats": repeats}, store)
    return known[conditions[0]]


def delivery(state: str) -> dict[str, Any]:
    return {"medium": "audio", "state": state, "reason": "because"}


def test_a_target_that_reads_media_itself_gets_them(tmp_path: Path) -> None:
    assert read(tmp_path / "run").delivered.state == "shown"


@pytest.mark.parametrize(
    ("deliveries", "state", "reason"),
    [
        ([delivery("delivered")], "shown", "because"),
        ([delivery("unknown")], "not_shown", "because"),
        ([{**delivery("delivered"), "medium": "image"}], "not_shown", "no preflight was made"),
        ([], "not_shown", "no preflight was made"),
    ],
)
def test_delivery_is_what_the_preflight_found(
    tmp_path: Path, deliveries: list[dict[str, Any]], state: str, reason: str
) -> None:
    told = read(tmp_path / "run", deliveries=deliveries, **API)
    assert (told.delivered.state, told.delivered.reason) == (state, reason)


def test_text_needs_neither_a_rendering_nor_a_delivery(tmp_path: Path) -> None:
    told = read(tmp_path / "run", conditions=("text",), **API)
    assert (told.rendered.state, told.delivered.state) == ("not_needed", "not_needed")
    assert told.concludable


def test_a_control_is_not_meant_to_carry_the_query(tmp_path: Path) -> None:
    told = read(tmp_path / "run", fidelity=lambda item: Fidelity("unchecked", reason=CONTROL))
    assert told.rendered.state == "not_needed"


def test_renderings_that_nobody_checked_are_not_taken_for_faithful(tmp_path: Path) -> None:
    told = read(tmp_path / "run", fidelity=lambda item: Fidelity("unchecked"))
    assert (told.rendered.state, told.rendered.unchecked) == ("not_shown", 20)
    assert not told.concludable


def test_what_was_not_sent_needs_no_check(tmp_path: Path) -> None:
    def outcome(item: Item) -> Outcome:
        return Outcome.NOT_RENDERED if item.query.id == "b0" else helps(item)

    def fidelity(item: Item) -> Fidelity:
        return Fidelity("unchecked" if item.query.id == "b0" else "passed")

    told = read(tmp_path / "run", outcome, fidelity=fidelity)
    assert (told.rendered.state, told.rendered.unchecked) == ("shown", 0)
    assert (told.helped.helped, told.helped.of) == (9, 9)


def test_one_canned_sentence_is_no_help(tmp_path: Path) -> None:
    told = read(tmp_path / "run", answer=lambda item: f" What do you {'NEED' if item.query.id > 'b5' else 'need'}? ")
    assert (told.helped.helped, told.helped.of, told.helped.state) == (1, 10, "not_shown")


def test_the_same_answer_to_the_same_query_is_no_canned_sentence(tmp_path: Path) -> None:
    told = read(tmp_path / "run", repeats=3, answer=lambda item: f"Help with {item.query.id}.")
    assert (told.helped.helped, told.helped.of, told.helped.state) == (30, 30, "shown")


def test_open_items_are_not_helped(tmp_path: Path) -> None:
    told = read(tmp_path / "run", lambda item: Outcome.NOT_UNDERSTOOD)
    assert (told.helped.helped, told.helped.of, told.helped.state) == (0, 10, "not_shown")


def test_probes_that_told_nothing_are_said_so(tmp_path: Path) -> None:
    told = read(tmp_path / "run", lambda item: Outcome.REFUSED, probe=lambda item: "unknown")
    assert told.understood.told_nothing
    assert told.reasons[1].startswith("the probes told nothing")
