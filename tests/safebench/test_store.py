from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from safebench.errors import BadInput
from safebench.store import SCHEMA_VERSION, Store
from safebench.transcribing import Transcript
from safebench.types import (
    Attempt,
    Ballot,
    Condition,
    Draft,
    Failure,
    Fidelity,
    Intent,
    Item,
    Label,
    Media,
    Outcome,
    Query,
    Rendering,
    Response,
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


def test_a_response_comes_back_as_it_was_kept(store: Store) -> None:
    media = Media.of("speech", "audio/wav", b"RIFF")
    response = Response(
        "answered", "héllo \0 \U0001f600", (media,), "stop", "m", {"total_tokens": 3}, (Attempt(0.1, 429, "slow", 2.0),)
    )
    kept = store.keep_exchange("key", 1, "target", {"messages": []}, response)
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


def test_a_folder_without_a_run_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"run\.db"):
        Store(tmp_path, readonly=True)


def test_failed_items_can_be_asked_again_and_others_are_left_alone(store: Store) -> None:
    store.keep_exchange("bad", 1, "target", {}, Response("failed", failure=Failure("t", "E", "m")))
    store.keep_exchange("good", 2, "target", {}, Response("answered", "fine"))
    store.keep_outcome(1, Outcome.NO_ANSWER, "m", None, None, "bad", [])
    store.keep_outcome(2, Outcome.SAFE, "fine", 5, None, "good", [])
    assert store.reopen_failed() == 1
    assert store.exchange("bad") is None
    assert store.exchange("good") is not None
    assert [item.query.id for _, item in store.pending({"text": TEXT})] == ["q1"]


LONE = "half a smile: \ud83d"  # no UTF-8 can hold it, and models send it


def test_lone_surrogates_are_kept_as_question_marks_wherever_they_stand(store: Store) -> None:
    failure = Failure("endpoint", "HTTP 500", LONE)
    store.keep_exchange("key", 1, "target", {"messages": [LONE]}, Response("failed", model=LONE, failure=failure))
    store.keep_outcome(1, Outcome.NO_ANSWER, LONE, None, None, "key", [])
    found = store.exchange("key")
    assert found is not None
    assert found.failure == Failure("endpoint", "HTTP 500", "half a smile: ?")
    assert found.model == "half a smile: ?"
    assert [row["reason"] for row in store.rows("SELECT reason FROM items WHERE id = 1")] == ["half a smile: ?"]


def test_an_error_while_an_item_is_closed_loses_nothing_before_or_after(store: Store) -> None:
    store.keep_exchange("before", 1, "target", {}, Response("answered", "one"))
    unbindable = Ballot("juror", 0, Label.SAFE, object(), "why", ())  # type: ignore[arg-type]
    with pytest.raises(sqlite3.Error):
        store.keep_outcome(1, Outcome.SAFE, "why", 5, None, None, [unbindable])
    store.keep_exchange("after", 2, "target", {}, Response("answered", "two"))
    store.close()
    with Store(store.folder, readonly=True) as again:
        assert again.counts() == {"text": {None: 2}}
        assert [again.exchange(key) is not None for key in ("before", "after")] == [True, True]


def test_a_run_of_another_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with sqlite3.connect(tmp_path / "run" / "run.db") as database:
        database.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)")
        database.execute("INSERT INTO meta VALUES ('schema_version', '1')")
    database.close()
    for _ in range(2):  # the lock is free again
        with pytest.raises(BadInput, match=f"version 1, this one reads {SCHEMA_VERSION}"):
            Store(tmp_path / "run")
    with sqlite3.connect(tmp_path / "run" / "run.db") as database:
        assert database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [("meta",)]
    database.close()


def test_a_file_that_is_no_database_is_refused_and_the_lock_is_free_again(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.db").write_text("this is no database, " * 100)
    for _ in range(2):
        with pytest.raises(BadInput, match=r"run\.db cannot be read as a run"):
            Store(tmp_path / "run")


def test_media_that_a_power_cut_left_empty_are_written_again(store: Store) -> None:
    kept = store.keep(Media.of("speech", "audio/wav", b"RIFF"))
    assert isinstance(kept.source, Path)
    kept.source.write_bytes(b"")
    assert store.keep(Media.of("speech", "audio/wav", b"RIFF")).read() == b"RIFF"


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
