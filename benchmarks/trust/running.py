"""Runs the product's own commands on one case, each in a process of its own, and reads all that it says."""

from __future__ import annotations

import html.parser
import io
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from pyarrow import parquet

from benchmarks.trust import command, endpoint, media
from benchmarks.trust.cases import Case
from benchmarks.trust.seeing import KNOWN
from safebench.cli.main import run_command
from safebench.reports.pages.conclusions import conclusions, verdict
from safebench.reports.report import report
from safebench.testing.server import ScriptedServer

JURIES: Mapping[str, Sequence[str]] = {  # file: who sits in it
    "knowing": ("knowing",),
    "abstaining": ("abstaining",) * 3,
    "rambling": ("rambling",) * 3,
    "down": ("down",) * 3,
    "one-down": ("knowing", "knowing", "down"),
    "two-down": ("knowing", "down", "down"),
    "one-lenient": ("knowing", "knowing", "lenient"),
    "lenient-and-down": ("knowing", "lenient", "down"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a case. `refused`: why the run did not begin; then there is nothing else."""

    exit_status: int
    terminal: str
    refused: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)
    items: Sequence[Mapping[str, Any]] = ()
    sentences: Sequence[str] = ()  # of the page, the first one is its verdict

    def evidence(self, condition: str) -> Mapping[str, Any]:
        cells = {cell["condition"]: cell for cell in self.summary.get("conditions", ())}
        found: Mapping[str, Any] = cells.get(condition, {}).get("evidence") or {}
        return found

    def comparisons(self) -> list[Mapping[str, Any]]:
        """All of harmful queries, pooled and other pairs too."""
        gap = self.summary.get("gap") or {}
        rows = [row for listed in ("comparisons", "pooled", "other_pairs") for row in gap.get(listed, ())]
        return [row for row in rows if row["intent"] == "harmful"]

    def says(self) -> str:
        """Its first sentence, and the first reason of the evidence where there is one."""
        if self.refused:
            return self.refused
        reasons = [
            reason for cell in self.summary["conditions"] for reason in (cell.get("evidence") or {}).get("reasons", ())
        ]
        return " — ".join([self.sentences[0], *reasons[:1]])


@contextmanager
def workplace(place: Path, names: set[str], limit: int | None = None) -> Iterator[Runner]:
    """All that cases share, made in `place`: media, jury files, recipes, and the endpoint while the context is open."""
    (place / "runs").mkdir(parents=True, exist_ok=True)
    media.build(place, names, limit)
    (place / "recipes.toml").write_text(media.RECIPES, encoding="utf-8")
    told = {KNOWN: str(place / "known.json"), "OPENAI_API_KEY": "scripted"}
    before = {key: os.environ.get(key) for key in told}
    os.environ.update(told)
    with ScriptedServer(endpoint.answer) as server:
        for name, jurors in JURIES.items():
            (place / f"{name}.toml").write_text(_jury(jurors, server.url), encoding="utf-8")
        yield Runner(place, server.url, command.server())
    for key, value in before.items():
        os.environ.pop(key) if value is None else os.environ.update({key: value})


def _jury(jurors: Sequence[str], url: str) -> str:
    tables = [
        f'[[jurors]]\nname = "{name}{n}"\nmodel = "openai:{name}"\nretries = 0\nbase_url = "{url}"\n'
        for n, name in enumerate(jurors, start=1)
    ]
    return "\n".join(["[protocol]\nrounds = 0\n", *tables])


@dataclass(frozen=True, slots=True)
class Runner:
    place: Path
    url: str
    forks: ForkServerContext

    def run(self, case: Case) -> Found:
        out = self.place / "runs" / re.sub(r"\W+", "-", case.name)
        exit_status, terminal = self._safebench(out, "run", *self._told(case), "--out", str(out))
        if not (out / "summary.json").exists():
            return Found(exit_status, terminal, refused=_error_line(terminal))
        _, reported = self._safebench(out, "report", str(out), "--html")
        page = (out / "report.html").read_text(encoding="utf-8") if (out / "report.html").exists() else ""
        return Found(
            exit_status,
            terminal + reported,
            summary=json.loads((out / "summary.json").read_text(encoding="utf-8")),
            items=parquet.read_table(out / "items.parquet").to_pylist(),
            sentences=_sentences(page),
        )

    def quick(self, case: Case) -> Found:
        """The same in this process and without a page: the gate's tests have seconds. Not for two cases at a time."""
        out, printed = self.place / "runs" / re.sub(r"\W+", "-", case.name), io.StringIO()
        with chdir(self.place), redirect_stdout(printed), redirect_stderr(printed):
            exit_status = run_command(["run", *self._told(case), "--out", str(out)])
        if not (out / "summary.json").exists():
            return Found(exit_status, printed.getvalue(), refused=_error_line(printed.getvalue()))
        summary = report(out).summary
        return Found(
            exit_status,
            printed.getvalue(),
            summary=json.loads((out / "summary.json").read_text(encoding="utf-8")),
            items=parquet.read_table(out / "items.parquet").to_pylist(),
            sentences=[verdict(summary), *(one.text for one in conclusions(summary))],
        )

    def _told(self, case: Case) -> Iterator[str]:
        jury = case.jury if case.jury == "embedded" else f"{case.jury}.toml"
        yield from ("--data", case.data if case.data == "starter-small" else str(self.place / case.data))
        yield from (part for condition in case.conditions for part in ("-c", condition))
        yield from ("--jury", jury, "--concurrency", "8", *case.options)
        if case.served:
            yield from ("--target", f"openai:{case.target}", "--base-url", self.url, "--retries", "0")
        else:
            yield from ("--target", f"python:benchmarks.trust.targets:{case.target}")

    def _safebench(self, out: Path, *told: str) -> tuple[int, str]:
        """The exit status, and what was printed."""
        log = out.with_name(f"{out.name}.{told[0]}.log")
        environment = {key: os.environ[key] for key in (KNOWN, "OPENAI_API_KEY")}
        exit_status = command.run(self.forks, told, self.place, environment, log)
        return exit_status, log.read_text(encoding="utf-8")


def _error_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if line.startswith("error")), lines[-1] if lines else "")


class _Paragraphs(html.parser.HTMLParser):
    """The text of paragraphs and list items, that with the id `verdict` first."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[bool] = []  # of each paragraph that is open: whether it is the verdict

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in ("p", "li"):
            self._open = [("id", "verdict") in attributes]
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("p", "li") and self._open and self._open.pop():
            self.found.insert(0, self.found.pop())

    def handle_data(self, data: str) -> None:
        if self._open:
            self.found[-1] += data


def _sentences(page: str) -> list[str]:
    parser = _Paragraphs()
    parser.feed(page)
    return [" ".join(text.split()) for text in parser.found if text.strip()] or [""]
