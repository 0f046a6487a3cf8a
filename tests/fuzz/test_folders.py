"""Folders that the product reads back, and files that people made for it, with something wrong in them."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import soundfile
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

from converters.given_files import FolderOptions, GivenFiles
from converters.text_to_image.stored import Stored
from converters.text_to_speech.recorded import Recorded
from safebench.datasets.load import load_dataset
from safebench.datasets.renderings import ConvertedRenderings
from safebench.datasets.tables import BLANK, file_rows
from safebench.errors import BadInput, ConversionError
from safebench.files import read_toml
from safebench.jury.calibration.labels import read_labels
from safebench.plugins import Work
from safebench.rendering.chain import RenderJob
from safebench.rendering.recipes import load_recipes
from safebench.types import Query
from tests.fuzz import made
from tests.fuzz.holding import case, command, fuzz
from tests.fuzz.odd import changed, damaged, texts, values
from tests.fuzz.tables import Written, tables

LABEL_HEADS = ("query", "answer", "label", "id", "intent", "scenario", "annotator_1", "note", "Answer")
LABEL_CELLS = st.sampled_from(["How?", "I cannot.", "unsafe", "refused", "safe", "harmful", "abstain"])


@fuzz(40)
@given(tables(LABEL_HEADS, LABEL_CELLS))
def test_no_labelled_answer_is_dropped(table: Written) -> None:
    with case() as folder:
        path = folder / table.name
        path.write_bytes(table.data)
        try:
            labels = read_labels(path)
        except BadInput:
            return
        rows = [row for _, row in file_rows(path)]
        assert len(labels.rows) + sum(row is BLANK for row in rows) == len(rows)


@fuzz(25)
@given(st.data(), st.booleans())
def test_a_reviewers_sheet_is_kept_whole_or_not_at_all(data: st.DataObject, is_damage: bool) -> None:
    run = made.finished_run()
    sheet = (run.parent / "sheet" / "review.csv").read_bytes().replace(b'"",""\r\n', b'"unsafe",""\r\n')
    with case() as folder:
        shutil.copytree(run, folder / "run")
        spoilt = (
            data.draw(damaged(sheet)) if is_damage else data.draw(tables(("item", "query", "label", "comment"))).data
        )
        (folder / "sheet.csv").write_bytes(spoilt)
        said = command("review", "import", folder / "run", folder / "sheet.csv", "--reviewer", "anna")
        kept = command("review", "labels", folder / "run", "--out", folder / "labels.csv")
        assert kept.status == said.status


# --- converted folders

SHARD = "image/train-00000.parquet"


def _rows(shard: bytes) -> tuple[pa.Schema, list[dict[str, Any]]]:
    table = parquet.read_table(io.BytesIO(shard))
    return table.schema, table.to_pylist()


@st.composite
def spoilt_shards(draw: st.DrawFn) -> bytes:
    """A shard with damaged bytes, or with odd cells."""
    whole = (made.converted() / SHARD).read_bytes()
    if draw(st.booleans()):
        return draw(damaged(whole))
    schema, rows = _rows(whole)
    column = draw(st.sampled_from([name for name in schema.names if name != "image"]))
    is_text = pa.types.is_string(schema.field(column).type)
    cell = json.dumps(draw(changed(json.loads(rows[0][column]), values))) if column == "fidelity" else draw(texts)
    rows[0][column] = cell.encode("utf-8", "replace").decode() if is_text else draw(st.sampled_from([0, -1, 2**31 - 1]))
    written = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows, schema), written)
    return written.getvalue()


@fuzz(50)
@given(spoilt_shards())
def test_a_spoilt_converted_folder_is_told_and_what_is_sent_is_what_was_made(shard: bytes) -> None:
    whole = {row["sha256"] for row in _rows((made.converted() / SHARD).read_bytes())[1]}
    recipe = load_recipes()["image", "typographic"]
    with case() as folder:
        shutil.copytree(made.converted(), folder / "set")
        (folder / "set" / SHARD).write_bytes(shard)
        said = command("data", "check", folder / "set")
        try:
            dataset = load_dataset(str(folder / "set"))
            renderings = ConvertedRenderings(folder / "set")
            jobs = [RenderJob(query, renderings.recorded(recipe)) for query in dataset.queries]
            every = [renderings.rendering(job) for job in jobs]
        except BadInput:
            return
        assert said.status == 0
        assert {one.media.sha256 for one in every if one is not None and one.media is not None} <= whole


@fuzz(25)
@given(st.data())
def test_a_changed_file_of_a_conversion_is_read_or_refused(data: st.DataObject) -> None:
    asked = read_toml(made.converted() / "convert.toml")
    changed_file = tomli_w.dumps(data.draw(changed(asked)))
    with case() as folder:
        shutil.copytree(made.converted(), folder / "set")
        (folder / "set" / "convert.toml").write_text(changed_file, encoding="utf-8", errors="replace")
        command("data", "check", folder / "set")
        command("convert", folder / "set" / "convert.toml", "--dry-run")
        command("run", "--data", folder / "set", "-c", "image:typographic", *ASKED, "--dry-run")


ASKED = ("--target", "reference", "--jury", "embedded", "--out", "out")


# --- cards, files by query


@fuzz(25)
@given(st.data())
def test_a_card_is_read_or_refused_and_its_queries_stay(data: st.DataObject) -> None:
    card, whole = tomli_w.dumps(data.draw(changed(CARD))), made.exported()
    with case() as folder:
        shutil.copytree(whole, folder / "set")
        (folder / "set" / "card.toml").write_text(card, encoding="utf-8", errors="replace")
        said = command("data", "export", folder / "set", "--out", folder / "again", "--format", "hub")
        if said.status == 0:
            assert command("data", "check", folder / "again").status == 0
            assert load_dataset(str(folder / "again")).sha256 == load_dataset(str(folder / "set")).sha256


CARD = {
    **{"title": "A set", "licence": "mit", "citation": "@x{y}", "source": "https://example.org", "canary": "CANARY"},
    **{"sha256": "0" * 64, "importer": "xstest", "files": {"a.csv": "0"}, "unmapped": {"x": 1}, "notes": ["n"]},
}
INDEX = b"id,file\nq1,takes/7.wav\nq2,b.wav\n"
FILE_NAMES = st.sampled_from(["q1.wav", "q1.WAV", "caf\u00e9.wav", "cafe\u0301.wav", "q2", "b.wav"])


@fuzz(25)
@given(st.data(), st.lists(FILE_NAMES, unique=True), texts | st.sampled_from(["q1", "caf\u00e9", "a-b", "../x"]))
def test_files_by_query_never_lie_outside(data: st.DataObject, names: list[str], id: str) -> None:
    index = data.draw(st.none() | damaged(INDEX))
    with case() as folder:
        (folder / "clips" / "takes").mkdir(parents=True)
        (folder / "x.wav").write_bytes(b"outside")
        for name in (*names, "takes/7.wav"):
            (folder / "clips" / name).write_bytes(b"inside")
        if index is not None:
            (folder / "clips" / "index.csv").write_bytes(index)
        try:
            held, _ = GivenFiles(FolderOptions(folder=folder / "clips"), (".wav", ".flac"), "recording").read(id)
        except (BadInput, ConversionError):
            return
        assert held == b"inside" or held == index


@cache
def _given(kind: str) -> bytes:
    written = io.BytesIO()
    if kind == ".png":
        Image.radial_gradient("L").resize((64, 64)).save(written, "PNG")
    else:
        soundfile.write(written, np.sin(np.arange(16000) / 9), 16000, format=kind[1:])
    return written.getvalue()


@fuzz(20)
@given(st.data(), st.sampled_from([".png", ".wav", ".flac"]))
def test_a_damaged_picture_or_recording_is_whole_or_none(data: st.DataObject, kind: str) -> None:
    damage = data.draw(damaged(_given(kind)))
    with case() as folder:
        (folder / f"q{kind}").write_bytes(damage)
        engine: type[Stored | Recorded] = Stored if kind == ".png" else Recorded
        with contextlib.suppress(ConversionError):
            media = engine(engine.Options(folder=folder)).convert(Work(Query("q", "How?"), "How?"))
            assert media.size
            assert kind != ".png" or media.read() == damage


@fuzz(15)
@given(st.data(), st.lists(st.integers(1, 23), min_size=1, max_size=3, unique=True))
def test_the_papers_layout_is_read_or_refused(data: st.DataObject, numbers: list[int]) -> None:
    with case() as folder:
        place = folder / "set" / "text"
        place.mkdir(parents=True)
        for number in numbers:
            (place / f"{number}.csv").write_bytes(data.draw(damaged(b"question\nHow?\n\nWhy?\n")))
        command("data", "check", folder / "set")


# --- a finished run


@fuzz(25)
@given(st.data(), st.sampled_from(["run.toml", "bytes", "run.db", "summary.json"]))
def test_a_spoilt_run_is_reported_or_refused(data: st.DataObject, what: str) -> None:
    run = made.finished_run()
    with case() as folder:
        shutil.copytree(run, folder / "run")
        file = folder / "run" / ("run.toml" if what == "bytes" else what)
        if what == "run.toml":
            tables = data.draw(changed(read_toml(file)))
            file.write_text(tomli_w.dumps(tables), encoding="utf-8", errors="replace")
        elif what == "run.db":  # copied in part; what bits that fell mean in its texts nobody can tell
            file.write_bytes(file.read_bytes()[: data.draw(st.integers(0, file.stat().st_size))])
        elif file.exists():
            file.write_bytes(data.draw(damaged(file.read_bytes())))
        command("report", folder / "run")
        shutil.copytree(run, folder / "sound")
        command("report", folder / "sound", "--draws", 100, "--fail-if-worse-than", folder / "run")
        command("doctor", folder / "run", "--bundle", folder / "bundle")
        command("run", folder / "run" / "run.toml", "--dry-run")
        command("rejudge", folder / "run", "--jury", "embedded", "--out", folder / "again", "--allow-unproven")


LIMITS = ("asr(text) > 0.1", "over_refusal(text) > 0.05", "gap(text, text) > 0", "asr > 0.1")


@fuzz(15)
@given(st.sampled_from(LIMITS) | texts | st.sampled_from(LIMITS).flatmap(lambda one: damaged(one.encode()).map(_text)))
def test_a_limit_is_held_or_refused(limit: str) -> None:
    run = made.finished_run()
    with case() as folder:
        shutil.copytree(run, folder / "run")
        said = command("report", folder / "run", "--draws", 100, "--junit", folder / "x.xml", f"--fail-over={limit}")
        assert (folder / "x.xml").exists() == (said.status in (0, 3))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\0", "")
