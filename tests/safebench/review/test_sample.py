"""Labels from people: who is drawn, what a reviewer may see, what comes back, and how far everybody agrees."""

from __future__ import annotations

import csv
import re
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from safebench.cli.main import run_command
from safebench.errors import BadInput
from safebench.review.labels import LABEL_COLUMNS, import_reviews, write_labels
from safebench.review.sample import ALSO, COLUMNS, JudgedAnswer, draw, export, judged
from safebench.store.store import Store
from safebench.types import (
    Ballot,
    Condition,
    Failure,
    Fidelity,
    Intent,
    Item,
    Label,
    Media,
    Outcome,
    Purpose,
    Query,
    Rendering,
    Response,
    Transcript,
)

HOSTILE = '=HYPERLINK("http://evil","click")'
TEXT, PICTURE = Condition("text"), Condition("picture", recipe="plain")
OUTCOMES = [Outcome.UNSAFE, Outcome.SAFE, Outcome.REFUSED, Outcome.REFUSED, Outcome.NOT_UNDERSTOOD, Outcome.UNDECIDED]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Six queries as text and as a picture; text items end as OUTCOMES says, picture items in reverse."""
    folder = tmp_path / "run"
    queries = [Query(f"q{n}", f"Query {n}?", scenario="bias") for n in range(5)]
    queries.append(Query("q5", "-1 + 1 = what?", Intent.BENIGN))
    with Store(folder) as store:
        store.plan(queries, {}, [Item(query, condition) for condition in (TEXT, PICTURE) for query in queries])
        for id, item in list(store.pending({str(TEXT): TEXT, str(PICTURE): PICTURE})):
            number = int(item.query.id[1:])
            outcome = OUTCOMES[number if item.condition == TEXT else 5 - number]
            answer = f"{HOSTILE} {id}" if number == 0 else f"answer {id} 'quoted'\nsecond line"
            end(store, id, item, outcome, Response("answered", answer))
    return folder


def end(store: Store, id: int, item: Item, outcome: Outcome, response: Response) -> None:
    key = None
    if item.condition != TEXT:
        media = Media.of("picture", "image/png", f"picture of {item.query.text}".encode())
        key = store.keep_rendering(item.query, Rendering("plain", f"r{id}", media, Fidelity("passed"))).key
    store.keep_exchange(f"e{id}", id, Purpose("target"), {}, response)
    ballots = [Ballot("a", 0, Label.SAFE, 5, "SECRET reason")]
    store.keep_outcome(id, outcome, "SECRET reason", 5, key, f"e{id}", ballots)


def sheet_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "review.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def fill(folder: Path, to: Path, labels: dict[str, str], **changed: str) -> Path:
    rows = [row | {"label": labels.get(row["item"], "")} | changed for row in sheet_of(folder)]
    with to.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return to


def everything(run: Path) -> dict[str, JudgedAnswer]:
    with Store(run, readonly=True) as store:
        return {one.id: one for one in judged(store)}


# --- drawing


def test_a_sample_holds_every_stratum_and_keeps_the_proportions() -> None:
    strata = {f"{kind}{n}": kind for kind, size in (("a", 600), ("b", 300), ("c", 97), ("d", 3)) for n in range(size)}
    drawn = draw(strata, 100, seed=0)
    counts = Counter(strata[id] for id in drawn)
    assert counts.total() == 100
    assert counts["d"] == 1
    assert all(abs(counts[kind] - size / 10) <= 1 for kind, size in (("a", 600), ("b", 300), ("c", 97)))


def test_a_draw_depends_on_the_seed_alone() -> None:
    strata = {str(n): n % 3 for n in range(300)}
    backwards = dict(reversed(strata.items()))
    assert draw(strata, 30, 1) == draw(backwards, 30, 1)
    assert draw(strata, 30, 1) != draw(strata, 30, 2)


def test_small_samples_take_the_largest_strata_and_large_ones_everything() -> None:
    strata = {**{f"a{n}": "a" for n in range(5)}, "b": "b", **{f"c{n}": "c" for n in range(9)}}
    assert {strata[id] for id in draw(strata, 2, 0)} == {"a", "c"}
    assert draw(strata, 15, 0) == draw(strata, 10_000, 0) == set(strata)


# --- export


def test_a_sheet_shows_what_jurors_see_and_nothing_of_the_verdict(run: Path, tmp_path: Path) -> None:
    made = export(run, tmp_path / "out", 100)
    assert (len(made.answers), made.judged, made.strata) == (12, 12, 10)
    rows = sheet_of(tmp_path / "out")
    assert list(rows[0]) == list(COLUMNS)
    known = everything(run)
    assert {row["item"] for row in rows} == set(known)
    for row in rows:
        assert row["query"].removeprefix("'") == known[row["item"]].query
        assert row["answer"].removeprefix("'") == known[row["item"]].answer
        assert (row["intent"], row["scenario"]) in [("harmful", "bias"), ("benign", "")]
        assert row["label"] == row["comment"] == ""
    told = (tmp_path / "out" / "review.csv").read_text(encoding="utf-8")
    assert not re.search(r"SECRET|picture:plain|undecided|unsafe|refused|q[0-5]", told)


def test_neither_order_nor_names_tell_condition_or_outcome(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "out", 100)
    rows, known = sheet_of(tmp_path / "out"), everything(run)
    assert [row["item"] for row in rows] == sorted(known)
    assert all(re.fullmatch(r"a[0-9a-f]{15}", row["item"]) for row in rows)  # no spreadsheet reads a number
    for row in rows:
        media = known[row["item"]].media
        assert row["media"] == (f"media/{row['item']}.png" if media else "")
        assert media is None or (tmp_path / "out" / row["media"]).read_bytes() == media.read()
    assert len(list((tmp_path / "out" / "media").iterdir())) == 6


def test_what_a_model_said_is_no_formula_in_the_sheet(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "out", 100)
    cells = [cell for row in sheet_of(tmp_path / "out") for cell in row.values()]
    assert not any(cell[:1] in ("=", "+", "-", "@") for cell in cells if cell)
    assert sum(cell.startswith(f"'{HOSTILE}") for cell in cells) == 2


def test_the_help_beside_it_explains_every_label_and_the_scenarios(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "out", 100)
    told = (tmp_path / "out" / "README.txt").read_text(encoding="utf-8")
    assert all(f"\n{label}: " in told for label in Label)
    assert told.count("\nbias: ") == 1
    assert "hate_speech" not in told


def test_only_judged_answers_are_exported_and_spoken_ones_as_they_were_heard_and_written(
    run: Path, tmp_path: Path
) -> None:
    queries = [Query(f"z{n}", f"Again {n}?") for n in range(5)]
    speech = Media.of("speech", "audio/wav", b"RIFF")
    answers = [
        (Outcome.NO_ANSWER, Response("failed", failure=Failure("t", "E", "the server is down"))),
        (Outcome.BLOCKED, Response("blocked", "begins and")),
        (Outcome.UNDECIDED, Response("answered", "", (speech,))),  # nobody transcribed it, no jury saw it
        (Outcome.SAFE, Response("answered", "as written", (speech,))),
    ]
    with Store(run) as store:
        store.plan(queries, {}, [Item(query, TEXT) for query in queries])
        for (id, item), (outcome, response) in zip(list(store.pending({"text": TEXT})), answers, strict=False):
            end(store, id, item, outcome, response)
        store.keep_spoken(id, Transcript("as heard", "recogniser"), Label.SAFE, Label.SAFE)
    export(run, tmp_path / "out", 100)
    (row,) = [row for row in sheet_of(tmp_path / "out") if row["query"].startswith("Again")]
    assert (row["answer"], row["answer_media"]) == (
        f"as heard\n\n{ALSO}\nas written",
        f"media/{row['item']}-answer-1.wav",
    )
    assert (tmp_path / "out" / row["answer_media"]).read_bytes() == b"RIFF"
    assert (tmp_path / "out" / "README.txt").read_text(encoding="utf-8").count(ALSO) == 1


@pytest.mark.parametrize(
    ("heard", "own", "answer"),
    [("", "as written", "as written"), ("As heard", "", "As heard"), ("the same", "The same!", "the same")],
)
def test_of_a_spoken_answer_in_one_form_there_is_one_text(
    run: Path, tmp_path: Path, heard: str, own: str, answer: str
) -> None:
    with Store(run) as store:
        store.plan([Query("z", "Again?")], {}, [Item(Query("z", "Again?"), TEXT)])
        ((id, item),) = store.pending({"text": TEXT})
        end(store, id, item, Outcome.SAFE, Response("answered", own, (Media.of("speech", "audio/wav", b"RIFF"),)))
        store.keep_spoken(id, Transcript(heard, "recogniser"), Label.SAFE, None)
    export(run, tmp_path / "out", 100)
    assert [row["answer"] for row in sheet_of(tmp_path / "out") if row["query"] == "Again?"] == [answer]


def test_a_folder_that_may_hold_labels_is_never_overwritten(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "out", 100)
    before = (tmp_path / "out" / "review.csv").read_bytes()
    with pytest.raises(BadInput, match="exists already"):
        export(run, tmp_path / "out", 5)
    assert (tmp_path / "out" / "review.csv").read_bytes() == before
    (tmp_path / "empty").mkdir()
    assert len(export(run, tmp_path / "empty", 5).answers) == 5


def test_lost_media_are_told_before_anything_is_written(run: Path, tmp_path: Path) -> None:
    lost = next((run / "media").glob("*/*.png"))
    lost.unlink()
    with pytest.raises(BadInput, match=lost.name):
        export(run, tmp_path / "out", 100)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_run_without_answers_has_nothing_to_review(tmp_path: Path) -> None:
    Store(tmp_path / "bare").close()
    with pytest.raises(BadInput, match="no judged answers"):
        export(tmp_path / "bare", tmp_path / "out", 5)


# --- import


def test_labels_come_back_and_go_on_to_calibration_with_their_texts_as_they_were(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "out", 100)
    known = everything(run)
    labels = dict.fromkeys(known, "Refused")
    first, second, third, *_ = known
    labels |= {first: " not understood ", second: "abstain", third: ""}
    found = import_reviews(run, fill(tmp_path / "out", tmp_path / "a.csv", labels), " anna ")
    assert (found.kept, found.abstained, found.empty) == (11, 1, 1)
    (run / "run.toml").write_text('target = "openai:model"\n', encoding="utf-8")
    assert write_labels(run, tmp_path / "labels.csv") == 10
    with (tmp_path / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["item"]: row for row in csv.DictReader(file)}
    assert list(next(iter(rows.values()))) == list(LABEL_COLUMNS)
    assert set(rows) == set(known) - {second, third}
    assert rows[first]["label"] == "not_understood"
    for id, row in rows.items():
        one = known[id]
        told = (one.query, one.answer, "anna", one.intent, one.scenario)
        assert (row["query"], row["answer"], row["annotator"], row["intent"], row["scenario"]) == told
        assert (row["target"], row["condition"]) == ("openai:model", one.condition)


def test_importing_again_replaces_the_same_persons_labels_only(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "out", 100)
    known = list(everything(run))
    for name in ("anna", "ben"):
        import_reviews(run, fill(tmp_path / "out", tmp_path / "a.csv", dict.fromkeys(known, "safe")), name)
    import_reviews(run, fill(tmp_path / "out", tmp_path / "a.csv", {known[0]: "unsafe"}, comment="'=why"), "anna")
    with Store(run, readonly=True) as store:
        kept = store.reviews()
        comments = {row["comment"] for row in store.rows("SELECT comment FROM reviews WHERE reviewer = 'anna'")}
    assert sorted(len(labels) for labels in kept.values()) == [1] * 11 + [2]
    assert {"anna": Label.UNSAFE, "ben": Label.SAFE} in kept.values()
    assert comments == {"=why"}


def test_every_problem_is_told_with_its_line_and_nothing_is_kept(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "out", 100)
    rows = sheet_of(tmp_path / "out")
    for row in rows:
        row["label"] = "safe"
    rows[1]["label"] = "refusde"
    rows[2]["item"] = "a123456789abcdef"
    rows[4]["item"] = rows[3]["item"]
    rows[5]["query"] = rows[6]["query"]
    path = tmp_path / "bad.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(BadInput) as caught:
        import_reviews(run, path, "anna")
    found = [re.sub(r"line \d+ \(row (\d+)\)", r"row \1", problem) for problem in caught.value.problems]
    assert found == [
        f"{path}, row 3: label 'refusde' is none of ours; did you mean refused?",
        f"{path}, row 4: item 'a123456789abcdef' is no judged answer of this run",
        f"{path}, row 6: item {rows[3]['item']!r} stands in row 5 already",
        f"{path}, row 7: the query is not that of item {rows[5]['item']!r}: was one column sorted without the others?",
    ]
    with Store(run, readonly=True) as store:
        assert store.reviews() == {}


def test_a_sheet_of_another_run_or_without_labels_is_refused(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "out", 100)
    with pytest.raises(BadInput, match="has no labels"):
        import_reviews(run, tmp_path / "out" / "review.csv", "anna")
    with sqlite3.connect(run / "run.db") as other:  # the same items, answered anew
        other.execute("UPDATE exchanges SET response = replace(response, 'answer', 'another')")
    labels = fill(tmp_path / "out", tmp_path / "a.csv", dict.fromkeys(everything(run), "safe"))
    with pytest.raises(BadInput, match="no judged answer of this run"):
        import_reviews(run, labels, "anna")


@pytest.mark.parametrize("name", ["", " ", "Jury", "x" * 101, "a\nb"])
def test_a_reviewer_has_a_name_of_their_own(run: Path, tmp_path: Path, name: str) -> None:
    export(run, tmp_path / "out", 100)
    sheet = fill(tmp_path / "out", tmp_path / "a.csv", dict.fromkeys(everything(run), "safe"))
    with pytest.raises(BadInput, match="printable characters"):
        import_reviews(run, sheet, name)


def test_texts_that_a_spreadsheet_has_touched_are_still_known(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "out", 100)
    rows = sheet_of(tmp_path / "out")
    lines = ["item;query;label;comment"]
    lines += [f"{row['item']};{row['query'].removeprefix(chr(39))} ;safe;" for row in rows]
    (tmp_path / "saved.csv").write_text("\r\n".join([*lines, ";;;", ""]), encoding="utf-8", newline="")
    assert import_reviews(run, tmp_path / "saved.csv", "anna").kept == 12


# --- agreement


def test_agreement_by_hand(run: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "out", 100)
    known = everything(run)
    verdicts = {id: one.verdict for id, one in known.items() if one.verdict}
    assert len(verdicts) == 10  # two are undecided
    copied = dict.fromkeys(known, "abstain") | {id: label.value for id, label in verdicts.items()}
    found = import_reviews(run, fill(tmp_path / "out", tmp_path / "a.csv", copied), "anna")
    (pair,) = found.agreements.pairs
    assert (pair.first, pair.second, pair.n, pair.same, pair.kappa, pair.kappa_unsafe) == ("anna", "jury", 10, 1, 1, 1)
    assert (found.agreements.alpha, found.agreements.unjudged) == (None, 2)
    # ben calls everything but the two unsafe answers safe: of 10 labels 2 unsafe, 2 safe, 4 refused, 2 not understood,
    # 4 are equal; by chance (2 · 2 + 2 · 8) / 100 = 0.2, so κ = (0.4 - 0.2) / 0.8
    bens = {id: "unsafe" if label is Label.UNSAFE else "safe" for id, label in verdicts.items()}
    found = import_reviews(run, fill(tmp_path / "out", tmp_path / "b.csv", bens), "ben")
    assert [(pair.first, pair.second, pair.n) for pair in found.agreements.pairs] == [
        ("anna", "ben", 10),
        ("anna", "jury", 10),
        ("ben", "jury", 10),
    ]
    for pair in (found.agreements.pairs[0], found.agreements.pairs[2]):
        assert pair.same == pytest.approx(0.4)
        assert pair.kappa == pytest.approx(0.25)
        assert pair.kappa_unsafe == 1.0
    # 20 labels: 4 unsafe, 10 safe, 4 refused, 2 not understood; 6 units disagree: 1 - 19 · 12 / (400 - 136)
    assert found.agreements.alpha == pytest.approx(1 - 19 * 12 / (400 - 136))


def test_a_missed_probe_is_no_verdict_of_the_jury(run: Path) -> None:
    with sqlite3.connect(run / "run.db") as db:
        db.execute("INSERT INTO probes SELECT id, 'missed', 1.0, NULL FROM items")
        db.execute("INSERT OR IGNORE INTO controls SELECT query, 'understood', 0.0, NULL FROM items")
    verdicts = {one.outcome: one.verdict for one in everything(run).values()}
    assert verdicts[Outcome.NOT_UNDERSTOOD] is None
    assert verdicts[Outcome.UNSAFE] is Label.UNSAFE  # harm done outranks the probe


# --- the store and the command line


def test_a_run_without_labels_says_so_and_takes_them(run: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no labels from people"):
        write_labels(run, tmp_path / "labels.csv")
    export(run, tmp_path / "out", 100)
    sheet = fill(tmp_path / "out", tmp_path / "a.csv", dict.fromkeys(everything(run), "safe"))
    assert import_reviews(run, sheet, "anna").kept == 12


def test_the_commands_from_end_to_end(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_command(["review", "export", "run", "--sample", "10", "--out", "out", "--seed", "3"]) == 0
    assert "10 of 12 judged answers, from 10 strata" in capsys.readouterr().out
    fill(Path("out"), Path("a.csv"), {row["item"]: "safe" for row in sheet_of(Path("out"))})
    assert run_command(["review", "import", "run", "a.csv", "--reviewer", "anna"]) == 0
    shown = capsys.readouterr().out
    assert "10 labels kept, 0 of them abstentions; 0 cells still empty" in shown
    assert re.search(r"anna – jury +8 +0\.25 +0\.00 +0\.00", shown)
    assert run_command(["review", "labels", "run", "--out", "labels.csv"]) == 0
    assert len(Path("labels.csv").read_text(encoding="utf-8").split("anna")) == 11


@pytest.mark.parametrize(
    "command",
    [
        ["export", "nowhere", "--out", "out"],
        ["export", "run", "--sample", "0", "--out", "out"],
        ["import", "nowhere", "a.csv", "--reviewer", "anna"],
        ["import", "run", "nowhere.csv", "--reviewer", "anna"],
        ["labels", "nowhere"],
        ["labels", "run"],
    ],
)
def test_bad_input_is_told_and_makes_no_file(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("item,query,label,comment\nx,y,safe,\n", encoding="utf-8")
    assert run_command(["review", *command]) == 2
    assert capsys.readouterr().err.startswith("error:")
    assert sorted(path.name for path in Path().iterdir()) == ["a.csv", "run"]
