"""Plays a batch service on files of requests: each row is answered as a scripted server would answer it over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

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
    """OpenAI's files and batches, for a `ScriptedServer` with `any_method`. A batch goes on when it is told to."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.faults: list[str] = []  # what goes wrong with the next batches: "refused", or "made in silence"

    def __call__(self, call: Call) -> Reply:
        path = call.path.partition("?")[0].removeprefix("/v1/")
        if path == "models":
            return _json({"object": "list", "data": []})
        if path == "files":
            return _json(self._keep(_file_in(call), purpose="batch"))
        if path == "batches" and call.method == "POST":
            return self._make(call)
        if path == "batches":
            return _json({"object": "list", "data": [*self.batches.values()], "has_more": False})
        if path.startswith("batches/"):
            return _json(self.batches[path.removeprefix("batches/")])
        if path.startswith("files/"):
            return Reply(self.files[path.split("/")[1]], headers={"Content-Type": "application/octet-stream"})
        return self._answer(call)

    def _keep(self, content: bytes, **more: Any) -> dict[str, Any]:
        id = f"file-{len(self.files)}"
        self.files[id] = content
        told = {"id": id, "object": "file", "bytes": len(content), "created_at": 0, "filename": "f"}
        return {**told, "status": "processed", **more}

    def _make(self, call: Call) -> Reply:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "refused":
            return error(400, "no batches today for " + call.headers["authorization"])
        id = f"batch_{len(self.batches)}"
        made = {"id": id, "object": "batch", "status": "validating", "created_at": 0, **call.body}
        self.batches[id] = made
        return error(502, "lost on the way") if fault else _json(made)

    def asked(self, id: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.files[self.batches[id]["input_file_id"]].splitlines()]

    def finish(self, id: str, expired: Callable[[int], bool] = lambda _: False) -> None:
        """All that have no reply yet are answered, but those whose number has expired."""
        done: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
        for number, row in enumerate(self.asked(id)):
            done[expired(number)].append(unanswered(row) if expired(number) else replied(row, self._answer))
        files = {"error_file_id": done[True], "output_file_id": done[False]}
        counts = {"total": sum(map(len, done.values())), "completed": len(done[False]), "failed": len(done[True])}
        self.batches[id] |= {"status": "expired" if done[True] else "completed", "request_counts": counts}
        for name, told in files.items():
            content = "".join(json.dumps(row) + "\n" for row in told).encode()
            self.batches[id][name] = self._keep(content)["id"] if told else None


def _file_in(call: Call) -> bytes:
    form = message_from_bytes(f"Content-Type: {call.headers['content-type']}\r\n\r\n".encode() + call.raw)
    (content,) = (part.get_payload(decode=True) for part in form.walk() if part.get_filename())
    assert isinstance(content, bytes)
    return content


def _json(body: Any) -> Reply:
    return Reply(json.dumps(body).encode())
