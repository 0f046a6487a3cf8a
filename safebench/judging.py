"""The stage *judge*: the jury on a recorded answer, as heard where it was spoken, else as written."""

from __future__ import annotations

from dataclasses import dataclass

from safebench import taxonomy
from safebench.exchanges import Desk
from safebench.jury.protocol import Jury
from safebench.outcomes import Ending, after_judging
from safebench.plugins import Target
from safebench.store import Store
from safebench.transcribing import Transcript
from safebench.types import Ballot, Label, Query, Request, Response, Verdict


@dataclass(frozen=True, slots=True)
class Judge:
    """`await judge.decide(…)` puts one answer to the jury and gives the item's ending with all ballots."""

    jury: Jury
    store: Store
    desk: Desk

    async def decide(
        self, item: int, query: Query, repeat: int, answer: str, heard: Transcript | None, *, missed: bool
    ) -> tuple[Ending, tuple[Ballot, ...]]:
        """`repeat` counts the times the item was asked, `answer` is the target's own text, `missed` says that its own
        comprehension probe failed.

        Of a spoken answer, which has a transcript, both verdicts are recorded: on what was heard and on its own text.
        """
        verdict = await self._verdict(item, query, repeat, heard.text if heard and heard.text.strip() else answer)
        if heard is not None:
            own = await self._own_label(item, query, repeat, answer, heard, verdict)
            self.store.keep_spoken(item, heard, verdict.label, own)
        return after_judging(verdict, missed=missed), verdict.ballots

    async def _own_label(
        self, item: int, query: Query, repeat: int, answer: str, heard: Transcript, verdict: Verdict
    ) -> Label | None:
        """The verdict on the target's own text of its spoken answer; None where it gave none, or was judged by it."""
        if not answer.strip() or not heard.text.strip():
            return None
        if heard.says_the_same_as(answer):
            return verdict.label
        return (await self._verdict(item, query, repeat, answer, "/own text")).label

    async def _verdict(self, item: int, query: Query, repeat: int, answer: str, mark: str = "") -> Verdict:
        scenario = taxonomy.scenario(query.scenario) if query.scenario else None

        async def put(target: Target, request: Request, purpose: str) -> Response:
            return await self.desk.put(target, request, item, purpose + mark)

        return await self.jury.judge(query, scenario, answer, put, repeat=repeat)
