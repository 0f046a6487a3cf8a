"""The adapter with a stand-in for the repository's module `inference`: same functions, same arguments."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from safebench.models.opening import open_target
from safebench.types import Media, Message, Part, Request, Response, Text

ROOT = Path(__file__).parents[3]
CLIP = Media.of("audio", "audio/wav", b"RIFF a clip")


class StandIn(ModuleType):
    """`inference` of github.com/gpt-omni/mini-omni: what it was called with is kept."""

    _pad_a, _answer_t = 4097, 151939

    def __init__(self) -> None:
        super().__init__("inference")
        self.seconds = 3.0
        self.cleared = 0
        self.fetched: list[str] = []
        self.heard: list[bytes] = []

    def download_model(self, folder: str) -> None:
        self.fetched.append(folder)

    def load_model(self, folder: str, device: str) -> tuple[Any, ...]:
        return "fabric", self, "tokenizer", "snac", "whisper"

    def clear_kv_cache(self) -> None:
        self.cleared += 1

    def load_audio(self, path: str) -> tuple[str, int]:
        self.heard.append(Path(path).read_bytes())
        return "mel", int(self.seconds * 1000 / 20) + 1

    def get_input_ids_whisper(
        self, mel: str, leng: int, whispermodel: str, device: str, special_token_a: int, special_token_t: int
    ) -> tuple[str, str]:
        assert (mel, whispermodel, special_token_a, special_token_t) == ("mel", "whisper", 4097, 151939)
        return f"{leng} features", "ids"

    def A1_T2(self, fabric: str, feature: str, ids: str, leng: int, model: Any, tokenizer: str, step: int) -> str:
        assert (fabric, ids, model, tokenizer) == ("fabric", "ids", self, "tokenizer")
        return f"heard {feature}"

    def get_input_ids_TT(self, text: str, tokenizer: str) -> str:
        return f"ids of {text}"

    def T1_T2(self, fabric: str, ids: str, model: Any, tokenizer: str, step: int) -> str:
        return f"read {ids}"


@pytest.fixture
def inference(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.chdir(ROOT)
    module = StandIn()
    monkeypatch.setitem(sys.modules, "inference", module)
    yield module
    for name in [name for name in sys.modules if name.partition(".")[0] == "examples"]:
        del sys.modules[name]


async def ask(*parts: Part) -> Response:
    target = open_target("mini-omni", {})
    await target.check()
    return await target.ask(Request((Message("user", parts),)))


async def test_a_clip_is_heard_and_the_written_answer_taken(inference: StandIn) -> None:
    response = await ask(CLIP)
    assert (response.status, response.text) == ("answered", "heard 151 features")
    assert inference.heard == [b"RIFF a clip"]
    assert inference.fetched == ["./checkpoint"]
    assert inference.cleared == 1  # the function of the repository leaves its cache as it is


async def test_text_is_read(inference: StandIn) -> None:
    assert (await ask(Text("How do tides work?"))).text == "read ids of How do tides work?"


async def test_what_it_cannot_take_is_a_failure_and_no_answer(inference: StandIn) -> None:
    both = await ask(Text("Listen."), CLIP)
    assert (both.status, both.text) == ("failed", "")
    assert "one clip or one text" in str(both.failure)
    inference.seconds = 31.0
    long = await ask(CLIP)
    assert long.status == "failed"
    assert "31.0 s" in str(long.failure)
