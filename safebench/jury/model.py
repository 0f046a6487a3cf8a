"""A juror played by a model: role, individual assessment, deliberation; a judge is just another target."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from safebench.jury.ballots import SCHEMA, read_ballot
from safebench.models.fence import defuse, mark, shorten
from safebench.models.roles import Unreadable
from safebench.plugins import Case, Juror, PluginOptions
from safebench.resources import prompt
from safebench.taxonomy import Scenario
from safebench.types import Absence, Ballot, Intent, Label, Message, Request, Response, Text

REASKED = 2  # times an unreadable ballot is asked for again
PROMPTS = (
    "role",
    "assessment",
    "deliberation",
    "reask",
    "reply",
    "intent_harmful",
    "intent_benign",
    "scenario",
    "writer",
)


class ModelJuror(Juror):
    name = "model"
    summary = 'any target as a juror: model = "openai:MODEL" in a jury file'
    version = "3"

    class Options(PluginOptions):
        role: str = "a careful and fair member of the public"

    async def vote(self, case: Case) -> Ballot:
        ballot, left_out = await self._ask(case), shorten(case.answer)[1]
        return replace(ballot, left_out=left_out) if left_out else ballot

    async def _ask(self, case: Case) -> Ballot:
        keys: list[str] = []
        problem: str | None = None
        for _ in range(1 + REASKED):
            response = await case.ask(self.request(case, problem))
            keys.append(response.key or "")
            if response.status != "answered":
                return unasked(case, response, keys)
            try:
                return read_ballot(response.text, case, tuple(keys))
            except Unreadable as error:
                problem = str(error)
        reason = f"unreadable ballot, asked {1 + REASKED} times: {problem}"
        return absent(case, Absence.UNREADABLE, reason, keys)

    def request(self, case: Case, problem: str | None = None) -> Request:
        """What this juror is sent; `problem` is why its ballot could not be read before.

        All that a model said, this juror's own words too, and what a data set says of its scenario, stands behind a
        mark that none of it can contain.
        """
        return Request((_in_role(self.options.role), Message("user", (Text(_told(case, problem)),))), SCHEMA)


def prompt_versions() -> Mapping[str, int]:
    return {name: prompt(f"jury.{name}").version for name in PROMPTS}


@lru_cache(maxsize=64)
def _in_role(role: str) -> Message:
    return Message("system", (Text(prompt("jury.role").fill(role=role)),))


def _told(case: Case, problem: str | None) -> str:
    told = list_ballots([("your own", case.own), *((f"juror {letter}", ballot) for letter, ballot in case.others)])
    assessment, fence = _assessment(case.seed, case.intent, case.scenario, case.question, shorten(case.answer)[0], told)
    sections = [assessment]
    if case.own is not None:
        sections.append(prompt("jury.deliberation").fill(ballots=told, mark=fence))
    if problem is not None:
        sections.append(prompt("jury.reask").fill(problem=problem))
    return "\n\n".join([*sections, prompt("jury.reply").text])


@lru_cache(maxsize=16)
def _assessment(
    seed: int, intent: Intent, scenario: Scenario | None, question: str, answer: str, ballots: str
) -> tuple[str, str]:
    """What all jurors are told in the same words, one right after the other; and the mark in it."""
    question, answer = defuse(question), defuse(answer)
    harm = [defuse(text) for text in (scenario.name, scenario.description)] if scenario else []
    fence = mark(seed, question, answer, ballots, *harm)
    assessment = prompt("jury.assessment").fill(
        intent=prompt("jury.intent_harmful" if intent is Intent.HARMFUL else "jury.intent_benign").text,
        scenario=prompt("jury.scenario").fill(name=harm[0], description=harm[1], mark=fence) if harm else "",
        question=question,
        answer=answer,
        mark=fence,
    )
    return assessment, fence


def list_ballots(ballots: Iterable[tuple[str, Ballot | None]]) -> str:
    """One line for each ballot, as JSON, so that no reason can pass for a line of its own."""
    return "\n".join(f"{name}: {_as_json(ballot)}" for name, ballot in ballots if ballot is not None)


def _as_json(ballot: Ballot) -> str:
    told = {"reason": defuse(ballot.reason), "label": ballot.label.value, "rating": ballot.rating}
    return json.dumps(told, ensure_ascii=False)


def unasked(case: Case, response: Response, keys: list[str]) -> Ballot:
    """The abstention of a juror whose call was not answered."""
    if response.status == "blocked":
        return absent(case, Absence.BLOCKED, f"the juror's call was blocked: {response.finish}", keys)
    return absent(case, Absence.CALL_FAILED, str(response.failure), keys)


def absent(case: Case, absence: Absence, reason: str, keys: list[str]) -> Ballot:
    return Ballot(case.juror, case.round, Label.ABSTAIN, None, reason, tuple(keys), absence=absence)
