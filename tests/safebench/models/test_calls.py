"""What makes a call another call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from safebench.models.calls import Calls
from safebench.plugins import Target, TargetSetup
from safebench.store.store import Store
from safebench.types import TEXT, Message, Purpose, Request, Response, Text

ASKED = Request((Message("user", (Text("Why?"),)),))
PURPOSE = Purpose("jury", "a", 1, 1, "own text")
OTHERS: list[dict[str, Any]] = [{"role": "target"}, {"juror": None}, {"round": 0}, {"number": 0}, {"about": ""}]


class Counting(Target):
    """Answers with how often it was asked."""

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
