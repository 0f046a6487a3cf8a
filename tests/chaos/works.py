"""What is killed: each command that works for long, with its inputs, what it keeps on the way, and what it makes."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from itertools import count, takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tomli_w
from pyarrow import parquet

from safebench.files import read_toml, write_toml
from safebench.testing.server import Call, Reply, ScriptedServer, image
from tests.chaos.processes import LONGEST
from tests.converters.text_to_image.drawn import picture
from tests.end_to_end import batches, scripted
from tests.safebench.generation import scripted as generation

IN_FLIGHT = 4  # calls at once
DELAY = 0.03  # s that each answer takes
LABELS = ("unsafe 1", "refused 5", "safe 4", "not_understood 3", "unsafe 2")
QUERIES = 16
SHARDS = 3
OUT = "out"
KEPT = {  # what a database holds by which the work goes on
    "exchange": "SELECT key, response FROM exchanges",
    "rendering": "SELECT key, query FROM renderings",
    "outcome": "SELECT id, outcome FROM items WHERE outcome IS NOT NULL",
}


def answer(call: Call) -> Reply:
    """As writers and judges of a set, a painter, or a target and its jurors."""
    if call.path.endswith("/images/generations"):
        return replace(image(picture("red")), delay=DELAY)
    speaks = generation.answer if call.model.startswith(("writer", "judge-")) else scripted.answer
    return replace(speaks(call), delay=DELAY)


class Work(ABC):
    """A command that is started in a folder with its inputs, and makes `OUT` there."""

    name: str

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server

    @abstractmethod
    def prepare(self, folder: Path) -> None: ...

    @abstractmethod
    def arguments(self) -> list[object]: ...

    @abstractmethod
    def made(self, folder: Path) -> object:
        """What is compared with what an undisturbed one makes."""

    def kept(self, folder: Path) -> set[Hashable]:
        """All that is recorded by now."""
        return set(_rows(folder / OUT / "run.db", KEPT))

    def begin(self, folder: Path) -> None:  # noqa: B027 - most go on with what is there
        """Before each start."""

    def await_moment(self, folder: Path, most: int, chance: random.Random, is_over: Callable[[], bool]) -> None:
        """To be killed at: after some calls more, of at most so many, or before the first."""
        until = len(self.server.calls) + chance.randint(0, most)
        _wait(lambda: len(self.server.calls) >= until or is_over())
        time.sleep(chance.uniform(0, 0.06 if until > 0 else 2.0))

    # --- inputs

    def _write_queries(self, folder: Path) -> None:
        rows = [{"query": f"say vote {LABELS[n % len(LABELS)]} number {n}"} for n in range(QUERIES)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "queries.jsonl").write_text(text, encoding="utf-8")

    def _write_jury(self, folder: Path) -> None:
        juror = f'[[jurors]]\nmodel = "openai:{scripted.JUROR}"\nbase_url = "{self.server.url}"\n'
        (folder / "jury.toml").write_text("[protocol]\nrounds = 1\n" + 3 * juror, encoding="utf-8")


class Run(Work):
    name = "run"

    def prepare(self, folder: Path) -> None:
        self._write_queries(folder)
        self._write_jury(folder)

    def arguments(self) -> list[object]:
        return [
            *("run", "--data", "queries.jsonl", "-c", "text", "-c", "image+text:typographic", "--workers", 1),
            *("--check-share", 0),
            *("--target", "openai:tested", "--base-url", self.server.url, "--jury", "jury.toml", "--out", OUT),
            *("--concurrency", IN_FLIGHT, "--max-open", 1, "--allow-unproven"),
        ]

    def made(self, folder: Path) -> object:
        """Its summary, without paths."""
        summary: dict[str, Any] = scripted.summary_of(folder / OUT)
        for told in (summary["run"], *summary["run"]["revisions"]):
            del told["data"]
        summary["run"]["resolved"].pop("answers_of", None)
        return summary


class Beforehand(Work):
    """What goes on from what other commands have made."""

    first: Path | None = None

    def prepare(self, folder: Path) -> None:
        """It is made once, and copied."""
        if self.first:
            shutil.copytree(self.first, folder, dirs_exist_ok=True)
            return
        super().prepare(folder)
        for arguments in self.beforehand():
            _do(folder, *arguments)
        self.first = folder

    @abstractmethod
    def beforehand(self) -> list[list[object]]:
        """The commands."""


class GrowingRun(Beforehand, Run):
    name = "run that grows"

    def beforehand(self) -> list[list[object]]:
        return [[*Run.arguments(self), "--limit", QUERIES // 4]]


class Rejudge(Beforehand, Run):
    """Of the answers of a run."""

    name = "rejudge"

    def beforehand(self) -> list[list[object]]:
        return [[one if one != OUT else "first" for one in Run.arguments(self)]]

    def arguments(self) -> list[object]:
        told = ("--seed", 7, "--jury", "jury.toml", "--concurrency", IN_FLIGHT)
        return ["rejudge", "first", *told, "--out", OUT, "--max-open", 1, "--allow-unproven"]


class Calibrate(Work):
    """Of the jury, on answers that people labelled."""

    name = "jury calibrate"

    def prepare(self, folder: Path) -> None:
        self._write_jury(folder)
        rows = [f"say {n},vote {vote} number {n},{vote.split()[0]}" for n, vote in enumerate(QUERIES // 5 * LABELS)]
        (folder / "labels.csv").write_text("\n".join(["query,answer,label", *rows]) + "\n", encoding="utf-8")

    def arguments(self) -> list[object]:
        told = ("--jury", "jury.toml", "--concurrency", IN_FLIGHT, "--draws", 100)
        return ["jury", "calibrate", "labels.csv", *told, "--out", OUT]

    def kept(self, folder: Path) -> set[Hashable]:
        return set(_rows(folder / f"{OUT}.calls" / "run.db", KEPT))

    def made(self, folder: Path) -> object:
        return json.loads((folder / OUT).read_text(encoding="utf-8"))


class Convert(Work):
    """By an endpoint that draws, so that what is made again is seen as a call."""

    name = "convert"

    def prepare(self, folder: Path) -> None:
        self._write_queries(folder)
        step = {"use": "openai-images", "model": "painter", "base_url": self.server.url}
        tables = {"image": {"drawn": {"steps": [step]}}}
        (folder / "recipes.toml").write_text(tomli_w.dumps(tables), encoding="utf-8")

    def arguments(self) -> list[object]:
        made = ("-c", "image:drawn", "--recipes", "recipes.toml", "--workers", 2, "--check-share", 0)
        return ["convert", "queries.jsonl", *made, "--out", OUT]

    def kept(self, folder: Path) -> set[Hashable]:
        """The queries that have a picture, in the folder of work or in the set."""
        there = {query for _, _, query in _rows(folder / OUT / ".work" / "run.db", {"": KEPT["rendering"]})}
        return there | {row["id"] for row in _parquet(folder)}

    def made(self, folder: Path) -> object:
        return _parquet(folder)


class GrowingConvert(Beforehand, Convert):
    name = "convert that grows"

    def beforehand(self) -> list[list[object]]:
        return [[*Convert.arguments(self), "--limit", QUERIES // 4]]


class Shards(Beforehand):
    """Put together. That asks nobody, and begins anew."""

    @abstractmethod
    def uncut(self) -> list[object]:
        """The command that makes the whole at once."""

    def beforehand(self) -> list[list[object]]:
        return [[*self.uncut(), "--out", out, "--shard", f"{n}/{SHARDS}"] for n, out in self._shards()]

    def arguments(self) -> list[object]:
        return ["merge", OUT, *(out for _, out in self._shards())]

    def begin(self, folder: Path) -> None:
        """One that had ended before it was killed is no run of ours to go on with."""
        shutil.rmtree(folder / OUT, ignore_errors=True)

    def await_moment(self, folder: Path, most: int, chance: random.Random, is_over: Callable[[], bool]) -> None:
        _wait_for_change(folder / f".{OUT}.part", chance, is_over, 0.15)  # one may be there that was killed

    def _shards(self) -> list[tuple[int, str]]:
        return [(number, f"shard{number}") for number in range(1, SHARDS + 1)]


class Merge(Shards, Run):
    name = "merge"

    def uncut(self) -> list[object]:
        return Run.arguments(self)

    def kept(self, folder: Path) -> set[Hashable]:
        """What the shards hold."""
        return {(out, row) for _, out in self._shards() for row in _rows(folder / out / "run.db", KEPT)}

    def made(self, folder: Path) -> object:
        """The summary of its report, and the media."""
        _do(folder, "report", OUT)
        return super().made(folder), sorted(path.name for path in (folder / OUT / "media").rglob("*.*"))


class MergeConversions(Shards, Convert):
    name = "merge of conversions"

    def uncut(self) -> list[object]:
        return Convert.arguments(self)

    def kept(self, folder: Path) -> set[Hashable]:
        """What the shards hold."""
        return {(out, row["id"], row["sha256"]) for _, out in self._shards() for row in _parquet(folder, out)}

    def made(self, folder: Path) -> object:
        """The rows, and all that stands beside them but where the data are."""
        told = read_toml(folder / OUT / "convert.toml")
        del told["data"], told["asked"]["data"]
        return super().made(folder), told, (folder / OUT / "README.md").read_bytes()


class RequestsImport(Run):
    """Of all that came back for a run, the votes as well as the answers."""

    name = "requests import"

    def __init__(self, server: ScriptedServer) -> None:
        super().__init__(server)
        self._replies: list[dict[str, Any]] = []

    def prepare(self, folder: Path) -> None:
        """What comes back round by round in the first folder, which nobody disturbs, is there at once in the next."""
        super().prepare(folder)
        asked = {"data": "queries.jsonl", "conditions": ["text"], "repeats": 4, "jury": "jury.toml", "out": OUT}
        asked |= {"target": "openai:tested", "base_url": self.server.url, "max_open": 1.0, "allow_unproven": True}
        write_toml(folder / "asked.toml", asked)
        if self._replies:
            self._asked(folder, 0)
        else:
            self._go_round_by_round(folder)
        batches.write(folder / "replies" / "output.jsonl", self._replies)

    def _go_round_by_round(self, folder: Path) -> None:
        for rows in takewhile(bool, (self._asked(folder, number) for number in count())):
            self._replies += [batches.replied(row, scripted.answer) for row in rows]
            batches.write(folder / "replies" / "output.jsonl", self._replies)
            _do(folder, *self.arguments())

    def _asked(self, folder: Path, number: int) -> list[dict[str, Any]]:
        """What is still to be asked."""
        _do(folder, "requests", "export", "asked.toml", "--out", f"requests{number}")
        return list(batches.rows(folder / f"requests{number}"))

    def arguments(self) -> list[object]:
        return ["requests", "import", OUT, "replies"]

    def await_moment(self, folder: Path, most: int, chance: random.Random, is_over: Callable[[], bool]) -> None:
        _wait_for_change(folder / OUT / "run.db-wal", chance, is_over, 0.5)

    def made(self, folder: Path) -> object:
        """The summary of its report, and what is asked again."""
        asked = self._asked(folder, 99)
        _do(folder, "report", OUT)
        return super().made(folder), asked


class Generate(Work):
    name = "generate"

    def prepare(self, folder: Path) -> None:
        plan = {
            **{"title": "A test", "count": 3, "scenarios": ["hate_speech", "bias"], "surplus": 2, "batch": 2},
            **{"writers": ["openai:writer-a", "openai:writer-b"], "judges": ["openai:judge-a", "openai:judge-b"]},
            **{"concurrency": IN_FLIGHT, "defaults": {"base_url": self.server.url}},
        }
        (folder / "mine.toml").write_text(tomli_w.dumps(plan), encoding="utf-8")

    def arguments(self) -> list[object]:
        return ["generate", "mine.toml", "--out", OUT]

    def kept(self, folder: Path) -> set[Hashable]:
        return set(_rows(folder / OUT / "calls" / "run.db", KEPT))

    def made(self, folder: Path) -> object:
        files = [*(folder / OUT).glob("*.jsonl"), *(folder / OUT / "dataset").glob("*")]
        return {file.name: file.read_bytes() for file in files}


def _do(folder: Path, *arguments: object) -> None:
    done = scripted.safebench(*arguments, cwd=folder, OPENAI_API_KEY="none")
    assert done.returncode == 0, done.stderr


def _wait(happens: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not happens() and time.monotonic() < began + LONGEST:
        time.sleep(0.002)


def _wait_for_change(path: Path, chance: random.Random, is_over: Callable[[], bool], most: float) -> None:
    """For work that asks nobody: while it begins, or up to so many seconds after it began to write."""
    if chance.random() < 0.2:
        time.sleep(chance.uniform(0, 1.0))
        return
    before = _changed(path)
    _wait(lambda: _changed(path) != before or is_over())
    time.sleep(chance.uniform(0, most))


def _changed(path: Path) -> int:
    """When; 0 for what is not there."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _rows(database: Path, wanted: dict[str, str]) -> Iterator[tuple[Any, ...]]:
    """Of a copy, so that what a killed process left is not touched before it goes on."""
    if not database.exists():
        return
    with TemporaryDirectory() as place:
        for file in database.parent.glob(f"{database.name}*"):
            shutil.copy(file, place)
        db = sqlite3.connect(Path(place, database.name))
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
        for name, sql in wanted.items():
            if sql.split(" FROM ")[1].split()[0] in tables:
                yield from ((name, *row) for row in db.execute(sql))
        db.close()


def _parquet(folder: Path, out: str = OUT) -> list[dict[str, Any]]:
    files = sorted((folder / out).glob("*/train-*.parquet"))
    return [row for file in files for row in parquet.read_table(file).to_pylist()]
