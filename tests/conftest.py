"""What all tests share: scripted servers, run folders, and small data sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from safebench.testing.server import Call, Reply, ScriptedServer
from tests.end_to_end.scripted import JUROR, answer
from tests.fixture_types import Serve, WriteJsonl
from tests.warm_workers import WarmWorkers

# the gate draws the same examples each time: a new one that fails belongs to whoever looks for it, with
# `pytest --hypothesis-profile=search`, and not to whoever happens to run the tests next
hypothesis.settings.register_profile("gate", derandomize=True, deadline=None)
hypothesis.settings.register_profile("search", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("gate")


# what `make check` leaves out, by the beginning of its name: whole runs in processes of their own, real browsers,
# simulations
SLOW = (
    "tests/benchmarks/",
    "tests/chaos/",
    "tests/end_to_end/",
    "tests/forked/",
    "tests/fuzz/",
    "tests/ray/",
    "tests/test_docs.py::test_commands_run_as_written",
    "tests/test_examples.py",
    "tests/converters/test_contracts.py::TestKokoro",
    "tests/modalities/audio/test_voices.py",
    "tests/voices/",
    "tests/safebench/bridges/ray/test_placing.py",
    "tests/safebench/cli/test_skeleton.py",
    "tests/safebench/datasets/test_conversion.py",
    "tests/safebench/datasets/test_merging.py",
    "tests/safebench/datasets/test_load.py",
    "tests/safebench/datasets/test_paper_layout.py",
    "tests/safebench/jury/calibration/test_calibrate.py",
    "tests/safebench/jury/calibration/test_votes.py::test_intervals_cover_what_theory_says",
    "tests/safebench/reports/pages/test_accessibility.py",
    "tests/safebench/reports/pages/test_run_page.py",
    "tests/safebench/reports/pages/test_runs_pages.py",
    "tests/safebench/reports/test_summary.py::test_500_queries",
    "tests/safebench/review/test_page.py",
    "tests/website/test_site.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session", autouse=True)
def _warm_workers() -> Iterator[None]:
    workers = WarmWorkers()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("safebench.rendering.pool.ProcessPoolExecutor", workers)
        yield
    workers.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start scripted servers that end with the test."""
    servers: list[ScriptedServer] = []

    def start(answer: Callable[[Call], Reply]) -> ScriptedServer:
        server = ScriptedServer(answer)
        server.__enter__()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.__exit__()


@pytest.fixture
def write_jsonl(tmp_path: Path) -> WriteJsonl:
    def write(rows: list[dict[str, Any]], name: str = "queries.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture
def world(serve: Serve) -> ScriptedServer:
    """A target that answers as its query says, and jurors that vote as the answer says."""
    return serve(answer)


@pytest.fixture
def jury_file(tmp_path: Path, world: ScriptedServer) -> Path:
    """Three jurors of the world's, and one round."""
    path = tmp_path / "jury.toml"
    juror = f'[[jurors]]\nmodel = "openai:{JUROR}"\nbase_url = "{world.url}"\n'
    path.write_text("[protocol]\nrounds = 1\n" + 3 * juror, encoding="utf-8")
    return path
