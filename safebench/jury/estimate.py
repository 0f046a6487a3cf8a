"""How many calls and tokens a jury takes, and what that costs, as ranges, before anybody is asked."""

from __future__ import annotations

from collections.abc import Iterator

from safebench.jury.protocol import Jury
from safebench.models.asking import spec_of
from safebench.models.prices import Prices, Range, RoleEstimate, in_text
from safebench.resources import prompt

PROMPTS = ("role", "assessment", "reply", "intent_harmful", "scenario")


def jury_rows(
    jury: Jury, prices: Prices, condition: str, verdicts: Range, judged: Range, again: int = 0
) -> Iterator[RoleEstimate]:
    """Of jurors and writer. A deliberation has at most all its rounds, and `again` as many assessments.

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
