from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from PIL import Image

from converters.text_to_speech.espeak import Espeak
from safebench import taxonomy
from safebench.datasets.load import load_dataset
from safebench.datasets.paper_layout import find_release
from safebench.errors import BadInput
from safebench.plugins import Work
from safebench.reports.report import report
from safebench.runs.config import make_config
from safebench.runs.run import run
from safebench.types import Query
from tests import release
from tests.converting import convert

SCENARIOS = list(taxonomy.scenarios())
QUESTION = "How do birds find their way home?"


def write_queries(folder: Path, count: int = len(SCENARIOS)) -> Path:
    """One or two benign questions for each scenario, as the release has them: no header, one column."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        second = "What is a rainbow?\n" if number == 3 else ""
        (folder / f"{number}.csv").write_text(f'"{QUESTION[:-1]}, number {number}?"\n{second}', encoding="utf-8")
    return folder


def speak(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(Espeak().convert(Work(Query("q", text), text)).read())


def draw(file: Path) -> bytes:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.radial_gradient("L").save(file)
    return file.read_bytes()


def problems(folder: Path) -> str:
    with pytest.raises(BadInput) as caught:
        load_dataset(str(folder))
    return str(caught.value)


@pytest.mark.parametrize("place", [".", "text"])
def test_numbers_are_scenarios_in_the_papers_order_and_rows_count_from_one(tmp_path: Path, place: str) -> None:
    write_queries(tmp_path / place)
    queries = load_dataset(str(tmp_path)).queries
    assert [query.id for query in queries[:5]] == ["1-1", "2-1", "3-1", "3-2", "4-1"]
    assert queries[0].text == "How do birds find their way home, number 1?"
    assert list(dict.fromkeys(query.scenario for query in queries)) == SCENARIOS


def test_a_part_of_the_scenarios_belongs_to_none_as_nobody_knows_what_its_numbers_mean(tmp_path: Path) -> None:
    queries = load_dataset(str(write_queries(tmp_path, count=10))).queries
    assert {query.scenario for query in queries} == {None}


def test_a_header_names_the_column_and_an_empty_line_keeps_its_number(tmp_path: Path) -> None:
    write_queries(tmp_path)
    (tmp_path / "1.csv").write_text("no,Question\n1,First?\n\n3,Third?\n", encoding="utf-8")
    texts = {query.id: query.text for query in load_dataset(str(tmp_path)).queries}
    assert (texts["1-1"], texts["1-3"]) == ("First?", "Third?")
    assert "1-2" not in texts


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("One?,more\n", r"1\.csv, line 1: 2 columns and no header"),
        ("question\n", r"1\.csv' is empty"),
        ('"open\n', r"1\.csv cannot be read"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str, told: str) -> None:
    write_queries(tmp_path)
    (tmp_path / "1.csv").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=told):
        load_dataset(str(tmp_path))


def test_columns_of_a_header_are_used_as_in_any_table(tmp_path: Path) -> None:
    folder = write_queries(tmp_path)
    (folder / "1.csv").write_text("sep=;\nID;Question;Intent;lang\n9;First, please?;Benign;de\n;;;\n8;Third?;;\n")
    dataset = load_dataset(str(folder))
    first, third = dataset.queries[:2]
    assert (first.id, first.text, first.intent) == ("1-1", "First, please?", "benign")
    assert (third.id, third.intent) == ("1-3", "harmful")
    file = folder / "1.csv"
    assert dataset.notes == (
        f"{folder}: 1 blank rows were left out",
        f"{folder}: {len(SCENARIOS) + 1} queries without intent were taken as harmful",
        f"{file}: column 'lang' looks like 'language' and is not used: rename it to language, if it is meant",
        f"{file}: column 'ID' is not used: it is known by the file's name and the row",
    )


def test_a_text_without_a_header_may_hold_any_sign(tmp_path: Path) -> None:
    folder = write_queries(tmp_path)
    (folder / "1.csv").write_text("One; or the other; or both?\nA\ttab?\n", encoding="utf-8")
    assert [query.text for query in load_dataset(str(folder)).queries[:2]] == ["One; or the other; or both?", "A\ttab?"]


def test_intents_are_said_to_be_taken_for_granted_and_an_encoding_may_be_named(tmp_path: Path) -> None:
    folder = write_queries(tmp_path)
    (folder / "1.csv").write_bytes("Öl?\n".encode("cp1252"))
    with pytest.raises(BadInput, match="it is not UTF-8: save it as UTF-8"):
        load_dataset(str(folder))
    for number in range(2, len(SCENARIOS) + 1):
        (folder / f"{number}.csv").write_text("How?\n", encoding="utf-8")
    dataset = load_dataset(str(folder), encoding="cp1252")
    assert dataset.queries[0].text == "Öl?"
    assert dataset.notes == (f"{folder}: {len(SCENARIOS)} queries without intent were taken as harmful",)


def test_queries_that_lead_out_of_the_folder_are_refused(tmp_path: Path) -> None:
    folder = write_queries(tmp_path / "paper")
    (tmp_path / "secret.csv").write_text("What is it?\n", encoding="utf-8")
    (folder / "7.csv").unlink()
    (folder / "7.csv").symlink_to(tmp_path / "secret.csv")
    assert "7.csv leads out of the folder" in problems(folder)


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With clips for rows of scenario 1 (right), 2 (a tone), 3 (a link out of the folder) and a picture for 1."""
    folder = write_queries(tmp_path_factory.mktemp("release") / "text").parent
    clips = folder / "audio" / "audio_data_female"
    speak(clips / "1" / "1.wav", "How do birds find their way home, number one?")
    (clips / "2").mkdir()
    soundfile.write(clips / "2" / "1.wav", 0.1 * np.sin(np.arange(48000) / 10), 16000)
    speak(folder.parent / "secret.wav", QUESTION)
    (clips / "3").mkdir()
    (clips / "3" / "1.wav").symlink_to(folder.parent / "secret.wav")
    draw(folder / "image" / "1" / "1.png")
    return folder


def test_given_media_meet_the_gate_and_what_is_missing_is_not_rendered(paper: Path, tmp_path: Path) -> None:
    config = make_config(
        "test", data=str(paper), conditions=["audio:female", "image+text:paper"], target="reference",
        out=str(tmp_path / "run"), workers=1, limit=4, recognisers=["pocketsphinx"],
    )  # fmt: skip
    result = run(config)
    report(result.folder)
    rows = {(r["query_id"], r["condition"]): r for r in pq.read_table(result.folder / "items.parquet").to_pylist()}
    heard = rows["1-1", "audio:female"]
    assert heard["outcome"] != "not_rendered"
    for query, reason in (("2-1", "level_range_db"), ("3-1", "leads out of the folder"), ("3-2", "no recording")):
        assert rows[query, "audio:female"]["outcome"] == "not_rendered"
        assert reason in rows[query, "audio:female"]["reason"]
    seen = rows["1-1", "image+text:paper"]
    assert seen["outcome"] != "not_rendered"
    sent = next(result.folder.glob(f"media/*/{seen['media_sha256']}.png"))
    assert sent.read_bytes() == (paper / "image" / "1" / "1.png").read_bytes()
    assert "there is no picture" in rows["2-1", "image+text:paper"]["reason"]


def test_given_media_are_converted_with_their_fidelity(paper: Path, tmp_path: Path) -> None:
    cells = convert(str(paper), ["audio:female"], tmp_path / "out", workers=1, limit=4).cells
    assert (cells["audio:female"]["unchecked"], cells["audio:female"]["failed"]) == (1, 3)
    first = pq.read_table(tmp_path / "out" / "audio").to_pylist()[0]
    assert first["voice"] == "recorded audio_data_female"
    assert first["duration"] > 1


def test_recipes_of_a_voice_without_clips_are_the_shipped_ones(paper: Path) -> None:
    recipes = load_dataset(str(paper)).recipes
    assert {medium: list(named) for medium, named in recipes.items()} == {"audio": ["female"], "image": ["paper"]}


SMALL = release.Layout(rows=2)


@pytest.mark.parametrize(
    ("place", "changed"),
    [
        ("final_bench", {}),
        ("final_bench", {"texts": "text/text"}),
        ("final_bench", {"texts": "."}),
        ("final_bench", {"pictures": "."}),
        ("final_bench", {"clips": "."}),
        ("final_bench", {"prompts": "prompts{}.csv"}),
        ("final_bench", {"clip_ending": ".WAV", "picture_ending": ".JPG"}),
        ("final_bench", {"clip_ending": ".flac"}),
        ("safebench", {}),
        (".", {}),
    ],
    ids=str,
)
def test_every_documented_place_is_known(tmp_path: Path, place: str, changed: dict[str, str]) -> None:
    release.write_set(tmp_path / place, replace(SMALL, **changed))
    found = find_release(tmp_path / place if place == "safebench" else tmp_path)
    assert found is not None
    dataset = found.dataset()
    assert (len(dataset.queries), dataset.queries[3].text) == (46, release.text(2, 2))
    assert [one.there for one in found.counted(dataset)] == [46] * 5
    assert list(dict.fromkeys(query.scenario for query in dataset.queries)) == release.SCENARIOS
    assert {medium: list(named) for medium, named in dataset.recipes.items()} == {
        "audio": ["female", "male"],
        "image": ["paper"],
    }


def test_texts_may_lie_apart_from_the_media(tmp_path: Path) -> None:
    release.write_set(tmp_path / "SafeBench_Text", replace(SMALL, texts=".", pictures=None, clips=None))
    release.write_set(tmp_path / "final_bench", replace(SMALL, texts=None))
    found = find_release(tmp_path)
    assert found is not None
    assert [one.there for one in found.counted(found.dataset())] == [46] * 5


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("Index,Category\n", "{},{}\n"),
        ("", "{},{}\n"),
        ("Category;Index\n", "{1};{0}\n"),
        (",Index,Area,Category\n", "0,{},Consultation,{}\n"),
    ],
)
def test_category_csv_is_believed_in_any_form(tmp_path: Path, head: str, line: str) -> None:
    release.write_set(tmp_path / "final_bench", SMALL)
    names = {**release.NAMES, 1: "HATE_SPEECH", 19: "MA", 12: "Pornography"}
    rows = (line.format(number, name) for number, name in names.items())
    (tmp_path / "category.csv").write_text(head + "".join(rows))
    queries = {query.id: query.scenario for query in load_dataset(str(tmp_path)).queries}
    assert (queries["1-1"], queries["19-2"], queries["12-1"]) == (
        "hate_speech",
        "medical_advice",
        "pornographic_content",
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("Index,Category\n1,Bias\n1,Hate speech\n", "names number 1 twice"),
        ("Index,Category\n1,Bias\n2,Bias\n", "calls both 1 and 2 bias"),
        ("Index\n1\n2\n", "has no column of numbers with one of their names"),
        ("a,b\nc,d\n", "has no column of numbers with one of their names"),
        ("", "has no column of numbers with one of their names"),
        ("".join(f"{n},{name}\n" for n, name in enumerate(release.NAMES.values())), "it has a number 0"),
        ("".join(f"{n},{n},{name}\n" for n, name in enumerate(release.NAMES.values())), "it has a number 0"),
        ("".join(f"{n},{24 - n},{name}\n" for n, name in release.NAMES.items()), "in two columns, and they differ"),
        ("Index,Category\n1,Bias\n", "counts otherwise than the files, from 1.csv on: it does not name 2"),
        (f"Index,Category\n{'9' * 5000},Bias\n", "has no column of numbers with one of their names"),
    ],
)
def test_a_category_csv_that_contradicts_itself_is_an_error(tmp_path: Path, content: str, why: str) -> None:
    release.write_set(tmp_path / "final_bench", SMALL)
    (tmp_path / "category.csv").write_text(content)
    assert why in problems(tmp_path)


def test_the_paper_calls_two_scenarios_hs_so_that_alone_says_nothing(tmp_path: Path) -> None:
    release.write_set(tmp_path / "final_bench", SMALL)
    release.write_categories(tmp_path, {**release.NAMES, 9: "HS", 19: "HS"})
    queries = {query.id: query.scenario for query in load_dataset(str(tmp_path)).queries}
    assert (queries["9-1"], queries["19-1"], queries["20-1"]) == (None, None, "defamatory_speech")


def test_names_of_the_full_set_are_none_of_minibench(tmp_path: Path) -> None:
    """Whose numbers are its own: they are known by the queries of the full set, or not at all."""
    mini = release.write_set(tmp_path / "minibench_final", replace(release.MINI, rows=2))
    release.write_categories(tmp_path)
    for place in (tmp_path, mini):
        assert {query.scenario for query in load_dataset(str(place)).queries} == {None}
    release.write_set(tmp_path / "SafeBench_Text", replace(SMALL, texts=".", pictures=None, clips=None))
    wanted = [release.SCENARIOS[number - 1] for number in release.MINIBENCH]
    for queries in (load_dataset(str(mini)).queries, load_dataset(str(tmp_path), minibench=True).queries):
        assert list(dict.fromkeys(query.scenario for query in queries)) == wanted
        assert len(queries) == 20
    release.write_categories(mini, dict(enumerate(reversed(wanted), start=1)))
    queries = load_dataset(str(mini)).queries
    assert list(dict.fromkeys(query.scenario for query in queries)) == [*reversed(wanted)]


@pytest.mark.parametrize("numbers", [release.MINIBENCH, range(1, 24)])
def test_media_beside_the_texts_of_both_sets_are_nobodys(tmp_path: Path, numbers: Sequence[int]) -> None:
    texts = release.Layout(rows=1, texts=".", pictures=None, clips=None)
    mini = replace(texts, numbers=release.MINIBENCH)
    release.write_set(tmp_path / "SafeBench_Text", texts)
    release.write_set(tmp_path / "MiniBench_Text", mini)
    release.write_set(tmp_path, replace(SMALL, numbers=numbers, texts=None))
    for minibench in (False, True):
        dataset = load_dataset(str(tmp_path), minibench=minibench)
        assert dataset.recipes == {}
        assert any(f"{tmp_path / 'image'} is not used, as it may be of another set" in note for note in dataset.notes)


def test_media_with_more_numbers_than_minibench_has_are_not_its_own(tmp_path: Path) -> None:
    texts = release.Layout(release.MINIBENCH, 1, texts=".", pictures=None, clips=None)
    release.write_set(tmp_path / "MiniBench_Text", texts)
    release.write_set(tmp_path, replace(SMALL, texts=None))
    assert load_dataset(str(tmp_path)).recipes == {}
    for place in ("image", "audio"):
        shutil.rmtree(tmp_path / place)
    release.write_set(tmp_path, replace(SMALL, numbers=release.MINIBENCH, texts=None))
    assert list(load_dataset(str(tmp_path)).recipes) == ["audio", "image"]


def test_a_part_of_minibench_under_another_name_gets_no_names_of_the_full_set(tmp_path: Path) -> None:
    release.write_set(tmp_path, replace(SMALL, numbers=release.MINIBENCH[:9], pictures=None, clips=None))
    release.write_categories(tmp_path)
    assert {query.scenario for query in load_dataset(str(tmp_path)).queries} == {None}


@pytest.mark.parametrize("head", ["0", "Prompts", "prompt"])
def test_a_header_that_data_frames_write_is_no_query(tmp_path: Path, head: str) -> None:
    folder = write_queries(tmp_path)
    (folder / "1.csv").write_text(f"{head}\nFirst?\nSecond?\n", encoding="utf-8")
    texts = {query.id: query.text for query in load_dataset(str(folder)).queries}
    assert (texts["1-1"], texts["1-2"]) == ("First?", "Second?")
    assert "1-3" not in texts


@pytest.mark.parametrize(("place", "count"), [("final_bench", 101), ("minibench_final", 51), ("x", 102)])
def test_a_header_that_nobody_knows_is_refused_where_there_is_a_record_too_many(
    tmp_path: Path, place: str, count: int
) -> None:
    folder = write_queries(tmp_path / place, 10)
    (folder / "1.csv").write_text("harmful\n" + "How?\n" * (count - 1), encoding="utf-8")
    assert f"has {count} records" in problems(folder)
    assert "if 'harmful' is a header, call it query" in problems(folder)


def test_minibench_is_chosen_where_it_is_not_there(tmp_path: Path) -> None:
    release.write_set(tmp_path / "final_bench", replace(SMALL, rows=60, pictures=None, clips=None))
    queries = load_dataset(str(tmp_path), minibench=True).queries
    wanted = [release.SCENARIOS[number - 1] for number in release.MINIBENCH]
    assert Counter(query.scenario for query in queries) == dict.fromkeys(wanted, 50)


@pytest.mark.parametrize("beside", [release.MINI, None])
def test_minibench_is_never_read_for_a_full_set_that_is_still_packed(
    tmp_path: Path, beside: release.Layout | None
) -> None:
    if beside:
        release.write_set(tmp_path / "minibench_final", beside)
    release.pack(release.write_set(tmp_path / "final_bench", replace(release.Layout(), rows=1)), tmp_path, parts=2)
    shutil.rmtree(tmp_path / "final_bench")
    with pytest.raises(
        BadInput, match=r"part_aa … part_ab is not unpacked \(`safebench data import safebench` does it"
    ):
        load_dataset(str(tmp_path))
    if beside:
        assert len(load_dataset(str(tmp_path), minibench=True).queries) == 500
