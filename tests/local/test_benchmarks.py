"""The benchmarks of local models, once, at a tiny size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.measured import once
from benchmarks.suite import SUITE, Benchmark, Variant

HERE = [
    pytest.param(benchmark, variant, id=f"{benchmark.name} {variant.name}")
    for benchmark in SUITE
    for variant in benchmark.variants
    if benchmark.smoke and variant.environment == "local"
]


@pytest.mark.parametrize(("benchmark", "variant"), HERE)
def test_it_works(benchmark: Benchmark, variant: Variant, tmp_path: Path) -> None:
    """In this environment, which is the one that it asks for."""
    result = once(benchmark, replace(variant, environment="product"), benchmark.smoke, tmp_path)
    assert result["items"] > 0
    assert result["seconds"] > 0
