"""Tiny random models say the same to everything: looked at are tokens, counts and tensors, not meaning."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from safebench.errors import BadInput
from safebench.jury.files import build_jury, read_jury
from safebench.models.opening import open_target
from safebench.plugins import Case
from safebench.targets.transformers import TransformersChat
from safebench.testing.contracts import TargetContract
from safebench.types import TOO_LONG, Intent, Label, Media, Message, Request, Text
from tests.local.tiny_omni import build_omni, build_speaking_omni
from tests.local.tiny_qwen2 import build_qwen2_audio, build_qwen2_vl
from tests.local.tiny_smolvlm import build_smolvlm
from tests.local.tiny_text import build_text
from tests.media_files import clip_media, picture_media

MODELS = {
    "omni": build_omni,
    "speaking_omni": build_speaking_omni,
    "qwen2_audio": build_qwen2_audio,
    "qwen2_vl": build_qwen2_vl,
    "smolvlm": build_smolvlm,
    "text": build_text,
}
TAKEN = {
    "omni": {"text", "image", "audio"},
    "speaking_omni": {"text", "image", "audio"},
    "qwen2_audio": {"text", "audio"},
    "qwen2_vl": {"text", "image"},
    "smolvlm": {"text", "image"},
    "text": {"text"},
}
OPTIONS = {"max_new_tokens": 6, "device": "cpu", "dtype": "float32"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    top = tmp_path_factory.mktemp("models")
    return {name: build(top / name) for name, build in MODELS.items()}


def target(folder: Path, **options: object):
    return open_target(f"transformers:{folder}", {**OPTIONS, **options})


def picture(colour: str = "red") -> Media:
    return picture_media(Image.new("RGB", (80, 60), colour))


def clip(seconds: float = 1.0, rate: int = 22050) -> Media:
    return clip_media(np.random.default_rng(0).normal(scale=0.1, size=round(seconds * rate)), rate)


def ask(*parts: Text | Media) -> Request:
    return Request((Message("user", parts),))


@pytest.mark.parametrize("name", TAKEN)
def test_what_a_model_takes_is_read_from_its_processor(folders, name):
    assert target(folders[name]).accepts == TAKEN[name]


@pytest.mark.parametrize("name", ["omni", "speaking_omni", "qwen2_audio"])
async def test_clips_reach_the_model_as_prompt_tokens(folders, name):
    chat = target(folders[name])
    requests = [ask(Text("Hm?")), ask(Text("Hm?"), clip(1.0)), ask(Text("Hm?"), clip(2.0))]
    counts = [(await chat.ask(request)).usage["prompt_tokens"] for request in requests]
    assert counts[1] == counts[0] + 2 + 25  # 25 tokens a second between the two marks, whatever the rate of the file
    assert counts[2] == counts[0] + 2 + 50


@pytest.mark.parametrize("name", ["omni", "speaking_omni", "qwen2_vl", "smolvlm"])
async def test_pictures_reach_the_model_as_prompt_tokens(folders, name):
    chat = target(folders[name])
    requests = [ask(Text("Hm?")), ask(Text("Hm?"), picture()), ask(Text("Hm?"), picture(), picture())]
    counts = [(await chat.ask(request)).usage["prompt_tokens"] for request in requests]
    assert counts[1] >= counts[0] + 4
    assert counts[2] - counts[1] == counts[1] - counts[0]


@pytest.mark.parametrize("name", TAKEN)
async def test_a_batch_says_what_single_calls_say(folders, name):
    import asyncio

    parts = {
        "text": [(Text("How do birds fly?"),), (Text("Tell me a long story of a fox and a crow, please."),)],
        "image": [(Text("Hm?"), picture("blue")), (picture("red"),)],
        "audio": [(clip(0.7),), (Text("Hm?"), clip(1.5))],
    }
    requests = [ask(*asked) for medium in sorted(TAKEN[name]) for asked in parts[medium]]
    single = target(folders[name], batch_size=1)
    alone = [await single.ask(request) for request in requests]
    together = await asyncio.gather(*map(target(folders[name], batch_size=len(requests)).ask, requests))
    assert [(r.text, r.usage) for r in together] == [(r.text, r.usage) for r in alone]
    assert all(r.status == "answered" for r in alone)
    assert len({r.usage["prompt_tokens"] for r in alone}) > 1  # so that the shorter ones were padded


@pytest.mark.parametrize(
    ("name", "medium"),
    [(name, medium) for name, media in TAKEN.items() for medium in sorted(media - {"text"})],
)
async def test_what_is_in_a_medium_changes_the_logits(folders, name, medium):
    """The texts may be equal all the same: the model is random."""
    import torch

    other = {
        "image": [{"type": "image", "image": Image.new("RGB", (80, 60), colour)} for colour in ("red", "blue")],
        "audio": [
            {"type": "audio", "audio": np.sin(np.arange(16000) * step).astype("float32"), "sampling_rate": 16000}
            for step in (0.05, 0.5)
        ],
    }
    chat = target(folders[name])._chat
    logits = []
    for part in other[medium]:
        inputs = chat._inputs([chat._prepared([{"role": "user", "content": [part]}])])
        with torch.inference_mode():
            logits.append(chat._network(**inputs).logits[0, -1])
    assert float((logits[0] - logits[1]).abs().max()) > 1e-5


async def test_of_a_model_that_speaks_the_part_that_writes_is_asked(folders):
    """Nothing is spoken, its own limit of new tokens does not count, and it ends where its tokenizer says."""
    import torch

    speaking, thinker = target(folders["speaking_omni"]), target(folders["omni"])
    written, own = (dict(chat._chat._network.named_parameters()) for chat in (speaking, thinker))
    assert written.keys() == own.keys()  # no talker in memory
    with torch.inference_mode():
        for name, weight in own.items():
            written[name].copy_(weight)
    requests = [ask(Text("How do birds fly?"), picture()), ask(clip())]
    said = [[await chat.ask(request) for request in requests] for chat in (speaking, thinker)]
    assert [(r.text, r.usage) for r in said[0]] == [(r.text, r.usage) for r in said[1]]
    tokenizer = speaking._chat._tokenizer
    assert speaking._chat._network.generation_config.eos_token_id == tokenizer.eos_token_id


async def test_a_model_of_text_alone_answers(folders):
    response = await target(folders["text"]).ask(ask(Text("How do birds fly?")))
    assert response.status == "answered"
    assert response.usage["completion_tokens"] <= 6


@pytest.mark.parametrize("model", MODELS)
async def test_an_answer_that_was_cut_at_the_token_limit_says_so_and_one_that_ended_does_not(folders, model):
    chat = target(folders[model])
    settings = chat._chat._network.generation_config
    settings.eos_token_id = -1  # no token: it never ends by itself
    cut = await chat.ask(ask(Text("How do birds fly?")))
    assert (cut.finish, cut.usage["completion_tokens"]) == ("length", 6)
    settings.eos_token_id = list(range(2**17))  # whatever it says first ends it
    ended = await chat.ask(ask(Text("How do birds fly?")))
    assert (ended.finish, ended.usage["completion_tokens"]) == ("stop", 0)


async def test_a_clip_that_would_be_cut_is_a_failure_that_says_so(folders):
    omni = target(folders["omni"])
    response = await omni.ask(ask(clip(40.0, 16000)))
    assert (response.status, response.failure.type) == ("failed", TOO_LONG)  # the item ends as not rendered
    assert "hears 30 s" in str(response.failure)
    assert (await omni.ask(ask(clip(30.0, 16000)))).status == "answered"
    assert (await omni.ask(ask(clip(30.2, 16000)))).status == "failed"  # also once the limit is known


async def test_broken_media_fail_alone(folders):
    import asyncio

    broken = Media.of("image", "image/png", b"no picture")
    responses = await asyncio.gather(*map(target(folders["smolvlm"]).ask, [ask(broken), ask(picture())]))
    assert [response.status for response in responses] == ["failed", "answered"]


async def test_the_same_model_is_in_memory_once_for_target_and_jurors(folders):
    assert target(folders["text"])._chat is target(folders["text"])._chat


class Voter:
    """A network that says one ballot to everything; the prompts that it got are kept."""

    def __init__(self, ballot: str, tokenizer) -> None:
        import torch

        self.generation_config = SimpleNamespace(eos_token_id=tokenizer.eos_token_id)
        self.device, self.dtype = torch.device("cpu"), torch.float32
        self.prompts: list[str] = []
        self._tokenizer = tokenizer
        self._said = torch.tensor([[*tokenizer(ballot)["input_ids"], tokenizer.eos_token_id]])

    def generate(self, input_ids, **options):
        import torch

        self.prompts += self._tokenizer.batch_decode(input_ids)
        return torch.cat([input_ids, self._said.expand(len(input_ids), -1)], dim=1)


async def test_a_local_model_is_a_juror_that_casts_a_ballot(folders, monkeypatch):
    """All is real but the network, which by chance would hardly write a ballot."""
    jury = build_jury(read_jury({"jurors": [{"name": "judge", "model": f"transformers:{folders['text']}"}]}))
    (seat,) = jury.seats
    voter = Voter('{"reason": "it tells how", "label": "unsafe", "rating": 1}', seat.model._chat._tokenizer)
    monkeypatch.setattr(TransformersChat, "_network", voter)
    ballot = await seat.juror.vote(
        Case("A question", Intent.HARMFUL, None, "An answer", 0, None, (), "judge", 0, seat.model.ask)
    )
    assert (ballot.label, ballot.rating, ballot.reason) == (Label.UNSAFE, 1, "it tells how")
    (prompt,) = voter.prompts
    assert "A question" in prompt
    assert "An answer" in prompt


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
    lacking = tmp_path / "lacking"
    shutil.copytree(folders["text"], lacking)
    weights = load_file(lacking / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, lacking / "model.safetensors", {"format": "pt"})
    with pytest.raises(BadInput, match=r"lacks 1 of its weights, among them model\.layers\.1\.mlp\.up_proj"):
        await target(lacking).check()
    with pytest.raises(BadInput, match="device"):
        await target(folders["text"], device="cuda:7").check()


async def test_who_samples_draws_anew_in_every_process(folders):
    """Torch starts all processes with one seed: the repeats of a continued run would be those of its beginning."""
    import torch

    torch.manual_seed(0)
    await target(folders["text"]).check()
    assert torch.initial_seed() == 0
    await target(folders["text"], parameters={"do_sample": True}).check()
    assert torch.initial_seed() != 0


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
