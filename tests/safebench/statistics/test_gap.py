from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from statsmodels.stats.contingency_tables import mcnemar

from safebench.errors import BadInput
from safebench.statistics.gap import GapSettings, ModalityGap, modality_gap
from safebench.statistics.observations import observe
from safebench.store.store import Store
from safebench.types import Intent, Item, Outcome, Query
from tests.safebench.recorded import ProbeOf, record, twins

U, R, S, B, N = Outcome.UNSAFE, Outcome.REFUSED, Outcome.SAFE, Outcome.BLOCKED, Outcome.NOT_UNDERSTOOD
Measure = Callable[..., Any]


@pytest.fixture
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measure:
    """The gap of a run whose outcomes are listed by condition, one for each harmful query (and repeat, if any)."""

    def measure(
        outcomes: Mapping[str, Sequence[Outcome | None]],
        probe: ProbeOf = lambda item: None,
        repeats: int = 1,
        intent: Intent = Intent.HARMFUL,
        **settings: Any,
    ) -> ModalityGap:
        count = len(next(iter(outcomes.values()))) // repeats
        queries = [Query(f"q{n}", "?", intent) for n in range(count)]

        def outcome(item: Item) -> Outcome | None:
            return outcomes[str(item.condition)][int(item.query.id[1:]) * repeats + item.repeat]

        folder = record(
            tmp_path_factory.mktemp("gap") / "run", queries, list(outcomes), outcome, repeats=repeats, probe=probe
        )
        with Store(folder, readonly=True) as store:
            return modality_gap(observe(store, list(outcomes)), GapSettings(**settings))  # type: ignore[return-value]

    return measure


def test_the_gap_is_the_difference_of_the_same_queries(measured: Measure) -> None:
    told = measured({"text": [U] * 12 + [R] * 20 + [S] * 8, "audio:a": [R] * 11 + [U] * 4 + [B] * 25})
    (row,) = told.comparisons
    assert (row.reference, row.condition, row.intent, row.measure) == ("text", "audio:a", "harmful", "asr")
    found = row.decided
    assert (found.n, found.clusters, found.up, found.down) == (40, 40, 3, 11)
    assert (found.reference_rate, found.rate, found.difference) == pytest.approx((12 / 40, 4 / 40, -8 / 40))
    assert found.p == pytest.approx(mcnemar([[1, 11], [3, 25]], exact=True).pvalue)
    assert found.interval == "bootstrap"
    assert -0.45 < found.ci95[0] < -0.2 < found.ci95[1] < 0.05
    assert row.flow == {
        "unsafe": {"refused": 11, "unsafe": 1},
        "refused": {"unsafe": 3, "blocked": 17},
        "safe": {"blocked": 8},
    }


def test_open_items_leave_the_gap_and_widen_its_bounds(measured: Measure) -> None:
    told = measured({"text": [U, R, R, U], "audio:a": [U, N, U, N]})
    (row,) = told.comparisons
    assert (row.pairs, row.decided.n, row.decided.difference) == (4, 2, 0.5)
    assert row.bounds == [0.0, 0.5]  # 2 of 4 under text; 2 under audio, or 4 if both open ones were unsafe
    assert row.flow["unsafe"] == {"unsafe": 1, "not_understood": 1}


def test_pending_items_are_no_pairs(measured: Measure) -> None:
    (row,) = measured({"text": [U, R, None], "audio:a": [U, None, R]}).comparisons
    assert row.pairs == 1


def test_a_condition_that_is_wholly_open_has_no_gap(measured: Measure) -> None:
    told = measured({"text": [U, R, R], "audio:a": [N] * 3, "image:b": [U, U, R]})
    by_name = {row.condition: row for row in told.comparisons}
    assert by_name["audio:a"].decided is None
    assert by_name["audio:a"].bounds == pytest.approx([-1 / 3, 2 / 3])
    assert by_name["image:b"].decided.p_holm == by_name["image:b"].decided.p  # one test, not two
    assert told.cochran_q == []  # two conditions are left


def test_one_pair_tells_next_to_nothing(measured: Measure) -> None:
    (row,) = measured({"text": [R], "audio:a": [R]}).comparisons
    found = row.decided
    assert (found.difference, found.p, found.detectable) == (0.0, 1.0, None)
    assert found.ci95 == pytest.approx([-0.793, 0.793], abs=0.001)
    assert not found.equivalence.equivalent


def test_where_nothing_differs_the_interval_has_a_width_and_few_items_are_not_equivalent(measured: Measure) -> None:
    found = measured({"text": [R] * 20, "audio:a": [R] * 20}).comparisons[0].decided
    assert found.interval == "score"
    assert found.ci95 == pytest.approx([-0.161, 0.161], abs=0.001)
    assert not found.equivalence.equivalent


def test_where_all_differ_the_interval_has_a_width_too(measured: Measure) -> None:
    found = measured({"text": [R] * 20, "audio:a": [U] * 20}).comparisons[0].decided
    assert (found.difference, found.interval) == (1.0, "score")
    assert found.ci95[0] < 0.9
    assert found.ci95[1] == 1.0


def test_many_items_without_a_difference_are_equivalent_within_the_margin_and_not_within_a_smaller_one(
    measured: Measure,
) -> None:
    same = {"text": [R] * 100, "audio:a": [R] * 100}
    assert measured(same, margin=0.05).comparisons[0].decided.equivalence.equivalent


def test_the_margin_is_the_users(measured: Measure) -> None:
    told = measured({"text": [R] * 100, "audio:a": [R] * 100}, margin=0.02)
    assert told.margin == 0.02
    assert not told.comparisons[0].decided.equivalence.equivalent


def test_identical_repeats_tell_no_more_than_one(measured: Measure) -> None:
    outcomes = {
        "text": [U] * 30 + [R] * 70,
        "audio:a": [R] * 20 + [U] * 35 + [R] * 45,
        "image:b": [R] * 25 + [U] * 10 + [R] * 65,
    }
    once = measured(outcomes)
    five = measured({name: [one for one in told for _ in range(5)] for name, told in outcomes.items()}, repeats=5)
    for row, repeated in zip(once.comparisons, five.comparisons, strict=True):
        one, many = row.decided, repeated.decided
        assert (many.n, many.clusters) == (500, 100)
        for key in ("difference", "ci95", "p", "p_holm", "detectable"):
            assert getattr(many, key) == pytest.approx(getattr(one, key)), key
        assert many.equivalence.p == pytest.approx(one.equivalence.p)
    assert five.cochran_q == once.cochran_q


def test_repeats_of_a_query_turn_their_sign_together(measured: Measure) -> None:
    """Sums of 2, 2 and -1 by query: of the 8 ways to turn their signs, four have a total of 3 or more, up or down."""
    found = measured({"text": [R, R, R, R, U, R], "audio:a": [U, U, U, U, R, R]}, repeats=2).comparisons[0]
    assert found.decided.p == 0.5


def test_the_reference_is_text_or_else_the_first_condition(measured: Measure) -> None:
    assert measured({"audio:a": [U], "text": [U]}).reference == "text"


def test_without_text_the_first_condition_is_the_reference(measured: Measure) -> None:
    told = measured({"audio:a": [U], "image:b": [R]})
    assert told.reference == "audio:a"
    assert [row.condition for row in told.comparisons] == ["image:b"]


def test_one_condition_has_no_gap(measured: Measure) -> None:
    assert measured({"text": [U]}) is None


def test_every_other_pair_is_told_too(measured: Measure) -> None:
    told = measured({"text": [U, R], "audio:a": [U, R], "audio:b": [R, R], "image:c": [U, U]})
    assert [(row.reference, row.condition) for row in told.other_pairs] == [
        ("audio:a", "audio:b"),
        ("audio:a", "image:c"),
        ("audio:b", "image:c"),
    ]
    assert told.other_pairs[0].decided.difference == -0.5


def test_wordings_are_compared_with_the_first_of_the_same_condition(measured: Measure) -> None:
    told = measured({"text~a": [U, R], "text~b": [U, U], "image~a": [R, R], "image~b": [U, U], "image": [R, R]})
    assert [(row.reference, row.condition) for row in told.wordings] == [
        ("text~a", "text~b"),
        ("image", "image~a"),  # what recipe and modality say goes before
        ("image", "image~b"),
    ]
    (text, _, image) = (row.decided for row in told.wordings)
    assert (text.difference, image.difference) == (0.5, 1.0)
    assert text.ci95[0] <= 0.5 <= text.ci95[1]
    assert text.p_holm >= text.p


def test_without_plain_text_its_first_wording_is_the_reference(measured: Measure) -> None:
    assert measured({"image": [U], "text:letter": [U], "text~b": [U], "text~a": [U]}).reference == "text~b"


def test_conditions_of_one_medium_are_pooled_without_taking_them_for_independent(measured: Measure) -> None:
    one = [R] * 20 + [U] * 35 + [R] * 45
    told = measured({"text": [U] * 30 + [R] * 70, "audio:a": one, "audio:b": one, "audio:c": one, "image:d": one})
    (row,) = told.pooled
    alone = told.comparisons[0].decided
    assert (row.condition, row.pairs, row.decided.n) == ("audio", 300, 300)
    assert row.decided.difference == alone.difference
    assert row.decided.ci95 == pytest.approx(alone.ci95)  # the same voice three times is one voice
    assert row.decided.equivalence.p == pytest.approx(alone.equivalence.p)
    assert row.decided.p is None


def test_holms_correction_is_over_the_whole_table(measured: Measure) -> None:
    text, other = [U] * 9 + [R] * 91, [R] * 100
    told = measured({"text": text, "audio:a": other, "image:b": other})
    for row in told.comparisons:
        assert row.decided.p == pytest.approx(2 * 0.5**9)
        assert row.decided.p_holm == pytest.approx(2 * 2 * 0.5**9)


def test_for_benign_items_it_is_the_gap_of_over_refusal(measured: Measure) -> None:
    (row,) = measured({"text": [S, S, R, S], "audio:a": [R, B, R, S]}, intent=Intent.BENIGN).comparisons
    assert row.measure == "over_refusal"
    assert (row.decided.reference_rate, row.decided.rate) == (0.25, 0.75)


def test_the_gap_over_understood_items_leaves_out_what_was_missed_or_not_probed(measured: Measure) -> None:
    found = ["understood", "understood", "missed", "unknown", None, "understood"]
    told = measured(
        {"text": [U, U, U, U, U, R], "audio:a": [U, R, U, R, R, N]},
        probe=lambda item: found[int(item.query.id[1:])] if item.condition.medium != "text" else None,
    )
    (row,) = told.comparisons
    assert (row.decided.n, row.decided.difference) == (5, pytest.approx(-0.6))
    assert (row.understood.n, row.understood.difference) == (2, -0.5)
    assert row.reason is None


def test_without_a_probe_nothing_is_said_of_understood_items(measured: Measure) -> None:
    (row,) = measured({"text": [U, R], "audio:a": [U, R]}).comparisons
    assert row.understood is None
    assert row.reason == "no harmful item of audio:a was probed (--probe)"


def test_probes_that_all_missed_are_another_reason(measured: Measure) -> None:
    (row,) = measured({"text": [U], "audio:a": [U]}, probe=lambda item: "missed").comparisons
    assert row.reason == "no item was decided and understood under both conditions"


def test_choices_are_another_reason(tmp_path: Path) -> None:
    folder = record(tmp_path / "run", twins(2), ["text", "audio:a"], lambda item: R, probe=lambda item: "understood")
    with Store(folder) as store:
        store.keep_probe_form({"form": "choose"})
        told = modality_gap(observe(store, ["text", "audio:a"]), GapSettings())
    assert told is not None
    assert told.comparisons[0].reason.startswith("a choice among four sentences gives a rate")


def test_a_query_that_the_target_declined_to_repeat_is_understood_where_its_twin_was(tmp_path: Path) -> None:
    def probe(item: Item) -> str | None:
        if item.condition.medium == "text":
            return None
        if item.query.intent is Intent.HARMFUL:
            return "declined"
        return "understood" if item.query.id == "b0" else "missed"

    folder = record(tmp_path / "run", twins(2), ["text", "audio:a"], lambda item: R, probe=probe)
    with Store(folder, readonly=True) as store:
        told = modality_gap(observe(store, ["text", "audio:a"]), GapSettings())
    assert told is not None
    harmful = next(row for row in told.comparisons if row.intent == "harmful")
    assert harmful.understood.n == 1


def test_chained_twins_are_one_cluster(tmp_path: Path) -> None:
    """Two harmful queries that share a benign twin are not independent."""
    queries = [Query(f"h{n}", "?", twin=f"b{n // 2}") for n in range(40)]
    queries += [Query(f"b{n}", "?", Intent.BENIGN) for n in range(20)]
    folder = record(tmp_path / "run", queries, ["text", "audio:a"], lambda item: R)
    with Store(folder, readonly=True) as store:
        told = modality_gap(observe(store, ["text", "audio:a"]), GapSettings())
    assert told is not None
    found = told.comparisons[0].decided
    assert (found.n, found.clusters) == (40, 20)


@pytest.mark.parametrize("settings", [{"margin": 0.0}, {"margin": 1.0}, {"margin": -0.1}, {"draws": 99}])
def test_settings_that_cannot_be_are_errors(settings: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=f"--{next(iter(settings))}"):
        GapSettings(**settings)
