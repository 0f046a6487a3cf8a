from __future__ import annotations

from pathlib import Path

import pytest

from safebench.jury.protocol import Jury
from safebench.rendering.pool import Workers
from safebench.runs.config import make_config
from safebench.runs.run import run
from safebench.stopping import close_all, command_line
from safebench.targets.reference import ReferenceTarget


class Opened:
    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name, self.error, self.is_closed = name, error, False

    async def close(self) -> None:
        self.is_closed = True
        if self.error is not None:
            raise self.error


async def test_all_are_closed_and_one_that_cannot_be_is_a_warning() -> None:
    opened = [Opened("first"), Opened("second", RuntimeError("stuck")), Opened("third")]
    with pytest.warns(UserWarning, match="second could not be closed: RuntimeError: stuck"):
        await close_all(*opened)
    assert all(one.is_closed for one in opened)


def test_a_target_that_cannot_be_closed_takes_neither_result_nor_jury_nor_workers_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(self: object) -> None:
        raise RuntimeError("stuck")

    async def note(self: object) -> None:
        closed.append("jury")

    closed: list[str] = []
    monkeypatch.setattr(ReferenceTarget, "close", stuck)
    monkeypatch.setattr(Jury, "close", note)
    monkeypatch.setattr(Workers, "close", lambda self: closed.append("workers"))
    config = make_config("test", data="starter", conditions=["text"], target="reference", limit=1, out=str(tmp_path))
    with pytest.warns(UserWarning, match="could not be closed"):
        assert sum(run(config).counts["text"].values()) == 1
    assert sorted(closed) == ["jury", "workers"]


def test_a_command_can_be_typed_whatever_is_in_its_paths() -> None:
    assert command_line("run", Path("my runs/run.toml")) == "safebench run 'my runs/run.toml'"
