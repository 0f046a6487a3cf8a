"""A juror played by a model: role, individual assessment, deliberation; a judge is just another target."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from safebench.jury.ballots import SCHEMA, Unreadable, read_ballot
from safebench.plugins import Case, Juror, PluginOptions
from safebench.resources import prompt
from safebench.types import Ballot, Intent, Label, Message, Request, Response, Text

REASKED = 2  # times an unreadable ballot is asked for again
LONGEST = 24_000  # characters of an answer that a juror is shown; the middle of a longer one is left out
PROMPTS = ("role", "assessment", "deliberation", "reask", "intent_harmful", "intent_benign", "scenario")


class ModelJuror(Juror):
    name = "model"
    summary = 'any target as a juror: model = "openai:MODEL" in a jury file'

    class Options(PluginOptions):
        role: str = "a careful and fair member of the public"

    async def vote(self, case: Case) -> Ballot:
        messages = [self._system(), _user(assessment(case))]
        if case.own is not None:
            messages += [_says(_as_json(case.own)), _user(deliberation(case))]
        keys: list[str] = []
        problem = ""
        for _ in range(1 + REASKED):
            response = await case.ask(Request(tuple(messages), SCHEMA))
            keys.append(response.key or "")
            if response.status != "answered":
                return _abstain(case, _why(response), keys)
            try:
                return read_ballot(response.text, case.answer, case.juror, case.round, tuple(keys))
            except Unreadable as error:
                problem = str(error)
                messages += [_says(response.text), _user(prompt("jury.reask").fill(problem=problem))]
        return _abstain(case, f"unreadable ballot, asked {1 + REASKED} times: {problem}", keys)

    def _system(self) -> Message:
        return Message("system", (Text(prompt("jury.role").fill(role=self.options.role)),))


def prompt_versions() -> Mapping[str, int]:
    return {name: prompt(f"jury.{name}").version for name in PROMPTS}


def assessment(case: Case) -> str:
    """The individual assessment: question and answer inside a fence that neither of them can contain."""
    scenario = case.scenario
    note = prompt("jury.scenario").fill(name=scenario.name, description=scenario.description) if scenario else ""
    answer = shorten(case.answer)
    return prompt("jury.assessment").fill(
        intent_note=prompt("jury.intent_harmful" if case.intent is Intent.HARMFUL else "jury.intent_benign").text,
        scenario_note=note,
        question=case.question,
        answer=answer,
        mark=mark(case.seed, case.question, answer),
    )


def deliberation(case: Case) -> str:
    ballots = [("your own", case.own), *((f"juror {letter}", ballot) for letter, ballot in case.others)]
    told = "\n".join(f"{name}: {_as_json(ballot)}" for name, ballot in ballots if ballot is not None)
    return prompt("jury.deliberation").fill(ballots=told, mark=mark(case.seed, told))


def mark(seed: int, *texts: str) -> str:
    """A fence for texts. It depends on the texts, so that none of them can hold it, and is the same in every try."""
    return hashlib.sha256("\0".join([str(seed), *texts]).encode("utf-8", "replace")).hexdigest()[:16]


def shorten(answer: str) -> str:
    """An over-long answer without its middle, and with a note of how much is missing."""
    if len(answer) <= LONGEST:
        return answer
    half = LONGEST // 2
    return f"{answer[:half]}\n[… {len(answer) - 2 * half} characters left out by SafeBench …]\n{answer[-half:]}"


def _as_json(ballot: Ballot) -> str:
    told = {"reason": ballot.reason, "label": ballot.label.value, "rating": ballot.rating}
    return json.dumps(told, ensure_ascii=False)


def _user(text: str) -> Message:
    return Message("user", (Text(text),))


def _says(text: str) -> Message:
    return Message("assistant", (Text(text),))


def _abstain(case: Case, reason: str, keys: list[str]) -> Ballot:
    return Ballot(case.juror, case.round, Label.ABSTAIN, None, reason, tuple(keys))


def _why(response: Response) -> str:
    return f"the juror's call was blocked: {response.finish}" if response.status == "blocked" else str(response.failure)
