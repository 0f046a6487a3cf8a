"""`safebench data score`: the harmful queries of any sets, scored by judges in the paper's three dimensions (0 to 9).

Sets stand side by side, each judged by its own taxonomy. Every call is kept before it is used, by what was asked: the
same command goes on, and a further set or judge asks only what is new. An answer that cannot be read is no score.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from safebench import registry
from safebench.concurrency import block_on, each
from safebench.datasets.exporting import write_jsonl
from safebench.datasets.load import load_dataset
from safebench.datasets.queries import Dataset
from safebench.errors import BadInput
from safebench.files import is_claimed, read_toml, whole_file, write_json, write_toml
from safebench.generation.generate import check_models
from safebench.generation.panel import REASKED, Panel, PanelAnswer, Question
from safebench.generation.plan import labels, open_models
from safebench.generation.rows import DIMENSIONS, Scores
from safebench.generation.schemas import SCORES, read_scores
from safebench.models.calls import Budget, CallLimits, Calls
from safebench.models.opening import written_out
from safebench.models.pacing import Concurrency
from safebench.models.prices import Prices, Range, RoleEstimate, estimate_line, in_text, read_prices
from safebench.models.roles import RoleOptions
from safebench.plugins import PluginOptions
from safebench.progress import NoProgress, Progress
from safebench.resources import prompt
from safebench.statistics.agreement import ordinal_alpha
from safebench.stopping import close_all, on_interrupt
from safebench.store.store import Store
from safebench.taxonomy import UNASSIGNED, check_agree
from safebench.types import Intent, Purpose, Query

SCORE_FILE, ROWS_FILE, SUMMARY_FILE, CALLS = "score.toml", "scores.jsonl", "summary.json", "calls"
HIGHEST = 9
Answers = Mapping[str, PanelAnswer[Scores]]  # of one query, by judge


class Scoring(PluginOptions):
    """What is scored by whom. `sample`: at most so many harmful queries of each set, drawn by the seed."""

    data: tuple[str, ...]
    judges: tuple[RoleOptions, ...]
    defaults: Mapping[str, Any] = {}  # options of every judge that does not say otherwise
    sample: int | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class SampledSet:
    """The queries of a set that are scored, of how many harmful ones; benign ones are not scored."""

    dataset: Dataset
    queries: tuple[Query, ...]
    harmful: int
    benign: int


@dataclass(frozen=True, slots=True)
class DimensionScores:
    """`mean` over queries of the means of their judges, with its interval (Student's t; None where nothing varies);
    `counts`: how many scores were 0, 1, … 9; `alpha`: Krippendorff's, for ordered scores.
    """

    mean: float | None
    ci95: list[float] | None
    counts: list[int]
    alpha: float | None


@dataclass(frozen=True, slots=True)
class DatasetScores:
    """One set. `unscored`: queries that no judge gave a score that could be read; `breaks`: queries by the rule that a
    judge found broken; `notes`: what was taken for granted where it was read. Means by category and scenario are by
    dimension, in the order of the set's taxonomy.
    """

    data: str
    sha256: str
    harmful: int
    benign: int
    scored: int
    unscored: int
    dimensions: dict[str, DimensionScores]
    by_category: dict[str, dict[str, float]]
    by_scenario: dict[str, dict[str, float]]
    breaks: dict[str, int]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JudgeScores:
    """How often a judge gave a score, and why not; `constant`: it gave every query the same three."""

    judge: str
    scored: int
    unreadable: int
    declined: int
    failed: int
    constant: bool


@dataclass(frozen=True, slots=True)
class ScoredSets:
    folder: Path
    sets: tuple[DatasetScores, ...]
    judges: tuple[JudgeScores, ...]

    @property
    def problems(self) -> list[str]:
        """What makes the numbers less than they should be."""
        silent = [f"judge {one.judge} gave no score that could be read" for one in self.judges if not one.scored]
        return silent + [f"{one.data}: {one.unscored} queries have no score" for one in self.sets if one.unscored]

    @property
    def exit_status(self) -> int:
        return int(bool(self.problems))


def score_sets(
    asked: Scoring,
    out: Path,
    *,
    concurrency: Concurrency = "auto",
    limits: CallLimits = CallLimits(),  # noqa: B008  frozen
    prices: Path | None = None,
    progress: Progress | None = None,
    retry_failed: bool = False,
) -> ScoredSets:
    """Score, or go on scoring, sets; what was asked is kept in the folder `out`.

    Raises BadInput before anything is asked for sets, judges or a folder that cannot be used, and for sets that say
    something else of one scenario; BudgetSpent and Interrupted with every score so far kept.
    """
    sets = sampled_sets(asked)
    judges = open_models(asked.judges, asked.defaults)
    priced = read_prices(prices)
    limits.check(priced, judges.values())
    is_claimed(out, SCORE_FILE, "folder of scores", lambda _: None)

    async def work() -> list[list[Answers]]:
        stop = asyncio.Event()
        try:
            await check_models(judges)
            _claim(out, asked)
            with Store(out / CALLS) as store, on_interrupt(stop, "the same command"):
                if retry_failed:
                    store.reopen_failed()
                bars = progress or NoProgress()
                bars.announced(estimate_line(estimate_scoring(asked, sets, priced)))
                with Calls(store, concurrency, stop, Budget(store, limits, priced, progress=bars), bars) as calls:
                    panel = Panel({}, judges, calls, asked.seed)
                    return [await _score(one, panel, bars) for one in sets]
        finally:
            await close_all(*judges.values())

    answers = block_on(work())
    scored = ScoredSets(out, tuple(map(_dataset_scores, sets, answers)), tuple(_judge_scores(judges, answers)))
    _write(scored, sets, answers)
    return scored


def _claim(out: Path, asked: Scoring) -> None:
    out.mkdir(parents=True, exist_ok=True)
    write_toml(out / SCORE_FILE, asked.model_dump(mode="json", exclude_none=True))


def read_scoring(
    data: Sequence[str], judges: Sequence[str], file: Path | None = None, sample: int | None = None, seed: int = 0
) -> Scoring:
    """`file` tells judges with their options, `judges` and `[defaults]` as in a plan of `safebench generate`; judges
    that are named beside it stand in their place. Raises BadInput for what a judge cannot be.
    """
    models = {key: value for key, value in (read_toml(file) if file else {}).items() if key in ("judges", "defaults")}
    models |= {"judges": judges} if judges else {}
    asked = {"judges": (), **models, "data": tuple(data), "sample": sample, "seed": seed}
    return registry.validated(Scoring, str(file or "--judge"), asked)


def sampled_sets(asked: Scoring) -> list[SampledSet]:
    """Raises BadInput for sets that cannot be read, hold nothing harmful, or contradict each other."""
    if not asked.judges:
        raise BadInput("no judges: name models with --judge, e.g. openai:NAME")
    sets = [_sampled(load_dataset(name), asked) for name in asked.data]
    for one, other in combinations([one.dataset for one in sets], 2):
        check_agree(one.taxonomy, one.name, other.taxonomy, other.name)
    return sets


def _sampled(dataset: Dataset, asked: Scoring) -> SampledSet:
    harmful = [query for query in dataset.queries if query.intent is Intent.HARMFUL]
    if not harmful:
        raise BadInput(f"data {dataset.name!r} has no harmful query: there is nothing to score")
    count = min(asked.sample or len(harmful), len(harmful))
    drawn = sorted(random.Random(asked.seed).sample(range(len(harmful)), count))
    return SampledSet(dataset, tuple(harmful[n] for n in drawn), len(harmful), len(dataset.queries) - len(harmful))


def estimate_scoring(asked: Scoring, sets: Sequence[SampledSet], prices: Prices) -> list[RoleEstimate]:
    """What scoring takes by set and judge; calls that are kept already are not made again."""
    answer, fixed = Range(*prices.assumed.ballot), len(prompt("generate/score.query").text.encode())
    rows = []
    for one in sets:
        size = sum(len(_text_of(one.dataset, query).encode("utf-8", "replace")) for query in one.queries)
        sent = prices.assumed.tokens(fixed + size / len(one.queries))
        calls = Range(len(one.queries), len(one.queries) * (1 + REASKED))
        for label, judge in zip(labels(asked.judges), asked.judges, strict=True):
            rows.append(in_text(prices, one.dataset.name, label, written_out(judge.model), calls, sent, answer))
    return rows


def _text_of(dataset: Dataset, query: Query) -> str:
    return "".join(_material(dataset, query).values())


def _material(dataset: Dataset, query: Query) -> dict[str, str]:
    scenario = dataset.taxonomy.find(query.scenario)
    name, harm = (scenario.name, scenario.description) if scenario else ("not named", prompt("scoring.unnamed").text)
    return {"scenario": name, "description": harm, "query": query.text}


async def _score(one: SampledSet, panel: Panel, progress: Progress) -> list[Answers]:
    """For each query what every judge answered."""
    jobs = [(query, judge) for query in one.queries for judge in panel.judges]
    progress.planned(one.dataset.name, len(jobs))

    async def work(job: tuple[Query, str]) -> PanelAnswer[Scores]:
        query, judge = job
        values = {"language": query.language or "that of the request"}
        question = Question("score.query", values, _material(one.dataset, query), SCORES, read_scores)
        answer = await panel.judge(judge, question, Purpose("score", about=query.id))
        progress.advanced(one.dataset.name, is_open=answer.value is None)
        return answer

    given = iter(await each(jobs, work, panel.width))
    return [{judge: next(given) for judge in panel.judges} for _ in one.queries]


# --- what came of it


def _values(answers: Answers) -> list[Scores]:
    return [one.value for one in answers.values() if one.value is not None]


def _dataset_scores(one: SampledSet, answers: Sequence[Answers]) -> DatasetScores:
    given = [_values(of) for of in answers]
    known, scenarios = one.dataset.taxonomy, [query.scenario or UNASSIGNED for query in one.queries]
    categories = [known.category_of.get(id, UNASSIGNED) for id in scenarios]
    broken = Counter(rule for scores in given for rule in {one.breaks for one in scores} - {"none"})
    return DatasetScores(
        data=one.dataset.name,
        sha256=one.dataset.sha256,
        harmful=one.harmful,
        benign=one.benign,
        scored=sum(bool(scores) for scores in given),
        unscored=sum(not scores for scores in given),
        dimensions={name: _dimension([[getattr(s, name) for s in scores] for scores in given]) for name in DIMENSIONS},
        by_category=_means(known.in_order({*categories}), categories, given),
        by_scenario=_means(known.in_order({*scenarios}), scenarios, given),
        breaks=dict(broken),
        notes=one.dataset.notes,
    )


def _dimension(given: Sequence[Sequence[int]]) -> DimensionScores:
    """From the scores of each query."""
    means, counted = [fmean(scores) for scores in given if scores], Counter(n for scores in given for n in scores)
    counts = [counted[score] for score in range(HIGHEST + 1)]
    return DimensionScores(fmean(means) if means else None, _interval(means), counts, ordinal_alpha(given))


def _interval(values: Sequence[float]) -> list[float] | None:
    """95 % interval of a mean, within the scale; None for fewer than two values, and where all are the same."""
    if len(set(values)) < 2:
        return None
    from scipy.special import stdtrit

    mean, half = fmean(values), float(stdtrit(len(values) - 1, 0.975)) * stdev(values) / sqrt(len(values))
    return [max(0.0, mean - half), min(float(HIGHEST), mean + half)]


def _means(ids: Iterable[str], of: Sequence[str], given: Sequence[Sequence[Scores]]) -> dict[str, dict[str, float]]:
    """By id the mean in each dimension over the queries that have one; ids whose queries have none are left out."""
    groups = {id: [scores for one, scores in zip(of, given, strict=True) if one == id and scores] for id in ids}
    return {id: {name: _mean(group, name) for name in DIMENSIONS} for id, group in groups.items() if group}


def _mean(group: Sequence[Sequence[Scores]], name: str) -> float:
    return fmean(fmean(getattr(one, name) for one in scores) for scores in group)


def _judge_scores(judges: Iterable[str], answers: Sequence[Sequence[Answers]]) -> Iterator[JudgeScores]:
    for judge in judges:
        own = [of[judge] for one in answers for of in one]
        outcomes = Counter(one.outcome for one in own)
        given = [one.value for one in own if one.value is not None]
        same = len({tuple(getattr(one, name) for name in DIMENSIONS) for one in given}) == 1
        counts = (outcomes["answered"], outcomes["unreadable"], outcomes["declined"], outcomes["failed"])
        yield JudgeScores(judge, *counts, constant=same and len(given) > 2)


def _write(scored: ScoredSets, sets: Sequence[SampledSet], answers: Sequence[Sequence[Answers]]) -> None:
    with whole_file(scored.folder / ROWS_FILE) as part:
        write_jsonl(part, (row for one, given in zip(sets, answers, strict=True) for row in _rows(one, given)))
    numbers = {"sets": [asdict(one) for one in scored.sets], "judges": [asdict(one) for one in scored.judges]}
    write_json(scored.folder / SUMMARY_FILE, numbers)


def _rows(one: SampledSet, given: Sequence[Answers]) -> Iterator[dict[str, Any]]:
    """Without the texts, which stand in the set beside their canary."""
    for query, answers in zip(one.queries, given, strict=True):
        scores = {judge: answer.value.model_dump() for judge, answer in answers.items() if answer.value is not None}
        why = {judge: f"{answer.outcome}: {answer.why}" for judge, answer in answers.items() if answer.value is None}
        yield {
            "data": one.dataset.name, "id": query.id, "scenario": query.scenario, "scores": scores, "abstained": why
        }  # fmt: skip
