from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from safebench.cli.main import run_command
from safebench.datasets.hub import push
from safebench.errors import BadInput
from tests.converting import convert
from tests.hub import TOKEN, Hub, serving
from tests.own_taxonomy import own_taxonomy

NAME = "someone/questions"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(monkeypatch) as hub:
        yield hub


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data") / "queries.jsonl"
    data.write_text('{"id": "a", "query": "How do birds fly?"}\n', encoding="utf-8")
    convert(str(data), ["image"], data.parent / "out", workers=1)
    return data.parent / "out"


def test_shards_and_card_are_pushed_to_a_private_data_set(hub: Hub, made: Path) -> None:
    assert push(made, NAME).endswith(f"/datasets/{NAME}")
    assert hub.private is True
    assert sorted(hub.files) == ["README.md", "image/train-00000.parquet"]
    for path, data in hub.files.items():
        assert data == (made / path).read_bytes()
    assert hub.tokens - {""} == {f"Bearer {TOKEN}"}  # the card is checked without one


def test_shards_of_an_earlier_push_do_not_stay(hub: Hub, made: Path) -> None:
    hub.private = True
    hub.files = {"image/train-00000.parquet": b"old", "image/train-00001.parquet": b"old", "notes.txt": b"theirs"}
    push(made, NAME)
    assert sorted(hub.files) == ["README.md", "image/train-00000.parquet", "notes.txt"]


def test_an_exported_set_is_pushed_with_its_card(hub: Hub, tmp_path: Path) -> None:
    hub.private = True
    hub.files = {"queries.jsonl": b"old"}
    assert run_command(["data", "export", "starter-small", "--out", str(tmp_path / "out")]) == 0
    push(tmp_path / "out", NAME)
    assert sorted(hub.files) == ["README.md", "card.toml", "queries.parquet"]


def test_a_taxonomy_of_its_own_is_pushed_and_one_of_an_earlier_push_does_not_stay(hub: Hub, tmp_path: Path) -> None:
    hub.private = True
    own_taxonomy(tmp_path / "mine")
    (tmp_path / "mine" / "queries.jsonl").write_text('{"query": "How?", "scenario": "cruelty"}\n', encoding="utf-8")
    for name, source in (("own", str(tmp_path / "mine")), ("papers", "starter-small")):
        assert run_command(["data", "export", source, "--out", str(tmp_path / name)]) == 0
    push(tmp_path / "own", NAME)
    assert hub.files["taxonomy.toml"] == (tmp_path / "own" / "taxonomy.toml").read_bytes()
    push(tmp_path / "papers", NAME)
    assert "taxonomy.toml" not in hub.files


def test_a_public_data_set_takes_the_word(hub: Hub, made: Path) -> None:
    hub.private = False
    with pytest.raises(BadInput, match="public"):
        push(made, NAME)
    assert hub.files == {}
    push(made, NAME, public=True)
    assert hub.files


def test_what_the_hub_declines_is_one_clear_line(hub: Hub, made: Path) -> None:
    hub.refuses = 403
    with pytest.raises(BadInput, match=f"data set {NAME} was not pushed: .*403") as caught:
        push(made, NAME)
    assert TOKEN not in str(caught.value)


def test_a_hub_that_does_not_answer_is_one_clear_line(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(BadInput, match="was not pushed"):
        push(made, NAME)


def test_without_a_token_nobody_is_called(
    hub: Hub, made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(BadInput, match="HF_TOKEN"):
        push(made, NAME)
    assert hub.tokens == set()


@pytest.mark.parametrize("spoil", [lambda folder: (folder / ".work").mkdir(), shutil.rmtree])
def test_only_a_finished_conversion_is_pushed(
    hub: Hub, made: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    folder = shutil.copytree(made, tmp_path / "copy")
    spoil(folder)
    with pytest.raises(BadInput, match="nothing to push"):
        push(folder, NAME)
    assert hub.files == {}


def test_a_snapshot_of_another_data_set_is_not_pushed(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pq.write_table(pa.table({"prompt": ["How do birds fly?"]}), tmp_path / "data" / "train-00000.parquet")
    with pytest.raises(BadInput, match="'data' is no medium here; it lacks the columns id, "):
        push(tmp_path, NAME)
    assert hub.files == {}


def test_the_command_says_where_it_went(hub: Hub, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["data", "push", str(made), NAME]) == 0
    assert NAME in capsys.readouterr().out
    assert run_command(["data", "push", str(made), "questions"]) == 2
    assert "OWNER/NAME" in capsys.readouterr().err
