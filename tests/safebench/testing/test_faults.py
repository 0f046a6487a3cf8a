"""Every fault in every role, while it lasts and once: how it ends, after how many calls, and what a second start does.

The library says what is expected (`Fault.ends`). The answer of a target does harm, and rules judge it: whatever hides
the answer, or says no in its place, would end as `safe` or `refused`. A juror judges an answer that holds a forged
ballot.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from safebench import registry
from safebench.errors import ConversionError, TargetRefusesService
from safebench.generation.panel import Panel, Question
from safebench.generation.schemas import QUERIES, read_queries
from safebench.models.calls import Calls
from safebench.models.opening import open_target
from safebench.plugins import Recogniser
from safebench.rendering.chain import RenderJob, render
from safebench.rendering.recipes import Recipe
from safebench.reports.report import report
from safebench.runs.config import make_config
from safebench.runs.run import run
from safebench.store.store import Store
from safebench.store.verdicts import cast_ballots
from safebench.targets.openai import OpenAITarget
from safebench.testing.faults import FAULTS, WELL, Fault, FaultEnding, play
from safebench.testing.faults.fault import STOPS
from safebench.testing.faults.recordings import WAV
from safebench.testing.faults.written import FORGED
from safebench.testing.server import Call, Reply, ScriptedServer, chat, transcription
from safebench.types import Media, Purpose, Query

KEY = "sk-only-for-tests-0123456789"
QUESTION = Query("q1", "How do I bake bread at home?")
ANSWER = "Mix flour, water, salt and yeast, let the dough rise, and bake the bread at 230 degrees for forty minutes."
QUOTABLE = f"{ANSWER} {json.dumps(FORGED, ensure_ascii=False)}"
BALLOT = {"reason": "It names flour and water, and nothing that could do harm.", "label": "safe", "rating": 4}
QUERIES_WRITTEN = {"queries": ["How do plants and animals share a garden?", "How do tides and winds meet?"]}
GOOD = {
    "target": chat(ANSWER),
    "juror": chat(json.dumps(BALLOT)),
    "writer": chat(json.dumps(QUERIES_WRITTEN)),
    "speech": Reply(WAV, headers={"Content-Type": "audio/wav"}),
    "recogniser": transcription(QUESTION.text),
}
RETRIES = 1

HARM = "unsafe"  # what the rules say of the answer, since the query is harmful
Ended = tuple[str, int]  # outcome, calls


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenAITarget, "_wait", staticmethod(lambda attempt, wanted=None: 0.0))
    monkeypatch.setattr("openai._base_client.time.sleep", lambda seconds: None)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    """One for all tests: a run goes on at the address where it began."""
    with ScriptedServer(lambda call: chat("nothing is played")) as server:
        yield server


# --- each role with an endpoint that may be faulty


@dataclass(frozen=True, slots=True)
class Played:
    """One role against an endpoint on which a fault is played, in one folder."""

    role: str
    fault: Fault
    server: ScriptedServer
    folder: Path

    def start(self, answer: Callable[[Call], Reply], **how: bool) -> Ended:
        """How it ends, and the calls of the role."""
        count = itertools.count()

        def numbered(call: Call) -> Reply:
            if self.role in RUN_BY_RUN and call.model != self.role:
                return chat(QUOTABLE)
            return answer(replace(call, number=next(count)))

        self.server.answer = numbered
        try:
            outcome = PLAYERS[self.role](self, **how)
        except TargetRefusesService:
            outcome = STOPS
        return outcome, next(count)

    @property
    def patience(self) -> dict[str, Any]:
        return {"retries": RETRIES, "timeout": 0.3 if self.fault.hangs else 30.0}


def asked(played: Played, **how: bool) -> str:
    """A run of one item; before a jury of one where that is the role."""
    data = played.folder / "q.jsonl"
    data.write_text(json.dumps({"id": QUESTION.id, "query": QUESTION.text}) + "\n")
    endpoint = {"base_url": played.server.url, **played.patience}
    jury = {"protocol": {"rounds": 0}, "jurors": [{"name": "judge", "model": "openai:juror", **endpoint}]}
    config = make_config(
        "test", data=str(data), conditions=["text"], target="openai:target", **endpoint, workers=1, max_open=1.0,
        jury=jury if played.role == "juror" else "embedded", out=str(played.folder / "run"),
    )  # fmt: skip
    run(config, **how)
    return _outcome(played)


def _outcome(played: Played) -> str:
    with Store(played.folder / "run") as store:
        ((outcome, _),) = store.counts()["text"].items()
        cast = list(cast_ballots(store))
    if played.role == "target":
        return WELL["target"] if outcome == HARM else str(outcome)
    ((_, absence, _),) = cast
    assert outcome == ("undecided" if absence else BALLOT["label"])
    return absence.value if absence else "votes"


def written(played: Played) -> str:
    """One call of a writer."""
    values = dict.fromkeys(("language", "part", "count", "form", "shortest", "longest", "earlier"), "x")
    question = Question("write.queries", values, {"scenario": "x", "description": "x"}, QUERIES, read_queries)

    async def ask() -> str:
        writer = open_target("openai:writer", {"base_url": played.server.url, **played.patience})
        with Store(played.folder) as store:
            panel = Panel({"w": writer}, {}, Calls(store, 1, asyncio.Event()), 0)
            try:
                return (await panel.write("w", question, Purpose("write"))).outcome
            finally:
                await writer.close()

    return asyncio.run(ask())


def rendered(played: Played) -> str:
    """One rendering by a speech endpoint."""
    converter = {"model": played.fault.name, "voice": "v", "base_url": played.server.url, **played.patience}
    recipe = Recipe(name="spoken", medium="audio", steps=[{"use": "openai-speech", **converter}], description="")
    return "rendered" if render(RenderJob(QUESTION, recipe, check=False)).faithful else "not_rendered"


def heard(played: Played) -> str:
    """One clip that a recogniser's endpoint hears."""
    options = {"argument": f"m@{played.server.url}", **played.patience}
    recogniser = registry.create(Recogniser, "openai-transcriptions", "test", **options)
    try:
        return "heard" if recogniser.recognise(Media.of("audio", "audio/wav", WAV)) == QUESTION.text else "misheard"
    except ConversionError:
        return "not_heard"


RUN_BY_RUN = ("target", "juror")
PLAYERS: dict[str, Callable[..., str]] = {
    **dict.fromkeys(RUN_BY_RUN, asked),
    "writer": written,
    "speech": rendered,
    "recogniser": heard,
}


MATRIX = [
    pytest.param(fault, role, ending, id=f"{fault.name}-{role}")
    for fault in FAULTS.values()
    for role, ending in fault.ends.items()
    if isinstance(ending, FaultEnding)
]


@pytest.mark.parametrize(("fault", "role", "ending"), MATRIX)
def test_while_a_fault_lasts_and_after_it(
    fault: Fault, role: str, ending: FaultEnding, server: ScriptedServer, tmp_path: Path
) -> None:
    """Exactly these calls; no key in any file; what `--retry-failed` asks once the endpoint is well; and a report."""
    played = Played(role, fault, server, tmp_path)
    assert played.start(play(fault, GOOD[role])) == (ending.outcome, ending.count(RETRIES))
    assert [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()] == []
    if role in RUN_BY_RUN:
        mended = (WELL[role], 1) if ending.reopened else (ending.outcome, 0)
        assert played.start(lambda call: GOOD[role], retry_failed=True) == mended
        assert report(tmp_path / "run").summary.conditions


SAME_WAY = ("juror", "writer")  # they ask by the same code as a target, but for what they ask anew by themselves
PASSING = [
    pytest.param(fault, role, id=f"{fault.name}-{role}")
    for fault, role, ending in (one.values for one in MATRIX)
    if ending.count(RETRIES) > 1 and not (ending.retried and role in SAME_WAY)
]


@pytest.mark.parametrize(("fault", "role"), PASSING)
def test_a_fault_that_passes_costs_one_call(fault: Fault, role: str, server: ScriptedServer, tmp_path: Path) -> None:
    played = Played(role, fault, server, tmp_path)
    assert played.start(play(fault, GOOD[role], times=1)) == (WELL[role], 2)
