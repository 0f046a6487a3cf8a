"""Tiny random models say the same to everything: looked at are tokens, counts and tensors, not meaning."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from safebench.errors import BadInput
from safebench.targets import open_target
from safebench.testing.contracts import TargetContract
from safebench.types import Media, Message, Request, Text
from tests.local.tiny_omni import build_omni
from tests.local.tiny_smolvlm import build_smolvlm
from tests.local.tiny_text import build_text

OPTIONS = {"max_new_tokens": 6, "device": "cpu", "dtype": "float32"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    top = tmp_path_factory.mktemp("models")
    return {
        name: build(top / name)
        for name, build in {"omni": build_omni, "smolvlm": build_smolvlm, "text": build_text}.items()
    }


def target(folder: Path, **options: object):
    return open_target(f"transformers:{folder}", {**OPTIONS, **options})


def picture(colour: str = "red") -> Media:
    file = io.BytesIO()
    Image.new("RGB", (80, 60), colour).save(file, "PNG")
    return Media.of("image", "image/png", file.getvalue())


def clip(seconds: float = 1.0, rate: int = 22050) -> Media:
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(0).normal(scale=0.1, size=round(seconds * rate)), rate, format="WAV")
    return Media.of("audio", "audio/wav", file.getvalue())


def ask(*parts: Text | Media) -> Request:
    return Request((Message("user", parts),))


def test_what_a_model_takes_is_read_from_its_processor(folders):
    assert target(folders["omni"]).accepts == {"text", "image", "audio"}
    assert target(folders["smolvlm"]).accepts == {"text", "image"}
    assert target(folders["text"]).accepts == {"text"}


async def test_media_reach_the_model_as_prompt_tokens(folders):
    omni = target(folders["omni"])
    requests = [ask(Text("Hm?")), ask(Text("Hm?"), picture()), ask(Text("Hm?"), clip(1.0)), ask(Text("Hm?"), clip(2.0))]
    counts = [(await omni.ask(request)).usage["prompt_tokens"] for request in requests]
    assert counts[1] > counts[0] + 2
    assert counts[2] == counts[0] + 2 + 25  # 25 tokens a second between the two marks, whatever the rate of the file
    assert counts[3] == counts[0] + 2 + 50


async def test_a_batch_says_what_single_calls_say(folders):
    import asyncio

    requests = [
        ask(Text("How do birds fly?")),
        ask(Text("Hm?"), picture("blue")),
        ask(clip(0.7)),
        ask(Text("Tell me a long story of a fox and a crow, please.")),
    ]
    single = target(folders["omni"], batch_size=1)
    alone = [await single.ask(request) for request in requests]
    together = await asyncio.gather(*map(target(folders["omni"], batch_size=4).ask, requests))
    assert [(r.text, r.usage) for r in together] == [(r.text, r.usage) for r in alone]
    assert len({r.usage["prompt_tokens"] for r in alone}) == 4


async def test_pictures_change_the_logits(folders):
    """The texts may be equal all the same: the model is random."""
    import torch

    chat = target(folders["omni"])._chat
    logits = []
    for colour in ("red", "blue"):
        messages = [{"role": "user", "content": [{"type": "image", "image": Image.new("RGB", (80, 60), colour)}]}]
        with torch.inference_mode():
            logits.append(chat._network(**chat._inputs([messages])).logits[0, -1])
    assert float((logits[0] - logits[1]).abs().max()) > 1e-5


async def test_a_model_of_text_alone_answers(folders):
    response = await target(folders["text"]).ask(ask(Text("How do birds fly?")))
    assert response.status == "answered"
    assert response.usage["completion_tokens"] <= 6
    assert response.finish in ("stop", "length")


async def test_a_clip_that_would_be_cut_is_a_failure_that_says_so(folders):
    omni = target(folders["omni"])
    response = await omni.ask(ask(clip(40.0, 16000)))
    assert response.status == "failed"
    assert "hears 30 s" in str(response.failure)
    assert (await omni.ask(ask(clip(30.0, 16000)))).status == "answered"


async def test_broken_media_fail_alone(folders):
    import asyncio

    broken = Media.of("image", "image/png", b"no picture")
    found = await asyncio.gather(*map(target(folders["smolvlm"]).ask, [ask(broken), ask(picture())]))
    assert [response.status for response in found] == ["failed", "answered"]


async def test_the_same_model_is_in_memory_once_for_target_and_jurors(folders):
    assert target(folders["text"])._chat is target(folders["text"])._chat


async def test_a_model_that_cannot_be_used_is_found_before_the_run(folders, tmp_path):
    with pytest.raises(BadInput, match="does not exist"):
        target(Path("/no/where"))
    pickled = tmp_path / "pickled"
    shutil.copytree(folders["text"], pickled)
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(BadInput, match="safetensors"):
        await target(pickled).check()
    untold = tmp_path / "untold"
    shutil.copytree(folders["text"], untold)
    (untold / "chat_template.jinja").unlink()
    with pytest.raises(BadInput, match="no chat template"):
        _ = target(untold).accepts
    with pytest.raises(BadInput, match="device"):
        await target(folders["text"], device="cuda:7").check()


def test_other_weights_are_another_target(folders, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(folders["text"], other)
    before = target(other).describe()
    weights = other / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    assert target(other).describe() != before
    assert target(other, batch_size=2, device="auto").describe() == target(other).describe()


class TestContract(TargetContract):
    spec = ""

    @pytest.fixture(autouse=True)
    def _model(self, folders: dict[str, Path]) -> None:
        self.spec, self.options = f"transformers:{folders['text']}", OPTIONS
