"""One shard, on the machine that works on it.

It is made in a folder of that machine, and put into the shared folder when it is whole, or when it was stopped, to be
gone on with.
"""

from __future__ import annotations

import os
import threading
from _thread import interrupt_main
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from safebench.bridges.ray.shared_folder import STOPPED, WHOLE, SharedFolder
from safebench.datasets.config import ConvertConfig, RenderingConfig
from safebench.datasets.conversion import convert
from safebench.datasets.cutting import KEY, Shard
from safebench.errors import BudgetSpent, Interrupted, SafeBenchError
from safebench.files import keep_private
from safebench.progress import NoProgress, Progress
from safebench.runs.config import RunConfig
from safebench.runs.run import run

FAILED, LOST = "failed", "lost"  # how a shard ended, beside `WHOLE` and `STOPPED`: by an error, or with its machine
BEAT = 1.0  # s between two words of a shard's

Tell = Callable[[int, int], bool]  # items that have ended, and those of them that are open; whether to stop


@dataclass(frozen=True, slots=True)
class Job:
    """What every machine is told; `folder`: where the command was given, so that paths mean the same."""

    config: RenderingConfig
    shards: int
    shared: str
    folder: str
    private: bool
    environment: Mapping[str, str] = field(repr=False)  # with keys: in memory alone


@dataclass(frozen=True, slots=True)
class ShardEnd:
    """What became of a shard; `why`: where it is not whole."""

    number: int
    state: str
    why: str = ""


def work(job: Job, number: int, tell: Tell) -> ShardEnd:
    """One shard, gone on with where it was stopped before. Errors that a user can act on are told, not raised."""
    os.environ.update(job.environment)
    with TemporaryDirectory(prefix="safebench-") as top:
        folder = Path(top) / "shard"
        if job.private:
            keep_private(folder)
        ended = _made(job, number, folder, tell)
        try:
            if folder.exists():
                SharedFolder(job.shared).put(folder, number, WHOLE if ended.state == WHOLE else STOPPED)
        except OSError as error:
            return ShardEnd(number, FAILED, f"it cannot be put into {job.shared}: {error}")
    return ended


def _made(job: Job, number: int, folder: Path, tell: Tell) -> ShardEnd:
    counting = _Counting()
    more = {KEY: str(Shard(number, job.shards)), "out": str(folder), "workers": job.config.workers or 1}
    config = job.config.model_copy(update=more)
    try:
        os.chdir(job.folder)
        SharedFolder(job.shared).get(number, STOPPED, folder)
        with _beating(counting, tell):
            _start(config, counting)
        tell(counting.done, counting.open)
    except (Interrupted, KeyboardInterrupt):
        return ShardEnd(number, STOPPED)
    except BudgetSpent as error:  # its own part: others may have some left
        return ShardEnd(number, STOPPED, str(error))
    except (SafeBenchError, OSError) as error:
        return ShardEnd(number, FAILED, str(error))
    return ShardEnd(number, WHOLE)


def _start(config: RenderingConfig, progress: Progress) -> None:
    if isinstance(config, RunConfig):
        run(config, progress)
    elif isinstance(config, ConvertConfig):
        convert(config, progress)


class _Counting(NoProgress):
    def __init__(self) -> None:
        self.done = self.open = 0

    def planned(self, name: str, total: int, done: int = 0, still_open: int = 0) -> None:
        self.done += done
        self.open += still_open

    def advanced(self, name: str, *, is_open: bool) -> None:
        self.done += 1
        self.open += is_open


@contextmanager
def _beating(counting: _Counting, tell: Tell) -> Iterator[None]:
    """Inside, what is done is told at each beat; when it is time to stop, that comes as ctrl-C does."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT):
            if tell(counting.done, counting.open):
                interrupt_main()
                return

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
