"""What is done about actors of a Ray that is played here."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from safebench.bridges.ray import executor
from safebench.bridges.ray.executor import Board
from safebench.bridges.ray.shared_folder import WHOLE
from safebench.bridges.ray.working import LOST, ShardEnd

NEVER = 10**6


class RayError(Exception):
    pass


class Answer:
    """There after so many looks."""

    def __init__(self, value: object, looks: int = 0) -> None:
        self.value, self.looks = value, looks


class Actor:
    """A worker: when it is there, or why it cannot start; its shards take three looks."""

    def __init__(self, start: int | RayError) -> None:
        looks = start if isinstance(start, int) else 1
        self.ready = SimpleNamespace(remote=lambda: Answer(None if isinstance(start, int) else start, looks))
        self.work = SimpleNamespace(remote=lambda job, number, board: Answer(job(number), 3))


class PlayedRay:
    exceptions = SimpleNamespace(RayError=RayError)

    def __init__(self, starts: Sequence[int | RayError]) -> None:
        self._starts = iter(starts)
        self.killed: list[Actor] = []

    def get_runtime_context(self) -> Any:
        return SimpleNamespace(get_node_id=lambda: "here")

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 2.0, "memory": 1e9}

    def remote(self, **_: object) -> Callable[[type], Any]:
        board = SimpleNamespace(read=SimpleNamespace(remote=lambda stop: Answer({})))
        return lambda kind: SimpleNamespace(remote=lambda: board if kind is Board else Actor(next(self._starts)))

    def wait(self, answers: Sequence[Answer], timeout: float) -> tuple[list[Answer], list[Answer]]:
        for answer in answers:
            answer.looks -= 1
        return [answer for answer in answers if answer.looks <= 0], []

    def get(self, answer: Answer) -> object:
        if isinstance(answer.value, RayError):
            raise answer.value
        return answer.value

    def kill(self, actor: Actor) -> None:
        self.killed.append(actor)


@pytest.fixture(autouse=True)
def strategies(monkeypatch: pytest.MonkeyPatch) -> None:
    played = SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: node)
    monkeypatch.setitem(sys.modules, "ray.util.scheduling_strategies", played)


def worked(
    starts: Sequence[int | RayError], stop: threading.Event, warned: Callable[[str], None],
    made: Callable[[int], object] = lambda number: ShardEnd(number, WHOLE),
) -> Iterator[ShardEnd]:  # fmt: skip
    crew = executor._Crew(PlayedRay(starts), made, [1, 2], {"CPU": 4.0, "GPU": 1.0})  # type: ignore[arg-type]
    yield from crew.ended(lambda *_: None, stop, warned)


def test_an_actor_that_cannot_start_leaves_the_others_at_work() -> None:
    warned: list[str] = []
    ends = list(worked([1, RayError("no module here")], threading.Event(), warned.append))
    assert ends == [ShardEnd(1, WHOLE), ShardEnd(2, WHOLE)]
    assert warned == ["an actor cannot start, and the others go on: RayError: no module here"]


def test_without_any_actor_it_ends_with_the_reason() -> None:
    with pytest.raises(RayError, match="the last"):
        list(worked([RayError("the first"), RayError("the last")], threading.Event(), lambda _: None))


def test_the_shard_of_an_actor_that_is_lost_is_lost_and_another_takes_the_next() -> None:
    made = {1: RayError("its node died"), 2: ShardEnd(2, WHOLE)}
    ends = list(worked([1, NEVER, 1], threading.Event(), lambda _: None, made.__getitem__))
    assert ends == [ShardEnd(1, LOST, "RayError: its node died"), ShardEnd(2, WHOLE)]


def test_that_there_is_no_room_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "PATIENCE", 0.0)
    warned: list[str] = []
    stop = threading.Event()
    looks = iter([False] * 3)
    monkeypatch.setattr(stop, "is_set", lambda: next(looks, True))
    assert list(worked([NEVER, NEVER], stop, warned.append)) == []
    assert warned == [
        "no machine has room yet for a shard, which needs 4 CPU and 1 GPU: Ray has 2 CPU and 0 GPU. This waits for more"
    ]


def test_an_error_is_where_it_was_and_why_without_colours() -> None:
    error = RayError(
        "The actor died because of an error raised in its creation, \x1b[36mray::Worker.__init__()\x1b[39m (pid=7)\n"
        "  File \"x.py\", line 3, in __init__\nModuleNotFoundError: No module named 'safebench'\n"
    )
    assert executor._line(error) == (
        "RayError: The actor died because of an error raised in its creation, ray::Worker.__init__() (pid=7): "
        "ModuleNotFoundError: No module named 'safebench'"
    )
    error.cause = ValueError("wrong")  # type: ignore[attr-defined]
    assert executor._line(error) == "ValueError: wrong"
