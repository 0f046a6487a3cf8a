"""A run through the files and batches of a service: sent once, fetched when it is over, and sent again what expired."""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from safebench.cli.main import run_command
from safebench.errors import BadInput
from safebench.runs import batch_service
from safebench.runs import run as runs
from safebench.runs.batches import Batches, SentBatch
from safebench.runs.requests import ImportedReplies
from safebench.store.store import Store
from safebench.targets import batch_files
from safebench.testing.server import ScriptedServer
from tests.end_to_end.batches import QUERIES, BatchService, RunFile, recorded, reported
from tests.end_to_end.scripted import answer
from tests.fixture_types import Serve, WriteJsonl


@pytest.fixture
def service(world: ScriptedServer) -> BatchService:
    """At the endpoint of target and jurors."""
    world.any_method, world.answer = True, BatchService(answer)
    return world.answer


def requests(command: str, run: Path, status: int = 0) -> None:
    assert run_command(["requests", command, str(run)]) == status


def by_service(run: Path, service: BatchService) -> int:
    """Rounds until nothing is to be asked; one request in ten of each file expires the first time."""
    for number in range(20):
        before = len(service.batches)
        requests("submit", run)
        if len(service.batches) == before:
            return number
        for id in [*service.batches][before:]:
            service.finish(id, expired=lambda n, first=number == 0: first and n % 10 == 3)
        requests("fetch", run)
    raise AssertionError("no end")


def test_what_expired_is_sent_again_and_the_run_is_that_over_http(
    run_file: RunFile, tmp_path: Path, service: BatchService
) -> None:
    assert run_command(["run", str(run_file("plain"))]) == 0
    assert by_service(run_file("filed"), service) >= 3
    assert recorded(tmp_path / "filed") == recorded(tmp_path / "plain")
    assert reported(tmp_path / "filed") == reported(tmp_path / "plain")
    sent = Counter(row["custom_id"] for id in service.batches for row in service.asked(id))
    assert sum(count - 1 for count in sent.values()) == 4  # of 40 in the first batch
    assert set(sent) == set(recorded(tmp_path / "filed"))


@pytest.mark.parametrize(
    ("family", "path", "header"),
    [("anthropic", "/v1", "x-api-key"), ("gemini", "/v1beta/openai", "x-goog-api-key")],
)
def test_each_family_has_its_own_form_of_batches(
    family: str, path: str, header: str, run_file: RunFile, tmp_path: Path, service: BatchService,
    world: ScriptedServer, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Jurors have OpenAI's."""
    monkeypatch.setenv(f"{family.upper()}_API_KEY", "sk-very-secret")
    asked = {
        **{"family": family, "base_url": world.root + path, "repeats": 1, "conditions": ["text", "image:typographic"]},
        **{"parameters": {"max_tokens": 9}, "limit": 4},
    }
    assert run_command(["run", str(run_file("plain", **asked))]) == 0
    assert by_service(run_file("filed", **asked), service) >= 3
    assert recorded(tmp_path / "filed") == recorded(tmp_path / "plain")
    assert reported(tmp_path / "filed") == reported(tmp_path / "plain")
    assert service.headers
    assert all(headers[header] == "sk-very-secret" for headers in service.headers)
    for file in (file for file in tmp_path.rglob("*") if file.is_file()):
        assert b"sk-very-secret" not in file.read_bytes()


@pytest.mark.slow
def test_200_items_through_a_service_are_those_over_http(
    run_file: RunFile, tmp_path: Path, service: BatchService, write_jsonl: WriteJsonl
) -> None:
    """With media, in files of 64 requests."""
    many = [{**row, "id": f"{row['id']}-{n}", "twin": f"{row['twin']}-{n}"} for n in range(5) for row in QUERIES]
    asked = {"data": str(write_jsonl(many)), "conditions": ["text", "image:typographic"], "repeats": 1}
    assert run_command(["run", str(run_file("plain", **asked))]) == 0
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(batch_files, "MOST_REQUESTS", 64)
        by_service(run_file("filed", **asked), service)
    assert recorded(tmp_path / "filed") == recorded(tmp_path / "plain")
    assert reported(tmp_path / "filed") == reported(tmp_path / "plain")


def test_what_is_with_a_service_is_not_sent_again_and_the_rest_goes_on(
    run_file: RunFile, service: BatchService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(batch_files, "MOST_REQUESTS", 12)
    run = run_file("filed", repeats=1)
    requests("submit", run)
    assert [len(service.asked(id)) for id in service.batches] == [12, 8]
    requests("fetch", run)
    requests("submit", run)
    assert len(service.batches) == 2
    service.finish("batch_1")
    service.batches["batch_0"] |= {
        "status": "in_progress",
        "request_counts": {"total": 12, "completed": 5, "failed": 0},
    }
    requests("status", run)
    assert "in_progress" in capsys.readouterr().out
    requests("fetch", run)
    assert "8 calls recorded" in capsys.readouterr().out
    requests("submit", run)
    assert {row["body"]["model"] for id in [*service.batches][2:] for row in service.asked(id)} == {"judge"}
    requests("fetch", run)
    assert "recorded" not in capsys.readouterr().out


def test_a_stop_between_two_steps_pays_for_nothing_twice(
    run_file: RunFile, tmp_path: Path, service: BatchService, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    run = run_file("filed", repeats=1)
    service.faults = ["refused", "made in silence"]
    requests("submit", run, status=2)
    said = " ".join(capsys.readouterr().err.split())
    assert "answered 400: no batches today for Bearer (key); the same command goes on" in said
    assert (len(service.files), len(service.batches)) == (1, 0)
    requests("submit", run, status=2)
    assert (len(service.files), len(service.batches)) == (1, 1)
    requests("submit", run)
    assert (len(service.files), len(service.batches)) == (1, 1)
    service.finish("batch_0")
    output = service.batches["batch_0"]["output_file_id"]
    service.files[output] = service.files[output].replace(b'"scripted"', b'"for sk-very-secret"')
    requests("fetch", run)
    assert "20 calls recorded" in capsys.readouterr().out
    for file in (path for path in (tmp_path / "filed").rglob("*") if path.is_file()):
        assert b"sk-very-secret" not in file.read_bytes()


@pytest.mark.parametrize("family", ["openai", "anthropic"])
def test_a_batch_of_which_nobody_heard_is_found_however_many_came_after_it(
    family: str, run_file: RunFile, service: BatchService
) -> None:
    run = run_file("filed", repeats=1, family=family, parameters={"max_tokens": 9})
    service.faults = ["made in silence"]
    requests("submit", run, status=2)
    ours = service.batches["batch_0"]
    others = {key: value for key, value in ours.items() if key not in ("requests", "input_file_id")}
    one_more = {"anthropic": {"requests": [], "request_counts": {"processing": 3}}, "openai": {"input_file_id": "f"}}
    service.batches |= {f"other_{n}": {**others, **one_more[family], "id": f"other_{n}"} for n in range(250)}
    requests("submit", run)
    assert len(service.batches) == 251
    service.finish("batch_0")
    requests("fetch", run)


def test_a_batch_that_cannot_be_fetched_leaves_the_others(
    run_file: RunFile, service: BatchService, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(batch_files, "MOST_REQUESTS", 12)
    run = run_file("filed", repeats=1)
    requests("submit", run)
    for id in ("batch_0", "batch_1"):
        service.finish(id)
    output = service.batches["batch_0"]["output_file_id"]
    kept = service.files.pop(output)
    requests("fetch", run, status=1)
    told = capsys.readouterr()
    assert "8 calls recorded" in told.out
    assert "12 calls are with a batch service" in " ".join(told.out.split())
    assert "answered 404: no such file" in " ".join(told.err.split())
    service.batches["batch_0"] = {"status": 5}
    requests("fetch", run, status=2)
    assert "sent what cannot be read" in " ".join(capsys.readouterr().err.split())
    service.files[output] = kept
    service.batches["batch_0"] = {"id": "batch_0", "status": "completed", "output_file_id": output}
    requests("fetch", run)
    assert "12 calls recorded" in capsys.readouterr().out


def test_what_a_service_has_is_asked_by_nobody_else(
    run_file: RunFile, tmp_path: Path, service: BatchService, world: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    run, folder = run_file("filed", repeats=1), tmp_path / "filed"
    requests("submit", run)
    calls = len(world.calls)
    assert run_command(["run", str(run)]) == 2
    why = f"20 calls of {folder} are with a batch service, and would be asked a second time"
    assert why in " ".join(capsys.readouterr().err.split())
    assert run_command(["requests", "export", str(run), "--out", str(tmp_path / "again")]) == 0
    assert "20 calls are with a batch service" in " ".join(capsys.readouterr().out.split())
    assert not (tmp_path / "again").exists()
    assert len(world.calls) == calls
    (folder / "batches.toml").unlink()
    assert run_command(["run", str(run)]) == 0


def test_a_batch_that_the_service_would_not_have_is_open_again(
    run_file: RunFile, service: BatchService, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_file("filed", repeats=1)
    requests("submit", run)
    errors = {"object": "list", "data": [{"code": "model_not_found", "message": "no such model", "line": 1}]}
    service.batches["batch_0"] |= {"status": "failed", "errors": errors}
    requests("fetch", run)
    said = " ".join(capsys.readouterr().out.split())
    assert "model_not_found: no such model" in said
    assert "20 requests without a row" in said
    requests("submit", run)
    assert len(service.asked("batch_1")) == 20


def test_one_command_at_a_time_has_the_batches_of_a_run(
    run_file: RunFile, tmp_path: Path, service: BatchService, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_file("filed", repeats=1)
    requests("submit", run)
    folder = os.open(tmp_path / "filed", os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    for command in ("submit", "status", "fetch"):
        requests(command, run, status=2)
        assert "in hand: wait for it" in " ".join(capsys.readouterr().err.split())
    os.close(folder)
    service.finish("batch_0")
    requests("fetch", run)


def test_a_limit_that_ends_an_import_leaves_what_was_not_reached_to_be_fetched(
    run_file: RunFile, service: BatchService, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_file("filed", repeats=1)
    requests("submit", run)
    service.finish("batch_0")
    imported = batch_service.import_replies

    def cut_short(*told: Any, **named: Any) -> ImportedReplies:
        return replace(imported(*told, **named), stopped="a limit")

    with monkeypatch.context() as patched:
        patched.setattr(batch_service, "import_replies", cut_short)
        requests("fetch", run)
    capsys.readouterr()
    requests("fetch", run)
    assert "20 rows of calls that were recorded before" in " ".join(capsys.readouterr().out.split())


def test_a_run_without_batches_says_so(run_file: RunFile, capsys: pytest.CaptureFixture[str]) -> None:
    requests("status", run_file("filed"))
    assert "nothing was handed to a service" in capsys.readouterr().out


def test_a_service_that_is_not_there_is_one_line(
    run_file: RunFile, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = serve(answer)
    gone.any_method = False
    run = run_file("filed", repeats=1, base_url=gone.url)
    requests("submit", run, status=2)
    assert "the same command goes on" in capsys.readouterr().err


def test_a_run_that_has_begun_asks_nothing_that_was_handed_to_a_service_meanwhile(
    run_file: RunFile, tmp_path: Path, service: BatchService, world: ScriptedServer, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path, claim = run_file("filed", repeats=1), runs.claim_folder

    def claim_late(plan: Any) -> None:
        requests("submit", path)
        claim(plan)

    monkeypatch.setattr(runs, "claim_folder", claim_late)
    assert run_command(["run", str(path)]) == 2
    assert "20 calls of" in " ".join(capsys.readouterr().err.split())
    assert not [call for call in world.calls if call.path.endswith("completions")]


def test_what_is_to_be_sent_is_written_down_before_another_command_may_ask_it(
    run_file: RunFile, tmp_path: Path, service: BatchService, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, in_turn = Batches.keep, []

    def kept(self: Batches, *sent: SentBatch) -> None:
        if not service.files:
            with pytest.raises(BadInput, match="another process is working on"):
                Store(self.run)
            in_turn.append(len(sent))
        keep(self, *sent)

    monkeypatch.setattr(Batches, "keep", kept)
    requests("submit", run_file("filed", repeats=1))
    assert in_turn == [1]


@pytest.mark.parametrize("family", ["openai", "anthropic"])
def test_answers_of_which_the_service_does_not_say_where_they_are_stay_with_it(
    family: str, run_file: RunFile, service: BatchService, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_file("filed", repeats=1, jury="embedded", family=family, parameters={"max_tokens": 9})
    requests("submit", run)
    service.finish("batch_0")
    whole, kept = dict(service.batches["batch_0"]), dict(service.files)
    service.batches["batch_0"].pop("output_file_id", None)
    service.files.clear()  # of Anthropic's, which then names no results
    requests("fetch", run, status=1)
    assert "its service names no replies" in " ".join(capsys.readouterr().err.split())
    requests("submit", run)
    assert len(service.batches) == 1
    service.batches["batch_0"], service.files = whole, kept
    requests("fetch", run)
    assert "20 calls recorded" in capsys.readouterr().out


def test_a_batch_that_was_refused_is_not_found_among_those_of_other_runs(
    run_file: RunFile, service: BatchService
) -> None:
    """Anthropic's have no name of ours, and the other one has as many requests."""
    first, second = (run_file(name, repeats=1, family="anthropic", parameters={"max_tokens": 9}) for name in "ab")
    service.faults = ["refused"]
    requests("submit", first, status=2)
    requests("submit", second)
    requests("submit", first)
    assert len(service.batches) == 2


def test_a_batch_of_another_run_is_not_taken_for_an_answer(
    run_file: RunFile, tmp_path: Path, service: BatchService, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_file("filed", repeats=1, family="anthropic", parameters={"max_tokens": 9})
    requests("submit", run)
    service.finish("batch_0")
    output = service.files["batch_0"]
    service.files["batch_0"] = output.replace(b'"custom_id": "', b'"custom_id": "other')
    requests("fetch", run, status=1)
    assert "are to others' requests" in " ".join(capsys.readouterr().err.split())
    requests("submit", run)
    assert len(service.batches) == 1
    service.files["batch_0"] = output
    requests("fetch", run)
    assert "20 calls recorded" in capsys.readouterr().out


def test_a_file_of_requests_that_is_gone_leaves_the_other_batches(
    run_file: RunFile, tmp_path: Path, service: BatchService, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(batch_files, "MOST_REQUESTS", 12)
    run = run_file("filed", repeats=1)
    requests("submit", run)
    for id in ("batch_0", "batch_1"):
        service.finish(id)
    lost, _ = sorted((tmp_path / "filed" / "requests").rglob("*.jsonl"))
    moved = lost.rename(tmp_path / "moved")
    requests("fetch", run, status=1)
    told = capsys.readouterr()
    assert "8 calls recorded" in told.out
    assert " ".join(told.err.split()).count("is gone: put it back from a copy") == 1
    requests("submit", run, status=2)
    assert len(service.batches) == 2
    moved.rename(lost)
    requests("fetch", run)
    assert "12 calls recorded" in capsys.readouterr().out
