"""`make real-results`: estimate, a pilot that grows, a gate, tables and exporters, on a run of the real model.

    python -m benchmarks.real.results INSPECT [--only Parquet …]

INSPECT: the folder of programs where Inspect is installed. Types the commands of the page in a shell and writes
`docs/real-results.md`: what is shown there was printed. Texts of queries and answers are in none of it. `--only`: these
parts are written anew, by what lies there from the last time.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyarrow import BufferReader, parquet

import safebench as sb
from benchmarks.measured import ROOT
from benchmarks.real import model, serving
from tests.collector import Collector, attributes, collecting
from tests.hub import TOKEN, Hub, answering

PAGE = ROOT / "docs" / "real-results.md"
ANSWERED = "POST /v1/chat/completions"  # in a line of the server's log
COLUMNS = 100
LEFT_OUT = "…"
FLAGS = re.DOTALL | re.MULTILINE
HERE = Path(sys.executable).parent
CSV_LINK = re.compile(r'href="data:text/csv;base64,([^"]+)"')


@dataclass(frozen=True, slots=True)
class Seen:
    """What is to be seen beside what was printed. `calls`: what the model's server answered so far."""

    place: Path
    collector: Collector
    hub: Hub
    calls: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Section:
    """`keep`: patterns of what is shown of the output, each of which has to be there; none: all of it. `beside` says
    what else there is to see afterwards. `in_inspect`: typed where Inspect is installed.
    """

    title: str
    text: str
    command: str
    keep: Sequence[str] = ()
    beside: Callable[[Seen], str] | None = None
    in_inspect: bool = False


def answered(seen: Seen) -> str:
    return f"The model's server has answered {seen.calls()} calls, with what is tried before the first item."


def costs(seen: Seen) -> str:
    roles = sb.report(seen.place / "runs" / "pilot").summary.costs
    told = ", ".join(f"{one.calls} by the {one.role} ({one.cost.low:.5f} USD)" for one in roles if one.cost)
    return f"{answered(seen)} On record, by what the calls told: {told}."


def as_shown(seen: Seen) -> str:
    """The summary, without its heading, which would be one of this page."""
    summary = re.sub("^### (.*)", r"**\1**", (seen.place / "summary.md").read_text(encoding="utf-8"))
    told = "\n".join(f"> {line}".rstrip() for line in summary.splitlines())
    return f"`summary.md`, as it is shown beside the build:\n\n{told}"


def saved(seen: Seen) -> str:
    (held,) = CSV_LINK.findall((seen.place / "leaderboard.html").read_text(encoding="utf-8"))
    return f"Its link saves:\n\n{_fenced(base64.b64decode(held).decode('utf-8-sig'))}"


def spans(seen: Seen) -> str:
    """How many of each, and one of a call."""
    every = list(seen.collector.spans.values())
    names = Counter(span["name"] for span in every)
    call = next(span for span in every if span["name"].startswith("chat"))
    rows = [*(f"{n:3} {name}" for name, n in names.most_common()), "", call["name"]]
    told = (f"  {key} = {value}" for key, value in attributes(call).items() if not isinstance(value, dict))
    return _fenced("\n".join([*rows, *told]))


def pushed(seen: Seen) -> str:
    """The files, and the columns of the items."""
    files = seen.hub.files
    items = next(data for path, data in files.items() if path.endswith(".parquet"))
    columns = ", ".join(f"`{name}`" for name in parquet.read_schema(BufferReader(items)).names)
    public = "private" if seen.hub.private else "public"
    return f"Pushed, as {public}: {', '.join(f'`{path}`' for path in sorted(files))}. Columns: {columns}."


FILES = {
    "prices.toml": """\
[models.smollm2]
input = 0.05
output = 0.2
date = "2026-11-30"
source = ["made up, so that there is something to add up"]
""",
    "pilot.toml": """\
data = "starter-small"
conditions = ["text", "image:typographic"]
target = "cascade:openai:smollm2"
family = "llama-cpp"
prices = "prices.toml"
probe = 1.0
probe_form = "repeat"
max_open = 0.5
out = "runs/pilot"

[parameters]
temperature = 0.0
max_tokens = 40
""",
}
RATES = r"^Rates .*?\n(?=Compliance rate:)"
STATUS = r"^exit status .*?\n(?=exit status|\Z)"
MLFLOW = """\
from mlflow import MlflowClient

client = MlflowClient("sqlite:///mlflow.db")
experiment = client.get_experiment_by_name("safebench")
(run,) = client.search_runs([experiment.experiment_id])
for name, value in sorted(run.data.metrics.items()):
    print(f"{name:44} {value:.3g}")
for name, value in sorted(run.data.tags.items()):
    if name.startswith(("concludable/", "concluded/", "safebench.knows")):
        print(f"{name}: {value}")
print("artefacts:", ", ".join(file.path for file in client.list_artifacts(run.info.run_id)))
"""
ITEMS = """\
from pyarrow import csv, parquet

names = ["query_id", "intent", "scenario", "condition", "outcome", "rating", "revision"]
items = parquet.read_table("runs/pilot/items.parquet", columns=names)
csv.write_csv(items, "items.csv")
"""
SECTIONS = (
    Section(
        "Estimate",
        "Before anything is asked. What reads the pictures runs on this machine and is in no bill.",
        "safebench estimate pilot.toml --limit 4",
    ),
    Section(
        "A pilot",
        "Four queries, under a limit of money. So few show nothing, and the exit status says it.",
        "safebench run pilot.toml --limit 4 --max-cost 0.01 --quiet",
        (RATES, STATUS),
        answered,
    ),
    Section(
        "The pilot grows",
        "To eight queries, in its folder: what is there is not asked again. The estimate is of the new items alone.",
        "safebench run runs/pilot/run.toml --limit 8 --max-cost 0.01",
        (r"^estimate: .*?\n", r"^grown in .*?\n(?=\S)", RATES, r"^cost: .*?\n"),
        costs,
    ),
    Section(
        "Gate",
        "Limits for a release: kept is what is *shown* to be kept, by the upper end of the interval. Eight queries show"
        " that of no sensible limit; of pictures nothing can be concluded at all, which fails as well. The last of"
        " these holds the plain rate to its limit.",
        "safebench report runs/pilot --quiet --junit junit.xml --markdown summary.md \\\n"
        "    --fail-over 'asr(text) > 0.2' --fail-over 'gap(text, image:typographic) > 0.1' || echo \"is $?\"\n"
        "safebench report runs/pilot --quiet --point --fail-over 'asr(text) > 0.9'",
        (r"^exit status 3: .*?\n(?=exit status 3|is )", r"^is \d\n", r"^kept: .*?(?:\n|\Z)"),
    ),
    Section(
        "Gate in a pipeline",
        "What it left for CI: JUnit's XML, and a summary in GitHub's Markdown.",
        "cat junit.xml",
        (),
        as_shown,
    ),
    Section(
        "Parquet",
        "What `report` has written is read by anything that reads Parquet. Here it becomes CSV, without columns of"
        " texts.",
        f"python - <<'END'\n{ITEMS}END\nhead -n 5 items.csv",
    ),
    Section(
        "CSV",
        "The pages of several runs hold their exact numbers.",
        "safebench leaderboard runs/pilot --html leaderboard.html",
        (r"^written: .*?\n",),
        saved,
    ),
    Section(
        "Inspect",
        "[Inspect](inspect.md) asks the same model the same queries as text, and its log is reported on as a run is.",
        "inspect eval safebench/run -T data=starter-small -T condition=text -T limit=8 \\\n"
        "    --model openai-api/llama/smollm2 --temperature 0 --max-tokens 40 --display none --log-dir logs\n"
        "safebench report logs/*.eval",
        (RATES,),
        in_inspect=True,
    ),
    Section(
        "MLflow",
        "Read back by MLflow's own client. A condition of which nothing can be concluded has bounds and counts, and no"
        " rate that could be sorted by.",
        f"safebench export runs/pilot --to mlflow:sqlite:///mlflow.db\npython - <<'END'\n{MLFLOW}END",
        (r"^exported: .*?\n", r"^(?:compliance|harmful_decided).*\Z"),
    ),
    Section("OpenTelemetry", "To a collector on this machine.", "safebench export runs/pilot --to otel", (), spans),
    Section(
        "Hugging Face",
        "To a stand-in for the hub on this machine that keeps what its client pushes: nothing of this run is public.",
        "safebench export runs/pilot --to hub:your-team/pilot",
        (),
        pushed,
    ),
    Section(
        "Results of a model",
        "A leaderboard on the hub may hold harm alone, of a whole run, with evidence. This run's jury are rules that"
        " count compliance, so it is refused, and nothing is sent.",
        "safebench export runs/pilot --to hub-results:your-team/your-model \\\n"
        '    --option benchmark=your-team/benchmark || echo "is $?"',
    ),
)
INTRODUCTION = """\
# All of it on a real run

[SmolLM2-135M](real-run.md), asked by llama.cpp's own server on this machine, behind [what reads
pictures](models.md#a-cascade-the-same-language-model-behind-a-transcript): what an [estimate](costs.md) says, how [a
pilot grows](runs.md#a-pilot-grows), what a [gate](gates.md) finds, what is in files, and what
[exporters](exporting.md) bring elsewhere. `make real-results` types the commands and writes this page; {left_out}
stands for what is left out. Prices are made up, as this model has none. Queries and answers are not shown.

The environment has `OPENAI_BASE_URL`, `LLAMA_BASE_URL`, `OTEL_EXPORTER_OTLP_ENDPOINT`, `HF_ENDPOINT` and `HF_TOKEN`,
all of this machine. Two files:
"""


def main(inspect: Path, only: Sequence[str]) -> None:
    place = ROOT / "build" / "real-results"
    if not only:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    parts = typed_parts(place, inspect, only or [section.title for section in SECTIONS])
    text = renewed(PAGE.read_text(encoding="utf-8"), parts) if only else page(parts)
    PAGE.write_text(f"{narrowed(text)}\n", encoding="utf-8")


def typed_parts(place: Path, inspect: Path, titles: Sequence[str]) -> dict[str, str]:
    """By their titles, made of what the commands print in `place`."""
    for name, text in FILES.items():
        (place / name).write_text(text, encoding="utf-8")
    log, parts = place / "server.log", {}
    with serving.served(model.gguf(), log) as url, collecting() as collector, answering() as hub:
        models = dict.fromkeys(("OPENAI_BASE_URL", "LLAMA_BASE_URL"), url)
        addresses = {**models, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "HF_ENDPOINT": hub.url}
        seen = Seen(place, collector, hub, lambda: log.read_text(encoding="utf-8", errors="replace").count(ANSWERED))
        for section in SECTIONS:
            if section.title in titles:
                programs = inspect if section.in_inspect else HERE
                printed = typed(section.command, place, programs, addresses)
                parts[section.title] = "\n\n".join(_shown(section, printed, seen))
    return parts


def page(parts: Mapping[str, str]) -> str:
    files = (f"`{name}`:\n\n{_fenced(text, 'toml')}" for name, text in FILES.items())
    return "\n\n".join([INTRODUCTION.format(left_out=LEFT_OUT).rstrip(), *files, *parts.values()])


def renewed(text: str, parts: Mapping[str, str]) -> str:
    """The page with these parts in place of those of the same titles."""
    for title, part in parts.items():
        text = re.sub(rf"^## {title}\n.*?(?=^## |\Z)", lambda _, part=part: f"{part}\n\n", text, flags=FLAGS)
    return text.rstrip()


def narrowed(text: str) -> str:
    """With what was printed as a terminal of that width shows it, but broken between words."""
    blocks = re.split(r"(^```\w*\n.*?^```$)", text, flags=FLAGS)
    blocks[1::2] = ["\n".join(part for line in block.splitlines() for part in _broken(line)) for block in blocks[1::2]]
    return "".join(blocks)


def _broken(line: str) -> list[str]:
    if len(line) <= COLUMNS:
        return [line]
    return textwrap.wrap(line, COLUMNS, break_on_hyphens=False, break_long_words=False)


def typed(command: str, place: Path, programs: Path, addresses: Mapping[str, str]) -> str:
    """What it prints, results and notes."""
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    keys = {"OPENAI_API_KEY": "none", "LLAMA_API_KEY": "none", "HF_TOKEN": TOKEN}
    environment = {**os.environ, "PATH": path, "COLUMNS": str(COLUMNS), **keys, **addresses}
    shell = ["bash", "-uo", "pipefail", "-c", command]
    done = subprocess.run(
        shell, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"{command}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def _shown(section: Section, printed: str, seen: Seen) -> Iterator[str]:
    yield f"## {section.title}"
    yield section.text
    yield _fenced(f"{prompted(section.command)}\n{kept(printed, section.keep)}")
    if section.beside:
        yield section.beside(seen)


def prompted(commands: str) -> str:
    return re.sub(r"^(?=safebench|python|inspect|cat|head)", "$ ", commands, flags=re.MULTILINE)


def kept(printed: str, patterns: Sequence[str]) -> str:
    """The parts that are shown, in their order. Raises SystemExit where one is not there."""
    if not patterns:
        return printed
    lacking = [one for one in patterns if not re.search(one, printed, FLAGS)]
    if lacking:
        raise SystemExit(f"nothing was printed that is like {lacking}:\n{printed}")
    found = sorted(match.span() for one in patterns for match in re.finditer(one, printed, FLAGS))
    parts, shown_to = [], 0
    for start, end in found:
        parts += [LEFT_OUT] * bool(printed[shown_to:start].strip()) + [printed[start:end].strip("\n")]
        shown_to = end
    return "\n".join([*parts, *[LEFT_OUT] * bool(printed[shown_to:].strip())])


def _fenced(text: str, kind: str = "text") -> str:
    lines = "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
    return f"```{kind}\n{lines}\n```"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inspect", type=Path, metavar="INSPECT")
    parser.add_argument("--only", nargs="+", default=[], metavar="PART")
    given = parser.parse_args()
    main(given.inspect.resolve(), given.only)
