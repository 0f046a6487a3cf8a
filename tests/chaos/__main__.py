"""`python -m tests.chaos [KILLS] [SEED]`: so many kills over all commands that work for long, and what they cost.

It writes the result into docs/reliability.md. Exit status 1 where anything was lost, repeated or unequal.
"""

from __future__ import annotations

import random
import sys
import time
from functools import reduce
from operator import add

from tests.chaos.campaign import NAMES, campaign
from tests.chaos.toll import Toll
from tests.results import when_and_where, write_result

AT_ONCE = 10  # kills of one folder, until it may end


def main(arguments: list[str]) -> int:
    kills, seed = [int(one) for one in arguments] + [100, random.SystemRandom().randrange(2**32)][len(arguments) :]
    sys.stdout.write(f"{kills} kills, seed {seed}\n")
    started = time.monotonic()
    tolls = dict.fromkeys(NAMES, Toll())
    number = 0
    while (left := kills - sum(toll.kills for toll in tolls.values())) > 0:
        name = NAMES[number % len(NAMES)]
        toll = campaign(name, min(AT_ONCE, left), seed + number)
        tolls[name] += toll
        number += 1
        sys.stdout.write(f"{name}: {toll}\n")
        sys.stdout.flush()
    whole = reduce(add, tolls.values())
    told = (
        f"{when_and_where()}: {whole.kills} kills in {time.monotonic() - started:.0f} s (seed {seed}); lost "
        f"{whole.lost}, repeated {whole.repeated}, unequal {whole.unequal}."
    )
    rows = [(name, one.kills, one.lost, one.repeated, one.unequal) for name, one in tolls.items()]
    write_result("chaos", [told], [("command", "kills", "lost", "repeated", "unequal"), *rows])
    sys.stdout.write(told + "\n")
    return int(not whole.is_none)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
