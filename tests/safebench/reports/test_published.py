"""Reading published tables: what is printed stays as printed, and what is wrong is named by file, line and column."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from safebench import taxonomy
from safebench.errors import BadInput
from safebench.reports import published
from safebench.reports.published import Averaging, Metric, Published

ABOUT = {
    "title": "two models",
    "source": "hand-made",
    "labels": ["model"],
    "columns": ["consultation", "ethics"],
    "average": "categories",
    "per_scenario": 100,
}
HEAD = "model,metric,CO,ET,AVG\n"


def read(tmp_path: Path, text: str) -> Published:
    path = tmp_path / "hand.csv"
    path.write_text(text, encoding="utf-8")
    return published.read("hand", ABOUT, path)


def test_the_shipped_tables_cover_their_models_voices_and_columns() -> None:
    assert published.names() == ("image", "audio")
    image, audio = published.load("image"), published.load("audio")
    assert [column.id for column in image.columns] == [category.id for category in taxonomy.categories()]
    assert [column.answers for column in image.columns] == [300, 200, 400, 200, 500, 200, 200, 300]
    assert {column.id for column in audio.columns} == {s.id for s in taxonomy.scenarios().values() if s.minibench}
    assert {column.answers for column in audio.columns} == {50}
    assert (len({row.labels for row in image.rows}), len(image.rows), image.cells) == (21, 42, 336)
    assert (len({row.labels for row in audio.rows}), len(audio.rows), audio.cells) == (8, 16, 160)
    assert (image.averaging, audio.averaging) == (Averaging.CATEGORIES, Averaging.SCENARIOS)


def test_figures_keep_the_digits_that_were_printed(tmp_path: Path) -> None:
    (row,) = read(tmp_path, HEAD + "m,SRI,100,99.25,99.60\n").rows
    assert (row.line, row.labels, row.metric) == (2, ("m",), Metric.SRI)
    assert [str(figure) for figure in (*row.cells, row.average)] == ["100", "99.25", "99.60"]
    assert row.cells[0] == Decimal(100)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", ["hand.csv is empty"]),
        (HEAD, ["hand.csv: no rows"]),
        ("model,metric,ET,CO,AVG\n", ["line 1", "ET, CO", "CO, ET"]),
        (HEAD + "m,ASR,1.0,2.0\n", ["line 2", "4 fields", "5"]),
        (HEAD + "m,ASR,1.0,2.0,1.5\n,ASR,1.0,2.0,1.5\n", ["line 3", "column model", "empty"]),
        (HEAD + "m,RSA,1.0,2.0,1.5\n", ["line 2", "column metric", "'RSA'"]),
        (HEAD + "m,ASR,1.0,two,1.5\n", ["line 2", "column ET", "'two'"]),
        (HEAD + "m,ASR,1.0,2.0,1e1\n", ["line 2", "column AVG", "'1e1'"]),
        (HEAD + "m,ASR,nan,2.0,1.5\n", ["line 2", "column CO", "'nan'"]),
        (HEAD + "m,ASR,-1,2.0,1.5\n", ["line 2", "column CO", "'-1'"]),
        (HEAD + "m,ASR,1.0,100.1,1.5\n", ["line 2", "column ET", "between 0 and 100"]),
        (HEAD + "m,SRI,19.9,20.0,20.0\n", ["line 2", "column CO", "between 20 and 100"]),
        (HEAD + "m,ASR,1.0,2.0,1.5\nm,ASR,1.0,2.0,1.5\n", ["line 3", "m · ASR", "line 2 already"]),
        (HEAD + 'm,ASR,"1.0,2.0,1.5\n', ["hand.csv cannot be read"]),
    ],
)
def test_what_is_wrong_is_named_by_file_line_and_column(tmp_path: Path, text: str, named: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text)
    assert all(part in str(caught.value) for part in ["hand.csv", *named])
    assert len(caught.value.problems) == 1


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        read(tmp_path, HEAD + "m,ASR,x,y,1.5\nn,ASR,1.0,2.0\n")
    assert len(caught.value.problems) == 3


def test_files_that_cannot_be_read_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere\.csv cannot be read"):
        published.read("hand", ABOUT, tmp_path / "nowhere.csv")
    (tmp_path / "latin.csv").write_bytes(HEAD.encode() + b"\xe9,ASR,1.0,2.0,1.5\n")
    with pytest.raises(BadInput, match=r"latin\.csv cannot be read"):
        published.read("hand", ABOUT, tmp_path / "latin.csv")


def test_an_unknown_table_names_the_nearest() -> None:
    with pytest.raises(BadInput, match="did you mean image"):
        published.load("imag")
