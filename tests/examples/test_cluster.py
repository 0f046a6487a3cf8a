"""The array script of examples/cluster/, run by bash as Slurm would start it, task by task."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from safebench.cli.main import run_command
from safebench.store.store import Store
from tests.end_to_end.scripted import summary_of
from tests.forked.server import write_command

SCRIPT = Path(__file__).parents[2] / "examples" / "cluster" / "shards.sbatch"
RUN = 'data = "starter"\nlimit = 12\nconditions = ["text"]\ntarget = "reference"\n'
SHARDS = 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a run file, and a `safebench` that the script finds."""
    (tmp_path / "run.toml").write_text(RUN, encoding="utf-8")
    (tmp_path / "bin").mkdir()
    write_command(tmp_path / "bin")
    return tmp_path


def task(folder: Path, number: int, **environment: str) -> subprocess.CompletedProcess[str]:
    told = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "SLURM_ARRAY_TASK_ID": str(number), **environment}
    return subprocess.run(
        ["bash", str(SCRIPT), "run.toml", "big"], cwd=folder, env={**os.environ, **told},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_all_tasks_of_the_array_make_the_whole(folder: Path) -> None:
    for number in range(1, SHARDS + 1):
        done = task(folder, number, SHARDS=str(SHARDS), SLURM_CPUS_PER_TASK="1")
        assert done.returncode == 0, done.stderr
    again = task(folder, 2, SHARDS=str(SHARDS), SLURM_ARRAY_TASK_COUNT="1")
    assert again.returncode == 0, "one task alone, of a later array"
    shards = sorted((folder / "big" / "shards").iterdir())
    assert [shard.name for shard in shards] == ["0001", "0002", "0003"]
    assert run_command(["merge", str(folder / "whole"), *map(str, shards)]) == 0
    assert run_command(["report", str(folder / "whole")]) == 0
    assert summary_of(folder / "whole")["conditions"][0]["n"] == 12
    with Store(folder / "whole", readonly=True) as store:
        assert [row[0] for row in store.rows("SELECT id FROM items ORDER BY id")] == list(range(1, 13))


@pytest.mark.parametrize("number", [0, 4])
def test_a_task_outside_of_the_cut_is_refused(number: int, folder: Path) -> None:
    done = task(folder, number, SHARDS=str(SHARDS))
    assert done.returncode == 2
    assert "give --array=1-3" in done.stderr


def test_without_the_number_of_shards_nothing_is_asked(folder: Path) -> None:
    done = task(folder, 1)
    assert done.returncode != 0
    assert "set SHARDS" in done.stderr
    assert not (folder / "big").exists()
