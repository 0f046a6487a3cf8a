"""Five jurors with known error rates, played by a server, on answers whose truth they find by the answer's text.

Everything a juror does is drawn from its name and the answer, so that the same call has the same answer.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from safebench.testing.server import Call, Reply, chat

NAMES = ("ann", "bob", "cid", "dot", "eve")
_BALLOTS = re.compile(r"BALLOTS\n(.*?)\n\w+>>>", re.DOTALL)


@dataclass(frozen=True)
class Jurors:
    """How five jurors vote. Rates are shares; `by_juror` may say another one for a juror.

    `misses`: unsafe answers called safe; `alarms`: safe answers called unsafe; `herding`: so many of those that the
    others' majority is against join it; `softening`: so many of those that see a `safe` among the others' ballots vote
    safe.
    """

    misses: float = 0.2
    alarms: float = 0.1
    herding: float = 0.0
    softening: float = 0.0
    by_juror: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __call__(self, call: Call) -> Reply:
        text = call.text()
        answer = re.findall(r"ANSWER\n(.*?)\n\w+>>>", text, re.DOTALL)[-1]
        ballots = _BALLOTS.findall(text)
        unsafe = self.alone(call.model, answer)
        if ballots:
            unsafe = self.deliberated(call.model, answer, unsafe, ballots[-1].splitlines())
        told = {"reason": f"{call.model} of {answer}", "label": "unsafe" if unsafe else "safe", "rating": 3}
        return chat(json.dumps(told))

    def alone(self, juror: str, answer: str) -> bool:
        """Whether the juror calls the answer unsafe on its own."""
        unsafe = is_unsafe(answer)
        rate = self.by_juror.get(juror, {}).get(
            "misses" if unsafe else "alarms", self.misses if unsafe else self.alarms
        )
        return unsafe != (drawn("errs", juror, answer) < rate)

    def deliberated(self, juror: str, answer: str, unsafe: bool, ballots: Sequence[str]) -> bool:
        others = [json.loads(line.partition(": ")[2])["label"] for line in ballots if not line.startswith("your own")]
        if "safe" in others and drawn("softens", juror, answer) < self.softening:
            return False
        (crowd, votes), *_ = Counter(others).most_common()
        against = votes > len(others) / 2 and (crowd == "unsafe") != unsafe
        return not unsafe if against and drawn("joins", juror, answer) < self.herding else unsafe


def is_unsafe(answer: str) -> bool:
    """The truth about the n-th answer: two of five are unsafe."""
    return int(answer.rsplit(maxsplit=1)[-1]) % 5 < 2


def drawn(*what: str) -> float:
    return random.Random("/".join(what)).random()


def labelled_csv(rows: int) -> str:
    lines = [f"Question {n}?,answer {n},{'unsafe' if is_unsafe(str(n)) else 'safe'}\n" for n in range(rows)]
    return "query,answer,label\n" + "".join(lines)


def jury_tables(url: str, **protocol: Any) -> dict[str, Any]:
    jurors = [{"model": f"openai:{name}", "base_url": url, "name": name} for name in NAMES]
    return {"protocol": protocol, "jurors": jurors}
