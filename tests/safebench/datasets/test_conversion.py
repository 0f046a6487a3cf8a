from __future__ import annotations

import errno
import hashlib
import io
import json
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from rich.console import Console

from converters.text_to_image.typographic import Typographic
from modalities.image.ocr import RapidOcr
from safebench.cli.data_tables import show_conversion
from safebench.cli.main import run_command
from safebench.datasets import conversion as converting
from safebench.datasets import conversion_packing as packing
from safebench.datasets import shards as converted
from safebench.datasets.card import read_card
from safebench.datasets.conversion import Conversion
from safebench.datasets.conversion_packing import cells_of
from safebench.datasets.exporting import export
from safebench.datasets.load import load_dataset
from safebench.datasets.renderings import ConvertedRenderings
from safebench.datasets.shards import CONVERT_FILE, WORK, read_converted
from safebench.errors import BadInput
from safebench.files import read_toml, write_toml
from safebench.progress import NoProgress
from safebench.rendering.assignment import assign
from safebench.rendering.chain import RenderJob, check_brought, render
from safebench.rendering.fidelity import shown_mean
from safebench.rendering.recipes import load_recipes
from safebench.reports.report import report
from safebench.resources import data_path, load_toml
from safebench.runs.config import make_config
from safebench.runs.run import run
from safebench.taxonomy import paper
from safebench.testing.server import ScriptedServer, error, image, transcription
from safebench.types import Draft, Fidelity, Media, Query, Rendering
from tests import release
from tests.converters.text_to_image.drawn import picture
from tests.converting import convert
from tests.fixture_types import WriteJsonl

ROWS = [
    {"id": "a", "query": "How do birds fly?", "intent": "benign", "scenario": "bias"},
    {"id": "b", "query": "Why is 漢 missing?"},
    {"id": "c", "query": "What is a rainbow?"},
]


class Listening(NoProgress):
    """Names the recipe of each rendering that is made."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def advanced(self, name: str, *, is_open: bool) -> None:
        self.made.append(name)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "queries.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once; no test changes it."""
    out = tmp_path_factory.mktemp("converted") / "queries"
    convert(str(data), ["image", "audio:us-male", "audio:us-female"], out, workers=1)
    return out


def test_every_query_has_a_row_for_each_recipe_and_failures_have_no_media(folder: Path) -> None:
    images = pq.read_table(folder / "image").to_pylist()
    assert [(row["id"], row["image"] is not None) for row in images] == [("a", True), ("b", False), ("c", True)]
    assert images[0]["image"]["bytes"].startswith(b"\x89PNG")
    assert images[0]["fidelity_status"] == "passed"
    assert "U+6F22" in images[1]["failure"]
    speech = pq.read_table(folder / "audio").to_pylist()
    assert sorted({row["recipe"] for row in speech}) == ["us-female", "us-male"]
    assert len(speech) == 6


def test_media_columns_are_typed_for_datasets(folder: Path) -> None:
    for medium, feature in (("image", "Image"), ("audio", "Audio")):
        (shard,) = (folder / medium).glob("*.parquet")
        assert f'"{medium}": {{"_type": "{feature}"}}' in pq.read_schema(shard).metadata[b"huggingface"].decode()
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "config_name: image" in card
    assert "data_files: audio/train-*.parquet" in card
    assert "| `image:typographic` | 2 | 1 | 0 |" in card


def test_speech_says_who_speaks_and_for_how_long(folder: Path) -> None:
    rows = {(row["id"], row["recipe"]): row for row in pq.read_table(folder / "audio").to_pylist()}
    assert rows["a", "us-female"]["voice"] == "us-female"
    assert rows["a", "us-male"]["voice"] == "us-male"
    for row in rows.values():
        told = json.loads(row["fidelity"])["measures"].get("duration_s")
        assert row["duration"] == (pytest.approx(told) if row["audio"] else None)
    assert "`voice`, `duration`" in (folder / "README.md").read_text(encoding="utf-8")
    assert "voice" not in pq.read_table(folder / "image").column_names


def test_fidelity_is_told_by_recipe_and_by_scenario(folder: Path) -> None:
    whole, by_scenario = cells_of(folder)
    assert whole["image:typographic"]["means"]["cer"] == 0
    assert whole["audio:us-male"]["unchecked"] == 2
    assert shown_mean(whole["image:typographic"], "cer") == f"0.000 of {whole['image:typographic']['passed']}"
    assert shown_mean(whole["image:typographic"], "wer") == "–"
    assert by_scenario["bias"]["image:typographic"]["passed"] == 1
    assert by_scenario["unassigned"]["image:typographic"]["failed"] == 1
    spoken = [row["duration"] for row in pq.read_table(folder / "audio").to_pylist() if row["recipe"] == "us-male"]
    assert len([seconds for seconds in spoken if seconds]) == 2  # the third has no clip, and counts for nothing
    assert whole["audio:us-male"]["hours"] == pytest.approx(sum(filter(None, spoken)) / 3600)
    assert whole["audio:us-male"]["long_clips"] == 0
    assert "hours" not in whole["image:typographic"]


def test_clips_that_many_models_do_not_hear_to_the_end_are_told_when_they_are_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safebench.datasets.conversion_packing.USUAL", 0.001)
    cells, by_scenario = cells_of(folder)
    console = Console(width=300)
    with console.capture() as terminal:
        show_conversion(console, Conversion(folder, cells, by_scenario))
    assert "audio:us-male: 2 clips last longer than 30 s, and many models hear only the beginning" in terminal.get()


def test_a_converted_folder_is_read_back_as_the_same_queries(folder: Path, data: Path) -> None:
    """But for a language that nobody said, which may have been told by the words."""
    read = [replace(query, language=None, certainty=None) for query in read_converted(folder).queries]
    assert tuple(read) == tuple(load_dataset(str(data)).queries)


def test_renderings_are_read_back_byte_for_byte(folder: Path) -> None:
    recipe = load_recipes()["image", "typographic"]
    job = RenderJob(Query("a", "How do birds fly?"), recipe, recogniser="rapidocr")
    made, found = render(job), ConvertedRenderings(folder).rendering(job)
    assert found is not None
    assert found.media == made.media
    assert found.fidelity == made.fidelity
    assert ConvertedRenderings(folder).rendering(RenderJob(Query("zzz", "?"), recipe)) is None


def noise(seed: int) -> bytes:
    """A picture of some 20 kB."""
    file = io.BytesIO()
    Image.frombytes("RGB", (80, 80), random.Random(seed).randbytes(3 * 80 * 80)).save(file, "BMP")
    return file.getvalue()


def test_what_was_read_is_not_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many shards that are open: 20,000 clips once took 400 MB so."""
    monkeypatch.setattr("safebench.datasets.shards.GROUPS_A_SHARD", 1)
    recipe = load_recipes()["image", "typographic"]
    jobs = [RenderJob(Query(f"q{n}", "?"), recipe) for n in range(8 * converted.ROWS_A_GROUP)]
    size = len(noise(0))

    def made_rows() -> Iterator[dict[str, Any]]:
        for n, job in enumerate(jobs):
            media = Media.of("image", "image/bmp", noise(n))
            yield converted.row(job, Rendering(recipe.name, job.key, media, Fidelity("passed")))

    converted.write_shards(tmp_path, "image", made_rows())
    before = pa.total_allocated_bytes()
    made = ConvertedRenderings(tmp_path)
    assert all((found := made.rendering(job)) and found.media and found.media.size == size for job in jobs)
    assert len(converted.shards(tmp_path)) == 8
    assert pa.total_allocated_bytes() - before < converted.ROWS_A_GROUP * size


@pytest.fixture
def spoil(folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the folder in which a query's row of a medium was changed."""

    def change(medium: str, query: str = "a", **told: Any) -> Path:
        damaged = shutil.copytree(folder, tmp_path / "damaged")
        (shard,) = (damaged / medium).glob("*.parquet")
        rows = pq.read_table(shard).to_pylist()
        for one in (one for one in rows if one["id"] == query):
            for column, value in told.items():
                one[column] = value(one) if callable(value) else value
        pq.write_table(pa.Table.from_pylist(rows, pq.read_schema(shard)), shard)
        return damaged

    return change


def cut(medium: str, size: int) -> dict[str, Any]:
    """The media cut off, with the hash of what is left."""
    return {
        medium: lambda one: {"bytes": one[medium]["bytes"][:size], "path": None},
        "sha256": lambda one: hashlib.sha256(one[medium]["bytes"]).hexdigest(),
    }


DAMAGE = [
    ("image", {"image": {"bytes": b"\x89PNG damaged", "path": None}}, "do not match their hash"),
    ("image", {"image": None}, "has no image"),
    ("image", {"mime": None}, "does not say what its bytes are"),
    ("image", cut("image", 200), "cannot be decoded"),
    ("audio", cut("audio", 20_000), "the recording cannot be decoded: its header promises"),
    ("audio", cut("audio", 20), "cannot be decoded"),
    ("image", {"mime": "image/jpeg"}, "the image is image/png, and not image/jpeg as it says"),
    ("audio", {"mime": "audio/mpeg"}, "the recording is audio/wav, and not audio/mpeg as it says"),
    ("image", {"fidelity": "{bad json"}, "fidelity: Invalid JSON"),
    ("image", {"fidelity": None}, "fidelity: Invalid JSON"),
    ("image", {"fidelity": '{"status": "fine"}'}, "fidelity.status"),
    ("image", {"fidelity": '{"status": "passed", "measures": {"cer": "low"}}'}, "fidelity.measures.cer"),
    ("image", {"fidelity_status": "failed"}, "fidelity_status is 'failed', and fidelity says 'passed'"),
    ("image", {"fidelity": '{"status": "passed", "measures": {"cer": NaN}}'}, "fidelity: the measure cer is no number"),
    ("image", {"fidelity": '{"status": "passed", "measures": {"cer": 1e999}}'}, "fidelity"),
    ("image", {"failure": "[]"}, "failure: "),
]


def sent(job: RenderJob, made: ConvertedRenderings) -> Rendering:
    """What comes of a row before it is sent."""
    found = made.rendering(job)
    assert found is not None
    return check_brought([(job, found)])[0] if found.faithful else found


@pytest.mark.parametrize(("medium", "told", "why"), DAMAGE)
def test_a_row_that_cannot_be_read_is_never_sent_and_named(
    spoil: Callable[..., Path], medium: str, told: dict[str, Any], why: str
) -> None:
    known, made = load_recipes(), ConvertedRenderings(spoil(medium, **told))
    recipe = known["image", "typographic"] if medium == "image" else known["audio", "us-male"]
    jobs = [RenderJob(Query(id, "?"), recipe) for id in ("a", "c")]
    bad, good = (sent(job, made) for job in jobs)
    assert good.faithful
    assert (bad.media, bad.faithful, bad.fidelity.status) == (None, False, "failed")
    assert "row of query 'a' cannot be read: " in str(bad.failure)
    assert why in str(bad.failure)


def test_no_medium_of_a_row_is_decoded_where_it_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that crashes would end the run, and not a worker alone."""
    known, made = load_recipes(), ConvertedRenderings(folder)
    for module, recipe in (("image", known["image", "typographic"]), ("audio", known["audio", "us-male"])):
        monkeypatch.setattr(f"modalities.{module}.modality.decode", None)
        monkeypatch.setattr(f"modalities.{module}.modality.{'_' * (module == 'audio')}check_whole", None)
        found = made.rendering(RenderJob(Query("a", "?"), recipe))
        assert found is not None
        assert found.faithful


def test_a_machine_that_has_run_out_of_files_damages_no_row(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise OSError(errno.EMFILE, "too many open files")

    made = ConvertedRenderings(folder)
    monkeypatch.setattr("safebench.datasets.renderings.open_shard", breaks)
    with pytest.raises(OSError, match="too many"):
        made.rendering(RenderJob(Query("a", "?"), load_recipes()["image", "typographic"]))


@pytest.mark.parametrize("told", [{"fidelity": "{bad json"}, cut("image", 200)], ids=["row", "picture"])
def test_a_run_goes_on_with_the_other_rows(spoil: Callable[..., Path], tmp_path: Path, told: dict[str, Any]) -> None:
    run_on(spoil("image", **told), tmp_path / "run", "image")
    report(tmp_path / "run")
    rows = {row["query_id"]: row for row in pq.read_table(tmp_path / "run" / "items.parquet").to_pylist()}
    assert (rows["a"]["outcome"], rows["a"]["fidelity_status"]) == ("not_rendered", "failed")
    assert "row of query 'a' cannot be read" in rows["a"]["reason"]
    assert rows["c"]["outcome"] not in ("not_rendered", None)


def test_a_row_without_an_id_is_a_bad_row(spoil: Callable[..., Path]) -> None:
    with pytest.raises(BadInput, match="has no id"):
        read_converted(spoil("image", id=None))


@pytest.mark.parametrize("place", ["data", "image"])
def test_a_snapshot_of_another_data_set_is_no_converted_folder(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shard = tmp_path / "set" / place / "train-00000-of-00001.parquet"
    shard.parent.mkdir(parents=True)
    pq.write_table(pa.table({"id": ["a"], "query": ["How do birds fly?"], "intent": [1]}), shard)
    for command in (["data", "check"], ["data", "show"]):
        assert run_command([*command, str(tmp_path / "set")]) == 2
        told = capsys.readouterr().err
        assert len([line for line in told.splitlines() if line]) == 1
        for expected in ("recipe, said", "intent hold something else than ours", f"--data {shard}", "data import"):
            assert expected in told


def test_a_shard_that_was_cut_off_is_one_clear_line(spoil: Callable[..., Path]) -> None:
    damaged = spoil("image")
    (shard,) = (damaged / "image").glob("*.parquet")
    data = bytearray(shard.read_bytes())
    data[4:200] = bytes(196)  # the first column, where the footer is whole
    shard.write_bytes(data)
    with pytest.raises(BadInput, match="cannot be read"):
        read_converted(damaged)


def test_a_run_uses_the_folder_without_rendering(folder: Path, tmp_path: Path) -> None:
    config = make_config(
        "test", data=str(folder), conditions=["image"], target="reference", out=str(tmp_path / "run"), workers=1
    )  # fmt: skip
    result = run(config)
    report(result.folder)
    rows = {row["query_id"]: row for row in pq.read_table(result.folder / "items.parquet").to_pylist()}
    packed = {row["id"]: row for row in pq.read_table(folder / "image").to_pylist()}
    assert rows["a"]["media_sha256"] == packed["a"]["sha256"]
    assert rows["b"]["outcome"] == "not_rendered"


def test_the_same_call_again_finds_nothing_to_do(folder: Path, data: Path) -> None:
    progress = Listening()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    again = convert(str(data), ["image", "audio:us-male", "audio:us-female"], folder, progress=progress)
    assert progress.made == []
    assert (again.cells["image:typographic"]["passed"], again.cells["image:typographic"]["failed"]) == (2, 1)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")} == before
    assert not (folder / WORK).exists()


def test_a_conversion_that_was_stopped_goes_on_where_it_was(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "stopped"

    class Killed(NoProgress):
        def advanced(self, name: str, *, is_open: bool) -> None:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        convert(str(data), ["image"], out, workers=1, progress=Killed())
    with pytest.raises(BadInput, match="unfinished"):
        read_converted(out)
    going_on = Planned()
    cell = convert(str(data), ["image"], out, workers=1, progress=going_on).cells["image:typographic"]
    assert (cell["passed"], cell["failed"], cell["unchecked"]) == (2, 1, 0)
    (total, done), told = going_on.plan, going_on.told
    assert total == 3
    assert done >= 1
    assert told == total - done  # what was made before tells nothing of the time that the rest takes


class Planned(NoProgress):
    """How much was planned, how much of it was done before, and how many parts were told since."""

    plan, told = (0, 0), 0

    def planned(self, name: str, total: int, done: int = 0, still_open: int = 0) -> None:
        self.plan = (total, done)

    def advanced(self, name: str, *, is_open: bool) -> None:
        self.told += 1


def test_another_conversion_in_the_folder_is_refused(folder: Path, data: Path) -> None:
    lost = "holds a conversion under audio:us-male, audio:us-female as well, and a conversion only grows"
    with pytest.raises(BadInput, match=lost):
        convert(str(data), ["image"], folder)
    all_three = ["image", "audio:us-male", "audio:us-female"]
    with pytest.raises(BadInput, match=r"another conversion: it differs in its seed: seed \(there 0, here 7\)"):
        convert(str(data), all_three, folder, seed=7)
    with pytest.raises(BadInput, match="has 3 queries already, and what is there only grows: --limit 3 or more"):
        convert(str(data), all_three, folder, limit=2)


DEALT = """
[image.either]
among = ["typographic", "tall"]
[image.tall]
steps = [{ use = "typographic", max_font_size = 30 }]
"""


def rows_of(out: Path) -> dict[str, tuple[str, bytes]]:
    return {row["id"]: (row["recipe"], row["image"]["bytes"]) for row in pq.read_table(out / "image").to_pylist()}


def test_a_conversion_grows_and_renders_nothing_twice(write_jsonl: WriteJsonl, tmp_path: Path) -> None:
    recipes, out = tmp_path / "recipes.toml", tmp_path / "set"
    recipes.write_text(DEALT, encoding="utf-8")
    rows = [{"id": f"q{n}", "query": f"Count to {n}.", "scenario": "bias", "twin": f"q{n ^ 1}",
             "intent": ["harmful", "benign"][n % 2]} for n in range(12)]  # fmt: skip
    data, asked = str(write_jsonl(rows)), {"recipes": recipes, "workers": 1, "check_share": 0.0}
    convert(data, ["image:either"], out, limit=3, **asked)
    first, progress = rows_of(out), Listening()
    convert(data, ["image:either"], out, progress=progress, limit=10, **asked)
    second = rows_of(out)
    assert len(progress.made) == 7
    assert {id: second[id] for id in first} == first  # what was dealt stays
    assert list(second) == [f"q{n}" for n in range(10)]
    assert {second[f"q{n}"][0] for n in range(10)} == {"typographic", "tall"}
    assert all(second[f"q{n}"][0] == second[f"q{n ^ 1}"][0] for n in range(10))  # a twin that comes late, too
    assert {query.id: query.twin for query in read_converted(out).queries}["q2"] == "q3"
    progress = Listening()
    convert(data, ["image:either", "image:chat"], out, progress=progress, limit=10, **asked)
    assert progress.made == ["image:chat"] * 10
    convert(data, ["image:either", "image:chat"], out, progress=progress, limit=10, **asked)
    assert len(progress.made) == 10
    revisions = read_toml(out / CONVERT_FILE)["revisions"]
    assert [(one["queries"], len(one["conditions"])) for one in revisions] == [(3, 1), (10, 1), (10, 2)]


@pytest.mark.parametrize("alone", ["image", "image+text:typographic"])
def test_one_of_two_conditions_beside_the_same_media_may_be_named_alone(
    write_jsonl: WriteJsonl, tmp_path: Path, alone: str
) -> None:
    data, out = str(write_jsonl([{"id": "a", "query": "Count to 1."}])), tmp_path / "set"
    asked: dict[str, Any] = {"workers": 1, "check_share": 0.0}
    convert(data, ["image", "image+text:typographic"], out, **asked)
    made, progress = rows_of(out), Listening()
    convert(data, [alone], out, progress=progress, **asked)
    assert progress.made == []
    assert rows_of(out) == made
    assert len(read_toml(out / CONVERT_FILE)["revisions"]) == 1


def test_media_of_a_recipe_that_is_another_one_now_are_not_taken_for_those_of_its_name(
    write_jsonl: WriteJsonl, tmp_path: Path
) -> None:
    recipes, out = tmp_path / "recipes.toml", tmp_path / "set"
    recipes.write_text(DEALT.replace(', "tall"]', "]"), encoding="utf-8")
    data = str(write_jsonl([{"id": "a", "query": "Count to 1."}]))
    asked = {"recipes": recipes, "workers": 1, "check_share": 0.0}
    convert(data, ["image:either"], out, **asked)
    recipes.write_text(DEALT.replace('among = ["typographic", ', "among = ["), encoding="utf-8")
    with pytest.raises(BadInput, match="holds a conversion under image:either as well"):
        convert(data, ["image:tall"], out, **asked)


def test_a_conversion_is_not_dealt_again_by_another_recipe(write_jsonl: WriteJsonl, tmp_path: Path) -> None:
    recipes, out = tmp_path / "recipes.toml", tmp_path / "set"
    recipes.write_text(DEALT, encoding="utf-8")
    data = str(write_jsonl([{"id": f"q{n}", "query": f"Count to {n}."} for n in range(6)]))
    asked = {"recipes": recipes, "workers": 1, "check_share": 0.0}
    convert(data, ["image:either"], out, limit=4, **asked)
    first = rows_of(out)
    recipes.write_text(DEALT.replace('"tall"]', '"tall", "chat"]'), encoding="utf-8")
    for limit in (4, 6):
        with pytest.raises(BadInput, match=r"it differs in its recipes: dealing\.image\.either \(there "):
            convert(data, ["image:either"], out, limit=limit, **asked)
    assert rows_of(out) == first


def test_a_conversion_that_does_not_tell_what_it_has_grown_by_is_not_taken_for_done(
    folder: Path, data: Path, tmp_path: Path
) -> None:
    old = shutil.copytree(folder, tmp_path / "old")
    told = read_toml(old / CONVERT_FILE)
    del told["revisions"]
    write_toml(old / CONVERT_FILE, told)
    with pytest.raises(BadInput, match=r"convert\.toml has no revisions: .* choose another --out"):
        convert(str(data), ["image", "audio:us-male", "audio:us-female", "image:chat"], old)


def test_a_query_whose_language_is_known_now_is_made_again(
    write_jsonl: WriteJsonl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safebench.datasets.queries.tell", lambda text: None)
    rows: list[dict[str, Any]] = [{"id": f"q{n}", "query": f"Compter {n}."} for n in range(4)]
    asked = {"workers": 1, "check_share": 0.0}
    convert(str(write_jsonl(rows)), ["image"], tmp_path / "set", limit=2, **asked)
    rows[0] |= {"language": "fr"}
    progress = Listening()
    convert(str(write_jsonl(rows)), ["image"], tmp_path / "set", progress=progress, limit=3, **asked)
    assert len(progress.made) == 2  # the first and the third
    assert [query.language for query in read_converted(tmp_path / "set").queries] == ["fr", None, None]


def test_a_conversion_that_was_stopped_while_it_grew_goes_on(
    write_jsonl: WriteJsonl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes = {at: tmp_path / at / "recipes.toml" for at in ("one", "two")}
    for file in recipes.values():
        file.parent.mkdir()
        file.write_text(DEALT, encoding="utf-8")
    data = str(write_jsonl([{"id": f"q{n}", "query": f"Count to {n}."} for n in range(9)]))
    for at, file in recipes.items():
        asked = {"recipes": file, "workers": 1, "check_share": 0.0}
        convert(data, ["image:either"], tmp_path / at / "set", limit=2, **asked)
        if at == "two":
            with monkeypatch.context() as killing:
                killing.setattr(converting, "pack", killed)
                with pytest.raises(RuntimeError, match="killed"):
                    convert(data, ["image:either"], tmp_path / at / "set", limit=5, **asked)
        convert(data, ["image:either"], tmp_path / at / "set", limit=9, **asked)
    assert rows_of(tmp_path / "one" / "set") == rows_of(tmp_path / "two" / "set")
    revisions = read_toml(tmp_path / "two" / "set" / CONVERT_FILE)["revisions"]
    assert [one["queries"] for one in revisions] == [2, 9]


def killed(*_: object) -> None:
    raise RuntimeError("killed")


def test_the_folder_says_who_read_its_media_back(folder: Path) -> None:
    read_by = {"image": {"name": "rapidocr", "version": RapidOcr.version}}
    assert read_toml(folder / "convert.toml")["recognisers"] == read_by


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("recognisers", [1]),
        ("recognisers", {"image": "x"}),
        ("recipes", 3),
        ("recipe", "x"),
        ("chosen", 1),
        ("dealing", 3),
        ("revisions", 3),
        ("revisions", [1]),
    ],
)
def test_a_file_that_is_not_as_it_was_written_is_one_clear_line(
    folder: Path, tmp_path: Path, key: str, value: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = tmp_path / "set"
    shutil.copytree(folder, changed)
    write_toml(changed / CONVERT_FILE, read_toml(changed / CONVERT_FILE) | {key: value})
    for command in (["data", "check", str(changed)], ["convert", str(changed / CONVERT_FILE), "--dry-run"]):
        assert run_command(command) == 2
        (line,) = filter(None, capsys.readouterr().err.splitlines())
        assert f"{CONVERT_FILE}: {key}" in line
        assert "put the file back from a copy" in line


def test_text_is_nothing_to_convert(data: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nothing to convert"):
        convert(str(data), ["text"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


LARGE = {"image": {"own": {"steps": [{"use": "typographic", "width": 300}], "gate": {"cer": 0.5}}}}
SMALL = {"image": {"own": {"steps": [{"use": "typographic", "width": 200}], "gate": {"cer": 0.5}}}}


@pytest.fixture
def own(data: Path, tmp_path: Path) -> Path:
    """A folder converted by a recipe of the user's."""
    write_toml(tmp_path / "large.toml", LARGE)
    convert(str(data), ["image:own"], tmp_path / "own", recipes=tmp_path / "large.toml", workers=1)
    return tmp_path / "own"


def run_on(folder: Path, out: Path, condition: str = "image:own", **told: Any) -> dict[str, Any]:
    """What the run was resolved to."""
    values = {"data": str(folder), "conditions": [condition], "target": "reference", "out": str(out), **told}
    return dict(read_toml(run(make_config("test", workers=1, max_open=1.0, **values)).folder / "run.toml")["resolved"])


def test_a_run_records_the_recipe_by_which_the_media_were_made(own: Path, tmp_path: Path) -> None:
    made = read_toml(own / "convert.toml")["recipes"]["image:own"]
    assert run_on(own, tmp_path / "run")["recipes"] == {"image.own": made}
    assert run_on(own, tmp_path / "same", recipes=str(tmp_path / "large.toml"))["recipes"] == {"image.own": made}


def test_what_an_earlier_version_made_keeps_its_fingerprint(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = read_toml(own / "convert.toml")["recipes"]["image:own"]
    monkeypatch.setattr(Typographic, "version", "a later one")
    assert load_recipes(tmp_path / "large.toml")["image", "own"].fingerprint() != made
    assert run_on(own, tmp_path / "run")["recipes"] == {"image.own": made}


def test_another_recipe_of_the_name_is_refused(own: Path, tmp_path: Path) -> None:
    write_toml(tmp_path / "small.toml", SMALL)
    for told in ({"recipes": str(tmp_path / "small.toml")}, {"recipe": SMALL}):
        with pytest.raises(BadInput, match=r"image\.own is not the one by which .* give yours another name"):
            run_on(own, tmp_path / "run", **told)
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_continued_with_other_media(own: Path, data: Path, tmp_path: Path) -> None:
    before = run_on(own, tmp_path / "run")
    assert run_on(own, tmp_path / "run") == before
    shutil.rmtree(own)
    write_toml(tmp_path / "small.toml", SMALL)
    convert(str(data), ["image:own"], own, recipes=tmp_path / "small.toml", workers=1)
    asked = read_toml(own / "convert.toml")
    write_toml(
        own / "convert.toml", {**asked, "recipe": LARGE, "recipes": {"image:own": before["recipes"]["image.own"]}}
    )
    with pytest.raises(BadInput, match=r"resolved\.media"):
        run_on(own, tmp_path / "run")


def test_a_folder_that_does_not_tell_its_recipes_is_known_by_its_media(folder: Path, tmp_path: Path) -> None:
    """As one from a hub: the conversion's own file is not pushed."""
    pulled = shutil.copytree(folder, tmp_path / "pulled", ignore=shutil.ignore_patterns("convert.toml"))
    told = run_on(pulled, tmp_path / "run", "image")
    assert told["recipes"]["image.typographic"] == f"media {told['media']['image.typographic']}"
    with pytest.raises(BadInput, match=r"image\.typographic is not the one"):
        run_on(pulled, tmp_path / "other", "image", recipe={"image": {"typographic": SMALL["image"]["own"]}})


def test_recipes_that_name_others_are_brought_with_them(data: Path, tmp_path: Path) -> None:
    both = {"image": {**LARGE["image"], "mixed": {"among": ["own", "chat"]}}}
    write_toml(tmp_path / "both.toml", both)
    convert(str(data), ["image:mixed"], tmp_path / "mixed", recipes=tmp_path / "both.toml", workers=1)
    told = run_on(tmp_path / "mixed", tmp_path / "run", "image:mixed")
    assert set(told["recipes"]) == set(told["media"]) == {"image.own", "image.chat"}


def test_queries_that_were_dealt_to_another_recipe_are_rendered_only_by_the_same_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = {"image": {**LARGE["image"], "mixed": {"among": ["own", "chat"]}}}
    write_toml(tmp_path / "both.toml", both)
    convert(str(data), ["image:mixed"], tmp_path / "mixed", recipes=tmp_path / "both.toml", workers=1)
    known, queries = load_recipes(tmp_path / "both.toml"), load_dataset(str(data)).queries

    def dealt(seed: int) -> set[str]:
        found = assign(known["image", "mixed"], known, queries, seed)
        return {query.id for query in queries if found.recipe(query).name == "own"}

    seed = next(seed for seed in range(1, 99) if dealt(seed) - dealt(0))
    run_on(tmp_path / "mixed", tmp_path / "run", "image:mixed", seed=seed)
    monkeypatch.setattr(Typographic, "version", "a later one")
    with pytest.raises(BadInput, match=r"lacks renderings of some queries by image\.own"):
        run_on(tmp_path / "mixed", tmp_path / "later", "image:mixed", seed=seed)


def test_the_hours_on_the_card_are_those_of_the_clips_that_are_there(folder: Path) -> None:
    card = (folder / "README.md").read_text(encoding="utf-8")
    rows = [row for row in pq.read_table(folder / "audio").to_pylist() if row["recipe"] == "us-female"]
    hours = sum(row["duration"] or 0.0 for row in rows) / 3600
    assert f"| `audio:us-female` | 0 | 1 | 2 | 5 | {hours:.2f} |" in card  # three tries of what cannot be said


def convert_with(recogniser: str, data: Path, out: Path) -> int:
    told = ["--recogniser", recogniser, "--out", str(out), "--workers", "1", "--max-failed", "1"]
    return run_command(["convert", str(data), "-c", "audio:us-female", *told])


def test_a_recogniser_that_cannot_work_is_one_clear_line_and_nothing_is_written(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert_with("openai-transcriptions:whisper-1", data, tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert len([line for line in told.splitlines() if line]) == 1
    assert "OPENAI_API_KEY" in told
    assert not (tmp_path / "out").exists()


def test_a_recogniser_that_refuses_in_the_middle_stops_and_the_same_command_goes_on(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ScriptedServer(lambda call: replies[call.number > 0]) as server:
        spec = f"openai-transcriptions:whisper-1@{server.url}"
        replies = [transcription("How do birds fly?"), error(401, "wrong key")]
        assert convert_with(spec, data, tmp_path / "out") == 2
        told = capsys.readouterr().err
        assert "wrong key" in told
        assert "Traceback" not in told
        replies[1] = transcription("How do birds fly?")
        assert convert_with(spec, data, tmp_path / "out") == 0
    statuses = [row["fidelity_status"] for row in pq.read_table(tmp_path / "out" / "audio").to_pylist()]
    assert sorted(statuses) == ["failed", "failed", "passed"]


def test_a_conversion_keeps_to_its_budget_and_goes_on_with_a_higher_one(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.chdir(tmp_path)
    with ScriptedServer(lambda _: image(picture("red"))) as server:
        step = f'use = "openai-images"\nmodel = "painter"\nbase_url = "{server.url}"\n'
        Path("recipes.toml").write_text(f"[image.drawn]\n[[image.drawn.steps]]\n{step}", encoding="utf-8")
        drawn = ["convert", str(data), "-c", "image:drawn", "--recipes", "recipes.toml", "--recogniser", "none"]
        drawn += ["--workers", "1", "--out", "out"]
        assert run_command([*drawn, "--max-cost", "5"]) == 2
        assert "the price of openai:painter is not known" in capsys.readouterr().err
        assert run_command([*drawn, "--dry-run", "--json"]) == 0
        (row,) = json.loads(capsys.readouterr().out)["estimate"]
        assert (row["model"], row["calls"]) == ("openai:painter", {"low": 3.0, "high": 3.0})
        assert not Path("out").exists()
        assert run_command([*drawn, "--max-calls", "2"]) == 1
        told = capsys.readouterr().err
        assert "estimate: 3 calls" in told
        assert "the budget of 2 calls is spent; raise --max-calls to go on; everything so far is kept" in told
        assert run_command(["convert", "out/convert.toml"]) == 1  # under the limits of the last start
        assert run_command(["convert", "out/convert.toml", "--max-calls", "3"]) == 0
        assert len(server.calls) == 3  # none is drawn twice
    assert pq.read_table(tmp_path / "out" / "image").num_rows == 3


def test_what_failed_its_check_has_a_hash_and_a_reason_and_no_media(write_jsonl: WriteJsonl, tmp_path: Path) -> None:
    convert(str(write_jsonl([{"id": "dot", "query": "."}])), ["image"], tmp_path / "dot", workers=1)
    (one,) = pq.read_table(tmp_path / "dot" / "image").to_pylist()
    assert (one["image"], one["fidelity_status"], one["failure"]) == (None, "failed", None)
    assert len(one["sha256"]) == 64
    run_on(tmp_path / "dot", tmp_path / "run", "image")
    report(tmp_path / "run")
    (item,) = pq.read_table(tmp_path / "run" / "items.parquet").to_pylist()
    assert item["outcome"] == "not_rendered"
    assert item["reason"] == json.loads(one["fidelity"])["reason"]
    assert item["reason"].startswith("cer is ")


def test_failures_are_shown_with_their_reasons(
    write_jsonl: WriteJsonl, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_jsonl([{"id": f"q{n}", "query": f"漢 {n}"} for n in range(23)])
    assert run_command(["convert", str(file), "-c", "image", "--out", str(tmp_path / "out"), "--workers", "1"]) == 1
    told = capsys.readouterr().out
    shown = [line for line in told.splitlines() if "image:typographic: typographic: ConversionError" in line]
    assert len(shown) == 20
    assert shown[0].startswith("q0, ")
    assert "U+6F22" in shown[0]
    assert "the font 'DejaVuSans.ttf' lacks them" in shown[0]
    assert "… and 3 more; all reasons: columns `failure` and `fidelity`" in told
    rows = pq.read_table(tmp_path / "out" / "image").to_pylist()
    assert not [row for row in rows if "/" in row["failure"] + row["fidelity"]]  # it may be pushed: no path of ours


def test_every_medium_has_its_table_by_scenario(folder: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conditions = ["-c", "image", "-c", "audio:us-male", "-c", "audio:us-female"]
    run_command(["convert", str(data), *conditions, "--out", str(folder)])
    told = capsys.readouterr().out
    audio, image = told[told.index("by scenario: audio") : told.index("Failed")].split("Renderings by scenario: image")
    assert [line.split() for line in image.splitlines() if "typographic" in line] == [
        ["bias", "typographic", "1", "0", "0", "1", "0.000", "of", "1"],
        ["unassigned", "typographic", "1", "1", "0", "2", "0.000", "of", "1"],
    ]
    spoken = [line.split() for line in audio.splitlines() if line.split()[1:2] in (["us-male"], ["us-female"])]
    assert spoken == [
        ["bias", "us-male", "0", "0", "1", "1"],
        ["bias", "us-female", "0", "0", "1", "1"],
        ["unassigned", "us-male", "0", "1", "1", "4"],
        ["unassigned", "us-female", "0", "1", "1", "4"],
    ]


def test_the_canary_stands_in_every_row_and_on_the_card(folder: Path, data: Path, tmp_path: Path) -> None:
    exported = export(load_dataset(str(data)), tmp_path / "exported", read_card(str(data)))
    rows = [row for medium in ("image", "audio") for row in pq.read_table(folder / medium).to_pylist()]
    assert {row["canary"] for row in rows} == {exported.canary}
    assert exported.canary in (folder / "README.md").read_text(encoding="utf-8")


def test_the_starter_set_keeps_its_canary(tmp_path: Path) -> None:
    convert("starter", ["audio:us-male"], tmp_path / "out", limit=1, workers=1)
    shipped = load_toml("taxonomy.toml")["canary"]
    assert [row["canary"] for row in pq.read_table(tmp_path / "out" / "audio").to_pylist()] == [shipped]
    assert read_card(str(tmp_path / "out")).canary == shipped
    assert shipped in data_path("plans/starter.toml").read_text(encoding="utf-8")


# --- what failed, once more


def test_rows_that_cannot_be_read_are_named_and_made_again(
    spoil: Callable[..., Path], data: Path, folder: Path
) -> None:
    damaged = spoil("image", fidelity="{bad json")
    conditions = ["image", "audio:us-male", "audio:us-female"]
    with pytest.raises(BadInput, match=r"row of query 'a' cannot be read: .*--retry-failed"):
        convert(str(data), conditions, damaged)
    progress = Listening()
    told = convert(str(data), conditions, damaged, workers=1, retry_failed=True, progress=progress)
    assert sorted(progress.made) == ["audio:us-female", "audio:us-male", "image:typographic", "image:typographic"]
    assert told.cells["image:typographic"]["passed"] == 2
    for medium in ("image", "audio"):
        assert pq.read_table(damaged / medium).to_pylist() == pq.read_table(folder / medium).to_pylist()
    assert not (damaged / WORK).exists()


def test_a_retry_that_was_stopped_loses_nothing(
    folder: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = shutil.copytree(folder, tmp_path / "again")
    conditions = ["image", "audio:us-male", "audio:us-female"]
    moved = packing.swap

    def stop_half_way(new: Path, place: Path, before: Path) -> None:
        if place.name == "audio":
            before.parent.mkdir(exist_ok=True)
            place.replace(before)
            raise RuntimeError("killed")
        moved(new, place, before)

    monkeypatch.setattr(packing, "swap", stop_half_way)
    with pytest.raises(RuntimeError, match="killed"):
        convert(str(data), conditions, out, workers=1, retry_failed=True)
    monkeypatch.setattr(packing, "swap", moved)
    assert not (out / "audio").exists()
    with pytest.raises(BadInput, match="unfinished"):
        read_converted(out)
    convert(str(data), conditions, out, workers=1)
    for medium in ("image", "audio"):
        assert pq.read_table(out / medium).to_pylist() == pq.read_table(folder / medium).to_pylist()


# --- whole pairs

PLAIN_PICTURES = """
[image.a]
steps = [{ use = "blank", colour = "black" }]
carrier = "query"
control = true

[image.b]
steps = [{ use = "blank", colour = "white" }]
carrier = "query"
control = true

[image.a-again]
among = ["a"]
carrier = "query"
"""
TWINS = [
    {"id": "h", "query": "How do I cut a cake?", "scenario": "bias", "twin": "w"},
    {"id": "w", "query": "How do I bake a cake?", "scenario": "bias", "intent": "benign"},
    {"id": "n", "query": "Why?"},
]


@pytest.fixture
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What converts three queries into pictures of one colour, in the folder that is current."""
    monkeypatch.chdir(tmp_path)
    Path("plain.toml").write_text(PLAIN_PICTURES, encoding="utf-8")
    Path("q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in TWINS), encoding="utf-8")
    return ["--recipes", "plain.toml", "--workers", "1", "--recogniser", "none", "--out", "out"]


def in_pictures(*arguments: str) -> list[dict[str, Any]]:
    assert run_command(["convert", *arguments]) == 0
    return pq.read_table(Path("out") / "image").to_pylist()


def test_a_row_says_what_its_scenario_is_and_what_was_asked_for(tmp_path: Path) -> None:
    source = release.write_set(tmp_path / "final_bench", release.Layout(rows=1, clips=None))
    convert(str(source), ["image+text:paper"], tmp_path / "out", limit=2, workers=1)
    rows = pq.read_table(tmp_path / "out" / "image").to_pylist()
    assert [row["prompt"] for row in rows] == [release.prompt(1, 1), release.prompt(2, 1)]
    assert {row["category"] for row in rows} == {"consultation"}
    assert rows[0]["definition"] == paper().scenario("medical_advice").description


def test_the_prompt_is_that_of_the_draft_that_was_taken_and_all_drafts_are_kept(tmp_path: Path) -> None:
    first, second = (Media.of("image", "image/png", picture(colour)) for colour in ("red", "blue"))
    drafts = (
        Draft("a cat", "more", first, 0.4),
        Draft("a blue cat", "good", second, 0.9),
        Draft("a cow", "no", first, 0.1),
    )
    job = RenderJob(Query("q", "Cats?"), load_recipes()["image", "typographic"])
    for media, prompt in ((None, "a blue cat"), (first, "a cat"), (second, "a blue cat")):
        made = Rendering("typographic", job.key, media, Fidelity("unchecked"), drafts=drafts)
        converted.write_shards(tmp_path, "image", [row := converted.row(job, made)])
        assert row["prompt"] == prompt
    told = ConvertedRenderings(tmp_path).rendering(job)
    assert told is not None
    assert told.drafts == tuple(replace(one, media=None) for one in drafts)


def test_what_a_row_says_of_the_media_of_drafts_is_not_believed(tmp_path: Path) -> None:
    job = RenderJob(Query("q", "Cats?"), load_recipes()["image", "typographic"])
    made = Rendering("typographic", job.key, Media.of("image", "image/png", picture("red")), Fidelity("unchecked"))
    media = {"medium": "image", "mime": "image/png", "sha256": "0", "size": 1, "source": "/etc/passwd"}
    drafts = json.dumps([{"prompt": "a", "answer": "", "score": None, "media": media}])
    converted.write_shards(tmp_path, "image", [{**converted.row(job, made), "drafts": drafts}])
    told = ConvertedRenderings(tmp_path).rendering(job)
    assert told is not None
    assert told.drafts == (Draft("a"),)


def test_a_whole_pair_stands_in_one_row(plain: list[str]) -> None:
    conditions = ["-c", "image+text:a", "-c", "image+text:b"]
    rows = in_pictures("q.jsonl", *conditions, "--limit", "2", "--pairs", *plain)
    first, second = pq.read_table(Path("out") / "pairs").to_pylist()
    assert (first["query"], first["twin_query"]) == (TWINS[0]["query"], TWINS[1]["query"])
    assert (second["twin"], second["scenario"], second["category"]) == ("h", "bias", "inappropriate_opinions")
    assert first["definition"] == paper().scenario("bias").description
    assert [first[f"image_{name}"]["bytes"] for name in "ab"] == [rows[0]["image"]["bytes"], rows[2]["image"]["bytes"]]
    assert (first["image_a_fidelity_status"], first["image_b_sha256"]) == ("unchecked", rows[2]["sha256"])
    (shard,) = (Path("out") / "pairs").glob("*.parquet")
    assert '"image_b": {"_type": "Image"}' in pq.read_schema(shard).metadata[b"huggingface"].decode()
    assert "config_name: pairs" in (Path("out") / "README.md").read_text(encoding="utf-8")
    assert [query.id for query in load_dataset("out").queries] == ["h", "w"]
    in_pictures("q.jsonl", *conditions, *plain)  # grows, and its pairs with it
    assert [row["id"] for row in pq.read_table(Path("out") / "pairs").to_pylist()] == ["h", "w", "n"]


def test_pairs_may_be_wanted_later(plain: list[str]) -> None:
    before = in_pictures("q.jsonl", "-c", "image+text:a", *plain)
    assert not (Path("out") / "pairs").exists()
    assert in_pictures("q.jsonl", "-c", "image+text:a", "--pairs", *plain) == before
    assert pq.read_table(Path("out") / "pairs").num_rows == 3


def test_conditions_that_only_ask_otherwise_have_their_media_once(plain: list[str]) -> None:
    rows = in_pictures("q.jsonl", "-c", "image+text:a", "-c", "image+text:a-again", *plain)
    assert [row["id"] for row in rows] == ["h", "w", "n"]
    told = read_toml(Path("out") / CONVERT_FILE)
    assert told["asked"]["conditions"] == ["image+text:a", "image+text:a-again"]
    assert [one["conditions"] for one in told["revisions"]] == [["image+text:a"]]
    assert set(told["recipe"]["image"]) == {"a", "a-again"}


def test_what_stood_for_another_and_what_shares_media_go_on_by_the_file_of_the_folder(plain: list[str]) -> None:
    with Path("plain.toml").open("a", encoding="utf-8") as file:
        file.write('[image.best]\nfirst_of = ["a", "b"]\n[image.again]\namong = ["best"]\ncarrier = "query"\n')
    conditions = ["-c", "image:best", "-c", "image+text:again", "-c", "image+text:a-again"]
    rows, file = in_pictures("q.jsonl", *conditions, "--limit", "2", *plain), Path("out") / CONVERT_FILE
    told = read_toml(file)
    assert told["chosen"]["image.best"]["recipe"] == "a"
    assert in_pictures(str(file)) == rows
    assert read_toml(file) == told
    assert len(in_pictures("q.jsonl", *conditions, *plain)) == 3
    assert len(in_pictures(str(file))) == 3


def test_twins_may_be_left_out_and_come_later(plain: list[str]) -> None:
    rows = in_pictures("q.jsonl", "-c", "image+text:a", "--intent", "harmful", *plain)
    assert [(row["id"], row["twin"]) for row in rows] == [("h", None), ("n", None)]
    assert read_toml(Path("out") / CONVERT_FILE)["asked"]["intent"] == "harmful"
    rows = in_pictures("q.jsonl", "-c", "image+text:a", *plain)
    assert [(row["id"], row["twin"]) for row in rows] == [("h", "w"), ("n", None), ("w", "h")]


RUN_FILE = """
data = "elsewhere.jsonl"
intent = "harmful"
conditions = ["text", "image+text:a", "image+text:b"]
target = "reference"
out = "runs/here"
probe = 0.5
"""


def test_a_study_says_what_is_rendered_and_options_win(plain: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("study.toml").write_text(RUN_FILE, encoding="utf-8")
    assert [row["recipe"] for row in in_pictures("q.jsonl", "--study", "study.toml", *plain)] == ["a", "a", "b", "b"]
    Path("study.toml").write_text(RUN_FILE + "pobe = 1\n", encoding="utf-8")
    assert run_command(["convert", "q.jsonl", "--study", "study.toml", *plain]) == 2
    assert "'pobe' in study.toml; did you mean probe" in capsys.readouterr().err


def test_a_plan_file_is_a_conversion_of_its_own(plain: list[str]) -> None:
    """In which `out` counts."""
    asked = 'data = "q.jsonl"\nconditions = ["image+text:a"]\nrecipes = "plain.toml"\nout = "out"\n'
    Path("plan.toml").write_text(asked + 'workers = 1\nrecognisers = ["none"]\n', encoding="utf-8")
    assert [row["id"] for row in in_pictures("plan.toml", "--limit", "2")] == ["h", "w"]


def test_time_and_size_are_told_before_the_rest_is_made(
    plain: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safebench.rendering.outlook.WORTH", 6)
    monkeypatch.setattr(converting, "WORTH", 6)
    asked = ["q.jsonl", "-c", "image+text:a", "-c", "image+text:b", *plain]
    assert run_command(["convert", *asked, "--dry-run"]) == 0
    line = "6 renderings; about 1 s with 1 workers and 1 MB of media"
    assert line in capsys.readouterr().out
    assert not Path("out").exists()
    in_pictures(*asked)
    assert line in capsys.readouterr().err
