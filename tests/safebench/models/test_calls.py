"""What makes a call another call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from safebench.models.calls import Calls
from safebench.plugins import Target, TargetSetup
from safebench.store.exchanges import Spent, spending
from safebench.store.store import Store
from safebench.types import TEXT, Message, Purpose, Request, Response, Text

ASKED = Request((Message("user", (Text("Why?"),)),))
PURPOSE = Purpose("jury", "a", 1, 1, "own text")
OTHERS: list[dict[str, Any]] = [{"role": "target"}, {"juror": None}, {"round": 0}, {"number": 0}, {"about": ""}]


class Counting(Target):
    """Answers with how often it was asked."""

    name = "counting"
    asked = 0

    @property
    def accepts(self) -> frozenset[str]:
        return frozenset({TEXT})

    def describe(self) -> Mapping[str, Any]:
        return {"target": "counting"}

    async def ask(self, request: Request) -> Response:
        self.asked += 1
        return Response("answered", str(self.asked))


async def test_the_item_and_every_part_of_the_purpose_make_a_call_of_its_own(tmp_path: Path) -> None:
    places = [(1, PURPOSE), (2, PURPOSE), *((1, replace(PURPOSE, **other)) for other in OTHERS)]
    with Store(tmp_path) as store:
        calls = Calls(store, 1, asyncio.Event())
        target = Counting(TargetSetup(""))
        for _ in range(2):  # the second time all of them are recorded
            answers = [await calls.ask(target, ASKED, item, purpose) for item, purpose in places]
            assert [answer.text for answer in answers] == ["1", "2", "3", "4", "5", "6", "7"]


class Odd(Counting):
    """Returns what it was told to."""

    returned: Any = None

    async def ask(self, request: Request) -> Response:
        return self.returned


@pytest.mark.parametrize(
    "usage", ["9 tokens", [1], {"total_tokens": "9", "speed": float("inf")}, {"total_tokens": {"all": 9}}, 10**30]
)
async def test_whatever_is_told_as_usage_is_kept_and_the_run_can_be_read(tmp_path: Path, usage: Any) -> None:
    target = Odd(TargetSetup(""))
    target.returned = Response("answered", "Because.", usage=usage)
    with Store(tmp_path) as store:
        answer = await Calls(store, 1, asyncio.Event()).ask(target, ASKED, 1, PURPOSE)
        assert (answer.status, answer.text) == ("answered", "Because.")
        assert spending(store) == Spent(1, 0)


@pytest.mark.parametrize("returned", [None, "text", Response("answered", text=7), Response("answered", text=None)])  # type: ignore[arg-type]
async def test_what_is_no_response_is_a_failed_call(tmp_path: Path, returned: Any) -> None:
    target = Odd(TargetSetup(""))
    target.returned = returned
    with Store(tmp_path) as store:
        answer = await Calls(store, 1, asyncio.Event()).ask(target, ASKED, 1, PURPOSE)
    assert answer.failure is not None
    assert (answer.status, answer.failure.type) == ("failed", "TypeError")
