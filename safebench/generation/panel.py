"""Puts requests to writers and judges: recorded, within the budget, and never read as more than was said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

from safebench.models.calls import Calls
from safebench.models.fence import defuse, mark
from safebench.models.roles import Declined, Unreadable
from safebench.plugins import Target
from safebench.resources import prompt
from safebench.types import Message, Purpose, Request, Text

T = TypeVar("T")
REASKED = 2  # times a judge is asked again whose answer could not be read
SHOWN = 200  # characters of an answer that files quote
CallOutcome = Literal["answered", "declined", "unreadable", "failed"]


@dataclass(frozen=True, slots=True)
class PanelAnswer(Generic[T]):
    """What one was asked for, or how it came that there is none."""

    value: T | None
    outcome: CallOutcome
    why: str = ""


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """A prompt by name with its values, and how the answer is read. `material` is what models wrote: it is fenced."""

    prompt: str
    values: Mapping[str, str]
    material: Mapping[str, str]
    schema: Mapping[str, Any]
    read: Callable[[str], T]

    def request(self, seed: int, problem: str | None) -> Request:
        material = {name: defuse(text) for name, text in self.material.items()}
        text = prompt(f"generate/{self.prompt}").fill(**self.values, **material, mark=mark(seed, *material.values()))
        if problem is not None:
            text = f"{text}\n\n{prompt('generate/score.reask').fill(problem=problem)}"
        return Request((Message("user", (Text(text),)),), self.schema)


class Panel:
    """Writers and judges by label, and the `Calls` by which they are asked."""

    def __init__(self, writers: Mapping[str, Target], judges: Mapping[str, Target], calls: Calls, seed: int) -> None:
        self.writers, self.judges = writers, judges
        self.width = calls.width([*writers.values(), *judges.values()])  # questions at once
        self._calls, self._seed = calls, seed

    def writer(self, turn: int) -> str:
        """Writers take turns; the seed says who begins."""
        return list(self.writers)[(turn + self._seed) % len(self.writers)]

    async def write(self, writer: str, question: Question[T], purpose: Purpose) -> PanelAnswer[T]:
        """One call. Whoever declines, or answers in another form, is not pressed: another writer is asked."""
        purpose = replace(purpose, about=f"{purpose.about} by {writer}")
        return await self._ask(self.writers[writer], question, purpose, None)

    async def judge(self, judge: str, question: Question[T], purpose: Purpose) -> PanelAnswer[T]:
        """At most three calls; a judge whose answer cannot be read then abstains."""
        problem: str | None = None
        for n in range(1 + REASKED):
            answer = await self._ask(self.judges[judge], question, replace(purpose, juror=judge, number=n), problem)
            if answer.outcome != "unreadable":
                return answer
            problem = answer.why
        return PanelAnswer(None, "unreadable", f"unreadable, asked {1 + REASKED} times: {problem}")

    async def judge_all(self, question: Question[T], purpose: Purpose) -> dict[str, T]:
        """What each judge gave; those that abstained are left out."""
        answers = {judge: await self.judge(judge, question, purpose) for judge in self.judges}
        return {judge: answer.value for judge, answer in answers.items() if answer.value is not None}

    async def _ask(
        self, target: Target, question: Question[T], purpose: Purpose, problem: str | None
    ) -> PanelAnswer[T]:
        response = await self._calls.ask(target, question.request(self._seed, problem), 0, purpose)
        if response.status == "failed":
            return PanelAnswer(None, "failed", str(response.failure)[:SHOWN])
        if response.status == "blocked":
            return PanelAnswer(None, "declined", f"blocked: {response.finish}")
        try:
            return PanelAnswer(question.read(response.text), "answered")
        except Declined as error:
            return PanelAnswer(None, "declined", str(error)[:SHOWN])
        except Unreadable as error:
            return PanelAnswer(None, "unreadable", str(error)[:SHOWN])
