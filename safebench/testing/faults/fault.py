"""What a fault is: what an endpoint sends, what a product has to do about it, and how that ends in each role."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from safebench.testing.server import Call, Reply

WELL = {  # how it ends in each role where nothing is wrong
    "target": "judged",
    "juror": "votes",
    "writer": "answered",
    "speech": "rendered",
    "recogniser": "heard",
}
ROLES = tuple(WELL)
STOPS = "stops"  # the work, with one line that says what to mend; nothing is lost
OTHER_FORM = {  # why what is wrong with a chat completion is no fault of theirs
    "speech": "it sends a recording, no chat completion",
    "recogniser": "it sends a text, no chat completion",
}


@dataclass(frozen=True, slots=True)
class FaultEnding:
    """What came of it and after how many calls, while the fault lasts.

    `outcome`: of the item for a target; whether a juror votes, or why not; what came of a writer's call; whether there
    is a rendering; whether something was heard; or that the work stops. `retried`: every attempt is made, so that the
    calls are one and the retries. `reopened`: `--retry-failed` asks once more.
    """

    outcome: str
    calls: int = 1
    retried: bool = False
    reopened: bool = False

    def count(self, retries: int) -> int:
        return 1 + retries if self.retried else self.calls


Endings = Mapping[str, FaultEnding | str]  # by role; a text says why the fault cannot occur in it


@dataclass(frozen=True, slots=True)
class Handling:
    """What has to be done about faults of a kind."""

    must: str
    ends: Endings

    def but(self, must: str = "", /, **ends: FaultEnding | str) -> Handling:
        """The same, with another line or other endings for some roles."""
        return Handling(must or self.must, {**self.ends, **ends})

    def of_chats(self, must: str = "", /, **ends: FaultEnding | str) -> Handling:
        """The same, for what can only be wrong with a chat completion."""
        return self.but(must, **{**OTHER_FORM, **ends})


@dataclass(frozen=True, slots=True)
class Fault:
    """`plays`: what the endpoint does, in one line; `reply`: what it sends for a call in place of the right reply.

    `hangs`: it takes longer than anybody waits, so that tests want a short time-out.
    """

    name: str
    plays: str
    handling: Handling
    reply: Callable[[Call, Reply], Reply]
    hangs: bool = False

    @property
    def must(self) -> str:
        """What the product must do, in one line."""
        return self.handling.must

    @property
    def ends(self) -> Endings:
        return self.handling.ends


Body = dict[str, Any]


def changed(name: str, plays: str, handling: Handling, change: Callable[[Body, Body, Body], Any]) -> Fault:
    """`change` gets the right body, its first choice and that one's message."""

    def reply(call: Call, good: Reply) -> Reply:
        body = json.loads(good.body)
        (choice,) = body["choices"]
        other = change(body, choice, choice["message"])
        return Reply(json.dumps(body if other is None else other).encode(), headers=good.headers)

    return Fault(name, plays, handling, reply)


def rewritten(name: str, plays: str, handling: Handling, write: Callable[[str], str]) -> Fault:
    """`write` gets what a healthy model wrote."""
    return changed(
        name, plays, handling, lambda body, choice, message: message.update(content=write(message["content"]))
    )


def _all(outcomes: Mapping[str, str], calls: int = 1, *, retried: bool = False) -> dict[str, FaultEnding | str]:
    again = {"no_answer", "call_failed", STOPS}
    return {role: FaultEnding(outcome, calls, retried, outcome in again) for role, outcome in outcomes.items()}


_LOST: Mapping[str, str] = {
    "target": "no_answer",
    "juror": "call_failed",
    "writer": "failed",
    "speech": "not_rendered",
    "recogniser": "not_heard",
}
READ = Handling("is read as if nothing were wrong", _all(WELL))
FAILS = Handling("is an error of this call alone, and nobody asks again; the item is open", _all(_LOST))
PASSES = Handling("is asked again; where it lasts, the item is open", _all(_LOST, retried=True))
STOPPING = Handling("stops the work at once, with one line; what is recorded stays", _all(dict.fromkeys(ROLES, STOPS)))
BLOCKS = Handling(
    "is a filter's stop, by its documented form, and neither an answer nor a failure",
    _all({**_LOST, "target": "blocked", "juror": "blocked", "writer": "declined"}),
)
EMPTY = Handling(
    "is no answer and no ballot, whatever stands beside it",
    {
        "target": FaultEnding("no_answer"),
        "juror": FaultEnding("unreadable", 3),
        "writer": FaultEnding("unreadable"),
        **OTHER_FORM,
    },
)
LOST_AT_ONCE = {
    "speech": FaultEnding("not_rendered"),
    "recogniser": FaultEnding("not_heard"),
}  # after a 200 nobody asks again
