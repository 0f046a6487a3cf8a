"""Every benchmark that runs in this environment, once, at a tiny size: none of them rots. Variants of one script that
differ in their size alone are one here.

`make test` does this in the light environment, in that of local models, and in that of the bridge to Inspect; `make
ray` in that of Ray, `make vllm` in that of vLLM.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.measured import missing, once
from benchmarks.suite import SUITE, Benchmark, Variant

PACKAGES = {
    "vllm": "vllm",
    "torch": "local",
    "inspect_ai": "inspect",
    "ray": "ray",
}  # tell them apart
ENVIRONMENT = next((name for package, name in PACKAGES.items() if find_spec(package)), "product")
HERE = {
    (benchmark.name, variant.way, variant.arguments): (benchmark, replace(variant, environment="product"))
    for benchmark in SUITE
    for variant in benchmark.variants
    if benchmark.smoke and variant.environment == ENVIRONMENT
}


@pytest.mark.parametrize(
    ("benchmark", "variant"), HERE.values(), ids=[f"{benchmark.name} {one.name}" for benchmark, one in HERE.values()]
)
def test_it_works(benchmark: Benchmark, variant: Variant, tmp_path: Path) -> None:
    if lacks := missing(variant):
        pytest.skip(f"{lacks} is not installed")
    result = once(benchmark.script, variant, benchmark.smoke, tmp_path)
    assert result["items"] > 0
    assert result["seconds"] > 0
    assert all(figure.of(result) is not None for figure in benchmark.figures)
