"""`python -m tests.chaos [KILLS] [SEED]`: so many kills over all commands that work for long, and what they cost.

It writes the result into docs/reliability.md. Exit status 1 where anything was lost, repeated or unequal.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from itertools import count, cycle, islice
from operator import add

from tests.chaos.campaign import NAMES, campaign
from tests.chaos.toll import Toll
from tests.results import when_and_where, write_result

AT_ONCE = 10  # kills of one folder, until it may end


def main(arguments: list[str]) -> int:
    kills, seed = [int(one) for one in arguments] + [100, random.SystemRandom().randrange(2**32)][len(arguments) :]
    sys.stdout.write(f"{kills} kills, seed {seed}\n")
    started, first = time.monotonic(), seed
    tolls = dict.fromkeys(NAMES, Toll())
    names = cycle(NAMES)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while (left := kills - sum(toll.kills for toll in tolls.values())) > 0:  # some come when it has ended
            chosen = list(islice(names, -(-left // AT_ONCE)))
            for name, toll in zip(chosen, pool.map(_campaign, chosen, count(seed), _shares(left)), strict=True):
                tolls[name] += toll
            seed += len(chosen)
    whole = reduce(add, tolls.values())
    told = (
        f"{when_and_where()}: {whole.kills} kills in {time.monotonic() - started:.0f} s (seed {first}); lost "
        f"{whole.lost}, repeated {whole.repeated}, unequal {whole.unequal}."
    )
    rows = [(name, one.kills, one.lost, one.repeated, one.unequal) for name, one in tolls.items()]
    write_result("chaos", [told], [("command", "kills", "lost", "repeated", "unequal"), *rows])
    sys.stdout.write(told + "\n")
    return int(not whole.is_none)


def _shares(kills: int) -> Iterator[int]:
    """Of so many, one folder after the other."""
    for begun in range(0, kills, AT_ONCE):
        yield min(AT_ONCE, kills - begun)


def _campaign(name: str, seed: int, kills: int) -> Toll:
    toll = campaign(name, kills, seed)
    sys.stdout.write(f"{name}, seed {seed}: {toll}\n")
    sys.stdout.flush()
    return toll


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
