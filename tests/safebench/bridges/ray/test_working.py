"""What becomes of a shard on its machine, whatever fails there."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from safebench.bridges.ray import working
from safebench.bridges.ray.shared_folder import STOPPED, WHOLE, SharedFolder
from safebench.bridges.ray.working import FAILED, LOST, Job, ShardEnd, work
from safebench.errors import BadInput, BudgetSpent, Interrupted
from safebench.runs.config import make_config


class ConnectionLost(Exception):  # of a file system far away, or of an executor
    pass


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """Whose local folders lie in `local`."""
    monkeypatch.setattr(working, "PAUSES", (0.0, 0.0))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "local").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "local"))
    config = make_config("test", data="starter-small", conditions=["text"], target="reference", out="out")
    return Job(config, 3, str(tmp_path / "shards"), str(tmp_path), False, {})


@pytest.fixture
def paying(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Each time that a shard is worked on, more is paid; then comes the error. What was there at the beginning."""

    def ending(error: BaseException | None = None, spent: str = "") -> list[str]:
        before: list[str] = []

        def start(config: Any, progress: object) -> str:
            (folder := Path(config.out)).mkdir(exist_ok=True)
            file = folder / "run.db"
            before.append(file.read_text() if file.exists() else "")
            file.write_text(before[-1] + "paid ")
            (folder / "a.txt").write_text("a")
            if error:
                raise error
            return spent

        monkeypatch.setattr(working, "_start", start)
        return before

    return ending


def nobody(done: int, still_open: int) -> bool:
    return False


def put(job: Job, state: str, folder: Path) -> dict[str, str]:
    SharedFolder(job.shared).get(1, state, folder)
    return {path.name: path.read_text() for path in folder.glob("*")}


PAID = {"run.db": "paid ", "a.txt": "a"}


@pytest.mark.parametrize(
    ("error", "state", "why"),
    [
        (sqlite3.OperationalError("disk is full"), LOST, "OperationalError: disk is full"),
        (ConnectionLost("of a plug-in"), LOST, "ConnectionLost: of a plug-in"),
        (BadInput("no such model"), FAILED, "no such model"),
        (OSError("no room"), FAILED, "no room"),
        (Interrupted("x"), STOPPED, ""),
        (KeyboardInterrupt(), STOPPED, ""),
    ],
)
def test_whatever_ends_it_what_was_paid_is_put(
    error: BaseException, state: str, why: str, job: Job, paying: Callable[..., list[str]], tmp_path: Path
) -> None:
    before = paying(error)
    assert work(job, 1, nobody) == ShardEnd(1, state, why)
    assert put(job, STOPPED, tmp_path / "again") == PAID
    work(job, 1, nobody)
    assert before == ["", "paid "]
    assert not list((tmp_path / "local").iterdir())


def test_what_ends_the_process_is_raised_and_what_was_paid_is_put(
    job: Job, paying: Callable[..., list[str]], tmp_path: Path
) -> None:
    paying(SystemExit(3))
    with pytest.raises(SystemExit):
        work(job, 1, nobody)
    assert put(job, STOPPED, tmp_path / "again") == PAID


def test_one_whose_budget_is_spent_is_stopped_and_says_so(job: Job, paying: Callable[..., list[str]]) -> None:
    paying(spent="raise --max-calls")
    assert work(job, 1, nobody) == ShardEnd(1, STOPPED, "raise --max-calls")
    assert not SharedFolder(job.shared).has(1, WHOLE)


def test_the_budget_of_a_conversion_is_no_error(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def spent(*_: object) -> None:
        raise BudgetSpent("raise --max-calls")

    monkeypatch.setattr(working, "run", spent)
    assert work(job, 1, nobody) == ShardEnd(1, STOPPED, "raise --max-calls")


def test_who_cannot_be_told_holds_nothing_up(
    job: Job, paying: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    heard: list[int] = []

    def tell(done: int, still_open: int) -> bool:
        heard.append(done)
        if len(heard) < 3:
            raise ConnectionLost("the board is away")
        return False

    monkeypatch.setattr(working, "BEAT", 0.0)
    with working._beating(working._Counting(), tell):
        while len(heard) < 3:
            pass
    heard.clear()
    paying()
    assert work(job, 1, tell) == ShardEnd(1, WHOLE)
    assert put(job, WHOLE, tmp_path / "again") == PAID


def test_one_that_is_whole_is_not_worked_on_again(job: Job, paying: Callable[..., list[str]]) -> None:
    before = paying()
    assert [work(job, 1, nobody) for _ in range(2)] == 2 * [ShardEnd(1, WHOLE)]
    assert before == [""]


def failing(monkeypatch: pytest.MonkeyPatch, method: str, times: int, after: int = 0) -> None:
    """So often, once it went well for a while."""
    real, calls = getattr(SharedFolder, method), []  # type: Callable[..., object], list[int]

    def failed(self: SharedFolder, *given: Any) -> object:
        calls.append(0)
        if after < len(calls) <= after + times:
            raise ConnectionLost("for a moment")
        return real(self, *given)

    monkeypatch.setattr(SharedFolder, method, failed)


def test_what_cannot_be_put_at_once_is_put_later(
    job: Job, paying: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paying()
    failing(monkeypatch, "put", 2)
    assert work(job, 1, nobody) == ShardEnd(1, WHOLE)
    assert put(job, WHOLE, tmp_path / "again") == PAID


def test_what_cannot_be_put_is_kept_where_it_is_said(
    job: Job, paying: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paying(BadInput("no such model"))
    failing(monkeypatch, "put", 99)
    ended = work(job, 1, nobody)
    [kept] = (tmp_path / "local").glob("*/shard")
    assert (kept / "run.db").read_text() == "paid "
    assert ended.state == FAILED
    assert ended.why.startswith(
        f"no such model; it cannot be put (ConnectionLost: for a moment), and is kept in {kept} "
    )


def test_after_half_a_copy_nothing_is_put(
    job: Job, paying: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paying(KeyboardInterrupt())
    work(job, 1, nobody)
    before = paying()
    get = SharedFolder.get

    def half(self: SharedFolder, number: int, state: str, folder: Path) -> None:
        get(self, number, state, folder)
        (folder / "run.db").unlink()
        raise OSError("Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(SharedFolder, "get", half)
        assert work(job, 1, nobody) == ShardEnd(1, FAILED, f"{job.shared} cannot be used: Input/output error")
    assert before == []
    assert put(job, STOPPED, tmp_path / "again") == PAID
    failing(monkeypatch, "get", 2)
    assert work(job, 1, nobody) == ShardEnd(1, WHOLE)
    assert before == ["paid "]
