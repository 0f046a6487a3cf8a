"""Rows of batch files: what a reply in one means, which of several is taken, and how requests are cut into files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from safebench.errors import BadInput
from safebench.plugins import TargetSetup
from safebench.targets import batch_files
from safebench.targets.batch_files import ReplyFiles, RequestFiles
from safebench.targets.openai import OpenAITarget
from safebench.testing.server import chat
from safebench.types import Message, Request, Text

ANSWER = json.loads(chat("Yes.").body)
# As `vllm run-batch` is documented to write (examples/offline_inference/openai/openai_batch.md of vLLM, Apache-2.0).
VLLM = {
    "id": "vllm-383d1c59835645aeb2e07d004d62a826",
    "custom_id": "k",
    "response": {
        "id": "cmpl-61c020e54b964d5a98fa7527bfcdd378", "object": "chat.completion", "created": 1715633336,
        "model": "meta-llama/Meta-Llama-3-8B-Instruct",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello!"}, "logprobs": None,
                     "finish_reason": "stop", "stop_reason": None}],
        "usage": {"prompt_tokens": 25, "total_tokens": 56, "completion_tokens": 31},
    },
    "error": None,
}  # fmt: skip


def row(key: str = "k", status: Any = 200, body: Any = ANSWER, error: Any = None) -> dict[str, Any]:
    return {"id": "r", "custom_id": key, "response": {"status_code": status, "body": body}, "error": error}


def write(path: Path, *told: dict[str, Any] | str, end: str = "\n") -> Path:
    lines = [one if isinstance(one, str) else json.dumps(one) for one in told]
    path.write_text("\n".join(lines) + end, encoding="utf-8")
    return path


def read(tmp_path: Path, *told: dict[str, Any] | str) -> ReplyFiles:
    return ReplyFiles([write(tmp_path / "out.jsonl", *told)])


def request(text: str) -> Request:
    return Request((Message("user", (Text(text),)),))


@pytest.mark.parametrize(
    "told",
    [row(), VLLM, {**VLLM, "response": {"status_code": 200, "request_id": "vllm-batch-1", "body": VLLM["response"]}}],
)
def test_a_reply_is_what_http_would_have_brought(tmp_path: Path, told: dict[str, Any]) -> None:
    returned = read(tmp_path, told).returned("k")
    assert returned is not None
    assert returned.reply is not None
    assert returned.decides
    response, may_pass = OpenAITarget(TargetSetup("m")).received(returned.reply, request("?"))
    assert (response.status, may_pass) == ("answered", False)
    assert response.text in ("Yes.", "Hello!")


@pytest.mark.parametrize(
    ("told", "status", "may_pass"),
    [
        (row(status=429, body={"error": {"message": "slow"}}), "failed", True),
        (row(status=500, body=None), "failed", True),
        (row(status=400, body={"error": {"message": "no", "code": "content_filter"}}), "blocked", False),
        (row(status=400, body=None, error={"message": "no", "code": "content_filter"}), "blocked", False),
        (row(status=400, body={"error": {"message": "bad"}}), "failed", False),
        (row(body={"choices": []}), "failed", True),
        (row(body="I am a text."), "failed", True),
    ],
)
def test_an_error_is_no_answer(tmp_path: Path, told: dict[str, Any], status: str, may_pass: bool) -> None:
    returned = read(tmp_path, told).returned("k")
    assert returned is not None
    assert returned.reply is not None
    response, again = OpenAITarget(TargetSetup("m")).received(returned.reply, request("?"))
    assert (response.status, response.text, again) == (status, "", may_pass)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"custom_id": "k", "response": None, "error": {"code": "batch_expired", "message": "m"}}, "batch_expired: m"),
        ({"custom_id": "k", "response": None, "error": "out of memory"}, "out of memory"),
        ({"custom_id": "k", "response": None, "error": None}, "no response"),
        ({"custom_id": "k", "error": {"message": {"deep": 1}}}, "{'deep': 1}"),
        ({"custom_id": "k", "response": "Yes."}, "no response"),
        (row(error={"code": "x", "message": "and an error beside it"}), "x: and an error beside it"),
        (row(body=None), "no answer"),
        (row(status="200"), "no status"),
        (row(status=True), "no status"),
        (row(status=99), "no status"),
    ],
)  # fmt: skip
def test_what_has_no_reply_says_why(tmp_path: Path, told: dict[str, Any], reason: str) -> None:
    returned = read(tmp_path, told).returned("k")
    assert returned is not None
    assert (returned.reply, returned.reason, returned.decides) == (None, reason, False)


def test_a_reply_outdoes_an_error_that_passes_in_any_order(tmp_path: Path) -> None:
    for told in ([row(status=500), row()], [row(), row(status=500)], [{"custom_id": "k"}, row(), {"custom_id": "k"}]):
        replies = read(tmp_path, *told)
        returned = replies.returned("k")
        assert returned is not None
        assert returned.reply is not None
        assert returned.reply.status == 200
        assert replies.problems == []


def test_two_replies_that_differ_are_named_and_neither_is_taken(tmp_path: Path) -> None:
    replies = read(tmp_path, row(), row(body={**ANSWER, "model": "another"}), row("other"), row("other"))
    assert list(replies) == ["other"]
    assert replies.repeated == 1
    (line,) = replies.problems
    assert line == "k has two replies that differ (out.jsonl, line 1; out.jsonl, line 2): neither is taken, remove one"


def test_a_file_that_changes_under_the_reader_gives_no_answer(tmp_path: Path) -> None:
    replies = read(
        tmp_path, row("a", body=json.loads(chat("Of a.").body)), row("b", body=json.loads(chat("Of b.").body))
    )
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    write(tmp_path / "out.jsonl", *reversed(lines))
    with pytest.raises(BadInput, match="changed while it was read"):
        replies.returned("a")
    (tmp_path / "out.jsonl").write_text("")
    with pytest.raises(BadInput, match="changed while it was read"):
        replies.returned("b")


def test_what_is_no_row_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    replies = read(tmp_path, "[]", '{"custom_id": 5}', "", "[" * 5000, row("a"), '{"custom_id": "b", "resp')
    assert list(replies) == ["a"]
    assert [line.split(" is left out")[0] for line in replies.problems] == [
        f"out.jsonl, line {number}" for number in (1, 2, 4, 6)
    ]


def test_a_line_that_is_too_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_files, "LONGEST_ROW", 400)
    replies = read(tmp_path, row("a"), row("long", body="x" * 5000), row("b", body="y"))
    assert list(replies) == ["a", "b"]
    assert replies.problems == ["out.jsonl, line 2 is left out: it is longer than 400 bytes"]


def test_requests_among_the_rows_are_no_replies(tmp_path: Path) -> None:
    asked = {"custom_id": "q", "method": "POST", "url": "/v1/chat/completions", "body": {}}
    replies = read(tmp_path, asked, row("a"))
    assert (list(replies), replies.requests) == (["a"], {"q"})


def test_a_folder_without_rows_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no files of replies"):
        ReplyFiles.inside(tmp_path)


def test_a_file_has_one_model_and_is_cut_by_number_and_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_files, "MOST_REQUESTS", 3)
    monkeypatch.setattr(batch_files, "MOST_BYTES", 1000)
    models = [OpenAITarget(TargetSetup(name, {"base_url": "http://127.0.0.1:1/v1"})) for name in ("org/a", "b")]
    with RequestFiles(tmp_path) as files:
        for number in range(4):
            files.add(f"k{number}", models[0], request("?"))
            files.add(f"l{number}", models[1], request("long " * 100))
    told = [(one.file.name, one.requests, one.size) for one in files.files]
    assert [(name, requests) for name, requests, _ in told] == [
        ("0001-org-a.jsonl", 3), ("0002-b.jsonl", 1), ("0003-b.jsonl", 1), ("0004-b.jsonl", 1), ("0005-org-a.jsonl", 1),
        ("0006-b.jsonl", 1),
    ]  # fmt: skip
    assert all((tmp_path / name).stat().st_size == size for name, _, size in told)
    first = json.loads((tmp_path / "0001-org-a.jsonl").read_text().splitlines()[0])
    assert first == {
        "custom_id": "k0", "method": "POST", "url": "/v1/chat/completions",
        "body": {"model": "org/a", "messages": [{"role": "user", "content": "?"}]},
    }  # fmt: skip


def test_a_full_file_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_files, "MOST_REQUESTS", 1)
    target, before = OpenAITarget(TargetSetup("m")), len(list(Path("/proc/self/fd").iterdir()))
    with RequestFiles(tmp_path) as files:
        for number in range(20):
            files.add(f"k{number}", target, request("?"))
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1
    assert len(files.files) == 20


# As https://ai.google.dev/gemini-api/docs/openai#batch has them, and vLLM beside its replies (see VLLM).
ASKED = {
    "gemini": {
        "custom_id": "request-1", "method": "POST", "url": "/v1/chat/completions",
        "body": {"model": "gemini-3.5-flash",
                 "messages": [{"role": "user", "content": "Tell me a one-sentence joke."}]},
    },
    "vllm": {
        "custom_id": "request-1", "method": "POST", "url": "/v1/chat/completions",
        "body": {"model": "meta-llama/Meta-Llama-3-8B-Instruct",
                 "messages": [{"role": "system", "content": "You are a helpful assistant."},
                              {"role": "user", "content": "Hello world!"}],
                 "max_completion_tokens": 1000},
    },
}  # fmt: skip


@pytest.mark.parametrize(("family", "form"), [("gemini", "gemini"), ("vllm", "openai")])
def test_each_is_asked_as_it_documents(family: str, form: str, tmp_path: Path) -> None:
    documented: dict[str, Any] = ASKED[family]
    body = documented["body"]
    limit = {"max_tokens": body["max_completion_tokens"]} if "max_completion_tokens" in body else {}
    target = OpenAITarget(TargetSetup(body["model"], {"family": family, "parameters": limit}))
    messages = (Message(message["role"], (Text(message["content"]),)) for message in body["messages"])
    with RequestFiles(tmp_path) as files:
        files.add(documented["custom_id"], target, Request(tuple(messages)))
    (one,) = files.files
    assert json.loads(one.file.read_text()) == documented
    assert one.form == form


@pytest.mark.slow
def test_200_mb_of_replies_are_read_in_bounded_memory(tmp_path: Path) -> None:
    import tracemalloc

    spoken = {**ANSWER, "audio": "A" * 100_000}
    with (tmp_path / "out.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row(f"{n:064}", body=spoken)) + "\n" for n in range(2000))
    tracemalloc.start()
    replies = ReplyFiles.inside(tmp_path)
    assert all(replies.returned(key) for key in replies)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
