"""The family `transformers-serve` against the real server, and thinking of a model on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from safebench.models.opening import open_target
from safebench.targets.local_chat import Answer
from safebench.targets.transformers import TransformersChat
from safebench.types import Media, Message, Part, Request, Response, Text
from tests.local.serving import serve
from tests.local.tiny_omni import build_omni
from tests.media_files import clip_media


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    folder = build_omni(tmp_path_factory.mktemp("omni") / "omni")
    with serve(folder) as url:
        yield folder, url


def clip() -> Media:
    return clip_media(0.3 * np.sin(np.arange(16000) * 0.1).astype("float32"))


async def ask(served: tuple[Path, str], family: object, *parts: Part) -> Response:
    folder, url = served
    options = {"base_url": url, "family": family, "parameters": {"max_tokens": 4}, "retries": 0}
    target = open_target(f"openai:{folder}", options)
    try:
        return await target.ask(Request((Message("user", parts),), {"type": "object"}))
    finally:
        await target.close()


async def test_the_server_gets_clips_in_both_forms_and_keeps_to_the_limit(served: tuple[Path, str]) -> None:
    silent = await ask(served, "transformers-serve", Text("What is it?"))
    heard = [
        await ask(served, family, Text("What is it?"), clip())
        for family in ("transformers-serve", {"like": "transformers-serve", "encoders": {"audio": "audio_url"}})
    ]
    assert [response.status for response in heard] == ["answered"] * 2, heard
    prompt = [response.usage["prompt_tokens"] for response in heard]
    assert prompt[0] == prompt[1] > silent.usage["prompt_tokens"]
    assert [response.usage["completion_tokens"] for response in heard] == [4, 4]
    assert heard[0].finish == "length"


async def test_a_model_on_this_machine_thinks_apart(served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    target = open_target(f"transformers:{served[0]}", {"device": "cpu"})
    said = Answer("They greet.</think>Hello.", prompt_tokens=3, completion_tokens=5, finished=True)
    monkeypatch.setattr(TransformersChat, "answer", lambda _, conversations: [said for _ in conversations])
    response = await target.ask(Request((Message("user", (Text("hello"),)),)))
    assert (response.text, response.thinking) == ("Hello.", "They greet.")
    await target.close()
