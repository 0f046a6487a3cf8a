"""What goes wrong at endpoints, by name: for tests of products and of plug-ins.

    with ScriptedServer(play("status-429", chat("Yes."), times=1)) as server:
        ...

`FAULTS` has all of them. Each says in one line what it plays and what has to be done about it, and in `ends` how it
ends in each role that an endpoint may have.
"""

from __future__ import annotations

from collections.abc import Callable

from safebench.errors import check_known
from safebench.testing.faults.answers import ANSWERS
from safebench.testing.faults.connections import CONNECTIONS
from safebench.testing.faults.fault import ROLES, WELL, Fault, FaultEnding, Handling
from safebench.testing.faults.recordings import RECORDINGS
from safebench.testing.faults.statuses import STATUSES
from safebench.testing.faults.thinking import THINKING
from safebench.testing.faults.written import WRITTEN
from safebench.testing.server import Call, Reply

__all__ = ["FAULTS", "ROLES", "WELL", "Fault", "FaultEnding", "Handling", "play"]

GROUPS = {
    "Connections": CONNECTIONS,
    "Errors": STATUSES,
    "Answers": ANSWERS,
    "Thinking": THINKING,
    "Forms": WRITTEN,
    "Recordings": RECORDINGS,
}
FAULTS = {fault.name: fault for group in GROUPS.values() for fault in group}


def play(
    fault: Fault | str, good: Reply | Callable[[Call], Reply], times: int | None = None
) -> Callable[[Call], Reply]:
    """What a `ScriptedServer` answers: the fault, for ever or for the first calls, and else what is `good`.

    Raises BadInput for a fault that is not known.
    """
    if isinstance(fault, str):
        check_known("fault", fault, FAULTS)
        fault = FAULTS[fault]
    played = fault

    def answer(call: Call) -> Reply:
        right = good(call) if callable(good) else good
        return right if times is not None and call.number >= times else played.reply(call, right)

    return answer
