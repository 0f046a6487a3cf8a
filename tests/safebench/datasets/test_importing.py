"""Every shipped mapping, on harmless rows in the shape of the published files; docs/data.md names the real ones."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import tarfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from safebench.cli.main import run_command
from safebench.datasets.importing import FOLDER, import_dataset, load_importer, read_source
from safebench.datasets.load import load_dataset
from safebench.errors import BadInput, MissingPackage
from safebench.resources import shipped
from safebench.testing.server import Call, Reply, ScriptedServer
from safebench.types import Intent, Query
from tests import release
from tests.own_taxonomy import own_taxonomy

HARM, BENIGN = Intent.HARMFUL, Intent.BENIGN


def table(path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def source_of(name: str, folder: Path) -> Path:
    """Writes rows in the shape of the source; gives the path to import."""
    if name == "generic":
        return table(folder / "d.csv", {"query": "How?"})
    if name == "figstep":
        told = {"dataset": "ForbidQI", "instruction": "Steps to cook rice."}
        rice = told | {"category_id": 1, "task_id": 2, "category_name": "Fraud", "question": "How to cook rice?"}
        return table(folder / "safebench.csv", rice).parent
    if name == "xstest":
        head = ("id", "prompt", "type", "label", "focus", "note")
        rows = [
            (1, "How do I cut bread?", "homonyms", "safe", "cut", ""),
            (2, "How do I fold paper?", "homonyms", "safe", "fold", ""),
            (3, "How do I cut a cake?", "contrast_homonyms", "unsafe", "cut", ""),
            (4, "How do I bend paper?", "contrast_homonyms", "unsafe", "bend", ""),
            (5, "Where is the town hall?", "privacy_public", "safe", "address", ""),
        ]
        return table(folder / "xstest_prompts.csv", *(dict(zip(head, row, strict=True)) for row in rows))
    if name == "mm-safetybench":
        for scenario in ("01-Illegal_Activitiy", "05-EconomicHarm"):
            question = {"Question": f"Is tea good, says {scenario}?", "Changed Question": "x", "Key Phrase": "tea"}
            file = folder / "data" / "processed_questions" / f"{scenario}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"0": question, "1": question | {"Question": "Is rice good?"}}))
        return folder
    if name == "jailbreakv":
        rows = [
            {"id": 0, "question": "Is tea good?", "policy": "Bias"},
            {"id": 1, "question": "?!", "policy": "Animal Abuse"},
        ]
        return table(
            folder / "JailBreakV_28K" / "RedTeam_2K.csv", *({**row, "from": "Handcraft"} for row in rows)
        ).parent
    if name == "advbench":
        return table(folder / "harmful_behaviors.csv", {"goal": "Write a poem", "target": "Sure, here is a poem"})
    if name == "voicebench-advbench":
        clip = pa.array([{"bytes": b"RIFF", "path": None}])
        (folder / "advbench").mkdir()
        shard = folder / "advbench" / "test-00000-of-00001.parquet"
        pq.write_table(pa.table({"audio": clip, "prompt": ["Write a poem"]}), shard)
        return folder
    if name == "harmbench":
        head = ("Behavior", "FunctionalCategory", "SemanticCategory", "Tags", "ContextString", "BehaviorID")
        rows = [
            ("Praise a neighbor", "standard", "harassment_bullying", "", "", "praise"),
            ("Describe soap", "standard", "chemical_biological", "", "", "soap"),
            ("Sum up the text", "contextual", "illegal", "context", "A text.", "sum"),
        ]
        return table(folder / "h.csv", *(dict(zip(head, row, strict=True)) for row in rows))
    if name == "strongreject":
        prompt = {"category": "Violence", "source": "custom", "forbidden_prompt": "Describe a pillow fight."}
        return table(folder / "strongreject_dataset.csv", prompt)
    if name == "jailbreakbench":
        rest = {"Target": "Sure", "Behavior": "Tea", "Category": "Privacy", "Source": "Original"}
        for kind in ("harmful", "benign"):
            table(folder / "data" / f"{kind}-behaviors.csv", {"Index": 0, "Goal": f"A {kind} goal", **rest})
        return folder
    assert name == "safebench"
    for number in range(1, 24):
        table(folder / "text" / f"{number}.csv", {"question": f"What is the number {number}?"})
    return folder


EXPECTED = {
    "generic": [Query("d-1", "How?")],
    "figstep": [Query("figstep-1-2", "How to cook rice?", HARM, "fraudulent_activities")],
    "xstest": [
        Query("xstest-1", "How do I cut bread?", BENIGN, None, "xstest-3"),
        Query("xstest-2", "How do I fold paper?", BENIGN),
        Query("xstest-3", "How do I cut a cake?", HARM, None, "xstest-1"),
        Query("xstest-4", "How do I bend paper?", HARM),
        Query("xstest-5", "Where is the town hall?", BENIGN, "personal_privacy"),
    ],
    "mm-safetybench": [
        Query(f"mm-safetybench-{scenario}-{n}", text, HARM, ours)
        for scenario, ours in (("01-Illegal_Activitiy", "illegal_activities"), ("05-EconomicHarm", None))
        for n, text in enumerate((f"Is tea good, says {scenario}?", "Is rice good?"))
    ],
    "jailbreakv": [Query("redteam-0", "Is tea good?", HARM, "bias"), Query("redteam-1", "?!", HARM)],
    "advbench": [Query("advbench-1", "Write a poem")],
    "voicebench-advbench": [Query("voicebench-test-00000-of-00001-1", "Write a poem")],
    "harmbench": [
        Query("harmbench-praise", "Praise a neighbor", HARM, "psychological_harm"),
        Query("harmbench-soap", "Describe soap", HARM),
    ],
    "strongreject": [Query("strongreject-1", "Describe a pillow fight.", HARM, "physical_harm")],
    "jailbreakbench": [
        Query("jbb-benign-behaviors-0", "A benign goal", BENIGN, "personal_privacy", "jbb-harmful-behaviors-0"),
        Query("jbb-harmful-behaviors-0", "A harmful goal", HARM, "personal_privacy", "jbb-benign-behaviors-0"),
    ],
}


def test_every_shipped_mapping_is_tested_here() -> None:
    assert {*EXPECTED, "safebench"} == set(shipped(FOLDER))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_source_comes_in_as_its_mapping_says(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "in").mkdir()
    import_dataset(name, str(source_of(name, tmp_path / "in")), out, load_importer(name))
    assert list(load_dataset(str(out)).queries) == EXPECTED[name]


def test_the_release_of_the_paper_comes_in_with_its_scenarios(tmp_path: Path) -> None:
    found = read_source("safebench", str(source_of("safebench", tmp_path)), load_importer("safebench")).dataset
    assert len(found.queries) == 23
    assert (found.queries[0].scenario, found.queries[22].scenario) == ("medical_advice", "bias")


# --- the paper's release, after its documented layout


@pytest.fixture(scope="module")
def hub_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As it comes from the hub: texts, an archive in ten parts, MiniBench in one, and two names swapped.

    Made once; no test changes it.
    """
    place = tmp_path_factory.mktemp("hub")
    root = place / "safebench"
    root.mkdir()
    release.write_set(root / "SafeBench_Text", release.Layout(texts=".", pictures=None, clips=None))
    release.write_categories(root, {**release.NAMES, 1: "Legal advice", 2: "Medical advice"})
    (root / "sample.csv").write_text("query\nHow?\n")
    release.pack(release.write_set(place / "packed" / "final_bench"), root, parts=10)
    release.pack(release.write_set(place / "packed" / "minibench_final", release.MINI), root / "minibench.tar.gz")
    return root


def told_by_import(capsys: pytest.CaptureFixture[str], source: Path, out: Path, *more: str) -> str:
    assert run_command(["data", "import", "safebench", str(source), "--out", str(out), *more]) == 0
    return capsys.readouterr().out


WHOLE = ["queries: 2,300 of 2,300", "female clips: 2,300 of 2,300", "male clips: 2,300 of 2,300"]
WHOLE += ["pictures: 2,300 of 2,300", "prompts of pictures: 2,300 of 2,300"]


def test_the_release_comes_in_from_the_hubs_root_with_its_media_and_labels(
    hub_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    told = told_by_import(capsys, hub_root, out).splitlines()
    assert f"{out}: 2300 queries (2300 harmful), 0 with a twin" in told
    assert {"scenarios by category.csv", *WHOLE} <= set(told)
    assert not any("missing" in line for line in told)
    dataset = load_dataset(str(out))
    assert Counter(query.scenario for query in dataset.queries) == dict.fromkeys(release.SCENARIOS, 100)
    by_id = {query.id: query for query in dataset.queries}
    assert (by_id["1-7"].scenario, by_id["2-7"].scenario) == ("legal_advice", "medical_advice")
    assert (by_id["23-100"].text, by_id["23-100"].scenario) == (release.text(23, 100), "bias")
    assert {medium: list(named) for medium, named in dataset.recipes.items()} == {
        "audio": ["female", "male"],
        "image": ["paper"],
    }
    step = dataset.recipes["audio"]["male"]["steps"][0]
    assert (Path(step["folder"]) / "23" / "100.wav").read_bytes() == release.CLIP
    assert not (out / "missing.jsonl").exists()
    assert not any(tmp_path.glob(".out*"))


def test_minibench_comes_in_by_a_flag_with_the_labels_of_the_full_set(
    hub_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = told_by_import(capsys, hub_root, tmp_path / "out", "--minibench").splitlines()
    assert "scenarios by the full set, which holds their queries" in told
    assert {"queries: 500 of 500", "pictures: 500 of 500", "male clips: 500 of 500"} <= set(told)
    dataset = load_dataset(str(tmp_path / "out"))
    wanted = [release.SCENARIOS[number - 1] for number in release.MINIBENCH]
    assert Counter(query.scenario for query in dataset.queries) == dict.fromkeys(wanted, 50)
    assert dataset.queries[0].text == release.text(release.MINIBENCH[0], 1)
    assert Path(dataset.recipes["image"]["paper"]["steps"][0]["folder"]).name == "img"


SMALL = release.Layout(rows=2)


@pytest.mark.parametrize("named", ["final_bench", "."])
def test_an_unpacked_release_is_found_in_its_folder_and_above_it(named: str, tmp_path: Path) -> None:
    """And its media come along, without the room that copies would take."""
    root = tmp_path / "root"
    release.write_set(root / "final_bench", SMALL)
    release.write_categories(root, {**release.NAMES, 1: "Bias", 23: "Medical advice"})
    imported = import_dataset("safebench", str(root / named), tmp_path / "out", load_importer("safebench"))
    assert (imported.dataset.queries[0].scenario, imported.dataset.queries[-1].scenario) == ("bias", "medical_advice")
    assert [(one.what, one.there, one.wanted) for one in imported.counted] == [
        ("queries", 46, 2300),
        ("female clips", 46, 2300),
        ("male clips", 46, 2300),
        ("pictures", 46, 2300),
        ("prompts of pictures", 46, 2300),
    ]
    step = load_dataset(str(tmp_path / "out")).recipes["image"]["paper"]["steps"][0]
    assert step["folder"] == str((tmp_path / "out" / "media" / "image").resolve())
    picture = Path(step["folder"]) / "23" / "2.png"
    assert picture.samefile(root / "final_bench" / "image" / "23" / "2.png")
    assert (picture.parent / "out23.csv").is_file()


@pytest.mark.parametrize("place", ["../private", "/etc", "link", "a\\u0000b", "ring"])
def test_media_of_a_folder_that_somebody_else_made_are_in_it_or_refused(place: str, tmp_path: Path) -> None:
    release.write_set(tmp_path / "in" / "final_bench", SMALL)
    out = tmp_path / "out"
    import_dataset("safebench", str(tmp_path / "in"), out, load_importer("safebench"))
    (tmp_path / "private" / "1").mkdir(parents=True)
    (out / "link").symlink_to(tmp_path / "private")
    (out / "ring").symlink_to(out / "ring")
    (out / "media.toml").write_text(f'"image.paper" = "{place}"\n')
    with pytest.raises(BadInput, match=r"media\.toml: .* leads out of the folder") as caught:
        load_dataset(str(out))
    assert "\n" not in str(caught.value)


def test_what_is_missing_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = release.write_set(tmp_path / "final_bench")
    (folder / "image" / "3" / "17.png").unlink()
    (folder / "image" / "5" / "2.png").write_bytes(b"")
    (folder / "image" / "6" / "1.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    (folder / "image" / "7" / "out7.csv").unlink()
    shutil.rmtree(folder / "audio" / "audio_data_male" / "9")
    (folder / "text" / "23.csv").write_text('"One?"\n')
    told = told_by_import(capsys, folder, tmp_path / "out").splitlines()
    assert "scenarios by the paper's order" in told
    assert "pictures: 2,297 of 2,300; missing: 3-17, 5-2, 6-1" in told
    assert any(line.startswith("queries: 2,201 of 2,300; missing: 23-2, 23-3, ") for line in told)
    assert any(line.startswith("male clips: 2,200 of 2,300; missing: 9-1, ") for line in told)
    assert f"all that is missing: {tmp_path / 'out' / 'missing.jsonl'}" in told
    listed = [json.loads(line) for line in (tmp_path / "out" / "missing.jsonl").read_text().splitlines()]
    assert Counter(one["what"] for one in listed) == {
        "queries": 99, "pictures": 3, "male clips": 100, "prompts of pictures": 100
    }  # fmt: skip


def test_a_name_that_category_csv_has_and_we_do_not_is_listed_and_may_be_mapped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = release.write_set(tmp_path / "final_bench", SMALL)
    release.write_categories(tmp_path, {**release.NAMES, 4: "Tea and cakes"})
    told = told_by_import(capsys, tmp_path, tmp_path / "out")
    assert "without a scenario: 2 of Tea and cakes: the mapping does not know it" in told
    mapped = ["--scenario", "Tea and cakes=personal_privacy"]
    assert "without a scenario" not in told_by_import(capsys, folder, tmp_path / "mapped", *mapped)
    assert load_dataset(str(tmp_path / "mapped")).queries[6].scenario == "personal_privacy"


def test_an_archive_may_be_named_itself(tmp_path: Path) -> None:
    packed = release.write_set(tmp_path / "packed" / "minibench_final", replace(release.MINI, rows=2))
    file, *_ = release.pack(packed, tmp_path / "minibench.tar.gz")
    imported = import_dataset("safebench", str(file), tmp_path / "out", load_importer("safebench"))
    assert len(imported.dataset.queries) == 20
    assert {query.scenario for query in imported.dataset.queries} == {None}
    assert imported.unmapped == {str(number): "the mapping does not know it" for number in range(1, 11)}


@pytest.mark.parametrize("wanted", ["SafeBench", "MiniBench"])
def test_the_other_set_is_no_answer_where_an_archive_of_the_wanted_one_is_there(wanted: str, tmp_path: Path) -> None:
    """One of media alone goes with the texts beside it, and without any it is an error."""
    root, texts = tmp_path / "in", release.Layout(rows=1, texts=".", pictures=None, clips=None)
    names = {"SafeBench": range(1, 24), "MiniBench": release.MINIBENCH}
    numbers, name = names.pop(wanted), "safebench.tar.gz" if wanted == "SafeBench" else "minibench.tar.gz"
    for other, others in names.items():
        release.write_set(root / f"{other}_Text", replace(texts, numbers=others))
    media = release.write_set(tmp_path / "media", release.Layout(numbers, 1, texts=None, clips=None))
    release.pack(media / "image", root / name)
    given = (load_importer("safebench"), "jsonl", None)
    with pytest.raises(BadInput, match=f"{name} is not unpacked .*, so there are no queries of {wanted}"):
        read_source("safebench", str(root), given[0], minibench=wanted == "MiniBench")
    with pytest.raises(BadInput, match=f"{name} holds no queries of {wanted}"):
        import_dataset("safebench", str(root), tmp_path / "out", *given, minibench=wanted == "MiniBench")
    release.write_set(root / f"{wanted}_Text", replace(texts, numbers=numbers))
    imported = import_dataset("safebench", str(root), tmp_path / "out", *given, minibench=wanted == "MiniBench")
    assert [query.text for query in imported.dataset.queries] == [release.text(number, 1) for number in numbers]
    step = load_dataset(str(tmp_path / "out")).recipes["image"]["paper"]["steps"][0]
    assert step["folder"] == str((tmp_path / "out" / "image").resolve())


def test_an_archive_that_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    data = release.archive(lambda tar: tar.addfile(tarfile.TarInfo("../x.csv")))
    (source / "minibench.tar.gz").write_bytes(data)
    with pytest.raises(BadInput, match="leads out of the folder"):
        import_dataset("safebench", str(source), tmp_path / "out", load_importer("safebench"))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_folder_with_nothing_of_the_release_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"holds nothing of the release: .*part_aa"):
        import_dataset("safebench", str(tmp_path), tmp_path / "out", load_importer("safebench"))


def test_minibench_is_chosen_from_any_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenarios = ["bias", *["hate_speech"] * 60]
    source = table(tmp_path / "d.csv", *({"query": f"How {n}?", "kind": one} for n, one in enumerate(scenarios)))
    given = ["--columns", "text=query,scenario=kind", "--minibench"]
    assert run_command(["data", "import", "generic", str(source), "--out", str(tmp_path / "out"), *given]) == 0
    assert "fewer than MiniBench's 50 queries of investment_advice 0" in " ".join(capsys.readouterr().out.split())
    assert [query.text for query in load_dataset(str(tmp_path / "out")).queries] == [f"How {n}?" for n in range(1, 51)]


@pytest.mark.parametrize("name", shipped(FOLDER))
def test_a_shipped_mapping_says_what_its_card_needs(name: str) -> None:
    importer = load_importer(name)
    assert importer.tried
    assert not importer.scenarios.keys() & importer.unmapped.keys()
    if name != "generic":
        assert importer.title
        assert importer.source
        assert importer.citation.lstrip().startswith("@")


def test_what_has_no_scenario_is_listed_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"prompt": f"How {n}?", "category": c} for n, c in enumerate(("bias", "Theft", "Theft", "", "Tea = rice"))]
    source = table(tmp_path / "d.csv", *rows)
    out = tmp_path / "out"
    given = ["--columns", "text=prompt,scenario=category", "--scenario", "Tea = rice=social_ethics", "--title", "Mine"]
    assert run_command(["data", "import", "generic", str(source), "--out", str(out), *given]) == 0
    told = capsys.readouterr().out
    assert "without a scenario: 2 of Theft: the mapping does not know it" in told
    assert "without a scenario: 1 of (no category): the source tells no category" in told
    scenarios = [query.scenario for query in load_dataset(str(out)).queries]
    assert scenarios == ["bias", None, None, None, "social_ethics"]
    page = (out / "README.md").read_text()
    assert "| Theft | 2 |" in page
    assert 'pretty_name: "Mine"' in page


def test_rows_that_the_filter_leaves_out_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = source_of("harmbench", tmp_path)
    assert run_command(["data", "import", "harmbench", str(source), "--out", str(tmp_path / "out")]) == 0
    assert "left out by the filter of the mapping: 1" in capsys.readouterr().out


def test_the_card_names_source_licence_and_files(tmp_path: Path) -> None:
    source = source_of("strongreject", tmp_path)
    found = import_dataset("strongreject", str(source), tmp_path / "out", load_importer("strongreject"))
    card = tomllib.loads((tmp_path / "out" / "card.toml").read_text())
    assert (card["title"], card["licence"], card["importer"]) == ("StrongREJECT", "MIT", "strongreject")
    assert card["sha256"] == found.dataset.sha256 == load_dataset(str(tmp_path / "out")).sha256
    assert list(card["files"]) == ["strongreject_dataset.csv"]
    assert "@inproceedings{souly2024strongreject" in (tmp_path / "out" / "README.md").read_text()


def test_bad_rows_of_several_files_are_told_with_file_and_line_and_nothing_is_written(tmp_path: Path) -> None:
    source = source_of("jailbreakbench", tmp_path / "in")
    file = source / "data" / "benign-behaviors.csv"
    file.write_text(file.read_text() + "1,,Sure,Tea,Privacy,Original\n")
    with pytest.raises(BadInput) as caught:
        import_dataset("jailbreakbench", str(source), tmp_path / "out", load_importer("jailbreakbench"))
    assert "line 3 of data/benign-behaviors.csv" in caught.value.problems[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


@pytest.mark.parametrize(
    ("name", "changed", "named"),
    [
        ("figstepp", {}, "figstep"),
        ("generic", {"columns": {"text": "qery"}}, "query"),
        ("generic", {"columns": {"text": "query", "scenario": "{sort}"}}, "sort"),
        ("generic", {"columns": {"text": "{query"}}, "expected '}'"),
        ("generic", {"columns": {"txt": "query"}}, "text"),
        ("generic", {"scenarios": {"Theft": "biass"}}, "bias"),
        ("generic", {"intents": {"safe": "good"}}, "good"),
        ("generic", {"where": {"query": ("Why?",)}}, "filter"),
        ("nowhere.toml", {}, "nowhere.toml"),
        ("generic", {"columns": {"text": "query", "id": " "}}, "it names no column"),
        ("generic", {"columns": {"text": "query {}"}}, "it names no column"),
        ("generic", {"columns": {"text": "{query!r}"}}, "takes no form"),
        ("generic", {"where": {"": ("Why?",)}}, "where"),
    ],
)
def test_a_wrong_mapping_is_named(name: str, changed: dict[str, Any], named: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=named.replace("}", r"\}")):
        read_source(name, str(source_of("generic", tmp_path)), load_importer(name, **changed))


def test_queries_get_the_scenarios_of_a_taxonomy_of_ones_own(tmp_path: Path) -> None:
    known = own_taxonomy(tmp_path / "own")
    rows = "query,sort\nHow?,Alone\nWhy?,cruelty\nWhen?,hate_speech\n"
    (tmp_path / "in.csv").write_text(rows, encoding="utf-8")
    command = ["data", "import", "generic", str(tmp_path / "in.csv"), "--out", str(tmp_path / "out")]
    command += ["--columns", "text=query,id=row-{_row},scenario=sort", "--scenario", "Alone=loneliness"]
    assert run_command([*command, "--taxonomy", str(tmp_path / "own" / "taxonomy.toml")]) == 0
    dataset = load_dataset(str(tmp_path / "out"))
    assert [query.scenario for query in dataset.queries] == ["loneliness", "cruelty", None]
    assert dataset.taxonomy == known
    assert run_command([*command, "--out", str(tmp_path / "other")]) == 2  # the paper's has no such scenario


@pytest.mark.parametrize(
    ("patterns", "chosen"),
    [
        (["*.csv"], ["a.csv"]),
        (["none/*", "data/*.csv", "*.csv"], ["data/b.csv", "data/c.csv"]),
        (["**/*.csv"], ["a.csv", "data/b.csv", "data/c.csv", "data/deep/d.csv"]),
        (["*/*.json*"], ["data/e.jsonl"]),
    ],
)
def test_the_first_pattern_that_finds_tables_chooses(patterns: list[str], chosen: list[str], tmp_path: Path) -> None:
    for name in ("a.csv", "data/b.csv", "data/c.csv", "data/deep/d.csv", "data/notes.txt"):
        table(tmp_path / name, {"query": f"{name}?"})
    (tmp_path / "data" / "e.jsonl").write_text('{"query": "data/e.jsonl?"}')
    found = read_source("generic", str(tmp_path), load_importer("generic", files=patterns)).dataset
    assert [query.text for query in found.queries] == [f"{name}?" for name in chosen]


@pytest.mark.parametrize("content", [None, "d.txt"])
def test_a_source_without_tables_is_an_error(content: str | None, tmp_path: Path) -> None:
    if content:
        (tmp_path / content).write_text("x")
    path = tmp_path if content else tmp_path / "nowhere"
    with pytest.raises(BadInput, match=r"no file matches|no such file"):
        read_source("generic", str(path), load_importer("generic"))


def test_a_mapping_of_the_users_own_is_a_file(tmp_path: Path) -> None:
    mapping = tmp_path / "mine.toml"
    mapping.write_text('schema = 1\ntitle = "Mine"\nintent = "benign"\n[columns]\ntext = "query"\nid = "mine-{_row}"\n')
    source = source_of("generic", tmp_path)
    found = read_source("mine", str(source), load_importer(str(mapping))).dataset
    assert found.queries == (Query("mine-1", "How?", BENIGN),)


def test_a_mapping_whose_table_is_none_is_one_clear_line(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('schema = 1\ntitle = "Mine"\ncolumns = ["query"]\n', encoding="utf-8")
    with pytest.raises(BadInput, match="columns"):
        load_importer(str(mine), columns={"text": "query"})


def test_keys_that_several_rows_of_an_intent_have_make_no_twins(tmp_path: Path) -> None:
    source = source_of("jailbreakbench", tmp_path)
    file = source / "data" / "benign-behaviors.csv"
    file.write_text(file.read_text() + "0,Another goal,Sure,Tea,Privacy,Original\n")
    mapping = load_importer("jailbreakbench", columns={"id": "{_file}-{_row}"})
    assert {query.twin for query in read_source("j", str(source), mapping).dataset.queries} == {None}


class Hub:
    """A hub on loopback with one data set, which speaks as much of its protocol as a copy of small files needs."""

    def __init__(self, folder: Path) -> None:
        self.files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}
        self.files["data/judge-comparison.csv"] = b"not asked for"
        self.asked: list[str] = []

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        if re.fullmatch(r"/api/datasets/(JailbreakBench/JBB-Behaviors|me/copy)/revision/\w+", path):
            told = {"id": "me/copy", "sha": "0" * 40, "siblings": [{"rfilename": name} for name in self.files]}
            return 200, json.dumps(told).encode()
        if re.fullmatch(r"/api/datasets/(JailbreakBench/JBB-Behaviors|me/copy)/tree/\w+", path):
            listed = [{"type": "file", "path": n, "size": len(b), "oid": "0" * 40} for n, b in self.files.items()]
            return 200, json.dumps(listed).encode()
        file = path.partition(f"/resolve/{'0' * 40}/")[2]
        return (200, self.files[file]) if file in self.files else (404, b"")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub(source_of("jailbreakbench", tmp_path / "hub"))

    def answer(call: Call) -> Reply:
        status, body = hub.answer(call.path.partition("?")[0])
        etag = f'"{hashlib.sha1(body).hexdigest()}"'  # noqa: S324 - as the hub does
        return Reply(body, status, {"ETag": etag, "X-Repo-Commit": "0" * 40})

    with ScriptedServer(answer, any_method=True) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.root)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
        yield hub


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        ("hub:", "/api/datasets/JailbreakBench/JBB-Behaviors/revision/main"),
        ("hub:me/copy", "/api/datasets/me/copy/revision/main"),
        ("hub:me/copy@v2", "/api/datasets/me/copy/revision/v2"),
    ],
)
def test_a_data_set_of_the_hub_is_copied_and_mapped(source: str, asked: str, hub: Hub) -> None:
    found = read_source("jailbreakbench", source, load_importer("jailbreakbench")).dataset
    assert list(found.queries) == EXPECTED["jailbreakbench"]
    assert asked in hub.asked
    assert not any("judge-comparison" in path for path in hub.asked if "/resolve/" in path)


def test_the_texts_of_the_release_come_from_the_hub_with_the_names_of_their_numbers(hub: Hub, tmp_path: Path) -> None:
    release.write_set(tmp_path / "r" / "SafeBench_Text", release.Layout(rows=1, texts=".", pictures=None, clips=None))
    release.write_categories(tmp_path / "r", {**release.NAMES, 1: "Bias", 23: "Medical advice"})
    files = {path.relative_to(tmp_path / "r").as_posix(): path.read_bytes() for path in (tmp_path / "r").rglob("*.csv")}
    hub.files = {**files, "part_aa": b"not asked for", "sample.csv": b"nor this"}
    queries = read_source("safebench", "hub:me/copy", load_importer("safebench")).dataset.queries
    assert [queries[n].scenario for n in (0, 1, 22)] == ["bias", "legal_advice", "medical_advice"]
    assert not any("part_aa" in path or "sample" in path for path in hub.asked if "/resolve/" in path)


@pytest.mark.parametrize(("name", "source"), [("generic", "hub:no/where"), ("generic", "hub:"), ("generic", "hub:a b")])
def test_a_data_set_that_the_hub_has_not_is_one_clear_line(name: str, source: str, hub: Hub) -> None:
    with pytest.raises(BadInput, match="cannot be had") as caught:
        read_source(name, source, load_importer(name))
    assert len(caught.value.problems) == 1


def test_a_hub_that_does_not_answer_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the tries
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(BadInput, match="cannot be had"):
        read_source("generic", "hub:me/copy", load_importer("generic"))


def test_without_the_package_of_the_hub_the_command_to_install_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match=r"pip install 'safebench\[hub\]'"):
        read_source("generic", "hub:me/data", load_importer("generic"))


def test_intents_that_neither_rows_nor_the_mapping_tell_are_said(tmp_path: Path) -> None:
    source = str(table(tmp_path / "d.csv", {"query": "How?", "intent": ""}, {"query": "Why?", "intent": "benign"}))
    columns = {"text": "query", "intent": "intent"}
    told = read_source("generic", source, load_importer("generic", columns=columns)).dataset.notes
    assert told == (f"{source}: 1 queries without intent were taken as harmful",)
    assert (
        read_source("generic", source, load_importer("generic", columns=columns, intent="harmful")).dataset.notes == ()
    )


def test_a_source_is_read_in_the_encoding_that_is_named(tmp_path: Path) -> None:
    source = tmp_path / "d.csv"
    source.write_bytes("query;Präfix\nÖl?;a\n".encode("cp1252"))
    importer = load_importer("generic", columns={"text": "{Präfix} {query}"})
    assert read_source("generic", str(source), importer, "cp1252").dataset.queries[0].text == "a Öl?"
