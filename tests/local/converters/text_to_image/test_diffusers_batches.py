"""Batches all the way: a conversion in worker processes, and the benchmark."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from safebench import registry
from safebench.plugins import Converter, Work
from safebench.types import Query
from tests.converting import convert
from tests.local.tiny_diffusion import WINDOW, tiny_diffusion

BENCHMARK = Path(__file__).parents[4] / "benchmarks" / "diffusion_batches.py"
TEXTS = ["a red apple", "a blue fish", "x" * (WINDOW + 1), "a green door", "a white ship"]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    return tiny_diffusion(tmp_path_factory.mktemp("pipeline"))


def pixels(file):
    return np.asarray(Image.open(io.BytesIO(file)), dtype=int)


def test_a_conversion_in_batches_gives_the_pictures_and_errors_of_single_ones(pipeline, tmp_path):
    options = {"model": str(pipeline), "device": "cpu", "steps": 2}
    single = registry.create(Converter, "diffusers", "test", **options)
    data, recipes = tmp_path / "queries.jsonl", tmp_path / "recipes.toml"
    data.write_text("".join(json.dumps({"id": f"q{n}", "query": text}) + "\n" for n, text in enumerate(TEXTS)))
    steps = ", ".join(f"{name} = {json.dumps(value)}" for name, value in {**options, "batch": 4}.items())
    recipes.write_text(f'[image.drawn]\nsteps = [{{ use = "diffusers", {steps} }}]\n')
    convert(str(data), ["image:drawn"], tmp_path / "out", recipes=recipes, workers=1, check_share=0.0)
    rows = pq.read_table(tmp_path / "out" / "image").to_pylist()
    assert [row["query"] for row in rows] == TEXTS
    long = rows.pop(2)
    assert long["image"] is None
    assert "query 'q2': the text is longer than" in long["failure"]
    for row in rows:
        alone = single.convert(Work(Query(row["id"], row["query"]), row["query"]))
        assert np.abs(pixels(row["image"]["bytes"]) - pixels(alone.read())).max() <= 1


def test_the_benchmark_draws_the_same_pictures_in_every_way(pipeline):
    given = {"model": pipeline, "size": 3, "batch": 2, "steps": 1, "device": "cpu"}
    command = [sys.executable, BENCHMARK, "difference", *(f"--{name}={value}" for name, value in given.items())]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1])["off_by"] <= 1
