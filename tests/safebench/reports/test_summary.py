from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from pydantic import TypeAdapter
from rich.console import Console

from safebench.cli.main import run_command
from safebench.cli.run_tables import show_report
from safebench.files import read_toml, write_toml
from safebench.reports.pages.run_page import write_page
from safebench.reports.report import report
from safebench.reports.summary import Summary
from safebench.reports.words import NOTICE
from safebench.runs.config import RUN_FILE
from safebench.statistics.precision import precision, wilson
from safebench.store.store import Store
from safebench.targets.reference import ReferenceTarget
from safebench.types import Intent, Item, Label, Outcome
from tests.safebench.recorded import record, twins
from tests.safebench.reports.pages.written import write_run

CONDITIONS = ["text", "image+text:typographic", "audio:female", "audio:male"]


def made(folder: Path, count: int = 30, **told: Any) -> Path:
    """A run in which harm, refusals and misunderstandings come by chance, from a fixed seed."""
    drawn = random.Random(0)

    def outcome(item: Item) -> Outcome:
        spoken = item.condition.medium != "text" and drawn.random() < 0.2
        answer = Outcome.UNSAFE if item.query.intent is Intent.HARMFUL else Outcome.SAFE
        return Outcome.NOT_UNDERSTOOD if spoken else drawn.choice([answer, answer, Outcome.REFUSED])

    return record(folder, twins(count), CONDITIONS, outcome, **told)


def votes(item: Item) -> list[list[Label]]:
    return [[Label.UNSAFE, Label.REFUSED, Label.REFUSED], [Label.REFUSED] * 3]


def test_the_summary_holds_the_gap_and_the_spread_of_every_condition(tmp_path: Path) -> None:
    folder = made(tmp_path / "run", votes=votes, repeats=2, probe=lambda item: "understood")
    told = report(folder).summary
    assert told == TypeAdapter(Summary).validate_json((folder / "summary.json").read_bytes())
    assert (told.gap.reference, told.gap.margin, told.gap.draws, told.gap.seed) == (
        "text", 0.05, 2000, 3,
    )  # fmt: skip
    assert len(told.gap.comparisons) == 6  # three conditions, harmful and benign
    assert all(row.understood.n == row.decided.n for row in told.gap.comparisons)
    assert [row.condition for row in told.gap.pooled] == ["audio", "audio"]
    assert [found.df for found in told.gap.cochran_q] == [3, 3]
    for cell in told.conditions:
        assert cell.spread.repeats.queries <= 30
        assert cell.spread.jury.split_first == 1.0


def test_a_report_is_the_same_every_time_and_its_seed_can_be_given(tmp_path: Path) -> None:
    folder = made(tmp_path / "run", count=60)
    first = report(folder).summary
    assert report(folder).summary == first
    other = report(folder, seed=9).summary
    assert other.gap.comparisons[0].decided.ci95 != first.gap.comparisons[0].decided.ci95


def test_every_rate_of_every_cell_has_its_interval_bounds_and_precision(tmp_path: Path) -> None:
    cell = report(made(tmp_path / "run")).summary.conditions[2]
    for one in (cell, *cell.by_scenario.values()):
        refused = one.counts["benign"]["refused"]
        decided = refused + one.counts["benign"]["safe"]
        assert one.over_refusal_ci95 == wilson(refused, decided)
        assert one.over_refusal_low == refused / 30
        assert one.over_refusal_high == (refused + 30 - decided) / 30
        assert one.precision.over_refusal.n == decided
        assert one.precision.asr.detectable > one.precision.asr.half_width


def test_a_run_without_outcomes_can_be_reported(tmp_path: Path) -> None:
    told = report(record(tmp_path / "run", twins(2), CONDITIONS, lambda item: None)).summary
    assert told.run.pending == 16
    assert all(row.decided is None and row.bounds is None for row in told.gap.comparisons)


def shown(summary: Summary, width: int) -> str:
    console = Console(width=width, record=True)
    show_report(console, summary)
    return console.export_text()


def test_a_condition_without_a_decided_item_shows_no_rate_anywhere(tmp_path: Path) -> None:
    def outcome(item: Item) -> Outcome:
        return Outcome.REFUSED if item.condition.medium == "text" else Outcome.NO_ANSWER

    summary = report(record(tmp_path / "run", twins(5), ["text", "audio:female"], outcome)).summary
    rates = shown(summary, 100).partition("Rates")[2].partition("Gap")[0]
    (row,) = (line for line in rates.splitlines() if line.split()[:1] == ["audio:female"])
    assert row.split() == ["audio:female", "–", "–", "0.0–100.0", "%", "–", "–", "–", "–"]


def test_what_was_chosen_among_four_is_shown_less_chance(tmp_path: Path) -> None:
    """Six of eight right are four less what is right by chance, (6/8 - 1/4) / (1 - 1/4)."""

    def probe(item: Item) -> str | None:
        if item.condition.medium == "text":
            return None
        return "understood" if int(item.query.id[1:]) < 6 else "missed"

    folder = record(tmp_path / "run", twins(8), ["text", "audio:a"], lambda item: Outcome.REFUSED, probe=probe)
    repeated = report(folder).summary
    assert "6/8" in shown(repeated, 140)
    assert "6 of 8" in write_page(folder, repeated).read_text(encoding="utf-8")
    with Store(folder) as store:
        store.keep_probe_form({"form": "choose"})
    chosen = report(folder).summary
    assert "6/8" not in shown(chosen, 140)
    assert "66.7 %" in shown(chosen, 140)
    assert "by the choice among four, less chance" in shown(chosen, 140)
    page = write_page(folder, chosen).read_text(encoding="utf-8")
    assert "66.7 %, less chance" in page
    assert "6 of 8" not in page


def test_every_funnel_adds_up_to_the_items_of_its_intent(tmp_path: Path) -> None:
    drawn = random.Random(2)
    folder = record(
        tmp_path / "run", twins(40), ["text", "audio:female"], lambda item: drawn.choice(list(Outcome)),
        probe=lambda item: None if item.condition.medium == "text" else drawn.choice(["understood", "missed"]),
    )  # fmt: skip
    summary = report(folder).summary
    spoken = summary.conditions[1]
    funnel, parts = spoken.funnel, spoken.funnel.by_intent
    for name in ("items", "rendered", "answered"):
        assert getattr(funnel, name) == sum(getattr(part, name) for part in parts.values())
    for name in ("understood", "missed"):
        assert getattr(funnel.understanding, name) == sum(getattr(part.understanding, name) for part in parts.values())
    table = shown(summary, 140).partition("The funnel of a query")[2].replace("·", "0").splitlines()
    rows = [line.split() for line in table if line.strip().startswith(("audio", "text"))]
    assert [row[:2] for row in rows] == [["audio:female", "harmful"], ["audio:female", "benign"]]
    for _, intent, items, rendered, _, answered, understood, *ends in rows:
        counts, probed = spoken.counts[intent], parts[intent].understanding
        assert int(items) == sum(map(int, ends)) == 40
        assert list(map(int, ends)) == [
            *(counts[name] for name in ("blocked", "unsafe", "refused", "safe")),
            sum(counts[name] for name in ("not_rendered", "no_answer", "undecided", "not_understood")),
        ]
        assert int(rendered) == 40 - counts["not_rendered"]
        assert int(answered) == int(rendered) - counts["no_answer"]
        assert understood == f"{probed.understood}/{probed.understood + probed.missed}"


RULES = [{"juror": "wording"}, {"juror": "opening"}, {"juror": "substance"}]
MODEL = {"juror": "model", "model": "openai:judge"}


@pytest.mark.parametrize(
    ("target", "jurors", "told"),
    [
        ("openai:made", RULES, NOTICE),
        ("qwen2-audio-7b", RULES, NOTICE),  # a model by its short name
        ("openai:made", [*RULES, MODEL], None),
        ("openai:made", [MODEL], None),
        ("openai:made", [], None),
        ("reference", RULES, ReferenceTarget.notice()),  # nothing that a better jury could find
        ("reference", [MODEL], ReferenceTarget.notice()),
    ],
)
def test_a_real_target_before_the_embedded_rules_alone_is_noticed_in_one_line(
    tmp_path: Path, target: str, jurors: list[Any], told: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    jury = {"protocol": {"rounds": 0}, "jurors": jurors}
    runs = [write_run(tmp_path / name, twins(3), target=target, jury=jury) for name in ("a", "b")]
    summary = report(runs[0]).summary
    assert (summary.run.notice, summary.run.stand_in) == (told, target == "reference")
    for command in (["report", str(runs[0])], ["compare", *map(str, runs)], ["leaderboard", *map(str, runs)]):
        assert run_command(command) == 0
        printed = " ".join(capsys.readouterr().out.split())
        assert [printed.count(line) for line in (NOTICE, ReferenceTarget.notice())] == [
            int(line == told) for line in (NOTICE, ReferenceTarget.notice())
        ]


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_tables_fit_and_cut_off_no_number(tmp_path: Path, width: int) -> None:
    folder = made(tmp_path / "run", votes=votes, repeats=2, probe=lambda item: "understood")
    gap = shown(report(folder).summary, width).partition("Gap to text")[2]
    assert "underst." in gap
    assert "audio (all)" in gap
    assert "unsteady" in gap
    assert "The funnel of" in gap
    assert "…" not in gap


@pytest.mark.parametrize("width", [80, 140])
def test_what_the_preflight_found_is_in_the_table_or_where_it_is_too_narrow_in_lines_below(
    tmp_path: Path, width: int
) -> None:
    folder = made(tmp_path / "run", count=2)
    with Store(folder) as store:
        store.keep_deliveries(
            [
                {"medium": "audio", "state": "delivered", "reason": "it repeated the trial sentence"},
                {"medium": "image", "state": "unknown", "reason": "nothing tells"},
            ]
        )
    told = shown(report(folder).summary, width).partition("The funnel of")[2].splitlines()
    lines = ["audio: delivered, it repeated the trial sentence", "image: unknown, nothing tells"]
    assert [line for line in lines if line in told] == (lines if width == 80 else [])
    assert any("delivered" in line.split() for line in told[1:]) == (width == 140)


def test_with_repeats_the_rates_show_the_interval_for_the_effective_number_of_items(tmp_path: Path) -> None:
    drawn = random.Random(1)
    once = {query.id: drawn.choice([Outcome.UNSAFE, Outcome.REFUSED]) for query in twins(40)}
    folder = record(tmp_path / "run", twins(40), ["text"], lambda item: once[item.query.id], repeats=5)
    summary = report(folder).summary
    low, high = wilson(sum(once[f"h{n}"] is Outcome.UNSAFE for n in range(40)), 40) or []
    assert f"{100 * low:.1f}–{100 * high:.1f} %" in shown(summary, 100)
    (cell,) = summary.conditions
    declined = sum(once[f"b{n}"] is Outcome.REFUSED for n in range(40))
    assert cell.over_refusal_ci95 == pytest.approx(wilson(declined, 40), abs=1e-3)
    assert cell.precision.over_refusal.n == 200
    assert cell.precision.asr.half_width == pytest.approx(precision(0.5, 40).half_width, abs=1e-3)


@pytest.mark.parametrize("option", ["--margin=1.5", "--margin=0", "--draws=5"])
def test_a_wrong_option_is_one_clear_error(tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made(tmp_path / "run", count=1)
    assert run_command(["report", str(folder), option]) == 2
    assert option.partition("=")[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": None, "jury": None}, "jury, seed"),
        ({"conditions": "text"}, "conditions"),
        ({"jury": {"protocol": {}}}, "jury.jurors"),
        ({"jury": {"jurors": ["a"]}}, "jury.jurors"),
        ({"jury": {"jurors": [{"juror": 7}]}}, "jurors.0.juror"),
        ({"repeats": "once"}, "repeats"),
        ({"recognisers": 1.5}, "recognisers"),
        ({"resolved": {"recognisers": [1]}}, "recognisers"),
        ({"resolved": {"prompts": "x"}}, "prompts"),
        ({"resolved": {"chosen": {"audio.female": {"recipe": "x", "files": {}}}}}, "chosen.audio.female.made_by"),
    ],
)
def test_a_run_file_that_lacks_something_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], told: str
) -> None:
    folder = made(tmp_path / "run", 1)
    whole = read_toml(folder / RUN_FILE) | {"concurrency": 4, "max_open": 0.1, "probe": 0.0}
    asked = {key: value for key, value in (whole | change).items() if value is not None}
    write_toml(folder / RUN_FILE, asked)
    good = str(made(tmp_path / "good", 1))
    commands = (["report"], ["compare", good], ["leaderboard"], ["rejudge", "--jury", "embedded", "--out", "x"])
    for command in commands:
        assert run_command([*command, str(folder)]) == 2
        (line,) = filter(None, capsys.readouterr().err.splitlines())
        assert told in line
        assert str(folder / RUN_FILE) in line
        assert "kept" not in line


def test_items_of_which_the_run_file_says_nothing_are_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = made(tmp_path / "run", 1)
    write_toml(folder / RUN_FILE, read_toml(folder / RUN_FILE) | {"conditions": ["audio:female"]})
    assert run_command(["report", str(folder)]) == 2
    assert "of which the run file says nothing" in capsys.readouterr().err


def test_an_unforeseen_error_of_a_command_that_only_reads_promises_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("nobody knew")

    folder = made(tmp_path / "run", 1)
    monkeypatch.setattr("safebench.reports.summary.modality_gap", fail)
    assert run_command(["report", str(folder)]) == 2
    told = capsys.readouterr().err
    assert "error: unexpected ZeroDivisionError: nobody knew" in told
    assert "everything so far is kept" not in told


def test_the_margin_of_the_command_reaches_the_summary(tmp_path: Path) -> None:
    folder = made(tmp_path / "run", count=3)
    assert run_command(["report", str(folder), "--margin", "0.1", "--draws", "200", "--seed", "4"]) == 0
    told = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["gap"]
    assert (told["margin"], told["draws"], told["seed"]) == (0.1, 200, 4)


def test_500_queries_and_their_twins_under_4_conditions_are_reported_in_under_20_seconds(tmp_path: Path) -> None:
    folder = made(tmp_path / "run", count=500, votes=votes, probe=lambda item: "understood")
    start = time.monotonic()
    report(folder)
    assert time.monotonic() - start < 20


def test_items_tell_the_wording_that_their_condition_names(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", twins(1), ["text", "text~request"])
    report(folder)
    rows = parquet.read_table(folder / "items.parquet").to_pylist()
    assert {(row["condition"], row["wording"]) for row in rows} == {("text", None), ("text~request", "request")}
