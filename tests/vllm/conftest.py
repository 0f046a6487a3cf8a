"""Tests with a real vLLM, on the CPU: collected only where it is installed, which `make vllm` does."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.vllm.models import built

collect_ignore_glob = [] if importlib.util.find_spec("vllm") else ["*"]


@pytest.fixture(autouse=True)
def _small_and_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return built(tmp_path_factory.mktemp("models"))
