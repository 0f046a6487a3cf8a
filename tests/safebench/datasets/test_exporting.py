from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from safebench.cli.main import run_command
from safebench.datasets.card import Card, canary, plain, read_card
from safebench.datasets.exporting import export
from safebench.datasets.load import load_dataset
from safebench.datasets.queries import Dataset
from safebench.errors import BadInput
from safebench.resources import data_path
from safebench.types import Intent, Query
from tests.own_taxonomy import own_taxonomy

QUERIES = (
    Query("a", 'What is "tea", — and ’rice’?\nTell me | all.', Intent.HARMFUL, "bias", "b"),
    Query("b", "茶とは何ですか 🍵", Intent.BENIGN, None, "a"),
    Query("c", "=1+1, 'x'"),
)
DATASET = Dataset("mine", QUERIES)


@pytest.mark.parametrize("format", ["hub", "jsonl"])
def test_what_was_exported_is_read_back_equal(format: str, tmp_path: Path) -> None:
    card = export(DATASET, tmp_path / "out", Card(title="Mine"), format)  # type: ignore[arg-type]
    back = load_dataset(str(tmp_path / "out"))
    assert back.queries == QUERIES
    assert back.sha256 == DATASET.sha256 == card.sha256


@pytest.mark.parametrize("format", ["hub", "jsonl"])
def test_the_starter_set_survives_export_of_an_export(format: str, tmp_path: Path) -> None:
    first, second = str(tmp_path / "one"), str(tmp_path / "two")
    assert run_command(["data", "export", "starter", "--out", first, "--format", format]) == 0
    assert run_command(["data", "export", first, "--out", second, "--format", format]) == 0
    assert load_dataset(second).queries == load_dataset("starter").queries
    assert read_card(second) == read_card(first)
    assert (tmp_path / "one" / "README.md").read_bytes() == (tmp_path / "two" / "README.md").read_bytes()


@pytest.mark.parametrize("format", ["hub", "jsonl"])
def test_a_taxonomy_of_its_own_goes_with_the_set_and_its_card_escapes_it(format: str, tmp_path: Path) -> None:
    known = own_taxonomy(tmp_path / "mine")
    (tmp_path / "mine" / "queries.csv").write_text("query,scenario\nHow?,cruelty\nWhy?,loneliness\n", encoding="utf-8")
    first, second = str(tmp_path / "one"), str(tmp_path / "two")
    for source, out in ((str(tmp_path / "mine" / "queries.csv"), first), (first, second)):
        assert run_command(["data", "export", source, "--out", out, "--format", format]) == 0
    assert load_dataset(second).taxonomy == known
    card = (tmp_path / "two" / "README.md").read_text(encoding="utf-8")
    assert "&lt;b&gt;Company&lt;/b&gt;" in card
    assert "<b>" not in card
    assert card.index("| loneliness | 1 |") < card.index("| cruelty | 1 |")


def test_categories_of_queries_without_ids_are_kept(tmp_path: Path) -> None:
    rows = ['{"query": "How?", "category": "Theft"}', "{}", '{"id": 7, "query": "Why?", "category": "Tea"}']
    rows += ['{"query": "When?", "category": "Rice"}']
    (tmp_path / "queries.jsonl").write_text("\n".join(rows), encoding="utf-8")
    assert run_command(["data", "export", str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    kept = pq.read_table(tmp_path / "out" / "queries.parquet").to_pylist()
    assert [(row["id"], row["category"]) for row in kept] == [("row-1", "Theft"), ("7", "Tea"), ("row-3", "Rice")]


def test_the_same_set_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        export(DATASET, tmp_path / name, Card(title="Mine"))
    for file in ("queries.parquet", "card.toml", "README.md"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_the_columns_are_typed_for_datasets(tmp_path: Path) -> None:
    export(DATASET, tmp_path / "out", Card(title="Mine"), categories=["x", None, None])
    schema = pq.read_schema(tmp_path / "out" / "queries.parquet")
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    named = ["id", "scenario", "intent", "query", "twin", "language", "category", "canary"]
    assert list(features) == schema.names == named
    assert {str(kind) for kind in schema.types} == {"string"}


def test_datasets_of_hugging_face_reads_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    export(DATASET, tmp_path / "out", Card(title="Mine"))
    rows = datasets.load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    assert [row["query"] for row in rows] == [query.text for query in QUERIES]


def test_the_header_of_the_page_is_yaml(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    export(DATASET, tmp_path / "out", Card(title='Mine: "new" # 1', licence="My own"))
    header = yaml.safe_load((tmp_path / "out" / "README.md").read_text(encoding="utf-8").split("---")[1])
    assert header["pretty_name"] == 'Mine: "new" # 1'
    assert (header["license"], header["license_name"]) == ("other", "my own")
    assert header["configs"] == [{"config_name": "default", "data_files": "queries.parquet"}]
    assert header["size_categories"] == ["n<1K"]


def test_the_canary_stands_in_every_row_and_on_the_page(tmp_path: Path) -> None:
    card = export(DATASET, tmp_path / "out", Card(title="Mine"), "jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out" / "queries.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {row["canary"] for row in rows} == {card.canary} == {canary(DATASET.sha256)}
    assert card.canary in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert card.canary != canary("another")


def test_a_set_that_has_a_canary_keeps_it(tmp_path: Path) -> None:
    assert run_command(["data", "export", "starter", "--out", str(tmp_path / "out"), "--format", "jsonl"]) == 0
    shipped = {json.loads(line)["canary"] for line in data_path("starter.jsonl").read_text().splitlines()}
    assert {read_card(str(tmp_path / "out")).canary} == shipped


def test_categories_of_an_imported_set_are_exported(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("query,kind\nHow?,Theft\nWhy?,bias\n")
    for arguments in (
        ["import", "generic", str(tmp_path / "d.csv"), "--columns", "text=query,scenario=kind", "--licence", "MIT"],
        ["export", str(tmp_path / "one"), "--citation", "@misc{mine}"],
    ):
        out = tmp_path / ("one" if arguments[0] == "import" else "two")
        assert run_command(["data", *arguments, "--out", str(out)]) == 0
    card = read_card(str(tmp_path / "two"))
    assert (card.licence, card.citation, card.unmapped) == ("MIT", "@misc{mine}", {"Theft": 1})
    assert pq.read_table(tmp_path / "two" / "queries.parquet")["category"].to_pylist() == ["Theft", None]


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("x")
    with pytest.raises(BadInput, match="exists"):
        export(DATASET, tmp_path, Card(title="Mine"))
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        export(DATASET, tmp_path / "out", Card(title="\ud800"))
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_key_of_a_card_is_named(tmp_path: Path) -> None:
    (tmp_path / "card.toml").write_text('title = "x"\nlicense = "MIT"\n')
    with pytest.raises(BadInput, match="licence"):
        read_card(str(tmp_path))


def test_what_others_wrote_is_no_markup_on_a_card() -> None:
    told = plain("<img src=http://x> ![t](http://x)\n# `code` *bold*")
    assert told == r"&lt;img src=http://x&gt; \!\[t\]\(http://x\) \# \`code\` \*bold\*"
