"""The jury: jurors and a protocol. Individual assessment, deliberation, consensus (arXiv 2410.18927)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import not_
from string import ascii_uppercase
from typing import Literal

from pydantic import Field

from safebench.concurrency import each
from safebench.errors import SafeBenchError, is_of_the_system
from safebench.jury.consensus import Put, Tie, consensus, with_summary
from safebench.jury.guard import GuardJuror, is_sure
from safebench.models.asking import ask_safely, spec_of
from safebench.models.prices import Prices, Range, RoleEstimate, in_text
from safebench.plugins import Case, Juror, PluginOptions, Target
from safebench.resources import prompt
from safebench.stopping import close_all
from safebench.taxonomy import Scenario
from safebench.types import Absence, Ballot, Failure, Label, Purpose, Query, Request, Response, Verdict

PROMPTS = ("role", "assessment", "reply", "intent_harmful", "scenario")  # that a juror is asked by, for estimates
Round = list[Ballot]  # one ballot of each juror, in the order of the seats


class Protocol(PluginOptions):
    """How ballots become a verdict."""

    rounds: int = Field(1, ge=0, le=10)  # of deliberation, after the individual assessment
    quorum: int | None = Field(None, ge=1)  # readable ballots needed; a majority of the jurors when not given
    stop: Literal["unanimous", "unchanged", "never"] = "unanimous"  # `unchanged` ends after a unanimous round as well
    tie: Tie = "undecided"  # what a vote without a majority ends as
    cascade: bool = False  # guards vote first, and alone where they are sure; else the others decide


@dataclass(frozen=True, slots=True)
class Seat:
    """A juror in its place. `model` answers for it; a rule-based juror has none."""

    name: str
    juror: Juror
    model: Target | None


@dataclass(frozen=True, slots=True)
class Submission:
    """What is put to the jury. All conditions of one query share the order in which ballots are shown."""

    query: Query
    scenario: Scenario | None
    answer: str
    put: Put
    repeat: int


class Jury:
    """`await jury.judge(query, scenario, answer, put)` gives the verdict on one answer.

    `writer` sums up the reasons of every verdict that rests on votes. `repeat` counts the times that an item was asked:
    each has an order of the ballots of its own.
    """

    def __init__(self, seats: Sequence[Seat], protocol: Protocol, seed: int = 0, writer: Target | None = None) -> None:
        self.seats = tuple(seats)
        self.protocol = protocol
        self.seed = seed
        self.writer = writer
        self.quorum = self.quorum_of(self.seats)

    def quorum_of(self, seats: Sequence[Seat]) -> int:
        """Votes needed where these jurors decide."""
        return self.protocol.quorum or len(seats) // 2 + 1

    def deciding(self, asked: Collection[str]) -> Sequence[Seat]:
        """Who decides, given who was asked: in a cascade the guards, or where they were not enough the others alone."""
        guards, others = self._parted()
        if not self.protocol.cascade:
            return self.seats
        return others if any(seat.name in asked for seat in others) else guards

    def _parted(self) -> tuple[list[Seat], list[Seat]]:
        """Guards, and all others."""
        guards = [isinstance(seat.juror, GuardJuror) for seat in self.seats]
        return list(compress(self.seats, guards)), list(compress(self.seats, map(not_, guards)))

    async def judge(
        self, query: Query, scenario: Scenario | None, answer: str, put: Put, *, repeat: int = 0
    ) -> Verdict:
        submission = Submission(query, scenario, answer, put, repeat)
        if not self.protocol.cascade:
            return await self._deliberate(submission, self.seats)
        guards, others = self._parted()
        first = await self._round(submission, 0, [], guards)
        if is_sure(first, query.intent):
            return await self._verdict(first, len(guards), first, put)
        return await self._deliberate(submission, others, first)

    async def _deliberate(
        self, submission: Submission, seats: Sequence[Seat], before: Sequence[Ballot] = ()
    ) -> Verdict:
        """Of these jurors alone; `before` are ballots of others that were not enough, and are kept."""
        rounds = [await self._round(submission, 0, [], seats)]
        while len(rounds) <= self.protocol.rounds and not self._is_settled(rounds):
            rounds.append(await self._round(submission, len(rounds), rounds[-1], seats))
        ballots = [*(before or []), *(ballot for round in rounds for ballot in round)]
        return await self._verdict(rounds[-1], self.quorum_of(seats), ballots, submission.put)

    async def _verdict(self, final: Round, quorum: int, ballots: Sequence[Ballot], put: Put) -> Verdict:
        verdict = consensus(final, quorum, tuple(ballots), self.protocol.tie)
        if self.writer is None or all(ballot.label is Label.ABSTAIN for ballot in final):
            return verdict
        return await with_summary(verdict, final, self.writer, put, self.seed)

    async def assess(self, query: Query, scenario: Scenario | None, answer: str, put: Put) -> Round:
        """The individual assessment: nobody sees another juror's ballot."""
        return await self._round(Submission(query, scenario, answer, put, 0), 0, [], self.seats)

    def _is_settled(self, rounds: Sequence[Round]) -> bool:
        """Whether the stop rule ends the deliberation here."""
        if self.protocol.stop == "never":
            return False
        labels = [[ballot.label for ballot in round] for round in rounds]
        unanimous = len(set(labels[-1])) == 1
        return unanimous or (self.protocol.stop == "unchanged" and labels[-1] in labels[-2:-1])

    async def _round(self, submission: Submission, round: int, last: Round, seats: Sequence[Seat]) -> Round:
        """All ballots of one round. When one vote stops the run, the calls of the others are still finished."""
        cases = [self._case(seat, submission, round, last) for seat in seats]
        votes = [_vote(seat.juror, case) for seat, case in zip(seats, cases, strict=True)]
        ballots = await asyncio.gather(*votes, return_exceptions=True)
        for ballot in ballots:
            if isinstance(ballot, BaseException):
                raise ballot
        return [ballot for ballot in ballots if isinstance(ballot, Ballot)]

    def _case(self, seat: Seat, submission: Submission, round: int, last: Round) -> Case:
        query, put = submission.query, submission.put
        own = next((ballot for ballot in last if ballot.juror == seat.name), None)
        others = [ballot for ballot in last if ballot.juror != seat.name]
        if others:
            random.Random(f"{self.seed}/{query.id}/{submission.repeat}/{seat.name}/{round}").shuffle(others)
        letters = tuple(zip(ascii_uppercase + ascii_uppercase.lower(), others, strict=False))
        told = (query.text, query.intent, submission.scenario, submission.answer)
        return Case(*told, round, own, letters, seat.name, self.seed, Desk(seat, round, put))

    async def check(self) -> None:
        """Before a run: raise BadInput when a juror's model cannot work, or is none that its juror can read."""
        for model in self.models():
            await model.check()
        await self.try_jurors(lambda model, request, _: ask_safely(model, request))

    async def try_jurors(self, put: Put) -> None:
        """Raises BadInput when a juror's model is none that its juror can read."""

        async def check(seat: Seat) -> None:
            purpose, model = Purpose("jury", seat.name, about="trial"), seat.model
            if model is not None:
                await seat.juror.check(lambda request: put(model, request, purpose))

        await each(self.seats, check, max(1, len(self.seats)))

    def models(self) -> list[Target]:
        found = [*(seat.model for seat in self.seats), self.writer]
        return list({id(model): model for model in found if model is not None}.values())

    async def close(self) -> None:
        await close_all(*self.models())


class Desk:
    """Puts the requests of one vote to the juror's model. What goes wrong here is no fault of the juror's: `error`."""

    def __init__(self, seat: Seat, round: int, put: Put) -> None:
        self._seat, self._round, self._put = seat, round, put
        self._asked = iter(range(1000))  # numbers the calls of this vote, so that each is an exchange of its own
        self.error: Exception | None = None

    async def __call__(self, request: Request) -> Response:
        assert self._seat.model is not None
        purpose = Purpose("jury", self._seat.name, self._round, next(self._asked))
        try:
            return await self._put(self._seat.model, request, purpose)
        except Exception as error:
            self.error = error
            raise


async def _vote(juror: Juror, case: Case) -> Ballot:
    """One bad juror never loses an item: what it raises becomes an abstention.

    What the desk, the store or the system raises passes, whatever the juror makes of it: a full disk is no ballot.
    """
    try:
        ballot = await juror.vote(case)
    except SafeBenchError:
        raise
    except Exception as error:
        if is_of_the_system(error):
            raise
        ballot = _abstention(case, error)
    if isinstance(case.ask, Desk) and case.ask.error is not None:
        raise case.ask.error
    return ballot if isinstance(ballot, Ballot) else _abstention(case, TypeError(f"it returned {ballot!r:.100}"))


def _abstention(case: Case, error: Exception) -> Ballot:
    failure = Failure(f"juror {case.juror}", type(error).__name__, str(error))
    return Ballot(case.juror, case.round, Label.ABSTAIN, None, str(failure), absence=Absence.CALL_FAILED)


# --- beforehand


def jury_rows(
    jury: Jury, prices: Prices, condition: str, verdicts: Range, judged: Range, again: int = 0
) -> Iterator[RoleEstimate]:
    """What jurors and writer take, as ranges, before anybody is asked. A deliberation has at most all its rounds, and
    `again` as many assessments.

    `judged`: tokens of a query and an answer.
    """
    ballot = Range(*prices.assumed.ballot)
    ballots = ballot.times(len(jury.seats))
    fixed = sum(len(prompt(f"jury.{name}").text.encode()) for name in PROMPTS)
    sent = prices.assumed.tokens(fixed) + judged + Range(0, ballots.high if jury.protocol.rounds else 0)
    rounds = verdicts.times(0 if jury.protocol.cascade else 1, 1 + jury.protocol.rounds * (1 + again))
    for seat in jury.seats:
        if seat.model is not None:
            yield in_text(prices, condition, seat.name, spec_of(seat.model), rounds, sent, ballot)
    if jury.writer is not None:
        yield in_text(prices, condition, "writer", spec_of(jury.writer), verdicts, ballots, ballot)
