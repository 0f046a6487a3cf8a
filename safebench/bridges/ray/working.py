"""One shard, on the machine that works on it.

It is made in a folder of that machine, and put into the shared folder when it is whole, or when it was stopped, to be
gone on with.
"""

from __future__ import annotations

import os
import threading
import time
from _thread import interrupt_main
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from socket import gethostname
from tempfile import mkdtemp

from safebench.bridges.ray.shared_folder import STOPPED, WHOLE, SharedFolder
from safebench.datasets.config import ConvertConfig, RenderingConfig
from safebench.datasets.conversion import convert
from safebench.datasets.cutting import KEY, Shard
from safebench.errors import BudgetSpent, Interrupted, SafeBenchError
from safebench.files import keep_private
from safebench.progress import NoProgress, Progress
from safebench.runs.config import RunConfig
from safebench.runs.run import run

# how a shard ended, beside `WHOLE` and `STOPPED`: by an error that all would have, or one of its machine alone
FAILED, LOST = "failed", "lost"
BEAT = 1.0  # s between two words of a shard's
PAUSES = (1.0, 5.0, 20.0)  # s before the shared folder is tried again

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
    """What became of a shard; `why`: where it is not whole. One that was stopped has a reason if it is its budget."""

    number: int
    state: str
    why: str = ""


def work(job: Job, number: int, tell: Tell) -> ShardEnd:
    """One shard, gone on with where it was stopped before; nothing is done where it is whole already.

    Errors are told, not raised. What was made is put in every case, or else stays where it was made.
    """
    os.environ.update(job.environment)
    top = Path(mkdtemp(prefix="safebench-"))
    folder = top / "shard"
    if job.private:
        keep_private(folder)
    try:
        os.chdir(job.folder)
        shared = SharedFolder(job.shared)
        is_whole = shared.has(number, WHOLE)
        if not is_whole:
            _insisted(lambda: shared.get(number, STOPPED, folder))
    except Exception as error:  # noqa: BLE001  of any file system: nothing is put, for the copy may be half of it
        rmtree(top, ignore_errors=True)
        return ShardEnd(number, FAILED, f"{job.shared} cannot be used: {_said(error)}")
    if is_whole:
        rmtree(top, ignore_errors=True)
        return ShardEnd(number, WHOLE)
    ended = ShardEnd(number, STOPPED)
    try:
        ended = _made(job, number, folder, tell)
    finally:
        ended = _put(shared, folder, ended)
    return ended


def _made(job: Job, number: int, folder: Path, tell: Tell) -> ShardEnd:
    counting = _Counting()
    more = {KEY: str(Shard(number, job.shards)), "out": str(folder), "workers": job.config.workers or 1}
    config = job.config.model_copy(update=more)
    try:
        with _beating(counting, tell):
            spent = _start(config, counting)
    except (Interrupted, KeyboardInterrupt):
        return ShardEnd(number, STOPPED)
    except (SafeBenchError, OSError) as error:
        return ShardEnd(number, FAILED, _said(error))
    except Exception as error:  # noqa: BLE001  of a plug-in or a database: others may be spared it
        return ShardEnd(number, LOST, _said(error))
    return ShardEnd(number, STOPPED if spent else WHOLE, spent)


def _start(config: RenderingConfig, progress: Progress) -> str:
    """Its own part of a budget, where that was spent before everything was done: others may have some left."""
    try:
        if isinstance(config, RunConfig):
            return run(config, progress).spent
        if isinstance(config, ConvertConfig):
            convert(config, progress)
    except BudgetSpent as error:
        return str(error)
    return ""


def _put(shared: SharedFolder, folder: Path, ended: ShardEnd) -> ShardEnd:
    """What was made is removed here once it is there."""
    try:
        if folder.exists():
            _insisted(lambda: shared.put(folder, ended.number, WHOLE if ended.state == WHOLE else STOPPED))
    except Exception as error:  # noqa: BLE001  of any file system
        kept = f"it cannot be put ({_said(error)}), and is kept in {folder} on {gethostname()}"
        return ShardEnd(ended.number, FAILED, "; ".join(filter(None, [ended.why, kept])))
    rmtree(folder.parent, ignore_errors=True)
    return ended


def _insisted(act: Callable[[], None]) -> None:
    """Tried a few times: what is far away fails for a moment now and then."""
    for pause in PAUSES:
        try:
            return act()
        except Exception:  # noqa: BLE001  of any file system
            time.sleep(pause)
    return act()


def _said(error: Exception) -> str:
    is_ours = isinstance(error, SafeBenchError | OSError)
    return str(error) if is_ours else f"{type(error).__name__}: {error}"


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
    """Inside, what is done is told at each beat, and once more after it; when it is time to stop, that comes as ctrl-C
    does. Whoever cannot be told does not hold the work up.
    """
    ended = threading.Event()

    def must_stop() -> bool:
        try:
            return tell(counting.done, counting.open)
        except Exception:  # noqa: BLE001  of any executor
            return False

    def beat() -> None:
        while not ended.wait(BEAT):
            if must_stop():
                interrupt_main()
                return

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        must_stop()
