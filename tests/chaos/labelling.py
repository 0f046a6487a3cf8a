"""A reviewer's labels, given in the browser while the page's server is killed: what was answered for is kept."""

from __future__ import annotations

import csv
import random
import re
import shutil
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safebench.testing.server import ScriptedServer
from tests.chaos.processes import LONGEST, finish, started
from tests.chaos.toll import Toll
from tests.chaos.works import OUT, Run

REVIEWER = "anna"
GIVEN = ("unsafe", "refused", "safe", "not_understood")
Labels = dict[str, str]  # by the id of an answer


def label_killed(place: Path, server: ScriptedServer, kills: int, chance: random.Random) -> Toll:
    """All answers of a run labelled by one person, in one folder at once, in another with kills."""
    work, whole, killed = Run(server), place / "whole", place / "killed"
    whole.mkdir()
    work.prepare(whole)
    finish(work.arguments(), whole)
    shutil.copytree(whole, killed)
    given: Labels = {}
    done = lost = repeated = 0
    everything = _label(whole, None, chance)
    for left in range(kills, 0, -1):
        most = 2 * (len(everything) - len(given)) // (left + 1)
        shown = _label(killed, chance.randint(0, max(1, most)), chance)
        done += 1
        repeated += len(shown.keys() & given.keys())
        given |= shown
    rest = _label(killed, None, chance)
    repeated += len(rest.keys() & given.keys())
    kept, expected = _kept(killed), _kept(whole)
    lost += sum(kept.get(id) != label for id, label in (given | rest).items())
    return Toll(done, lost, repeated, int(kept != expected))


def _label(folder: Path, most: int | None, chance: random.Random) -> Labels:
    """Give labels until `most` are given or none is left, and kill the server; those that it said it has."""
    answered: Labels = {}
    with _page(folder) as (url, process):
        while most is None or len(answered) < most:
            shown = _get(f"{url}item?reviewer={REVIEWER}")
            found = re.search(r'name="item" value="([^"]+)"', shown)
            if found is None:
                break
            fields = {"reviewer": REVIEWER, "item": found[1], "do": f"label:{_label_of(found[1])}"}
            _post(f"{url}item", fields)
            answered[found[1]] = _label_of(found[1])
        time.sleep(0 if most is None else chance.uniform(0, 0.05))
        process.send_signal(signal.SIGINT if most is None else signal.SIGKILL)
        process.wait(LONGEST)
    return answered


def _label_of(id: str) -> str:
    return GIVEN[sum(id.encode()) % len(GIVEN)]


@contextmanager
def _page(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    with started(["review", OUT, "--sample", 1000], folder) as process:
        assert process.stdout is not None
        line = next((line for line in process.stdout if line.startswith("Open ")), None)
        assert line is not None, process.communicate()[1]
        yield line.removeprefix("Open ").strip(), process


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=LONGEST) as page:  # noqa: S310  on this machine
        return str(page.read().decode())


def _post(url: str, fields: dict[str, str]) -> None:
    """As a form of the page itself, and of no other site."""
    origin = urllib.parse.urlunsplit((*urllib.parse.urlsplit(url)[:2], "", "", ""))
    form = urllib.request.Request(url, urllib.parse.urlencode(fields).encode(), {"Origin": origin})  # noqa: S310
    with urllib.request.urlopen(form, timeout=LONGEST) as page:  # noqa: S310
        page.read()


def _kept(folder: Path) -> Labels:
    """By answer, as `review labels` writes them."""
    finish(["review", "labels", OUT, "--out", "labels.csv"], folder)
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        return {row["item"]: row["label"] for row in csv.DictReader(file)}
