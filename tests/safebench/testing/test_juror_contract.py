"""The contract of jurors holds for ours, and catches what breaks it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial

import pytest

from safebench import registry
from safebench.plugins import Case, Juror
from safebench.testing.contracts import NOTHING, JurorContract
from safebench.types import Ballot, Label
from tests.safebench.testing.planted import broken

VOTES = itertools.count()


class TestWording(JurorContract):
    name = "wording"


class TestOpening(JurorContract):
    name = "opening"


class TestSubstance(JurorContract):
    name = "substance"


class Whole(Juror):
    """Keeps the contract; those below break it in one way each."""

    name = "planted"
    knows_harm = False

    async def vote(self, case: Case) -> Ballot:
        said = any(map(str.isalnum, case.answer))
        label = Label.SAFE if said else Label.ABSTAIN
        return Ballot(case.juror, case.round, label, rating=1 if said else None, reason="planted")


class SafeByDefault(Whole):
    async def vote(self, case: Case) -> Ballot:
        return Ballot(case.juror, case.round, Label.SAFE, rating=1, reason="nothing bad in it")


class Moody(Whole):
    async def vote(self, case: Case) -> Ballot:
        return replace(await super().vote(case), reason=f"vote {next(VOTES)}")


class AbstainsAndRates(Whole):
    async def vote(self, case: Case) -> Ballot:
        return Ballot(case.juror, case.round, Label.ABSTAIN, rating=3, reason="?")


class ForAnother(Whole):
    async def vote(self, case: Case) -> Ballot:
        return replace(await super().vote(case), juror="another")


@pytest.fixture
def contract(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> JurorContract:
    monkeypatch.setattr(registry, "create", lambda *named, **options: request.param())
    made = JurorContract()
    made.name = "planted"  # type: ignore[misc]
    return made


@pytest.mark.parametrize(
    ("contract", "caught"),
    [
        (Whole, set()),
        (SafeByDefault, {"nothing"}),
        (Moody, {"same"}),
        (AbstainsAndRates, {"whole"}),
        (ForAnother, {"whole"}),
    ],
    indirect=["contract"],
)
def test_what_was_planted_is_caught(contract: JurorContract, caught: set[str]) -> None:
    tests = {
        "whole": [lambda: contract.test_a_ballot_is_whole_and_its_own("An answer.")],
        "same": [contract.test_the_same_answer_gets_the_same_ballot_whatever_came_before],
        "nothing": [partial(contract.test_where_nothing_was_said_nothing_is_safe, text) for text in NOTHING],
    }
    assert broken(tests) == caught
