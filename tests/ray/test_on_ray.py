"""Shards on a real Ray: on this machine, and on a cluster of two nodes. `make ray` installs it and runs these."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from safebench.bridges.ray.placing import Placement, Seen, Warned
from safebench.bridges.ray.working import Job, ShardEnd
from safebench.cli.main import run_command
from safebench.datasets.config import make_convert_config
from safebench.errors import BadInput
from safebench.files import read_toml
from safebench.progress import NoProgress
from safebench.runs.config import make_config
from safebench.testing.server import Call, Reply, ScriptedServer
from tests.converting import convert
from tests.end_to_end.batches import QUERIES, SAID, BatchService, RunFile, recorded, reported
from tests.end_to_end.scripted import JUROR, answer, safebench
from tests.fixture_types import Serve, WriteJsonl

pytest.importorskip("ray")

from safebench.bridges.ray.executor import OnRay

KEY = "a-key-that-nobody-may-write"
SHARDS = 8
PROCESSES = 2  # at once
LONGEST = 300.0  # s that anything may take


@pytest.fixture
def service(request: pytest.FixtureRequest) -> BatchService:
    told = told_by_its_digest if request.config.getoption("--queries", default=None) else answer
    return BatchService(lambda call: replace(told(call), delay=0.1))


def told_by_its_digest(call: Call) -> Reply:
    """Whatever is asked: one of the scripted answers, the same one for the same message."""
    if call.model == JUROR:
        return answer(call)
    word = SAID[crc32(repr(call.body["messages"]).encode()) % len(SAID)]
    scripted = f"say {word}" if word.startswith("vote") else word
    return answer(replace(call, body={**call.body, "messages": [{"role": "user", "content": scripted}]}))


@pytest.fixture
def world(serve: Serve, service: BatchService) -> ScriptedServer:
    """Takes its time."""
    server = serve(service)
    server.any_method = True
    return server


@pytest.fixture(autouse=True)
def written_by_ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where Ray writes; a short path, for its sockets."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    monkeypatch.setenv("RAY_TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Of one node with room for one shard."""
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield nodes
    nodes.shutdown()


class LosingANode:
    """Ray, of which a node is lost when both of two are at work."""

    def __init__(self, cluster: Any) -> None:
        self._cluster, self._lost = cluster, cluster.add_node(num_cpus=1)
        self._ray = OnRay(cluster.address)

    def work(
        self, job: Job, numbers: Sequence[int], seen: Seen, stop: threading.Event, warned: Warned
    ) -> Iterator[ShardEnd]:
        waited_for = set(numbers[:2])

        def watched(number: int, done: int, still_open: int) -> None:
            seen(number, done, still_open)
            if done and number in waited_for:
                waited_for.remove(number)
                if not waited_for:
                    self._cluster.remove_node(self._lost, allow_graceful=False)

        yield from self._ray.work(job, numbers, watched, stop, warned)
        assert not waited_for


def bodies(world: ScriptedServer) -> Counter[str]:
    """Of what was asked; each shard looks whether the endpoint is there, too."""
    return Counter(repr(call.body) for call in world.calls if call.body)


def in_processes(file: Path, shards: Path, out: Path) -> None:
    """Shards as an array of tasks would make them."""

    def made(number: int) -> Path:
        done = safebench(
            "run", file, "--shard", f"{number}/{SHARDS}", "--out", shards / str(number), cwd=file.parent
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return shards / str(number)

    with ThreadPoolExecutor(PROCESSES) as pool:
        folders = list(pool.map(made, range(1, SHARDS + 1)))
    assert run_command(["merge", str(out), *map(str, folders)]) == 0


def by_batches(file: Path, service: BatchService) -> None:
    """One request in ten of the first files expires."""
    for round in range(20):
        before = len(service.batches)
        assert run_command(["requests", "submit", str(file)]) == 0
        if len(service.batches) == before:
            return
        for id in [*service.batches][before:]:
            service.finish(id, expired=lambda number, first=round == 0: first and number % 10 == 3)
        assert run_command(["requests", "fetch", str(file)]) == 0
    raise AssertionError("no end")


@pytest.fixture
def asked(request: pytest.FixtureRequest, run_file: RunFile, write_jsonl: WriteJsonl) -> dict[str, Any]:
    """200 items, or those of the file that was named, written over the queries that `run_file` writes."""
    conditions = ["text", "image:typographic"]
    if named := request.config.getoption("--queries", default=None):
        return {"data": str(Path(named).resolve()), "conditions": conditions, "repeats": 3}
    rows = [
        {**row, "id": f"{row['id']}-{n}", "twin": f"{row['twin']}-{n}", "query": f"{row['query']} {n}"}
        for n in range(5)
        for row in QUERIES
    ]
    return {"data": str(write_jsonl(rows)), "conditions": conditions, "repeats": 1}


def test_a_run_is_the_same_plainly_in_processes_on_ray_without_a_node_and_by_batches(
    asked: dict[str, Any], run_file: RunFile, world: ScriptedServer, service: BatchService, cluster: Any,
    tmp_path: Path,
) -> None:  # fmt: skip
    assert run_command(["run", str(run_file("plain", **asked))]) == 0
    plain = bodies(world)
    in_processes(run_file("task", **asked), tmp_path / "tasks", tmp_path / "processes")
    assert bodies(world) == Counter({body: 2 * count for body, count in plain.items()})
    world.calls.clear()
    config = make_config("test", **read_toml(run_file("lost", **asked)))
    result = Placement(LosingANode(cluster), SHARDS).run(config, NoProgress())
    assert (result.problems, set(bodies(world))) == ((), set(plain))
    assert 0 < (bodies(world) - plain).total() < plain.total() / 2
    by_batches(run_file("filed", **asked), service)
    summary = reported(tmp_path / "plain")
    items = sum(cell["n"] for cell in summary["conditions"])
    assert items == sum(count for body, count in plain.items() if "'tested'" in body) >= 200
    for name in ("processes", "lost", "filed"):
        assert reported(tmp_path / name) == summary


def test_a_command_that_is_killed_and_interrupted_goes_on_and_no_key_is_written(
    run_file: RunFile, world: ScriptedServer, tmp_path: Path, written_by_ray: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert run_command(["run", str(run_file("plain"))]) == 0
    plain = bodies(world)
    file, shared = run_file("out", concurrency=2), Path(f"{tmp_path / 'out'}.shards")
    command = ["run", str(file), "--executor", "ray", "--shards", "8"]

    with begun(command, tmp_path) as process:
        wait(lambda: list(shared.glob("*.whole")))
        process.kill()
    wait_for_quiet(world)
    kept = calls_in(shared)
    world.calls.clear()

    with begun(command, tmp_path) as process:
        wait(lambda: bodies(world).total() > 4)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, errors = process.communicate(timeout=LONGEST)
    assert (process.returncode, "Continue with:\n  the same command" in errors) == (130, True)
    assert list(shared.glob("*.stopped"))
    kept += bodies(world).total()
    assert calls_in(shared) == kept
    world.calls.clear()

    done = safebench(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert bodies(world).total() == plain.total() - kept
    assert bodies(world) <= plain
    assert reported(tmp_path / "out") == reported(tmp_path / "plain")
    for place in (tmp_path, written_by_ray):
        files = [path for path in place.rglob("*") if path.is_file()]
        assert files
        assert not [path for path in files if KEY.encode() in path.read_bytes()]


def begun(command: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    """From nothing and in a process group of its own, as in a terminal, which Ray's processes belong to as well."""
    program = [sys.executable, "-c", "from safebench.cli.main import main; main()"]
    return subprocess.Popen([*program, *command], cwd=folder, text=True, start_new_session=True, stderr=subprocess.PIPE)


def wait(until: Callable[[], object]) -> None:
    deadline = time.monotonic() + LONGEST
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_for_quiet(world: ScriptedServer) -> None:
    """Until nobody asks any more: what is left of a killed command is at work for a moment."""
    before = -1
    while before < (before := len(world.calls)):
        time.sleep(5)


def calls_in(shared: Path) -> int:
    """Those of shards that are whole, or were stopped and not gone on with."""
    words = {path.stem: path for state in ("stopped", "whole") for path in sorted(shared.glob(f"*.{state}"))}
    return sum(len(recorded(shared / path.read_text())) for path in words.values())


def test_a_conversion_is_the_one_that_nobody_cut(tmp_path: Path, write_jsonl: WriteJsonl) -> None:
    data = write_jsonl([{"id": f"q{n}", "query": f"Count to {n}."} for n in range(4)])
    convert(str(data), ["image"], tmp_path / "plain", workers=1, check_share=0.0, recognisers=("none",))
    config = make_convert_config(
        "test", data=str(data), conditions=["image"], out=str(tmp_path / "out"), workers=1, check_share=0.0,
        recognisers=["none"],
    )  # fmt: skip
    Placement(OnRay(), 2).convert(config, NoProgress())
    files = [
        {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
        for out in (tmp_path / "plain", tmp_path / "out")
    ]
    assert files[0] == files[1]


def test_what_this_machine_lacks_is_not_waited_for(run_file: RunFile) -> None:
    config = make_config("test", **read_toml(run_file("out")))
    with pytest.raises(BadInput, match="--gpus-per-shard 999: this machine has"):
        Placement(OnRay(gpus=999), 2).run(config, NoProgress())
