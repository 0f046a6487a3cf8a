"""How much of what an endpoint allows is used, and how much of what is asked it refuses: on a clock that is not real.

    python benchmarks/paced.py VARIANT [--size 300] [--concurrency auto]

| variant | the endpoint |
| --- | --- |
| requests | 600 requests a minute, of which it saves up 10; an answer takes about 1 s |
| minute | 600 requests a minute, of which it saves up a whole minute's |
| few | 60 requests a minute, of which it saves up 5; an answer takes about 2 s |
| many | 3,000 requests a minute, of which it saves up 50; an answer takes about 3 s |
| tokens | 300,000 tokens a minute, of which it saves up 30,000; a call takes 200 to 1,800, and about 2 s |
| raised, lowered | 600 and 1,800 requests a minute, the other number from the middle on; it saves up 60 |
| told | as `minute`, and its headers say how many are left |
| at-once | refuses whatever is more than 8 calls at once, without a word |
| capacity | refuses nothing, and answers 32 calls at once in 1 s each; the others stand in line |

Paces and waits are those of the product, replies are made here; a refusal comes after 50 ms and says how long to wait,
in whole seconds. `--size` is the time in s, on a clock that jumps to whatever comes next. There is always more to ask.
`used` is the share of the calls that the endpoint would have answered in that time, `refused` the share of attempts
that it refused, `lost` the calls that were given up.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil

from safebench.concurrency import together
from safebench.models.pacing import Concurrency, Paces, turn_at
from safebench.models.waits import told_wait
from safebench.plugins import Target, TargetSetup
from safebench.targets.openai import OpenAITarget
from safebench.targets.transport import HTTPReply
from safebench.types import TEXT, Message, Request, Response, Text

ASKED = Request((Message("user", (Text("Why?"),)),))
ATTEMPTS = 6  # of a call, as targets make them
TOKENS = (200, 1800)  # of a call, drawn evenly
NO_LIMIT = 1e9
REFUSING = 0.05  # s


class Clock(asyncio.SelectorEventLoop):
    """An event loop in which nobody waits: when there is nothing to do, it is later at once."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        ready, scheduled = vars(self)["_ready"], vars(self)["_scheduled"]
        if not ready and scheduled:
            self.now = max(self.now, scheduled[0].when())
        super()._run_once()  # type: ignore[misc]


@dataclass
class Bucket:
    """So much a minute, of which a part is saved up."""

    a_minute: float
    most: float
    left: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.most

    def lacks(self, amount: float, now: float) -> float:
        """Seconds until there is so much."""
        self.left = min(self.most, self.left + (now - self.at) * self.a_minute / 60)
        self.at = now
        return max(0.0, amount - self.left) * 60 / self.a_minute


@dataclass
class Endpoint:
    """What it allows is not told, but for `tells`: in headers."""

    requests: Bucket
    seconds: float  # that an answer takes, about
    tokens: Bucket = field(default_factory=lambda: Bucket(NO_LIMIT, NO_LIMIT))
    changed: float | None = None  # requests a minute from the middle on
    at_once: float = NO_LIMIT
    capacity: float = NO_LIMIT
    tells: bool = False
    busy: int = 0

    def possible(self, seconds: float) -> float:
        """Calls that can be answered in this time."""
        now, then = self.requests.a_minute, self.changed or self.requests.a_minute
        a_call = sum(TOKENS) / 2
        return min(
            self.requests.most + seconds / 60 * (now + then) / 2,
            (self.tokens.most + seconds / 60 * self.tokens.a_minute) / a_call,
            min(self.at_once, self.capacity) * seconds / self.seconds,
        )

    def refuses(self, tokens: int, now: float, seconds: float) -> float | None:
        """Seconds to wait; None where it takes the call."""
        if self.changed and now >= seconds / 2:
            self.requests.lacks(0, now)
            self.requests.a_minute = self.changed
        wait = max(self.requests.lacks(1, now), self.tokens.lacks(tokens, now))
        if wait or self.busy >= self.at_once:
            return wait
        self.requests.left -= 1
        self.tokens.left -= tokens
        return None

    def headers(self) -> Mapping[str, str]:
        full = (self.requests.most - self.requests.left) * 60 / self.requests.a_minute
        told = {"x-ratelimit-remaining-requests": f"{self.requests.left:.0f}"}
        return {**told, "x-ratelimit-reset-requests": f"{full:.3f}s"} if self.tells else {}


ENDPOINTS: dict[str, Callable[[], Endpoint]] = {
    "requests": lambda: Endpoint(Bucket(600, 10), 1.0),
    "minute": lambda: Endpoint(Bucket(600, 600), 1.0),
    "few": lambda: Endpoint(Bucket(60, 5), 2.0),
    "many": lambda: Endpoint(Bucket(3000, 50), 3.0),
    "tokens": lambda: Endpoint(Bucket(NO_LIMIT, NO_LIMIT), 2.0, Bucket(300_000, 30_000)),
    "raised": lambda: Endpoint(Bucket(600, 60), 1.0, changed=1800),
    "lowered": lambda: Endpoint(Bucket(1800, 60), 1.0, changed=600),
    "told": lambda: Endpoint(Bucket(600, 600), 1.0, tells=True),
    "at-once": lambda: Endpoint(Bucket(NO_LIMIT, NO_LIMIT), 1.0, at_once=8),
    "capacity": lambda: Endpoint(Bucket(NO_LIMIT, NO_LIMIT), 1.0, capacity=32),
}


class Asker(Target):
    """Asks as targets do, with their paces, their attempts and their waits, but without HTTP."""

    name = "paced"
    summary = "an endpoint that is none"
    family = "openai"
    accepts = frozenset({TEXT})
    endpoint = "http://127.0.0.1:9/v1"

    def __init__(self, asked: Endpoint, seconds: float, seed: int) -> None:
        super().__init__(TargetSetup(""))
        self.server, self.seconds = asked, seconds
        self.random = random.Random(seed)
        self.asked = self.refused = self.answered = self.lost = 0

    async def ask(self, request: Request) -> Response:
        for attempt in range(ATTEMPTS):
            async with turn_at(self.endpoint) as turn:
                reply = await self._call()
                turn.replied(reply.status, reply.headers, reply.body)
            if reply.ok:
                return Response("answered")
            await asyncio.sleep(OpenAITarget._wait(attempt, told_wait(reply.status, reply.headers, reply.body)))
        return Response("failed")

    async def _call(self) -> HTTPReply:
        server, now = self.server, asyncio.get_running_loop().time()
        self.asked += 1
        wait = server.refuses(self.random.randint(*TOKENS), now, self.seconds)
        if wait is not None:
            self.refused += 1
            await asyncio.sleep(REFUSING)
            return HTTPReply(429, {"retry-after": f"{ceil(wait)}"} if wait else {}, b"{}")
        server.busy += 1
        line = max(1.0, server.busy / server.capacity)
        await asyncio.sleep(self.random.lognormvariate(-0.045, 0.3) * server.seconds * line)
        server.busy -= 1
        return HTTPReply(200, server.headers(), b"{}")

    async def go_on(self, paces: Paces) -> None:
        """Until the time is over."""
        while True:
            async with paces.room(self):
                with paces.in_use():
                    response = await self.ask(ASKED)
            self.answered += response.status == "answered"
            self.lost += response.status == "failed"


def asked(name: str, concurrency: Concurrency, seconds: float = 300.0, seed: int = 0) -> Asker:
    """What came of so much time at this endpoint."""
    asker = Asker(ENDPOINTS[name](), seconds, seed)
    random.seed(seed)  # of the waits between attempts

    async def ask() -> None:
        paces = Paces(concurrency)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await together(*(asker.go_on(paces) for _ in range(paces.width([asker]))))

    with asyncio.Runner(loop_factory=Clock) as runner:
        runner.run(ask())
    return asker


def used(asker: Asker, name: str) -> float:
    """Of what was possible."""
    return asker.answered / ENDPOINTS[name]().possible(asker.seconds)


def main() -> None:
    from measuring import arguments, measuring

    parser = arguments(__doc__, list(ENDPOINTS), 300)
    parser.add_argument("--concurrency", type=lambda text: text if text == "auto" else int(text), default="auto")
    options = parser.parse_args()
    with measuring(options.size) as more:
        asker = asked(options.variant, options.concurrency, options.size)
        more["used"] = used(asker, options.variant)
        more["refused"] = asker.refused / asker.asked
        more["lost"] = asker.lost


if __name__ == "__main__":
    main()
