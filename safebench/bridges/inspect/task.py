"""The task `safebench/run`, which inspect finds through its entry points."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from inspect_ai import Task, task
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.dataset import MemoryDataset
from inspect_ai.solver import Generate, Solver, TaskState, generate, solver

from safebench.bridges.inspect.samples import NOT_RENDERED, samples_of
from safebench.bridges.inspect.scoring import jury as jury_scorer
from safebench.bridges.inspect.scoring import outcome
from safebench.concurrency import block_on
from safebench.errors import SafeBenchError
from safebench.jury.files import jury_tables
from safebench.runs.config import make_config
from safebench.runs.folder import run_file
from safebench.runs.plan import RunPlan, make_plan

ASKED = "safebench"  # key of the log's metadata: what a run file says


@task
def run(
    data: str = "starter",
    condition: str | list[str] = "text",
    wording: str | list[str] | None = None,
    limit: int | None = None,
    jury: str = "embedded",
    jury_model: str | list[str] | None = None,
    recipes: str | None = None,
    recogniser: str | list[str] | None = None,
    text_column: str | None = None,
    language: str | None = None,
    seed: int = 0,
    check_share: float = 1.0,
    workers: int | None = None,
) -> Task:
    """Put queries to a model under one or more conditions and let a jury judge the answers.

    The arguments are the options of `safebench run` of the same names; several conditions are separated by commas.
    Raises PrerequisiteError for what `safebench run` calls bad input.
    """
    with TemporaryDirectory() as place:
        given = {
            "data": data, "conditions": _list(condition), "limit": limit, "jury": jury, "seed": seed,
            "jury_models": _list(jury_model), "recipes": recipes, "recognisers": _list(recogniser),
            "wordings": _list(wording), "text_column": text_column, "language": language, "check_share": check_share,
            "workers": workers, "target": "inspect", "out": str(Path(place, "run")),
        }  # fmt: skip
        try:
            plan = make_plan(make_config("the task's arguments", **given))
            samples = block_on(samples_of(plan))
        except SafeBenchError as error:
            raise PrerequisiteError(str(error)) from error
    return Task(
        dataset=MemoryDataset(samples, name=data),
        setup=leave_out(),
        solver=generate(),
        scorer=[jury_scorer(jury_tables(plan.asking.jury_table), seed), outcome()],
        score_on_error=True,  # a call that failed is an open item, and counts for the bounds
        metadata={ASKED: _asked(plan)},
    )


@solver
def leave_out() -> Solver:
    """What has no faithful rendering is not sent, whatever the solver."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.completed = state.completed or state.metadata[NOT_RENDERED] is not None
        return state

    return solve


def _asked(plan: RunPlan) -> dict[str, Any]:
    """The run file, without what only the evaluation knows."""
    asked = {key: value for key, value in run_file(plan).items() if key not in ("out", "target", "repeats")}
    return {**asked, "resolved": {key: value for key, value in asked["resolved"].items() if key != "target"}}


def _list(given: str | list[str] | None) -> list[str]:
    return [given] if isinstance(given, str) else given or []
