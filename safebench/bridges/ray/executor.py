"""Shards on a Ray cluster, or on this machine where none is named. Ray starts again what is lost with a machine.

Each actor takes shard after shard, so that a local model is loaded once. As many are asked for as there are shards
left: those for which there is no room wait, and are what an autoscaler sees; they are sent home when no shard is left.
"""

from __future__ import annotations

import math
import os
import re
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from safebench.bridges.ray.placing import Seen, Warned
from safebench.bridges.ray.working import BEAT, LOST, Job, ShardEnd, work
from safebench.errors import BadInput, MissingPackage, SafeBenchError
from safebench.plugins import is_installed
from safebench.rendering.pool import Kept, keeping

RESTARTS = 3  # of an actor whose machine or process is lost
MOST = 256  # actors that are asked for
PATIENCE = 15.0  # s for which nobody may be at work before it is said
ANSWERED = 10.0  # s that the board may take to answer
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class OnRay:
    """`address` of the cluster; else, and where RAY_ADDRESS says none, one of this machine's own. `gpus`: of an actor.

    Raises MissingPackage where Ray is not installed. Nothing is started before there is work.
    """

    def __init__(self, address: str | None = None, gpus: float = 0) -> None:
        if not is_installed("ray"):
            raise MissingPackage("--executor ray", ["ray"], "ray")
        self._address = address or os.environ.get("RAY_ADDRESS") or "local"
        self._gpus = gpus

    def work(
        self, job: Job, numbers: Sequence[int], seen: Seen, stop: threading.Event, warned: Warned
    ) -> Iterator[ShardEnd]:
        """As of an `Executor`. Raises SafeBenchError where the cluster cannot be reached, or nothing can work on it."""
        ray = _started(self._address)
        needs = {"CPU": job.config.workers or 1, "GPU": self._gpus}
        try:
            if self._address == "local":
                _check_room(needs, ray.cluster_resources())
            yield from _Crew(ray, job, numbers, needs).ended(seen, stop, warned)
        except ray.exceptions.RayError as error:
            raise SafeBenchError(f"Ray at {self._address} cannot work on it: {_line(error)}") from error
        finally:
            ray.shutdown()


def _started(address: str) -> Any:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nobody is called whom the user did not name
    import ray

    own = {"include_dashboard": False} if address == "local" else {}
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address, log_to_driver=False, logging_level="ERROR", **own)
    except Exception as error:
        raise SafeBenchError(f"Ray at {address} cannot be used: {error}") from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)  # Ray's own ends its node, and with it all that is at work
    return ray


def _check_room(needs: Mapping[str, float], there: Mapping[str, float]) -> None:
    """Raises BadInput for what a shard of this machine would wait for without end."""
    for option, resource in (("--workers", "CPU"), ("--gpus-per-shard", "GPU")):
        if needs[resource] > there.get(resource, 0):
            raise BadInput(f"{option} {needs[resource]:g}: this machine has {there.get(resource, 0):g} {resource}s")


class Board:
    """An actor on the machine of the command: what shards tell of themselves, and whether they are to stop."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, int]] = {}
        self._stop = False

    def tell(self, number: int, done: int, still_open: int) -> bool:
        self._seen[number] = done, still_open
        return self._stop

    def read(self, stop: bool) -> dict[int, tuple[int, int]]:
        self._stop = stop
        return self._seen


class Worker:
    """An actor that works on one shard at a time, all with the same processes for what is rendered. It is made of
    nothing, so that Ray can make it again elsewhere.
    """

    def __init__(self) -> None:
        self._kept: Kept = {}

    def ready(self) -> None:
        """Answered when there is a machine for it."""

    def work(self, job: Job, number: int, board: Any) -> ShardEnd:
        import ray

        def tell(done: int, still_open: int) -> bool:
            stop: bool = ray.get(board.tell.remote(number, done, still_open), timeout=ANSWERED)
            return stop

        with keeping(self._kept):
            return work(job, number, tell)


class _Crew:
    """The actors of one job, each with the answer that it owes."""

    def __init__(self, ray: Any, job: Job, numbers: Sequence[int], needs: Mapping[str, float]) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._ray, self._job, self._left, self._needs = ray, job, deque(numbers), needs
        again = {"max_restarts": -1, "max_task_retries": -1}
        self._board = ray.remote(num_cpus=0, scheduling_strategy=here, **again)(Board).remote()
        places = {"num_cpus": needs["CPU"], "num_gpus": needs["GPU"]}
        # tries are not counted: many fail before Ray knows that a machine is lost, restarts are what counts
        self._kind = ray.remote(**places, max_restarts=RESTARTS, max_task_retries=-1)(Worker)
        self._owed: dict[Any, tuple[Any, int | None]] = {}
        self._unable: Exception | None = None  # why an actor could not start
        self._patient_until = time.monotonic() + PATIENCE
        for _ in range(min(len(numbers), MOST)):
            self._hire()

    def ended(self, seen: Seen, stop: threading.Event, warned: Warned) -> Iterator[ShardEnd]:
        """Raises RayError where no actor could start that is still needed."""
        while self._owed:
            ready = self._ray.wait(list(self._owed), timeout=BEAT)[0]
            for number, counts in self._ray.get(self._board.read.remote(stop.is_set())).items():
                seen(number, *counts)
            for answer in ready:
                yield from self._after(answer, stop, warned)
            if stop.is_set() or not self._left:
                self._send_home()
            self._watch(warned)
        if self._unable and self._left and not stop.is_set():
            raise self._unable

    def _after(self, answer: Any, stop: threading.Event, warned: Warned) -> Iterator[ShardEnd]:
        """What has ended, if anything; then the actor goes on, and the others without one that cannot start."""
        actor, number = self._owed.pop(answer)
        try:
            end: ShardEnd | None = self._ray.get(answer)
        except self._ray.exceptions.RayError as error:
            if number is None:
                if not self._unable:
                    warned(f"an actor cannot start, and the others go on: {_line(error)}")
                self._unable = error
                return
            end = ShardEnd(number, LOST, _line(error))
        if end:
            yield end
        if end and end.state == LOST:
            self._ray.kill(actor)
            self._hire()
        else:
            self._go_on(actor, stop)

    def _watch(self, warned: Warned) -> None:
        """Says after a while that nobody is at work for want of room."""
        now = time.monotonic()
        if any(number is not None for _, number in self._owed.values()):
            self._patient_until = now + PATIENCE
        elif self._owed and now > self._patient_until:
            self._patient_until = math.inf
            there = self._ray.cluster_resources()
            needs = {name: count for name, count in self._needs.items() if count}
            has = _listed({name: there.get(name, 0) for name in needs})
            warned(
                f"no machine has room yet for a shard, which needs {_listed(needs)}: Ray has {has}. This waits for more"
            )

    def _hire(self) -> None:
        actor = self._kind.remote()
        self._owed[actor.ready.remote()] = (actor, None)

    def _go_on(self, actor: Any, stop: threading.Event) -> None:
        if not self._left or stop.is_set():
            self._ray.kill(actor)
            return
        number = self._left.popleft()
        self._owed[actor.work.remote(self._job, number, self._board)] = (actor, number)

    def _send_home(self) -> None:
        """Those that wait for a machine."""
        for answer, (actor, number) in list(self._owed.items()):
            if number is None:
                self._ray.kill(actor)
                del self._owed[answer]


def _listed(resources: Mapping[str, float]) -> str:
    return " and ".join(f"{count:g} {name}" for name, count in resources.items())


def _line(error: Exception) -> str:
    """How it begins and ends: where it was, and why. The trace of the other machine stands between them."""
    cause = getattr(error, "cause", None) or error
    lines = [line.strip(" \t:,") for line in COLOUR.sub("", str(cause)).splitlines() if line.strip()]
    return ": ".join([type(cause).__name__, *dict.fromkeys([*lines[:1], *lines[-1:]])])
