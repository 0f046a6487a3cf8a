"""The adapters of models that see, with stand-ins for their own code: real tensors, no weights."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from safebench.models.catalogue import models
from safebench.models.opening import open_target
from safebench.plugins import Target
from safebench.types import Media, Message, Part, Request, Response, Text
from tests.media_files import clip_media, picture_media

ROOT = Path(__file__).parents[4]
SAID = [72, 105]  # "Hi"


def picture() -> Media:
    return picture_media(Image.new("RGB", (4, 3), "red"))


def clip() -> Media:
    return clip_media(np.zeros(1600, "float32"))


class Tokenizer:
    """A character is a token; 1 begins a text."""

    def __call__(self, text: str) -> SimpleNamespace:
        return SimpleNamespace(input_ids=[1, *map(ord, text)])

    def decode(self, tokens: torch.Tensor, skip_special_tokens: bool = False) -> str:
        return "".join(map(chr, tokens.tolist())) + ("" if skip_special_tokens else "</s>")

    def batch_decode(self, rows: torch.Tensor, skip_special_tokens: bool) -> list[str]:
        return [self.decode(row, skip_special_tokens) for row in rows]


class Model:
    """Answers "Hi" to anything; what `generate` got is kept in `asked`."""

    device, dtype, config = torch.device("cpu"), torch.float32, "config"

    def __init__(self, *, repeats: bool = True) -> None:
        self.asked: dict[str, Any] = {}
        self._repeats = repeats

    def loaded(self, name: str, *, trust_remote_code: bool, **options: Any) -> Model:
        assert trust_remote_code
        return self

    def eval(self) -> Model:
        return self

    def to(self, device: str) -> Model:
        return self

    def generate(self, input_ids: torch.Tensor, **asked: Any) -> torch.Tensor:
        self.asked = {"input_ids": input_ids, **asked}
        said = torch.tensor([SAID])
        return torch.cat([input_ids, said], dim=1) if self._repeats else said

    def process_images(self, images: list[Image.Image], config: str) -> torch.Tensor:
        """Bunny's."""
        assert config == "config"
        return torch.zeros(len(images), 3, *images[0].size)

    def build_conversation_input_ids(
        self, tokenizer: Tokenizer, query: str, history: list[Any], images: list[Image.Image] | None
    ) -> dict[str, Any]:
        """CogVLM's."""
        ids = torch.tensor([1, *map(ord, query)])
        made = {"input_ids": ids, "token_type_ids": torch.zeros_like(ids), "attention_mask": torch.ones_like(ids)}
        return made | ({"images": [torch.zeros(3, *images[0].size)]} if images else {})


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Model]:
    monkeypatch.chdir(ROOT)
    stand_in = Model()
    tokenizer = SimpleNamespace(from_pretrained=lambda *_, **__: Tokenizer())
    module = ModuleType("transformers")
    vars(module).update(
        AutoModelForCausalLM=SimpleNamespace(from_pretrained=stand_in.loaded),
        AutoTokenizer=tokenizer,
        LlamaTokenizer=tokenizer,
    )
    monkeypatch.setitem(sys.modules, "transformers", module)
    yield stand_in
    for name in [name for name in sys.modules if name.partition(".")[0] == "examples"]:
        del sys.modules[name]


def opened(name: str) -> Target:
    return open_target(name, {"trust_remote_code": True} if models()[name].runs_code else {})


async def ask(name: str, *parts: Part) -> Response:
    return await opened(name).ask(Request((Message("user", parts),)))


async def test_bunny_gets_the_picture_in_place_of_its_token(model: Model) -> None:
    response = await ask("bunny-llama-3-8b", Text("Why?"), picture())
    assert (response.status, response.text) == ("answered", "Hi")
    ids = model.asked["input_ids"][0].tolist()
    assert ids.count(-200) == 1
    assert ids.count(1) == 1  # one begin of text, though two chunks were made into tokens
    place = ids.index(-200)
    assert "".join(map(chr, ids[1:place])).endswith("USER: ")
    assert "".join(map(chr, ids[place + 1 :])) == "\nWhy? ASSISTANT:"
    assert model.asked["images"].shape == (1, 3, 4, 3)


async def test_bunny_without_a_picture_gets_the_text_alone(model: Model) -> None:
    assert (await ask("bunny-llama-3-8b", Text("Why?"))).text == "Hi"
    assert -200 not in model.asked["input_ids"][0].tolist()
    assert model.asked["images"] is None


async def test_cogvlm_is_asked_through_its_own_code(model: Model) -> None:
    assert (await ask("cogvlm-17b", Text("Why?"), picture())).text == "Hi"
    assert "".join(map(chr, model.asked["input_ids"][0, 1:].tolist())) == "Why?"
    assert model.asked["images"][0][0].shape == (3, 4, 3)
    assert (await ask("cogvlm-17b", Text("Why?"))).text == "Hi"
    assert "".join(map(chr, model.asked["input_ids"][0, 1:].tolist())).endswith("USER: Why? ASSISTANT:")
    assert model.asked["images"] is None


@pytest.mark.parametrize("name", ["bunny-llama-3-8b", "cogvlm-17b"])
async def test_two_pictures_are_a_failure_and_not_half_an_answer(model: Model, name: str) -> None:
    response = await ask(name, Text("Why?"), picture(), picture())
    assert (response.status, response.text) == ("failed", "")
    assert "1 picture is taken at most, not 2" in str(response.failure)


@pytest.mark.parametrize("name", ["bunny-llama-3-8b", "cogvlm-17b", "sharegpt4v-7b"])
async def test_a_clip_is_never_left_out_in_silence(llava: Model, name: str) -> None:
    """Neither where the condition is planned, nor where the function is asked all the same."""
    assert opened(name).accepts == {"text", "image"}
    response = await ask(name, clip())
    assert (response.status, response.text) == ("failed", "")
    assert "not audio" in str(response.failure)


async def test_a_picture_that_is_not_decoded_is_not_left_out_either(model: Model) -> None:
    target = open_target("python:examples.targets.bunny:answer", {})
    response = await target.ask(Request((Message("user", (Text("Why?"), picture())),)))
    assert "with media = 'decoded'), not image_url" in str(response.failure)


class Talk:
    """A conversation template of LLaVA."""

    roles = ("USER", "ASSISTANT")

    def __init__(self) -> None:
        self.said: list[str] = []

    def copy(self) -> Talk:
        return Talk()

    def append_message(self, role: str, text: str | None) -> None:
        self.said.append(f"{role}: {text or ''}".strip())

    def get_prompt(self) -> str:
        return " ".join(self.said)


@pytest.fixture
def llava(model: Model, monkeypatch: pytest.MonkeyPatch) -> Model:
    """The package of LLaVA, with a model that gives new tokens alone."""
    seeing = Model(repeats=False)

    def loaded(path: str, base: None, name: str) -> tuple[Any, ...]:
        assert (path, name) == ("Lin-Chen/ShareGPT4V-7B", "llava-v1.5-7b")
        return Tokenizer(), seeing, "processor", 4096

    def tokens(prompt: str, tokenizer: Tokenizer, image: int, return_tensors: str) -> torch.Tensor:
        before, *after = prompt.split("<image>")
        ids = tokenizer(before).input_ids + [t for chunk in after for t in (image, *map(ord, chunk))]
        return torch.tensor(ids)

    parts: dict[str, dict[str, Any]] = {
        "llava": {},
        "llava.constants": {"DEFAULT_IMAGE_TOKEN": "<image>", "IMAGE_TOKEN_INDEX": -200},
        "llava.conversation": {"conv_templates": {"llava_v1": Talk()}},
        "llava.mm_utils": {
            "process_images": lambda images, processor, config: torch.zeros(len(images), 3, *images[0].size),
            "tokenizer_image_token": tokens,
        },
        "llava.model": {},
        "llava.model.builder": {"load_pretrained_model": loaded},
    }
    for name, members in parts.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    return seeing


async def test_sharegpt4v_is_asked_through_the_package_of_llava(llava: Model) -> None:
    assert (await ask("sharegpt4v-7b", Text("Why?"), picture())).text == "Hi"
    ids = llava.asked["input_ids"][0].tolist()
    assert "".join(map(chr, ids[ids.index(-200) + 1 :])) == "\nWhy? ASSISTANT:"
    assert llava.asked["image_sizes"] == [(4, 3)]
    assert (await ask("sharegpt4v-7b", Text("Why?"))).text == "Hi"
    assert llava.asked["images"] is None
