"""A run or conversion whose shards are worked on elsewhere: which are left, what became of each, and the whole of them.

Who works on them is an executor, which knows nothing of runs.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import tomli_w

from safebench.bridges.ray.shared_folder import STOPPED, WHOLE, SharedFolder
from safebench.bridges.ray.working import FAILED, Job, ShardEnd
from safebench.datasets.config import ConvertConfig, RenderingConfig
from safebench.datasets.conversion import Conversion, convert
from safebench.datasets.conversion_packing import cells_of
from safebench.datasets.conversion_plan import plan_conversion
from safebench.datasets.cutting import KEY, SHOWN, Shard, shards_of
from safebench.datasets.merging import agreed, merge_conversion
from safebench.datasets.plan import DataPlan
from safebench.datasets.shards import CONVERT_FILE
from safebench.errors import BadInput, BudgetSpent, Interrupted, SafeBenchError
from safebench.progress import Progress
from safebench.rendering.assignment import recipes_of
from safebench.runs.config import CHANGEABLE, RUN_FILE, RunConfig
from safebench.runs.folder import keep_revision, run_file
from safebench.runs.merge import merge
from safebench.runs.plan import make_plan, never_read
from safebench.runs.run import RunResult, result_of, run
from safebench.serialisation import differences, leaves, plain_tables

SENT = re.compile(  # names of variables that a run may need: keys, where endpoints and shared folders are
    r".*_(?:API_KEY|BASE_URL|PROXY)|(?:NO|ALL)_PROXY|SSL_CERT_.*|(?:AWS|AZURE|GOOGLE|HF|OPENAI|SAFEBENCH)_.*"
)
NAMING = ("api_key_env", "key")  # keys of tables that hold the name of a variable
GOES_ON = "all else is kept, and the same command goes on with these"
Config = TypeVar("Config", bound=RenderingConfig)
Seen = Callable[[int, int, int], None]  # of a shard the items that have ended, and those of them that are open
Warned = Callable[[str], None]


class Executor(Protocol):
    """Works on shards somewhere else, as many at once as there is room for."""

    def work(
        self, job: Job, numbers: Sequence[int], seen: Seen, stop: threading.Event, warned: Warned
    ) -> Iterator[ShardEnd]:
        """Each shard as it ends. Once `stop` is set none is begun, and those at work are told to stop."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How a whole is shared: who works on how many shards, and where these are put.

    Both methods raise BadInput before anything begins, Interrupted after ctrl-C, BudgetSpent where the budget does not
    reach, and SafeBenchError where shards are not whole otherwise; what was made is kept in each case.
    """

    executor: Executor
    shards: int
    shared: str | None = None  # folder or address of fsspec; beside the whole when not given
    private: bool = False

    def run(self, config: RunConfig, progress: Progress) -> RunResult:
        """The run of all shards in `config.out`; one that is there already goes on as ever."""
        if (Path(config.out) / RUN_FILE).exists():
            progress.announced(f"{config.out} is whole: what it lacks, or grows by, is asked from this machine")
            return run(config, progress)
        plan = make_plan(self._last(config), never_read)
        plan.limits()  # a budget that leaves none for the last shard is wrong input
        asked = {key: value for key, value in run_file(plan).items() if key not in {*CHANGEABLE, KEY}}
        recipes = [recipe.table() for recipe in recipes_of(plan.data.assignments.values())]
        each = (len(plan.data.conditions) - len(plan.asking.skipped)) * config.repeats
        _place(_Whole(config, plan.data, each, asked, recipes, merge), self, progress)
        whole = make_plan(config, never_read)
        keep_revision(whole)  # what is free to change as it was asked for here, and not as the shards had it
        return result_of(whole)

    def convert(self, config: ConvertConfig, progress: Progress) -> Conversion:
        """The same for a conversion."""
        out = Path(config.out)
        if (out / CONVERT_FILE).exists():
            progress.announced(f"{out} is whole: what it lacks, or grows by, is rendered on this machine")
            return convert(config, progress)
        plan = plan_conversion(self._last(config))
        asked = agreed(plan.asked)
        _place(_Whole(config, plan.data, len(plan.assignments), asked, (), merge_conversion), self, progress)
        return Conversion(out, *cells_of(out))

    def _last(self, config: Config) -> Config:
        """Of the last shard, which has the smallest part: what can be planned for it can be for all."""
        return config.model_copy(update={KEY: str(Shard(self.shards, self.shards))})


@dataclass(frozen=True, slots=True)
class _Whole:
    """What is shared."""

    config: RenderingConfig
    data: DataPlan
    each: int  # items of a query
    asked: Mapping[str, Any]  # what makes it this one
    recipes: Sequence[Mapping[str, Any]]
    put_together: Callable[[Path, Sequence[Path]], object]


def _place(whole: _Whole, placement: Placement, progress: Progress) -> None:
    address = _address(placement.shared or f"{whole.config.out}.shards")
    shared = SharedFolder(address)
    _claim(shared, address, {**whole.asked, "shards": placement.shards})
    for line in whole.data.whole.notes:
        progress.warned(line)
    environment = _environment([whole.asked, *whole.recipes])
    job = Job(whole.config, placement.shards, address, str(Path.cwd()), placement.private, environment)
    queries = Counter(shards_of(whole.data.dataset.queries, job.shards))
    sizes = {number: count * whole.each for number, count in queries.items()}
    _work_off(job, shared.whole(job.shards), sizes, placement.executor, progress)
    with shared.folders(job.shards) as folders:
        whole.put_together(Path(whole.config.out), folders)


def _address(named: str) -> str:
    return named if "://" in named else str(Path(named).resolve())


def _claim(shared: SharedFolder, address: str, asked: Mapping[str, Any]) -> None:
    """Raises BadInput where shards of something else are there."""
    wanted = plain_tables(asked)
    if not (there := shared.read()):
        shared.write(tomli_w.dumps(wanted))
    elif differing := differences(tomllib.loads(there), wanted):
        shown = "; ".join(differing[:SHOWN])
        raise BadInput(f"{address} holds shards of another whole, which differs in {shown}. Choose another --shared")


def _environment(tables: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The variables that the work may need, by the names that it is given and those that are usual."""
    said = [(key.rpartition(".")[2], value) for table in tables for key, value in leaves(table)]
    named = {value for key, value in said if key in NAMING}
    return {name: value for name, value in os.environ.items() if name in named or SENT.fullmatch(name.upper())}


def _work_off(job: Job, whole: set[int], sizes: Mapping[int, int], executor: Executor, progress: Progress) -> None:
    """Until all shards are whole. Raises SafeBenchError for those that cannot be, BudgetSpent where nothing but their
    budget is in the way, and Interrupted after ctrl-C.
    """
    left = [number for number in range(1, job.shards + 1) if number not in whole]
    bar, stop, lacking = _Bar(progress, sizes, whole), threading.Event(), []
    with _draining(stop, progress):
        for ended in executor.work(job, left, bar.seen, stop, progress.warned) if left else ():
            if ended.state == WHOLE:
                whole.add(ended.number)
                bar.seen(ended.number, sizes[ended.number], 0)
            elif ended.why:
                lacking.append(ended)
            if ended.state == FAILED:  # wrong input, or a service that refuses: the others would end alike
                stop.set()
    lines = [f"shard {Shard(ended.number, job.shards)}: {ended.why}" for ended in lacking[:SHOWN]]
    if lacking and all(ended.state == STOPPED for ended in lacking):
        raise BudgetSpent("\n".join(lines))
    if lacking:
        raise SafeBenchError("\n".join([*lines, GOES_ON]))
    if len(whole) < job.shards:
        raise Interrupted("the same command")


class _Bar:
    """One for the items of all shards. What a lost shard had done is shown as done until it is done again."""

    def __init__(self, progress: Progress, sizes: Mapping[int, int], whole: set[int]) -> None:
        self._progress, self._name = progress, f"{len(sizes)} shards"
        self._shown: dict[int, tuple[int, int]] = {}
        progress.planned(self._name, sum(sizes.values()), sum(sizes[number] for number in whole))

    def seen(self, number: int, done: int, still_open: int) -> None:
        before, open_before = self._shown.get(number, (0, 0))
        for n in range(before, done):
            self._progress.advanced(self._name, is_open=n - before < still_open - open_before)
        self._shown[number] = max(before, done), max(open_before, still_open)


@contextmanager
def _draining(stop: threading.Event, progress: Progress) -> Iterator[None]:
    """Inside, ctrl-C sets `stop`; a second one ends at once."""

    def handle(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        progress.announced("no shard is begun any more; those at work stop, and what they did is kept")

    if threading.current_thread() is not threading.main_thread():  # whoever runs us handles signals
        yield
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
