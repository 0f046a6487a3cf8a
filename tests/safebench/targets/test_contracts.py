"""Our own targets keep what third parties' ones have to keep; some of them where they are installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from safebench import registry
from safebench.plugins import Target
from safebench.testing.contracts import TargetContract
from safebench.testing.server import chat
from tests.fixture_types import Serve

ELSEWHERE = {
    "transformers": "tests/local/targets",
    "vllm": "tests/vllm",
    "inspect": "tests/safebench/bridges/inspect",
}


class TestReference(TargetContract):
    spec = "reference"


class TestPython(TargetContract):
    spec = "python:contract_model:answer"

    @pytest.fixture(autouse=True)
    def _module(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "contract_model.py").write_text("def answer(messages):\n    return messages[-1]['content'][::-1]\n")
        monkeypatch.syspath_prepend(tmp_path)


class TestCascade(TargetContract):
    spec = "cascade:reference"


class TestOpenAI(TargetContract):
    spec = "openai:tested"

    @pytest.fixture(autouse=True)
    def _server(self, serve: Serve) -> None:
        self.options = {"base_url": serve(lambda call: chat("An answer.")).url, "retries": 0}


class TestOpenAISdk(TargetContract):
    spec = "openai-sdk:tested"

    @pytest.fixture(autouse=True)
    def _client(self, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        url = serve(lambda call: chat("An answer.")).url
        made = f"import openai\nclient = openai.AsyncOpenAI(base_url={url!r}, api_key='a key')\n"
        (tmp_path / "contract_client.py").write_text(made)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "contract_client", raising=False)
        self.options = {"client": "contract_client:client", "retries": 0}


def test_no_target_of_ours_is_forgotten() -> None:
    ours = {name for name in registry.names(Target) if registry.load(Target, name).__module__.startswith("safebench.")}
    contracts = (TestReference, TestPython, TestCascade, TestOpenAI, TestOpenAISdk)
    here = {contract.spec.partition(":")[0] for contract in contracts}
    assert here | ELSEWHERE.keys() == ours
