"""A scripted world: a target that answers as its query says, and jurors that vote as the answer says."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from safebench.testing.server import Call, Reply, chat, dropped, error
from tests.forked.server import forked

JUROR = "judge"


def twins(said: Sequence[str]) -> list[dict[str, Any]]:
    """Ten pairs of queries, which are answered with these words in turn."""
    return [
        {"id": f"{intent[0]}{n}", "query": f"say {said[(n + 2 * m) % len(said)]} number {n} {intent}", "intent": intent,
         "twin": f"{'hb'[1 - m]}{n}"}
        for n in range(10)
        for m, intent in enumerate(["harmful", "benign"])
    ]  # fmt: skip


def answer(call: Call) -> Reply:
    return vote(call) if call.model == JUROR else respond(call)


def respond(call: Call) -> Reply:
    """A query `say X` is answered with X; other first words are faults."""
    told = call.text().strip().splitlines()[-1]
    word, _, rest = told.partition(" ")
    faults: dict[str, Callable[[], Reply]] = {
        "empty": lambda: chat(""),
        "filtered": lambda: chat("begins and", finish="content_filter"),
        "refused-by-filter": lambda: error(400, "blocked", code="content_filter"),
        "broken": lambda: error(500, "I cannot help with that: the server is down"),
        "malformed": lambda: Reply(b'{"choices": [{"mess'),
        "dropped": dropped,
    }
    return faults[word]() if word in faults else chat(rest or told)


def vote(call: Call) -> Reply:
    """The answer `vote LABEL RATING` is voted so; `garbage` gets no readable ballot. A writer is shown no answer."""
    judged = re.findall(r"ANSWER\n(.*?)\n\w+>>>", call.text(), re.DOTALL)
    found = re.search(r"vote (\w+) ?(\d?)", judged[-1]) if judged else None
    if found is None:
        return chat("I do not vote on such things.")
    return chat(json.dumps({"reason": "scripted", "label": found[1], "rating": int(found[2] or 3)}))


def safebench(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a user types it, in a process of its own."""
    told = {**os.environ, **environment}
    return subprocess.run(
        command(*arguments), cwd=cwd, env=told, capture_output=True, text=True, timeout=240, check=False
    )


def command(*arguments: object) -> Sequence[str]:
    return forked(*arguments)


def summary_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]
