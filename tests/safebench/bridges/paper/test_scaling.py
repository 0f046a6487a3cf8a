"""Rates against parameters and ability: which models count, what is said of them, and what a table must be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from safebench.bridges.paper.scaling import ModelScore, Scaling, read_scores, scalings
from safebench.cli.main import run_command
from safebench.errors import BadInput
from safebench.models.catalogue import model_of
from safebench.reports.comparison import Compared, compare
from safebench.statistics.correlation import RankCorrelation
from safebench.types import Intent, Item, Outcome
from tests.safebench.reports.pages.test_run_page import queries
from tests.safebench.reports.pages.written import write_run

MODELS = {"qwen2-vl-2b": 2, "qwen2-vl-7b": 4, "llava-v1.6-vicuna-13b": 6, "cogvlm-17b": 8}  # and how many are unsafe


def ended(unsafe: int) -> Callable[[Item], Outcome]:
    """So many of the harmful queries are answered, and all twins."""

    def outcome(item: Item) -> Outcome:
        if item.query.intent is Intent.BENIGN:
            return Outcome.SAFE
        return Outcome.UNSAFE if int(item.query.id[1:]) < unsafe else Outcome.REFUSED

    return outcome


def own(item: Item) -> str:
    return f"What you want to know of {item.query.id[1:]} is this."


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    return [
        write_run(tmp_path / name, queries(12), ["text"], ended(unsafe), own, target=name)
        for name, unsafe in MODELS.items()
    ]


@pytest.fixture
def compared(folders: list[Path]) -> Compared:
    return compare(folders)


def scores(**given: float) -> dict[str, ModelScore]:
    return {name.replace("_", "-"): ModelScore(score, None) for name, score in given.items()}


def write_scores(folder: Path, text: str) -> Path:
    path = folder / "scores.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_rates_stand_against_the_parameters_of_the_list(compared: Compared) -> None:
    [sizes] = scalings(compared)
    assert [(point.x, round(12 * point.rate)) for point in sizes.points] == [(2, 2), (7, 4), (13, 6), (17, 8)]
    assert sizes.points[0].ci95 == pytest.approx(compared.runs[0].cells["text"].shown_ci95)
    assert sizes.correlation.rho == pytest.approx(1)
    assert sizes.line.endswith("4 models of which something can be concluded: no relation is shown")


def test_scores_are_found_by_any_name_of_a_model_and_others_are_left_out(tmp_path: Path, compared: Compared) -> None:
    path = write_scores(tmp_path, "Model;Score\nQWEN2-VL-2B;30\nQwen2-VL-7B;40\nLLaVA-v1.6-Vicuna-13B;50\n")
    [_, ability] = scalings(compared, read_scores(path))
    assert [point.x for point in ability.points] == [30, 40, 50]
    assert ability.lacking == ("D",)
    assert ability.line == (
        "3 models of which something can be concluded: no correlation is told of fewer than 4, where all are alike,"
        " or where one stands there more than once"
    )


def test_parameters_of_the_user_win(tmp_path: Path, compared: Compared) -> None:
    path = write_scores(tmp_path, "model,score,parameters\nqwen2-vl-2b,30,2.2\ncogvlm-17b,40,\n")
    [sizes, _] = scalings(compared, read_scores(path))
    assert [point.x for point in sizes.points] == [2.2, 7, 13, 17]


def test_a_run_of_which_nothing_can_be_concluded_is_drawn_and_counts_nowhere(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / name, queries(12), ["text"], ended(unsafe), own, target=name)
        for name, unsafe in MODELS.items()
    ]
    mute = write_run(tmp_path / "mute", queries(12), ["text"], lambda item: Outcome.REFUSED, target="vicuna-7b")
    [sizes] = scalings(compare([*runs, mute]))
    assert [point.is_open for point in sizes.points] == [False] * 4 + [True]
    assert sizes.correlation.n == 4


def test_runs_of_one_model_are_no_models_of_their_own(tmp_path: Path, folders: list[Path]) -> None:
    again = write_run(tmp_path / "again", queries(12), ["text"], ended(9), own, target="cogvlm-17b")
    [sizes] = scalings(compare([*folders, again]))
    assert len(sizes.points) == 5
    assert (sizes.correlation.n, sizes.correlation.rho) == (4, None)


def test_an_unfinished_run_is_drawn_and_counts_nowhere(tmp_path: Path, folders: list[Path]) -> None:
    def half(item: Item) -> Outcome | None:
        return None if item.query.id == "b0" else ended(9)(item)

    unfinished = write_run(tmp_path / "half", queries(12), ["text"], half, own, target="vicuna-7b")
    [sizes] = scalings(compare([*folders, unfinished]))
    assert [point.is_open for point in sizes.points] == [False] * 4 + [True]
    assert sizes.correlation.n == 4


def test_runs_under_different_conditions_are_drawn_without_a_correlation(tmp_path: Path) -> None:
    conditions = ("text", "text~request", "text~agree", "text~other")
    runs = [
        write_run(tmp_path / name, queries(12), [condition], ended(unsafe), own, target=name)
        for condition, (name, unsafe) in zip(conditions, MODELS.items(), strict=True)
    ]
    [sizes] = scalings(compare(runs))
    assert len(sizes.points) == 4
    assert (sizes.correlation.n, sizes.correlation.rho) == (4, None)
    assert sizes.line.endswith("no correlation is told of runs under different conditions")


def test_a_relation_is_told_only_where_the_interval_shows_it() -> None:
    def line(n: int, rho: float, low: float, high: float) -> str:
        return Scaling("text", "ability", False, (), (), RankCorrelation(n, rho, (low, high))).line

    shown = "among these, those with more have the lower rate"
    assert line(9, -0.9, -0.98, -0.3).startswith("Spearman's ρ = −0.90 (−0.98 to −0.30), 9 models")
    assert line(9, -0.9, -0.98, -0.3).endswith(shown)
    assert line(9, 0.9, 0.3, 0.98).endswith("the higher rate")
    assert line(9, -0.4, -0.9, 0.3).endswith("no relation is shown")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("model,points\na,1\n", "no column score; there are model, points"),
        ("model,score\na,high\n", "line 2: score 'high' is no number"),
        ("model,score\na,inf\n", "line 2: score 'inf' is no number"),
        ("model,score\na,1\nA,2\n", "line 3: 'A' stands there twice"),
        ("model,score\n ,1\n", "line 2: ' ' is no model"),
        ("model,score,parameters\na,1,0\n", "line 2: parameters '0' is no number above 0"),
        ("model,score\n", "no rows"),
        ("model,score\na,1,2,3\n", "more fields than the header has columns"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_scores(write_scores(tmp_path, text))
    assert told in str(caught.value)
    assert len(caught.value.problems) == 1


def test_two_rows_for_one_model_may_not_differ(tmp_path: Path, compared: Compared) -> None:
    """By its names in the list and in the paper."""
    rows = "model,score\nqwen2-vl-2b,30\nQwen2-VL-2B-Instruct,40\n"
    assert model_of("qwen2-vl-2b").title == "Qwen2-VL-2B-Instruct"
    with pytest.raises(BadInput, match=r"scores: qwen2-vl-2b and qwen2-vl-2b-instruct are one model, qwen2-vl-2b, and"):
        scalings(compared, read_scores(write_scores(tmp_path, rows)))
    alike = read_scores(write_scores(tmp_path, rows.replace("40", "30")))
    assert scalings(compared, alike)[1].points[0].x == 30


def test_truth_is_no_score(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    path.write_text('[{"model": "a", "score": true}]', encoding="utf-8")
    with pytest.raises(BadInput, match="score True is no number"):
        read_scores(path)


@pytest.mark.parametrize(
    ("name", "told"), [("scores.csv", "save it as UTF-8"), ("scores.txt", "scores .*scores.txt': unknown kind of file")]
)
def test_an_error_about_scores_names_no_option_that_there_is_not(tmp_path: Path, name: str, told: str) -> None:
    path = tmp_path / name
    path.write_bytes("model,score\nmodèle,1\n".encode("latin-1"))
    with pytest.raises(BadInput, match=told) as caught:
        read_scores(path)
    assert "--encoding" not in str(caught.value)


def test_scores_of_other_models_are_an_error(compared: Compared) -> None:
    with pytest.raises(BadInput, match=r"no score is that of a model that was run: there are qwen2-vl-2b, .*; scored"):
        scalings(compared, scores(other=1.0))


def test_the_command_shows_tables_and_draws_the_page(
    tmp_path: Path, folders: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_scores(tmp_path, "model,score\nqwen2-vl-2b,30\nqwen2-vl-7b,40\n")
    page = tmp_path / "page.html"
    assert run_command(["compare", *map(str, folders), "--ability", str(path), "--html", str(page)]) == 0
    shown = capsys.readouterr().out
    assert "text: ASR against ability" in shown
    assert "left out, as it is not known: C, D" in shown
    drawn = page.read_text(encoding="utf-8").split('class="chart"')[-2:]
    assert 'aria-label="Chart: ASR against parameters, billions"' in drawn[0]
    assert 'aria-label="ASR against ability; the table below holds the numbers"' in drawn[1]
    assert ">qwen2-vl-7b<" in drawn[1]


def test_a_bad_table_ends_the_command_before_anything_is_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["compare", "a", "b", "--ability", str(write_scores(tmp_path, "model\na\n"))]) == 2
    assert "no column score" in capsys.readouterr().err
