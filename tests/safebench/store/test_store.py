from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safebench.errors import BadInput, BrokenMedia
from safebench.serialisation import storable
from safebench.store.exchanges import Spent, failed_roles, jury_calls, spending, told_calls
from safebench.store.items import items_by_revision, planned_stages, shown_by_probe
from safebench.store.schema import DATABASE, SCHEMA_VERSION
from safebench.store.store import Store
from safebench.types import (
    Absence,
    Attempt,
    Ballot,
    Comprehension,
    Condition,
    Draft,
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

QUERIES = [Query("q1", "One?", scenario="bias", twin="q2"), Query("q2", "Two?", Intent.BENIGN, "bias", "q1")]
TEXT = Condition("text")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "run")
    made.plan(QUERIES, {"bias": "inappropriate_opinions"}, [Item(query, TEXT) for query in QUERIES])
    return made


def test_planned_items_are_pending_in_order_until_they_have_an_outcome(store: Store) -> None:
    pending = list(store.pending({"text": TEXT}))
    assert [item.query for _, item in pending] == QUERIES
    store.keep_outcome(pending[0][0], Outcome.SAFE, "why", 5, None, None, [])
    assert [item.query.id for _, item in store.pending({"text": TEXT})] == ["q2"]


def test_planning_again_changes_nothing(store: Store) -> None:
    store.keep_outcome(1, Outcome.SAFE, "why", 5, None, None, [])
    store.plan(QUERIES, {}, [Item(query, TEXT) for query in QUERIES])
    assert store.counts() == {"text": {"safe": 1, None: 1}}


def test_a_later_revision_brings_more_and_the_stages_are_told_as_they_were(store: Store) -> None:
    """A twin that comes late was none before."""
    alone = [Query("q3", "Three?", scenario="bias")]
    store.plan([*QUERIES, *alone], {}, [Item(alone[0], TEXT)], 2)
    late = [
        replace(alone[0], twin="q4", language="en", certainty=0.9),
        Query("q4", "Four?", Intent.BENIGN, "bias", "q3"),
    ]
    store.plan([*QUERIES, *late], {}, [Item(query, TEXT, repeat) for query in late for repeat in range(2)], 3)
    assert store.planned == 3
    assert items_by_revision(store) == {1: 2, 2: 1, 3: 3}
    first, second, third = planned_stages(store)
    assert [*first] == QUERIES
    assert [*second] == [*QUERIES, replace(late[0], twin=None)]
    assert [*third] == [*QUERIES, *late]


def test_a_response_comes_back_as_it_was_kept(store: Store) -> None:
    media = Media.of("speech", "audio/wav", b"RIFF")
    response = Response(
        "answered", "héllo \0 \U0001f600", (media,), "stop", "m", {"total_tokens": 3},
        (Attempt(0.1, 429, "slow", 2.0),), given=(Transcript("How do I …?", "ear"), Transcript("", "eye")),
    )  # fmt: skip
    kept = store.keep_exchange("key", 1, Purpose("target"), {"messages": []}, response)
    found = store.exchange("key")
    assert found == kept
    assert found is not None
    assert found.media[0].read() == b"RIFF"
    assert store.exchange("other") is None


def test_a_rendering_comes_back_as_it_was_kept(store: Store) -> None:
    fidelity = Fidelity("passed", {"cer": 0.01}, "reader", "one", None)
    draft = Draft("a cat", "it is too dark", Media.of("picture", "image/png", b"draft"), 0.25)
    told = {"tries": 2, "said": "one thing", "written": "Look!", "drafts": (draft,)}
    rendering = Rendering("plain", "key", Media.of("picture", "image/png", b"png"), fidelity, None, 0.25, **told)
    kept = store.keep_rendering(QUERIES[0], rendering)
    found = store.rendering("key")
    assert found == kept
    assert found is not None
    assert found.media is not None
    assert found.media.read() == b"png"
    assert found.drafts[0].media is not None
    assert found.drafts[0].media.read() == b"draft"


def test_a_failed_rendering_comes_back_with_its_failure(store: Store) -> None:
    failure = Failure("engine", "Error", "broke")
    store.keep_rendering(QUERIES[0], Rendering("plain", "key", None, Fidelity("failed"), failure))
    found = store.rendering("key")
    assert found is not None
    assert found.failure == failure
    assert not found.faithful


def test_media_files_are_named_by_their_hash_and_written_once(store: Store) -> None:
    media = Media.of("picture", "image/png", b"png")
    kept = store.keep(media)
    assert isinstance(kept.source, Path)
    assert kept.source.name == f"{media.sha256}.png"
    before = kept.source.stat().st_mtime_ns
    store.keep(media)
    assert kept.source.stat().st_mtime_ns == before
    assert [path.name for path in kept.source.parent.iterdir()] == [kept.source.name]


def test_ballots_are_kept_with_the_outcome(store: Store) -> None:
    ballots = [Ballot("a", 0, Label.UNSAFE, 1, "bad", ("k1", "k2")), Ballot("a", 1, Label.ABSTAIN)]
    store.keep_outcome(1, Outcome.UNDECIDED, "hung", None, None, None, ballots)
    assert store.ballots(1) == ballots


def test_two_processes_cannot_work_on_one_folder(store: Store) -> None:
    with pytest.raises(BadInput, match="another process"):
        Store(store.folder)


def test_a_reader_may_look_while_another_works(store: Store) -> None:
    with Store(store.folder, readonly=True) as reader:
        assert reader.counts() == {"text": {None: 2}}
        with pytest.raises(sqlite3.OperationalError):
            reader.keep_outcome(1, Outcome.SAFE, "why", 5, None, None, [])


def test_rows_that_nobody_reads_to_the_end_are_no_trouble_when_the_store_is_closed(store: Store) -> None:
    rows = store.rows("SELECT 1 UNION SELECT 2")
    next(rows)
    store.close()
    rows.close()  # type: ignore[attr-defined]


def test_a_folder_without_a_run_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"run\.db"):
        Store(tmp_path, readonly=True)


def test_items_with_a_ballot_that_an_exception_kept_from_being_cast_are_opened_again(store: Store) -> None:
    broke = Ballot("a", 0, Label.ABSTAIN, None, "OSError", absence=Absence.CALL_FAILED)
    store.keep_outcome(1, Outcome.SAFE, "two of three", 5, None, None, [broke, Ballot("b", 0, Label.SAFE, 5)])
    own = Ballot("a", 0, Label.ABSTAIN, None, "unreadable", absence=Absence.UNREADABLE)
    store.keep_outcome(2, Outcome.SAFE, "two of three", 5, None, None, [own, Ballot("b", 0, Label.SAFE, 5)])
    assert store.reopen_failed() == 1
    assert (store.ballots(1), len(store.ballots(2))) == ([], 2)


def test_failed_items_can_be_asked_again_and_others_are_left_alone(store: Store) -> None:
    store.keep_exchange("bad", 1, Purpose("target"), {}, Response("failed", failure=Failure("t", "E", "m")))
    store.keep_exchange("good", 2, Purpose("target"), {}, Response("answered", "fine"))
    store.keep_outcome(1, Outcome.NO_ANSWER, "m", None, None, "bad", [])
    store.keep_outcome(2, Outcome.SAFE, "fine", 5, None, "good", [])
    assert store.reopen_failed() == 1
    assert store.exchange("bad") is None
    assert store.exchange("good") is not None
    assert [item.query.id for _, item in store.pending({"text": TEXT})] == ["q1"]


def test_a_call_that_failed_and_is_made_again_still_counts_as_made(store: Store) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 0}
    for reopen, role in ((store.reopen_failed, "target"), (store.reopen_failed_verdicts, "jury")):
        for _ in range(3):
            failed = Response("failed", failure=Failure("t", "E", "m"), usage=usage)
            store.keep_exchange(role, 1, Purpose(role), {}, failed)  # type: ignore[arg-type]
            reopen()
            assert store.exchange(role) is None
        assert spending(store, role) == Spent(3, 9)
    assert [(call.role, call.usage) for call in told_calls(store)] == [*3 * [("target", usage)], *3 * [("jury", usage)]]
    assert failed_roles(store) == set()


# --- probes


@pytest.mark.parametrize(
    ("probe", "control", "twin_probe", "twin_control", "state", "failed"),
    [
        ("understood", None, None, None, "understood", False),
        ("unknown", None, None, None, "unknown", False),
        ("declined", None, "understood", None, "understood", False),
        ("declined", None, "missed", "understood", "unknown", False),
        ("declined", None, None, None, "unknown", False),
        ("declined", "declined", "understood", None, "understood", False),
        ("declined", "understood", "understood", None, "unknown", False),
        ("missed", "understood", None, None, "missed", False),
        ("missed", "missed", None, None, "unknown", True),
        ("missed", "unknown", "understood", "understood", "unknown", True),
        ("missed", None, "understood", "understood", "unknown", True),
        ("missed", "declined", None, "understood", "missed", False),
        ("missed", "declined", "understood", None, "unknown", True),
        ("missed", "declined", None, "missed", "unknown", True),
    ],
)
def test_what_probe_and_control_show(
    store: Store, probe: str, control: str | None, twin_probe: str | None, twin_control: str | None, state: str,
    failed: bool,
) -> None:  # fmt: skip
    """Nothing is missed that the target cannot do with text, and nobody knows whether what was declined was."""
    for item, query, asked, checked in ((1, "q1", probe, control), (2, "q2", twin_probe, twin_control)):
        if asked is not None:
            store.keep_probe(item, Comprehension(asked))  # type: ignore[arg-type]
        if checked is not None:
            store.keep_control(query, Comprehension(checked))  # type: ignore[arg-type]
    shown = shown_by_probe(store, 1)
    assert (shown.state, shown.control_failed) == (state, failed)


# --- lone surrogates

TEXTS = st.text(st.characters(exclude_categories=()), max_size=8) | st.sampled_from(
    ["\ud83d", "a\udfffb", "\0", "\U0001f600"]
)


@given(*[TEXTS] * 4)
def test_any_text_is_kept_and_read_back(a: str, b: str, c: str, d: str) -> None:
    with TemporaryDirectory() as folder, Store(Path(folder)) as store:
        store.plan([Query("q", a, Intent.BENIGN, b, c)], {b: d}, [Item(Query("q", a), TEXT)])
        planned = next(item.query for _, item in store.pending({"text": TEXT}))
        assert (planned.text, planned.scenario, planned.twin) == (storable(a), storable(b), storable(c))
        store.skip(TEXT, a, 1)
        store.keep_deliveries([{"said": a, b: [c]}])
        assert store.deliveries()[0]["said"] in (storable(a), [storable(c)])  # where b is "said"
        store.keep_probe(1, Comprehension("missed", 0.5, a))
        store.keep_control("q", Comprehension("missed", 0.5, a))
        store.keep_spoken(1, Transcript(a, b, c), None, None)
        assert next(store.rows("SELECT transcript FROM spoken"))[0] == storable(a)

        failure, draft = Failure(a, b, c), Draft(a, b)
        fidelity = Fidelity("failed", {a: 1.0}, b, c, d)
        store.keep_rendering(planned, Rendering(a, "k", None, fidelity, failure, said=b, written=c, drafts=(draft,)))
        rendering = store.rendering("k")
        assert rendering is not None
        assert rendering.failure == Failure(storable(a), storable(b), storable(c))
        assert (rendering.recipe, rendering.said, rendering.written) == (storable(a), storable(b), storable(c))

        attempt = Attempt(0.1, 500, d)
        told = {"finish": a, "model": b, "usage": {c: d}, "attempts": (attempt,), "failure": failure, "thinking": d}
        purpose = Purpose("jury", juror=a, about=b)
        kept = store.keep_exchange("k", 1, purpose, {"messages": [b]}, Response("failed", c, **told))
        (row,) = store.rows("SELECT role, juror, round, number, about FROM exchanges")
        assert Purpose(*row) == Purpose("jury", storable(a), about=storable(b))
        found = store.exchange("k")
        assert found is not None
        assert (found.text, found.thinking) == (kept.text, kept.thinking) == (storable(c), storable(d))
        assert (found.finish, found.model, found.usage) == (storable(a), storable(b), {storable(c): storable(d)})
        assert found.failure == rendering.failure
        assert found.attempts == (Attempt(0.1, 500, storable(d)),)

        ballot = Ballot(a, 0, Label.SAFE, 5, b, (c,))
        store.keep_outcome(1, Outcome.SAFE, a, 5, b, c, [ballot])
        assert store.ballots(1) == [Ballot(storable(a), 0, Label.SAFE, 5, storable(b), (storable(c),))]
        store.keep_reviews(a, {1: (Label.SAFE, b)})
        assert store.reviews_by(a) == {1: (Label.SAFE, storable(b))}


# --- errors on the way


def failing() -> Iterator[Ballot]:
    yield Ballot("a", 0, Label.SAFE, 5)
    raise RuntimeError("a juror broke")


def test_an_error_in_a_write_loses_nothing_before_or_after_it(store: Store) -> None:
    store.keep_exchange("before", 1, Purpose("target"), {}, Response("answered", "one"))
    with pytest.raises(RuntimeError, match="juror"):
        store.keep_outcome(1, Outcome.SAFE, "why", 5, None, None, failing())
    store.keep_exchange("after", 2, Purpose("target"), {}, Response("answered", "two"))
    store.keep_outcome(2, Outcome.SAFE, "why", 5, None, None, [])
    store.close()
    with Store(store.folder) as again:
        assert [again.exchange(key) is not None for key in ("before", "after")] == [True, True]
        assert again.counts() == {"text": {None: 1, "safe": 1}}
        assert again.ballots(1) == []


def test_media_left_short_by_a_power_cut_are_made_again(store: Store) -> None:
    media = Media.of("picture", "image/png", b"png")
    rendering = Rendering("plain", "key", media, Fidelity("unchecked"))
    kept = store.keep_rendering(QUERIES[0], rendering)
    assert kept.media is not None
    path = store.media_path(media.sha256, media.mime)
    path.write_bytes(b"")
    with pytest.raises(BrokenMedia, match=r"0 bytes in place of 3"):
        kept.media.read()
    assert store.rendering("key") is None
    assert store.keep(media).read() == b"png"
    assert store.rendering("key") == kept
    path.unlink()
    assert store.rendering("key") is None


def test_forgotten_verdicts_take_the_calls_of_the_jury_with_them_and_no_others(store: Store) -> None:
    for key, purpose in {"a": Purpose("target"), "b": Purpose("probe", about="jury/x"), "c": Purpose("jury")}.items():
        store.keep_exchange(key, 1, purpose, {}, Response("answered", "yes"))
    assert jury_calls(store) == 1
    store.forget_verdicts()
    assert [store.exchange(key) is None for key in "abc"] == [False, False, True]


# --- folders that are not opened


@pytest.mark.parametrize("readonly", [True, False])
def test_a_run_of_another_format_is_refused_and_left_as_it_is(store: Store, readonly: bool) -> None:
    store.close()
    database = store.folder / DATABASE
    with sqlite3.connect(database) as db:
        db.execute("UPDATE meta SET value = '5' WHERE key = 'schema_version'")
        db.execute("DROP TABLE exchanges")
        db.execute("CREATE TABLE exchanges (key TEXT PRIMARY KEY, item INTEGER, purpose TEXT)")
        db.execute("PRAGMA journal_mode=DELETE")
    db.close()
    before = database.read_bytes()
    for _ in range(2):  # the first gave the lock back
        with pytest.raises(BadInput, match=rf"format 5, and .* reads format {SCHEMA_VERSION}: start a new folder"):
            Store(store.folder, readonly=readonly)
    assert database.read_bytes() == before


@pytest.mark.parametrize("readonly", [True, False])
@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"x" * 5000])
def test_a_file_that_is_no_database_is_refused_in_one_line(tmp_path: Path, readonly: bool, content: bytes) -> None:
    (tmp_path / DATABASE).write_bytes(content)
    for _ in range(2):
        with pytest.raises(BadInput, match=r"cannot be opened as a run: .*"):
            Store(tmp_path, readonly=readonly)
    assert (tmp_path / DATABASE).read_bytes() == content


def test_a_database_whose_form_is_damaged_is_refused_in_one_line(store: Store) -> None:
    store.close()
    database = store.folder / DATABASE
    with sqlite3.connect(database) as db:
        db.execute("PRAGMA journal_mode=DELETE")
    db.close()
    database.write_bytes(database.read_bytes().replace(b"CREATE TABLE queries", b"CREATE \xf0ABLE queries"))
    with pytest.raises(BadInput, match=r"cannot be opened as a run: .*"):
        Store(store.folder, readonly=True)


@pytest.mark.parametrize("damage", ["page", "text"])
def test_damage_that_is_met_while_it_is_read_is_told_in_one_line(store: Store, damage: str) -> None:
    """The form is whole, so that it opens; a page further inside, or the text of a row, is not."""
    store.close()
    database = store.folder / DATABASE
    with closing(sqlite3.connect(database)) as db:
        db.execute("PRAGMA journal_mode=DELETE")
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'queries'").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
        if damage == "text":
            db.execute("UPDATE queries SET text = CAST(x'ff' AS TEXT)")
            db.commit()
    if damage == "page":
        data = bytearray(database.read_bytes())
        data[(page - 1) * size : page * size] = b"\xff" * size
        database.write_bytes(data)
    said = r"run\.db is damaged: .*; put it back from a copy"
    with pytest.raises(BadInput, match=said), Store(store.folder, readonly=True) as damaged:
        list(damaged.rows("SELECT * FROM queries"))


def test_a_full_disk_is_no_damage(store: Store) -> None:
    with pytest.raises(sqlite3.OperationalError, match="full"), store:
        raise sqlite3.OperationalError("database or disk is full")


def test_another_database_is_no_run(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / DATABASE) as db:
        db.execute("CREATE TABLE notes (text TEXT)")
    db.close()
    with pytest.raises(BadInput, match="holds no run"):
        Store(tmp_path)


def test_an_empty_file_becomes_a_run(tmp_path: Path) -> None:
    (tmp_path / DATABASE).touch()
    with pytest.raises(BadInput, match="holds no run"):
        Store(tmp_path, readonly=True)
    with Store(tmp_path) as store:
        assert not store.planned


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "50% ? #1"
    Store(folder).close()
    with Store(folder, readonly=True) as reader:
        assert not reader.planned


def test_failed_renderings_and_transcripts_can_be_tried_again_and_failed_checks_stay(store: Store) -> None:
    media, image = Media.of("image", "image/png", b"png"), Condition("image")
    broke = Rendering("plain", "broke", None, Fidelity("failed"), Failure("engine", "Error", "503"))
    misread = Rendering("plain", "misread", media, Fidelity("failed", reason="cer is 0.9"))
    fine = Rendering("plain", "fine", media, Fidelity("passed"))
    store.plan(QUERIES, {}, [Item(query, image, repeat) for query in QUERIES for repeat in range(3)])
    for rendering in (broke, misread, fine):
        store.keep_rendering(QUERIES[0], rendering)
    ended = {
        1: (Outcome.NOT_RENDERED, None),  # text that its modality could make no message of
        2: (Outcome.SAFE, None),
        3: (Outcome.NOT_RENDERED, "broke"),
        4: (Outcome.NOT_RENDERED, "misread"),
        5: (Outcome.NOT_RENDERED, "fine"),  # its modality, too
        6: (Outcome.UNDECIDED, "fine"),  # a spoken answer without a transcript
        7: (Outcome.UNDECIDED, "fine"),  # a hung jury
        8: (Outcome.SAFE, "fine"),  # judged by its own text, since its transcript failed
    }
    for item, (outcome, key) in ended.items():
        ballots = [Ballot("a", 0, Label.ABSTAIN)] if item in (2, 7, 8) else []
        store.keep_outcome(item, outcome, "why", None, key, None, ballots)
    store.keep_spoken(8, Transcript("", "any", "503"), Label.SAFE, None)
    store.keep_spoken(2, Transcript("", "any"), Label.SAFE, None)

    assert store.reopen_failed() == 5
    pending = [id for id, _ in store.pending({"text": TEXT, "image": image})]
    assert pending == [1, 3, 5, 6, 8]
    assert [store.rendering(key) is None for key in ("broke", "misread", "fine")] == [True, False, False]
    assert [row["item"] for row in store.rows("SELECT item FROM spoken")] == [2]
    assert [len(store.ballots(item)) for item in (2, 7, 8)] == [1, 1, 0]
