"""Plays a batch service on files of requests: each row is answered as a scripted server would answer it over HTTP."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from safebench.cli.main import run_command
from safebench.store.store import Store
from safebench.testing.server import Call, Reply, error
from tests.end_to_end.scripted import summary_of, twins

Answer = Callable[[Call], Reply]
RunFile = Callable[..., Path]  # a run file into the folder of that name, with more of its keys
SAID = ["vote unsafe 1", "vote refused 5", "vote safe 4", "garbage", "filtered", "refused-by-filter", "empty"]
QUERIES = twins(SAID)
EXPIRED = {
    "code": "batch_expired",
    "message": "This request could not be executed before the completion window expired.",
}


def rows(folder: Path) -> Iterator[dict[str, Any]]:
    """All rows of a file, or of all files in a folder."""
    for file in [folder] if folder.is_file() else sorted(folder.rglob("*.jsonl")):
        yield from map(json.loads, file.read_text(encoding="utf-8").splitlines())


def replied(request: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """The row of a reply."""
    reply = answer(Call(request["url"], request["body"], {}, 0))
    if reply.wire is not None:
        return unanswered(request, {"code": "request_timeout", "message": "the model took too long"})
    response = {"status_code": reply.status, "request_id": "r", "body": _read(reply.body)}
    return {
        "id": f"batch_req_{request['custom_id'][:8]}",
        "custom_id": request["custom_id"],
        "response": response,
        "error": None,
    }


def unanswered(request: dict[str, Any], error: dict[str, str] = EXPIRED) -> dict[str, Any]:
    return {"id": "batch_req", "custom_id": request["custom_id"], "response": None, "error": error}


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode()


def write(file: Path, told: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in told), encoding="utf-8")
    return file


# --- what came of a run


def reported(folder: Path) -> dict[str, Any]:
    assert run_command(["report", str(folder)]) == 0
    summary = summary_of(folder)
    summary["run"]["name"] = ""
    return summary


def recorded(folder: Path) -> dict[str, tuple[str, str]]:
    with Store(folder, readonly=True) as store:
        calls = {row["key"]: (row["status"], row["request"]) for row in store.rows("SELECT * FROM exchanges")}
    return calls


# --- over HTTP


class BatchService:
    """OpenAI's files and batches, for a `ScriptedServer` with `any_method`. A batch goes on when it is told to.

    Under another base URL it has them as Gemini does; beside them it has Anthropic's Message Batches.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.faults: list[str] = []  # what goes wrong with the next batches: "refused", or "made in silence"
        self.headers: list[Mapping[str, str]] = []  # of the calls to Anthropic's and to Google's own files

    def __call__(self, call: Call) -> Reply:
        path = call.path.partition("?")[0]
        if path.startswith(("/upload/", "/download/")):
            return self._google(call, path)
        if "/messages/batches" in path:
            return self._messages(call, path.partition("/messages/batches")[2])
        path = path.removeprefix("/v1/").removeprefix("/v1beta/openai/")
        if path == "models":
            return _json({"object": "list", "data": []})
        if path == "files":
            return _json(self._keep(_file_in(call), purpose="batch"))
        if path == "batches" and call.method == "POST":
            return self._make(call, call.body)
        if path == "batches":
            return self._page(call, "after", self.batches)
        if path.startswith("batches/"):
            return _json(self.batches[path.removeprefix("batches/")])
        if path.startswith("files/"):
            file = self.files.get(path.split("/")[1])
            return _GONE if file is None else Reply(file, headers={"Content-Type": "application/octet-stream"})
        return self._answer(call)

    def _keep(self, content: bytes, **more: Any) -> dict[str, Any]:
        id = f"file-{len(self.files)}"
        self.files[id] = content
        told = {"id": id, "object": "file", "bytes": len(content), "created_at": 0, "filename": "f"}
        return {**told, "status": "processed", **more}

    def _make(self, call: Call, body: Mapping[str, Any]) -> Reply:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "refused":
            return error(400, f"no batches today for {call.headers.get('authorization')}")
        id = f"batch_{len(self.batches)}"
        made = {"id": id, "object": "batch", "status": "validating", "created_at": 0, **body}
        self.batches[id] = made
        return error(502, "lost on the way") if fault else _json(made)

    def _page(self, call: Call, cursor: str, batches: Mapping[str, Any]) -> Reply:
        """The latest ones first."""
        asked = parse_qs(call.path.partition("?")[2])
        ids = [*reversed(batches)]
        first = ids.index(asked[cursor][0]) + 1 if cursor in asked else 0
        last = first + int(asked["limit"][0])
        data = [batches[id] for id in ids[first:last]]
        return _json({"object": "list", "data": data, "has_more": last < len(ids)})

    def asked(self, id: str) -> list[dict[str, Any]]:
        batch = self.batches[id]
        if "requests" in batch:
            return list(batch["requests"])
        return [json.loads(line) for line in self.files[batch["input_file_id"].removeprefix("files/")].splitlines()]

    def finish(self, id: str, expired: Callable[[int], bool] = lambda _: False) -> None:
        """All that have no reply yet are answered, but those whose number has expired."""
        if "requests" in self.batches[id]:
            self._finish_messages(id, expired)
            return
        done: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
        for number, row in enumerate(self.asked(id)):
            done[expired(number)].append(unanswered(row) if expired(number) else replied(row, self._answer))
        files = {"error_file_id": done[True], "output_file_id": done[False]}
        counts = {"total": sum(map(len, done.values())), "completed": len(done[False]), "failed": len(done[True])}
        self.batches[id] |= {"status": "expired" if done[True] else "completed", "request_counts": counts}
        place = "files/" if self.batches[id]["input_file_id"].startswith("files/") else ""
        for name, told in files.items():
            self.batches[id][name] = place + self._keep(_lines(told))["id"] if told else None

    # --- as Gemini does

    def _google(self, call: Call, path: str) -> Reply:
        self.headers.append(call.headers)
        if path.startswith("/download/v1beta/files/"):
            return Reply(self.files[path.rsplit("/", maxsplit=1)[-1].removesuffix(":download")])
        if call.headers["x-goog-upload-command"] == "start":
            place = f"http://{call.headers['host']}/upload/v1beta/files?upload_id=1"
            return Reply(b"{}", headers={"X-Goog-Upload-URL": place})
        assert call.headers["x-goog-upload-offset"] == "0"
        return _json({"file": {"name": f"files/{self._keep(call.raw)['id']}", "state": "ACTIVE"}})

    # --- as Anthropic does

    def _messages(self, call: Call, path: str) -> Reply:
        self.headers.append(call.headers)
        ours = {id: batch for id, batch in self.batches.items() if "requests" in batch}
        told = {id: {key: value for key, value in batch.items() if key != "requests"} for id, batch in ours.items()}
        if call.method == "POST":
            counts = {"processing": len(call.body["requests"])}
            return self._make(call, {**call.body, "processing_status": "in_progress", "request_counts": counts})
        if not path:
            return self._page(call, "after_id", told)
        if path.endswith("/results"):
            return Reply(self.files[path.split("/")[1]])
        root = f"http://{call.headers['host']}/v1/messages/batches"
        return _json(told[path[1:]] | {"results_url": f"{root}{path}/results" if path[1:] in self.files else None})

    def _finish_messages(self, id: str, expired: Callable[[int], bool]) -> None:
        lines = [
            {"custom_id": row["custom_id"], "result": {"type": "expired"} if expired(number) else self._message(row)}
            for number, row in enumerate(self.asked(id))
        ]
        kinds = Counter(line["result"]["type"] for line in lines)
        self.files[id] = _lines(lines)
        self.batches[id] |= {"processing_status": "ended", "request_counts": {**kinds, "processing": 0}}

    def _message(self, row: dict[str, Any]) -> dict[str, Any]:
        """The scripted answer to a chat, in the form of a message."""
        messages = [{"role": "system", "content": row["params"].get("system", "")}, *row["params"]["messages"]]
        reply = self._answer(Call("/v1/chat/completions", {**row["params"], "messages": messages}, {}, 0))
        body = json.loads(reply.body)
        if reply.status != 200:
            return {"type": "errored", "error": {"type": "error", "error": {**body["error"], **_TYPES[reply.status]}}}
        (choice,) = body["choices"]
        said, usage = choice["message"]["content"], body["usage"]
        message = {
            **{"id": "msg", "type": "message", "role": "assistant", "model": body["model"]},
            "content": [{"type": "text", "text": said}] if said else [],
            "stop_reason": {"stop": "end_turn", "content_filter": "refusal"}[choice["finish_reason"]],
            "usage": {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]},
        }
        return {"type": "succeeded", "message": message}


_TYPES = {400: {"type": "invalid_request_error"}, 500: {"type": "api_error"}}
_GONE = error(404, "no such file")


def _lines(told: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in told).encode()


def _file_in(call: Call) -> bytes:
    form = message_from_bytes(f"Content-Type: {call.headers['content-type']}\r\n\r\n".encode() + call.raw)
    (content,) = (part.get_payload(decode=True) for part in form.walk() if part.get_filename())
    assert isinstance(content, bytes)
    return content


def _json(body: Any) -> Reply:
    return Reply(json.dumps(body).encode())
