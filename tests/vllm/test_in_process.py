"""`vllm:` beside `transformers:`, with the same tiny random models on the same requests."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet

from safebench.errors import BadInput
from safebench.models.opening import open_target
from safebench.plugins import Target
from safebench.reports.report import report
from safebench.runs.config import make_config
from safebench.runs.run import run
from safebench.testing.contracts import TargetContract
from safebench.types import TOO_LONG, Media, Message, Request, Text
from tests.fixture_types import WriteJsonl
from tests.media_files import clip_media, picture_media
from tests.vllm.models import ENGINE, LENGTH, TAKEN

SHARED = {"dtype": "float32", "max_new_tokens": LENGTH}
OPTIONS = {
    "vllm": {**SHARED, "engine": ENGINE},
    "transformers": {**SHARED, "device": "cpu"},
}
ROWS = [{"id": "a", "query": "How do birds find their way home?"}, {"id": "b", "query": "Why is the sky blue today?"}]
CONDITIONS = {
    "text": ["text"],
    "qwen2_audio": ["text", "audio:female", "audio+text:female"],
    "idefics3": ["text", "image:typographic", "image+text:typographic"],
}


def target(by: str, folder: Path, **options: object) -> Target:
    return open_target(f"{by}:{folder}", {**OPTIONS[by], **options})


def clip(seconds: float, rate: int = 22050) -> Media:
    return clip_media(np.random.default_rng(0).normal(scale=0.1, size=round(seconds * rate)), rate)


def picture(colour: str) -> Media:
    return picture_media(Image.new("RGB", (80, 60), colour))


def ask(*parts: Text | Media) -> Request:
    return Request((Message("user", parts),))


PARTS = {
    "text": [(Text("How do birds fly?"),), (Text("Tell me a long story of a fox and a crow, please."),)],
    "image": [(Text("Hm?"), picture("blue")), (picture("red"),)],
    "audio": [(clip(0.7),), (Text("Hm?"), clip(1.5))],
}


@pytest.mark.parametrize("name", TAKEN)
async def test_it_says_what_transformers_says(folders: dict[str, Path], name: str) -> None:
    """In one batch of all, with the same prompt tokens: media arrived, and nothing else was put around them."""
    requests = [ask(*parts) for medium in sorted(TAKEN[name]) for parts in PARTS[medium]]
    told = []
    for by in OPTIONS:
        chat = target(by, folders[name])
        assert chat.accepts == TAKEN[name]
        told.append(await asyncio.gather(*map(chat.ask, requests)))
        await chat.close()
    ours, theirs = ([(r.status, r.text, r.finish, r.usage, r.failure) for r in one] for one in told)
    assert ours == theirs
    assert {status for status, *_ in ours} == {"answered"}


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_run_has_the_same_outcomes(
    folders: dict[str, Path], name: str, write_jsonl: WriteJsonl, tmp_path: Path
) -> None:
    rows = []
    for by, options in OPTIONS.items():
        config = make_config(
            "test", data=str(write_jsonl(ROWS)), conditions=CONDITIONS[name], target=f"{by}:{folders[name]}",
            options=options, out=str(tmp_path / by), workers=1, max_open=1.0,
        )  # fmt: skip
        folder = run(config).folder
        report(folder)
        table = parquet.read_table(folder / "items.parquet").to_pylist()
        rows.append([(row["query_id"], row["condition"], row["answer"], row["outcome"]) for row in table])
    assert rows[0] == rows[1]
    assert len(rows[0]) == 2 * len(CONDITIONS[name])
    assert all(answer for _, _, answer, _ in rows[0])


async def test_whole_prompts_and_scores_are_those_of_transformers(folders: dict[str, Path]) -> None:
    request = Request((Message("user", (Text("<|im_start|>user\nHm?"),)),), form="completion")
    scored = []
    for by in OPTIONS:
        chat = target(by, folders["text"], raw=True, scores=True)
        scored.append((await chat.ask(request)).tokens)
        await chat.close()
    ours, theirs = scored
    assert [token.text for token in ours] == [token.text for token in theirs]
    for one, other in zip(ours, theirs, strict=True):
        likeliest = max(other.logprobs, key=other.logprobs.__getitem__)
        assert one.logprobs[likeliest] == pytest.approx(other.logprobs[likeliest], abs=1e-3)


async def test_what_cannot_be_put_to_it_fails_alone(folders: dict[str, Path]) -> None:
    """A clip whose end it would not hear, more clips than are allowed, and a prompt longer than the model takes."""
    chat = target("vllm", folders["qwen2_audio"], limit_mm_per_prompt={"audio": 1})
    requests = [ask(clip(31.0, 16000)), ask(clip(1.0), clip(1.0)), ask(Text("x" * 3000)), ask(Text("Hm?"))]
    long, many, large, sound = await asyncio.gather(*map(chat.ask, requests))
    await chat.close()
    assert (long.status, long.failure.type) == ("failed", TOO_LONG)
    assert "At most 1 audio" in str(many.failure)
    assert "maximum" in str(large.failure)
    assert sound.status == "answered"


async def test_a_template_of_the_users_own_makes_the_prompt(folders: dict[str, Path], tmp_path: Path) -> None:
    template = tmp_path / "short.jinja"
    template.write_text("{% for message in messages %}{{ message['content'] }}{% endfor %}")
    said = []
    for by in OPTIONS:
        chat = target(by, folders["text"], chat_template=template)
        said.append(await chat.ask(ask(Text("Hm?"))))
        assert len(chat.describe()["chat_template"]) == 64
        await chat.close()
    assert [response.usage["prompt_tokens"] for response in said] == [3, 3]
    assert said[0].text == said[1].text


async def test_a_model_that_cannot_be_used_is_found_before_the_run(folders: dict[str, Path], tmp_path: Path) -> None:
    pickled = shutil.copytree(folders["text"], tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(BadInput, match="cannot be loaded by vLLM"):
        await target("vllm", pickled).check()
    with pytest.raises(BadInput, match="parameters"):
        await target("vllm", folders["text"], parameters={"temprature": 1}).check()


class TestContract(TargetContract):
    spec = ""

    @pytest.fixture(autouse=True)
    def _model(self, folders: dict[str, Path]) -> None:
        self.spec, self.options = f"vllm:{folders['text']}", OPTIONS["vllm"]
