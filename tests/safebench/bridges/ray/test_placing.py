"""What is done about shards that are worked on elsewhere; here, that is this process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from safebench.bridges.ray import placing
from safebench.bridges.ray.placing import Placement, Seen, Warned
from safebench.bridges.ray.shared_folder import STOPPED
from safebench.bridges.ray.working import FAILED, LOST, Job, ShardEnd, work
from safebench.cli.main import run_command
from safebench.datasets.config import make_convert_config
from safebench.datasets.shards import read_converted
from safebench.errors import BadInput, BudgetSpent, Interrupted, SafeBenchError
from safebench.files import read_toml
from safebench.plugins import is_installed
from safebench.progress import NoProgress
from safebench.runs.config import RunConfig, make_config
from safebench.runs.run import RunResult, run
from safebench.testing.server import ScriptedServer
from tests.end_to_end.scripted import summary_of
from tests.fixture_types import WriteJsonl

SHARDS = 3


class Here:
    """Works on one shard after the other. `ends`: those that it does not work on, and what becomes of them."""

    def __init__(self, ends: Mapping[int, tuple[str, str]] | None = None) -> None:
        self.ends, self.worked = ends or {}, []  # type: tuple[Mapping[int, tuple[str, str]], list[int]]
        self.job: Job | None = None

    def work(
        self, job: Job, numbers: Sequence[int], seen: Seen, stop: threading.Event, warned: Warned
    ) -> Iterator[ShardEnd]:
        self.job = job
        for number in numbers:
            if stop.is_set():
                return
            if number in self.ends:
                yield ShardEnd(number, *self.ends[number])
            else:
                self.worked.append(number)
                yield work(job, number, lambda done, still_open: False)


class Listening(NoProgress):
    def __init__(self) -> None:
        self.bars: list[tuple[str, int, int]] = []
        self.open: list[bool] = []

    def planned(self, name: str, total: int, done: int = 0, still_open: int = 0) -> None:
        self.bars.append((name, total, done))

    def advanced(self, name: str, *, is_open: bool) -> None:
        self.open.append(is_open)


@pytest.fixture
def config(tmp_path: Path, world: ScriptedServer, jury_file: Path, write_jsonl: WriteJsonl) -> Callable[..., RunConfig]:
    """A run of 8 queries into the folder of that name."""
    labels = ["vote unsafe 1", "vote refused 5", "vote safe 4", "garbage"]
    data = write_jsonl([{"id": f"q{n}", "query": f"say {labels[n % 4]} number {n}"} for n in range(8)])
    asked: dict[str, Any] = {
        "data": str(data), "conditions": ["text"], "target": "openai:tested", "base_url": world.url,
        "jury": str(jury_file), "max_open": 1.0, "allow_unproven": True,
    }  # fmt: skip
    return lambda out="out", **more: make_config("test", out=str(tmp_path / out), **{**asked, **more})


def placed(
    config: RunConfig, executor: Here, shared: str | None = None, listening: Listening | None = None
) -> RunResult:
    return Placement(executor, SHARDS, shared).run(config, listening or Listening())


def alike(folder: str) -> dict[str, Any]:
    assert run_command(["report", folder, "--quiet"]) == 0
    summary = summary_of(Path(folder))
    summary["run"]["name"] = ""
    return summary


@pytest.mark.parametrize("memory", [False, True])
def test_the_whole_of_all_shards_is_the_run_that_nobody_cut(
    memory: bool, config: Callable[..., RunConfig], world: ScriptedServer
) -> None:
    run(config("plain"))
    calls, listening, here = len(world.calls), Listening(), Here()
    result = placed(config(), here, f"memory://{uuid4().hex}" if memory else None, listening)
    assert len(world.calls) == 2 * calls
    assert here.worked == [1, 2, 3]
    assert listening.bars == [("3 shards", 8, 0)]
    assert len(listening.open) == 8
    assert result.problems == ()
    assert alike(config().out) == alike(config("plain").out)
    written, asked = (read_toml(Path(config(name).out) / "run.toml") for name in ("out", "plain"))
    assert {**written, "out": ""} == {**asked, "out": ""}
    assert Path(f"{config().out}.shards").exists() is not memory
    again = Here()
    placed(config(), again)
    assert (again.worked, len(world.calls)) == ([], 2 * calls)


def test_only_what_is_not_whole_is_worked_on_again(config: Callable[..., RunConfig]) -> None:
    first, second, listening = Here({2: (LOST, "its node died")}), Here(), Listening()
    with pytest.raises(SafeBenchError, match=r"^shard 2/3: its node died\nall else is kept, and the same command"):
        placed(config(), first)
    assert first.worked == [1, 3]
    assert not Path(config().out).exists()
    placed(config(), second, listening=listening)
    assert second.worked == [2]
    assert listening.bars == [("3 shards", 8, 5)]


def test_after_an_error_that_all_would_have_none_is_begun(config: Callable[..., RunConfig]) -> None:
    here = Here({1: (FAILED, "no key")})
    with pytest.raises(SafeBenchError, match="shard 1/3: no key"):
        placed(config(), here)
    assert here.worked == []


def test_ctrl_c_ends_it_and_the_same_command_goes_on(config: Callable[..., RunConfig]) -> None:
    class Stopped(Here):
        def work(
            self, job: Job, numbers: Sequence[int], seen: Seen, stop: threading.Event, warned: Warned
        ) -> Iterator[ShardEnd]:
            os.kill(os.getpid(), 2)
            assert stop.wait(5)
            yield work(job, 1, lambda done, still_open: False)
            yield ShardEnd(2, STOPPED)

    with pytest.raises(Interrupted):
        placed(config(), Stopped())
    here = Here()
    placed(config(), here)
    assert here.worked == [2, 3]


def test_shards_that_stopped_at_their_budget_go_on_with_a_larger_one(
    config: Callable[..., RunConfig], world: ScriptedServer
) -> None:
    run(config("plain"))
    plain, here = len(world.calls), Here()
    with pytest.raises(BudgetSpent, match=r"^shard 1/3: .*; raise --max-calls to go on\nshard 2/3: .*\nshard 3/3: "):
        placed(config(max_calls=15), here)
    assert here.worked == [1, 2, 3]
    assert plain < len(world.calls) < 2 * plain
    assert not Path(config().out).exists()
    again = Here()
    assert placed(config(max_calls=plain * 3), again).problems == ()
    assert again.worked == [1, 2, 3]
    assert len(world.calls) == 2 * plain
    assert alike(config().out) == alike(config("plain").out)


def test_a_conversion_goes_on_with_a_larger_budget_and_data_that_lie_elsewhere(
    tmp_path: Path, write_jsonl: WriteJsonl
) -> None:
    data = write_jsonl([{"id": f"q{n}", "query": f"Count to {n}."} for n in range(3)])
    asked = {"conditions": ["image"], "check_share": 0.0, "recognisers": ["none"], "out": str(tmp_path / "out")}
    small = make_convert_config("test", data=str(data), max_calls=5, **asked)
    with pytest.raises(BudgetSpent, match="shard 1/2: raise --max-calls"):
        Placement(Here({1: (STOPPED, "raise --max-calls")}), 2).convert(small, NoProgress())
    data.rename(moved := data.with_name(f"moved-{data.name}"))
    here = Here()
    Placement(here, 2).convert(make_convert_config("test", data=str(moved), max_calls=50, **asked), NoProgress())
    assert here.worked == [1]


def test_a_shared_folder_of_something_else_is_refused(config: Callable[..., RunConfig]) -> None:
    with pytest.raises(SafeBenchError):
        placed(config(), Here(dict.fromkeys((1, 2, 3), (LOST, "gone"))))
    with pytest.raises(BadInput, match=r"holds shards of another whole, which differs in .*seed \(there 0, here 7\)"):
        placed(config(seed=7), Here())
    with pytest.raises(BadInput, match=r"shards \(there 3, here 4\)"):
        Placement(Here(), 4).run(config(), NoProgress())


def test_what_cannot_be_cut_is_said_before_anything_begins(config: Callable[..., RunConfig]) -> None:
    here = Here()
    for asked, shards, why in (
        (config(max_calls=2), 3, "leaves none for 3/3"), (config(), 9, "the data have 8 clusters"),
        (config(conditions=["text", "image"], probe=1.0), 3, "say --probe-form"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=why):
            Placement(here, shards).run(asked, NoProgress())
    assert here.job is None
    assert not Path(f"{config().out}.shards").exists()


def test_keys_go_to_the_machines_in_memory_alone(
    config: Callable[..., RunConfig], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("OPENAI_API_KEY", "MY_OWN", "NOBODY_S"):
        monkeypatch.setenv(name, f"value-of-{name}")
    here = Here()
    placed(config(api_key_env="MY_OWN"), here)
    assert here.job is not None
    sent = here.job.environment
    assert sent["OPENAI_API_KEY"] == "value-of-OPENAI_API_KEY"
    assert sent["MY_OWN"] == "value-of-MY_OWN"
    assert "NOBODY_S" not in sent
    assert "value-of" not in repr(here.job)
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not [content for content in written if b"value-of" in content]


def test_a_conversion_is_shared_in_the_same_way(tmp_path: Path, write_jsonl: WriteJsonl) -> None:
    data, out = str(write_jsonl([{"id": f"q{n}", "query": f"Count to {n}."} for n in range(3)])), tmp_path / "out"
    asked = {"data": data, "conditions": ["image"], "check_share": 0.0, "recognisers": ["none"]}
    config, here, listening = make_convert_config("test", out=str(out), **asked), Here(), Listening()
    made = Placement(here, 2).convert(config, listening)
    assert (here.worked, listening.bars, len(listening.open)) == ([1, 2], [("2 shards", 3, 0)], 3)
    assert [query.id for query in read_converted(out).queries] == ["q0", "q1", "q2"]
    assert made.failed == 0


def test_what_a_lost_shard_had_done_is_shown_once() -> None:
    listening = Listening()
    bar = placing._Bar(listening, {1: 4, 2: 4}, whole={2})
    for done, still_open in ((3, 1), (1, 0), (4, 2)):
        bar.seen(1, done, still_open)
    assert listening.bars == [("2 shards", 8, 4)]
    assert listening.open == [True, False, False, True]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shards", "3"], "--shards goes with --executor ray"),
        (["--executor", "ray"], "write --executor ray --shards N"),
        (["--executor", "ray", "--shards", "3", "--shard", "1/3"], "--executor does not go with --shard"),
        pytest.param(
            ["--executor", "ray", "--shards", "3"],
            "--executor ray needs ray, which is not installed: pip install 'safebench[ray]'",
            marks=pytest.mark.skipif(is_installed("ray"), reason="ray is installed"),
        ),
    ],
)
def test_what_does_not_go_together_is_one_line(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "out"), *options]
    assert run_command(["run", "--data", "starter-small", "-c", "text", "--target", "reference", *out]) == 2
    assert said in capsys.readouterr().err
    assert run_command(["convert", "starter-small", "-c", "image", *out]) == 2
    assert said in capsys.readouterr().err
