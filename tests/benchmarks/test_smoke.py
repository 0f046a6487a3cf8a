"""Every benchmark that runs in this environment, once, at a tiny size: none of them rots."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.measured import missing, once
from benchmarks.suite import SUITE, Benchmark, Variant

HERE = [
    pytest.param(benchmark, variant, id=f"{benchmark.name} {variant.name}")
    for benchmark in SUITE
    for variant in benchmark.variants
    if benchmark.smoke and variant.environment == "product"
]


@pytest.mark.parametrize(("benchmark", "variant"), HERE)
def test_it_works(benchmark: Benchmark, variant: Variant, tmp_path: Path) -> None:
    if lacks := missing(variant):
        pytest.skip(f"{lacks} is not installed")
    result = once(benchmark, variant, benchmark.smoke, tmp_path)
    assert result["items"] > 0
    assert result["seconds"] > 0
    assert all(figure.of(result) is not None for figure in benchmark.figures)
