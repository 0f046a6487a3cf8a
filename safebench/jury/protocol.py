"""The jury: jurors and a protocol. Individual assessment, deliberation, consensus (arXiv 2410.18927)."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low
from string import ascii_uppercase
from typing import Any, Literal

from pydantic import Field

from safebench.errors import SafeBenchError
from safebench.plugins import Case, Juror, PluginOptions, Target
from safebench.taxonomy import Scenario
from safebench.types import Ballot, Failure, Label, Query, Request, Response, Verdict

Put = Callable[[Target, Request, str], Awaitable[Response]]  # (target, request, purpose) -> recorded response


class Protocol(PluginOptions):
    """How ballots become a verdict."""

    rounds: int = Field(1, ge=0, le=10)  # of deliberation, after the individual assessment
    quorum: int | None = Field(None, ge=1)  # readable ballots needed; a majority of the jurors when not given
    stop: Literal["unanimous", "never"] = "unanimous"  # a unanimous round cannot be changed by talking: end there


@dataclass(frozen=True, slots=True)
class Seat:
    """A juror in its place. `model` answers for it; a rule-based juror has none."""

    name: str
    juror: Juror
    model: Target | None


class Jury:
    """`await jury.judge(query, scenario, answer, put)` gives the verdict on one answer."""

    def __init__(
        self, seats: Sequence[Seat], protocol: Protocol, description: Mapping[str, Any], seed: int = 0
    ) -> None:
        self.seats = tuple(seats)
        self.protocol = protocol
        self.description = description
        self.seed = seed
        self.quorum = protocol.quorum or len(self.seats) // 2 + 1

    async def judge(self, query: Query, scenario: Scenario | None, answer: str, put: Put) -> Verdict:
        ballots: list[Ballot] = []
        last: list[Ballot] = []
        for round in range(1 + self.protocol.rounds):
            last = await self._round(query, scenario, answer, round, last, put)
            ballots += last
            if self.protocol.stop == "unanimous" and len({ballot.label for ballot in last}) == 1:
                break
        return consensus(last, self.quorum, tuple(ballots))

    async def _round(
        self, query: Query, scenario: Scenario | None, answer: str, round: int, last: list[Ballot], put: Put
    ) -> list[Ballot]:
        """All ballots of one round. When one vote stops the run, the calls of the others are still finished."""
        cases = [self._case(seat, query, scenario, answer, round, last, put) for seat in self.seats]
        votes = [_vote(seat.juror, case) for seat, case in zip(self.seats, cases, strict=True)]
        ballots = await asyncio.gather(*votes, return_exceptions=True)
        for ballot in ballots:
            if isinstance(ballot, BaseException):
                raise ballot
        return [ballot for ballot in ballots if isinstance(ballot, Ballot)]

    def _case(
        self, seat: Seat, query: Query, scenario: Scenario | None, answer: str, round: int, last: list[Ballot], put: Put
    ) -> Case:
        own = next((ballot for ballot in last if ballot.juror == seat.name), None)
        others = [ballot for ballot in last if ballot.juror != seat.name]
        random.Random(f"{self.seed}/{query.id}/{seat.name}/{round}").shuffle(others)
        asked = iter(range(1000))  # numbers the calls of this vote, so that each is an exchange of its own

        async def ask(request: Request) -> Response:
            assert seat.model is not None
            return await put(seat.model, request, f"{seat.name}/{round}/{next(asked)}")

        letters = tuple(zip(ascii_uppercase + ascii_uppercase.lower(), others, strict=False))
        return Case(query.text, query.intent, scenario, answer, round, own, letters, seat.name, self.seed, ask)

    async def check(self) -> None:
        """Before a run: raise BadInput when a juror's model cannot work."""
        for model in self.models():
            await model.check()

    def models(self) -> list[Target]:
        return list({id(seat.model): seat.model for seat in self.seats if seat.model is not None}.values())

    async def close(self) -> None:
        for model in self.models():
            await model.close()


async def _vote(juror: Juror, case: Case) -> Ballot:
    """One bad juror never loses an item: what it raises becomes an abstention. A refused service stops the run."""
    try:
        return await juror.vote(case)
    except SafeBenchError:
        raise
    except Exception as error:  # noqa: BLE001  a third party's juror may raise anything
        failure = Failure(f"juror {case.juror}", type(error).__name__, str(error))
        return Ballot(case.juror, case.round, Label.ABSTAIN, None, str(failure))


def consensus(final: Sequence[Ballot], quorum: int, ballots: tuple[Ballot, ...]) -> Verdict:
    """The label that more than half of the votes cast agree on; no label without a quorum or such a majority.

    Abstentions are no votes. The rating is the median of the votes' ratings, the lower one of two.
    """
    cast = [ballot for ballot in final if ballot.label is not Label.ABSTAIN]
    if len(cast) < quorum:
        why = "; ".join(f"{b.juror}: {b.reason}" for b in final if b.label is Label.ABSTAIN)
        return Verdict(None, None, f"{len(cast)} of {len(final)} jurors voted, the quorum is {quorum} ({why})", ballots)
    (label, votes), *_ = Counter(ballot.label for ballot in cast).most_common()
    told = ", ".join(f"{ballot.juror} {ballot.label}" for ballot in cast)
    if 2 * votes <= len(cast):
        return Verdict(None, None, f"hung jury: {told}", ballots)
    ratings = [ballot.rating for ballot in cast if ballot.rating is not None]
    return Verdict(label, median_low(ratings) if ratings else None, f"{votes} of {len(cast)}: {told}", ballots)
