"""Plays a batch service on files of requests: each row is answered as a scripted server would answer it over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from safebench.cli.main import run_command
from safebench.store.store import Store
from safebench.testing.server import Call, Reply
from tests.end_to_end.scripted import summary_of

Answer = Callable[[Call], Reply]
RunFile = Callable[..., Path]  # a run file into the folder of that name, with more of its keys
SAID = ["vote unsafe 1", "vote refused 5", "vote safe 4", "garbage", "filtered", "refused-by-filter", "empty"]
QUERIES: list[dict[str, Any]] = [
    {"id": f"{intent[0]}{n}", "query": f"say {SAID[(n + 2 * m) % len(SAID)]} number {n} {intent}", "intent": intent,
     "twin": f"{'hb'[1 - m]}{n}"}
    for n in range(10)
    for m, intent in enumerate(["harmful", "benign"])
]  # fmt: skip
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
