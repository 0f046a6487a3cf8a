from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from safebench.errors import Stopping
from safebench.rendering import pool
from safebench.rendering.chain import recognise
from safebench.rendering.pool import Kept, WorkerDied, Workers, keeping
from safebench.rendering.recognition import RecogniserCache
from safebench.types import Fidelity, Media, Rendering


@pytest.fixture(autouse=True)
def _cold_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pool starts its own."""
    monkeypatch.setattr(pool, "ProcessPoolExecutor", ProcessPoolExecutor)


async def test_work_is_done_in_another_process() -> None:
    workers = Workers(1)
    assert await workers.run(os.getpid) != os.getpid()
    workers.close()


async def test_what_the_function_raises_reaches_the_caller() -> None:
    workers = Workers(1)
    with pytest.raises(ValueError, match="invalid literal"):
        await workers.run(int, "x")
    workers.close()


async def test_a_worker_that_dies_fails_its_job_and_the_next_job_gets_a_new_one() -> None:
    workers = Workers(1)
    with pytest.raises(WorkerDied, match="kill"):
        await workers.run(kill)
    assert await workers.run(len, "abc") == 3
    workers.close()


async def test_a_worker_that_dies_takes_no_other_job_with_it() -> None:
    workers = Workers(2)
    jobs = [workers.run(slow, n) for n in range(3)]
    killed, *others = await asyncio.gather(workers.run(kill), *jobs, return_exceptions=True)
    assert isinstance(killed, WorkerDied)
    assert others == [0, 1, 2]
    workers.close()


def slow(number: int) -> int:
    time.sleep(0.5)  # so that it is under way when the other worker dies
    return number


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def test_processes_are_kept_for_the_next_piece_of_work_but_not_where_they_were_killed() -> None:
    kept: Kept = {}

    async def worked(kill: bool = False) -> int:
        with keeping(kept):
            workers = Workers(1)
        process = await workers.run(os.getpid)
        left_off = asyncio.create_task(workers.run(time.sleep, 0.5))
        await asyncio.sleep(0.1)
        left_off.cancel()
        if kill:
            workers.kill()
        workers.close()
        return process

    first = await worked()
    assert (await worked(), await worked(kill=True), kept) == (first, first, {})
    other = Workers(1)
    assert first not in {await worked(), await other.run(os.getpid)}
    kept.pop(1).shutdown()
    other.close()


UNGUARDED = """
import os, sys
import safebench.concurrency, safebench.rendering.pool
print("begun", flush=True)
before = dict(vars(sys.modules["__main__"]))
workers = safebench.rendering.pool.Workers(1)
assert safebench.concurrency.block_on(workers.run(os.getpid)) != os.getpid()
workers.close()
after = vars(sys.modules["__main__"])
assert all(after.get(name, 0) is before.get(name, 0) for name in ("__file__", "__spec__"))
"""


@pytest.mark.parametrize("how", ["file", "stdin", "command", "loop"])
def test_a_program_needs_no_guard_and_no_file(how: str, tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    code = UNGUARDED
    if how == "loop":
        code = f"import asyncio\nasync def cell():\n    exec({code!r}, globals())\nasyncio.run(cell())\n"
    script.write_text(code, encoding="utf-8")
    arguments = {"file": [str(script)], "stdin": ["-"]}.get(how, ["-c", code])
    given = code if how == "stdin" else None
    done = subprocess.run(
        [sys.executable, *arguments], input=given, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.returncode) == ("begun\n", 0), done.stderr  # once: no worker has run it again


ORPHANING = """
import asyncio, os, signal
from safebench.rendering.pool import Workers
async def main():
    print(await Workers(1).run(os.getpid), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    asyncio.run(main())
"""


def test_workers_end_with_their_parent_however_it_ended(tmp_path: Path) -> None:
    script = tmp_path / "orphaning.py"
    script.write_text(ORPHANING, encoding="utf-8")
    told = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    worker = Path("/proc") / told.stdout.strip()
    deadline = time.monotonic() + 10
    while worker.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not worker.exists()


class Counting(Workers):
    """Runs nothing elsewhere, and counts."""

    def __init__(self) -> None:
        super().__init__(1)
        self.jobs = 0

    async def run(self, function, *arguments):  # type: ignore[no-untyped-def]
        assert function is recognise
        self.jobs += 1
        return f"text of {arguments[1].sha256[:4]}"


async def test_the_same_bytes_are_read_once() -> None:
    workers = Counting()
    cache = RecogniserCache(workers)
    one, other = Media.of("image", "image/png", b"one"), Media.of("image", "image/png", b"other")
    assert await cache.recognise("ocr", one) == await cache.recognise("ocr", one)
    await cache.recognise("ocr", other)
    await cache.recognise("other-ocr", one)
    assert workers.jobs == 3


async def test_what_a_fidelity_check_has_read_is_not_read_again() -> None:
    workers = Counting()
    cache = RecogniserCache(workers)
    media = Media.of("image", "image/png", b"one")
    cache.learn(Rendering("r", "k", media, Fidelity("passed", {"cer": 0.0}, "ocr", "as read")))
    assert await cache.recognise("ocr", media) == "as read"
    assert workers.jobs == 0


async def test_what_is_killed_ends_at_once_however_busy_it_is() -> None:
    workers = Workers(1)
    process = await workers.run(os.getpid)
    jobs = [asyncio.create_task(workers.run(time.sleep, 600)) for _ in range(3)]
    await asyncio.sleep(0.2)
    started = time.monotonic()
    workers.kill()
    ended = await asyncio.gather(*jobs, workers.run(len, "abc"), return_exceptions=True)
    workers.close()
    assert [type(one) for one in ended] == 4 * [Stopping]  # no job of them counts as one that kills its worker
    assert time.monotonic() - started < 10
    assert not Path(f"/proc/{process}").exists()  # noqa: ASYNC240


async def test_a_job_that_is_done_again_alone_is_killed_as_well(tmp_path: Path) -> None:
    workers = Workers(1)
    first, second = tmp_path / "first", tmp_path / "second"
    job = asyncio.create_task(workers.run(die_and_then_hang, first, second))
    await asyncio.to_thread(wait_until, second.exists)
    workers.kill()
    with pytest.raises(Stopping):
        await job
    workers.close()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.05)


def die_and_then_hang(first: Path, second: Path) -> None:
    if not first.exists():
        first.touch()
        kill()
    second.touch()
    time.sleep(600)


INTERRUPTED = """
import asyncio, time
from safebench.rendering.pool import Workers
async def main():
    workers = Workers(2)
    try:
        await asyncio.gather(workers.run(len, "a"), workers.run(len, "b"))
        print("begun", flush=True)
        await workers.run(time.sleep, 5)
    finally:
        print("closing", flush=True)
        workers.close()
if __name__ == "__main__":
    asyncio.run(main())
"""


def test_a_close_that_is_interrupted_leaves_no_process_to_wait_for(tmp_path: Path) -> None:
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED, encoding="utf-8")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        for line in (b"begun\n", b"closing\n"):
            assert process.stdout.readline() == line
            time.sleep(0.3)  # inside what it does next
            process.send_signal(signal.SIGINT)
        try:
            assert process.wait(60) != 0
        finally:
            process.kill()
