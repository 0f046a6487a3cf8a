"""Every converter of ours that needs no model on this machine keeps what third parties' ones have to keep.

The classes are made from the registry: a new converter is in, and one that needs options says here which.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.text_to_speech.espeak import Espeak
from safebench import registry
from safebench.plugins import Converter, Work
from safebench.testing.contracts import ASKED, OTHER, ConverterContract
from safebench.testing.server import Call, Reply, ScriptedServer, chat, image
from safebench.types import Media
from tests.converters.text_to_image.drawn import picture
from tests.media_files import recorded

SAID = {
    "translator": {"translation": "Welche Pflanzen sind giftig?"},
    "interpreter": {"subject": "plants", "picture": "A garden."},
    "critic": {"missing": "", "matches": True, "score": 9, "revised_prompt": "A garden with a cat."},
}


def ours(*, heavy: bool) -> list[str]:
    """Names of our converters; `heavy`: those that run a model of torch."""
    plugins = {name: registry.load(Converter, name) for name in registry.names(Converter)}
    mine = {name: one for name, one in plugins.items() if one.__module__.startswith("converters.")}
    return [name for name, one in mine.items() if ("torch" in one.needs) == heavy]


def test_the_others_are_tried_with_tiny_models() -> None:
    """In tests/local/converters/test_heavy_contracts.py."""
    assert ours(heavy=True) == ["clip-score", "coqui", "diffusers", "transformers-tts"]


@pytest.fixture(scope="module")
def clip() -> Media:
    return Espeak().convert(Work(ASKED, ASKED.text))


@pytest.fixture(scope="module")
def drawing() -> Media:
    return Media.of("image", "image/png", picture())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, clip: Media) -> Path:
    """A recording and a picture of each query, by its id."""
    stored = tmp_path_factory.mktemp("stored")
    for query, colour in ((ASKED, "green"), (OTHER, "blue")):
        (stored / f"{query.id}.wav").write_bytes(clip.read())
        (stored / f"{query.id}.png").write_bytes(picture(colour))
    return stored


def _answer(call: Call) -> Reply:
    if call.path.endswith("/images/generations"):
        return image(picture())
    if call.path.endswith("/audio/speech"):
        return Reply(recorded(0.2 * np.sin(np.arange(24000) / 12), 24000), headers={"Content-Type": "audio/wav"})
    return chat(json.dumps(SAID[call.model]))


@pytest.fixture(scope="module")
def endpoint() -> Any:
    with ScriptedServer(_answer) as server:
        yield {"base_url": server.url, "retries": 0}


class OurContract(ConverterContract):
    @pytest.fixture(autouse=True)
    def _given(self, endpoint: dict[str, Any], folder: Path) -> None:
        self.options = needed(self.name, endpoint, folder)

    @pytest.fixture
    def media(self, clip: Media, drawing: Media) -> Media | None:
        return {"audio": clip, "image": drawing}.get(registry.load(Converter, self.name).takes)


def needed(name: str, endpoint: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The options without which a converter cannot work."""
    roles = {role: {"model": f"openai:{role}", **endpoint} for role in SAID}
    draw = {"use": "openai-images", "model": "painter", **endpoint}
    options: dict[str, dict[str, Any]] = {
        "kokoro": {"voice": "jf_alpha"},
        "openai-images": {"model": "painter", **endpoint},
        "openai-speech": {"model": "tts", "voice": "alloy", **endpoint},
        "piper": {"voice": "en_US-joe-medium"},
        "recorded": {"folder": folder},
        "refined": {"interpreter": roles["interpreter"], "draw": draw, "critic": roles["critic"]},
        "resize": {"factor": 0.5},
        "speed": {"factor": 1.25, "resampled": True},
        "stored": {"folder": folder},
        "template": {"text": "Please: {query}"},
        "translate": {"translator": roles["translator"], "language": "German"},
    }
    return options.get(name, {})


for _name in ours(heavy=False):
    _class = f"Test{_name.title().replace('-', '')}"
    globals()[_class] = type(_class, (OurContract,), {"name": _name, "__module__": __name__})
