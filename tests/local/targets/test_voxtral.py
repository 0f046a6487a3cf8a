"""Voxtral: a tokenizer and a template that come from mistral-common, which needs a numpy of its own and is no extra."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

import pytest

from safebench.errors import BadInput
from safebench.types import Text
from tests.local.targets.test_transformers import ask, clip, target
from tests.local.tiny_voxtral import build_voxtral

HAS_MISTRAL = importlib.util.find_spec("mistral_common") is not None


@pytest.fixture(scope="module")
def voxtral(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_voxtral(tmp_path_factory.mktemp("voxtral") / "voxtral")


@pytest.mark.skipif(HAS_MISTRAL, reason="mistral-common is here")
def test_without_mistral_common_the_error_says_what_to_install(voxtral: Path) -> None:
    with pytest.raises(BadInput, match=r"pip install 'mistral-common\[audio\]'"):
        _ = target(voxtral).accepts


@pytest.mark.skipif(not HAS_MISTRAL, reason="mistral-common is not here")
async def test_clips_of_any_length_reach_the_model_and_a_batch_says_what_single_calls_say(voxtral: Path) -> None:
    single = target(voxtral, batch_size=1)
    assert single.accepts == {"text", "audio"}
    requests = [ask(Text("How do birds fly?")), ask(clip(1.0)), ask(Text("Hm?"), clip(2.0)), ask(clip(35.0, 16000))]
    alone = [await single.ask(request) for request in requests]
    assert [response.status for response in alone] == ["answered"] * 4, alone
    counts = [response.usage["prompt_tokens"] for response in alone]
    assert counts[3] - counts[1] == 375  # 12.5 tokens a second, in pieces of 30 s: nothing is cut
    assert counts[2] - counts[1] == len("Hm?")
    together = await asyncio.gather(*map(target(voxtral, batch_size=4).ask, requests))
    assert [(r.text, r.usage) for r in together] == [(r.text, r.usage) for r in alone]
