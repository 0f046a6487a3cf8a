"""The adapter with a stand-in for transformers: what `from_list_format` and `chat` of the remote code are asked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from safebench.models.opening import open_target
from safebench.types import Media, Message, Part, Request, Response, Text

ROOT = Path(__file__).parents[3]


class Model:
    """As the class in the model's own code: `chat` gives the answer and the history."""

    def eval(self) -> Model:
        return self

    def chat(self, tokenizer: Any, query: str, history: None) -> tuple[str, list[str]]:
        return f"answer to {query}", [query]


class Tokenizer:
    def from_list_format(self, elements: list[dict[str, str]]) -> str:
        """Media are files, which are there at this moment."""
        told = [(kind, told) for element in elements for kind, told in element.items()]
        return "; ".join(
            f"{kind} {told}" if kind == "text" else f"{kind} {Path(told).suffix} {Path(told).read_bytes()!r}"
            for kind, told in told
        )


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """(name, options) of every model that is loaded."""
    monkeypatch.chdir(ROOT)
    asked: list[tuple[str, dict[str, Any]]] = []

    def model(name: str, **options: Any) -> Model:
        asked.append((name, options))
        return Model()

    transformers = ModuleType("transformers")
    transformers.AutoTokenizer = SimpleNamespace(from_pretrained=lambda name, **_: Tokenizer())  # type: ignore[attr-defined]
    transformers.AutoModelForCausalLM = SimpleNamespace(from_pretrained=model)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "transformers", transformers)
    yield asked
    for name in [name for name in sys.modules if name.partition(".")[0] == "examples"]:
        del sys.modules[name]


async def ask(model: str, *parts: Part) -> Response:
    return await open_target(model, {"trust_remote_code": True}).ask(Request((Message("user", parts),)))


async def test_a_picture_and_a_clip_reach_the_model_as_files(loaded: list[tuple[str, dict[str, Any]]]) -> None:
    seen = await ask("qwen-vl-chat", Text("Look."), Media.of("image", "image/png", b"PNG"))
    heard = await ask("qwen-audio-chat", Media.of("audio", "audio/mpeg", b"MP3"))
    assert seen.text == "answer to text Look.; image .png b'PNG'"
    assert heard.text == "answer to audio .mp3 b'MP3'"
    assert [name for name, _ in loaded] == ["Qwen/Qwen-VL-Chat", "Qwen/Qwen-Audio-Chat"]
    assert all(options["trust_remote_code"] for _, options in loaded)


async def test_text_alone_is_asked_as_it_is_and_the_model_stays_loaded(
    loaded: list[tuple[str, dict[str, Any]]],
) -> None:
    for text in ("one", "two"):
        assert (await ask("qwen-vl-chat", Text(text))).text == f"answer to text {text}"
    assert len(loaded) == 1
