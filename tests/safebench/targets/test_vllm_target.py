"""What a real vLLM does not do on call (tests/vllm has one): give an answer up, end in the middle, draw its seed."""

from __future__ import annotations

import base64
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from safebench.errors import BadInput, MissingPackage, TargetRefusesService
from safebench.models.opening import open_target
from safebench.plugins import TargetSetup
from safebench.targets.local_chat import LocalChat, local_chat
from safebench.targets.vllm import NOT_OF_THE_ENGINE, VllmChat, VllmOptions, VllmTarget
from safebench.types import Message, Request, Text

HELLO = [{"role": "user", "content": "hello"}]
END = 0  # the token with which answers end


class Tokenizer:
    all_special_ids = (END,)

    def decode(self, tokens: list[int], skip_special_tokens: bool = False) -> str:
        return "".join(chr(token) for token in tokens if token != END or not skip_special_tokens)

    def convert_ids_to_tokens(self, tokens: list[int]) -> list[str]:
        return ["<end>" for _ in tokens]


def said(text: str, reason: str | None = "stop", stop: str | int | None = None) -> Any:
    tokens = [*map(ord, text), *([END] if reason == "stop" and not isinstance(stop, str) else [])]
    answer = SimpleNamespace(text=text, token_ids=tokens, finish_reason=reason, stop_reason=stop, logprobs=None)
    return SimpleNamespace(outputs=[answer], prompt_token_ids=[1, 2, 3])


class StandIn(ModuleType):
    """The surface of the package that is used, and what was asked of it."""

    def __init__(self) -> None:
        super().__init__("vllm")
        self.answers: list[Any] = []
        self.asked: list[Any] = []
        self.engines: list[dict[str, Any]] = []
        self.is_unfinished = False

    def LLM(self, model: str, **arguments: Any) -> Any:
        self.engines.append({"model": model, **arguments})
        settings = SimpleNamespace(get_diff_sampling_param=lambda: {"repetition_penalty": 1.1, "temperature": 0.7})
        engine = SimpleNamespace(has_unfinished_requests=lambda: self.is_unfinished)
        return SimpleNamespace(chat=self.chat, model_config=settings, llm_engine=engine)

    def SamplingParams(self, **parameters: Any) -> dict[str, Any]:
        if "temprature" in parameters:
            raise TypeError("Unexpected keyword argument 'temprature'")
        return parameters

    def chat(self, conversations: list[Any], sampling: Any, **how: Any) -> list[Any]:
        self.asked.append((conversations, sampling, how))
        answers, self.answers = self.answers[: len(conversations)], self.answers[len(conversations) :]
        for answer in answers:
            if isinstance(answer, Exception):
                self.is_unfinished = type(answer).__name__ == "OutOfMemoryError"
                raise answer
        return answers


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    stand_in = StandIn()
    monkeypatch.setitem(sys.modules, "vllm", stand_in)
    processor = SimpleNamespace(tokenizer=Tokenizer(), feature_extractor=SimpleNamespace(sampling_rate=8000))
    monkeypatch.setattr(LocalChat, "_processor", processor)
    monkeypatch.setattr(VllmChat, "_check_heard", lambda self, clip, rate: None)
    local_chat.cache_clear()
    before = dict(os.environ)
    yield stand_in
    os.environ.clear()
    os.environ.update(before)


def chat(**options: Any) -> VllmChat:
    return VllmChat("model", VllmOptions(**options))


def test_where_it_is_not_installed_one_line_says_what_to_do() -> None:
    with pytest.raises(MissingPackage, match=r"vllm.*pip install 'safebench\[vllm\]' in an environment of its own"):
        open_target("vllm:model", {})


def test_a_build_under_another_name_lacks_the_metadata_by_which_it_knows_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("safebench.plugins.is_installed", lambda package: True)
    assert VllmTarget.lacking() == ["metadata of vllm"]
    monkeypatch.setattr("safebench.targets.vllm.installed", lambda package: "0.32.0+cpu")
    assert VllmTarget.lacking() == []


@pytest.mark.parametrize(("batch", "calls"), [(4, 16), (100, 200)])
def test_a_batch_gathers_while_one_is_answered(monkeypatch: pytest.MonkeyPatch, batch: int, calls: int) -> None:
    monkeypatch.setattr(VllmTarget, "lacking", list)
    for spec in ("vllm:model", "cascade:vllm:model"):
        assert open_target(spec, {"batch_size": batch}).at_once == calls


@pytest.mark.parametrize("name", sorted(NOT_OF_THE_ENGINE))
def test_what_has_an_option_of_its_own_or_is_fixed_is_no_argument_of_the_engine(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: not here"):
        VllmOptions(engine={name: True, "max_model_len": 99})


def test_it_loads_safetensors_runs_no_code_of_a_model_and_tells_nobody(
    vllm: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_NO_USAGE_STATS", "0")
    chat(engine={"max_model_len": 99}, limit_mm_per_prompt={"image": 2}).load()
    (engine,) = vllm.engines
    assert (engine["load_format"], engine["trust_remote_code"]) == ("safetensors", False)
    assert (engine["max_model_len"], engine["limit_mm_per_prompt"]) == (99, {"image": 2})
    assert os.environ["VLLM_NO_USAGE_STATS"] == "1"


def test_each_start_draws_other_numbers_unless_the_user_names_a_seed(vllm: StandIn) -> None:
    for options in ({}, {}, {"engine": {"seed": 3}}):
        chat(**options).load()
    first, second, named = (engine["seed"] for engine in vllm.engines)
    assert first != second
    assert named == 3


def test_it_is_greedy_with_the_models_own_settings_where_the_user_says_nothing(vllm: StandIn) -> None:
    vllm.answers = [said("a"), said("a")]
    chat(max_new_tokens=5).answer([HELLO])
    chat(parameters={"temperature": 0.3}).answer([HELLO])
    greedy, drawn = (sampling for _, sampling, _ in vllm.asked)
    assert greedy == {"temperature": 0.0, "max_tokens": 5, "repetition_penalty": 1.1}
    assert drawn["temperature"] == 0.3


def test_a_parameter_that_it_does_not_know_is_found_before_the_run(vllm: StandIn) -> None:
    with pytest.raises(BadInput, match="parameters: Unexpected keyword argument 'temprature'"):
        chat(parameters={"temprature": 1}).load()


def test_an_answer_ends_before_the_token_or_the_words_that_end_it(vllm: StandIn) -> None:
    vllm.answers = [said("It is."), said("It is. No", "length"), said("It", stop="is")]
    answers = chat().answer([HELLO] * 3)
    assert [(one.text, one.completion_tokens, one.finished) for one in answers] == [
        ("It is.", 6, True), ("It is. No", 9, False), ("It", 2, True),
    ]  # fmt: skip
    assert answers[0].prompt_tokens == 3


def test_media_are_sent_decoded_and_with_the_users_template(vllm: StandIn, tmp_path: Path) -> None:
    template = tmp_path / "own.jinja"
    template.write_text("{{ messages }}")
    vllm.answers = [said("a")]
    clip = {"type": "audio", "audio": np.linspace(-0.5, 0.5, 1600, dtype="float32"), "sampling_rate": 16000}
    parts = [{"type": "image", "image": "a picture"}, clip, {"type": "text", "text": "Hm?"}]
    chat(chat_template=template).answer([[{"role": "user", "content": parts}]])
    ((((message,),), _, how),) = vllm.asked
    picture, sound, text = message["content"]
    assert picture == {"type": "image_pil", "image_pil": "a picture"}
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sound["input_audio"]["data"])))
    assert (rate, len(samples), sound["input_audio"]["format"]) == (8000, 800, "wav")
    assert text == parts[2]
    assert how == {"use_tqdm": False, "chat_template": "{{ messages }}"}


def test_calls_are_made_one_after_the_other(vllm: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    vllm.answers = [said("a")]
    model, held = chat(), []
    monkeypatch.setattr(model, "_outputs", lambda _: held.append(model._turn.locked()) or [said("a")])
    model.answer([HELLO])
    assert (held, model._turn.locked()) == ([True], False)


class EngineDeadError(Exception):
    """As vLLM names it."""


@pytest.mark.parametrize(
    ("answer", "failure"),
    [(said("It is", "abort"), "vLLM ended the answer with 'abort'"), (ValueError("too long"), "ValueError: too long")],
)
async def test_an_answer_that_it_gave_up_is_a_failure(vllm: StandIn, answer: Any, failure: str) -> None:
    vllm.answers = [answer]
    response = await asked()
    assert response.status == "failed"
    assert failure in str(response.failure)


async def test_an_engine_that_has_ended_stops_the_run(vllm: StandIn) -> None:
    vllm.answers = [EngineDeadError("see the root cause above")]
    with pytest.raises(TargetRefusesService, match="the engine has ended"):
        await asked()


class OutOfMemoryError(RuntimeError):
    """As torch names it."""


def test_an_engine_that_broke_off_a_step_is_asked_no_more(vllm: StandIn) -> None:
    """What it had begun is still in its queue: it would wait for ever, or give answers to others' questions."""
    vllm.answers = [said("a"), OutOfMemoryError("of the encoder"), said("b")]
    model = chat()
    with pytest.raises(TargetRefusesService, match="the engine has ended: of the encoder"):
        model.answer([HELLO] * 2)
    with pytest.raises(TargetRefusesService, match="was broken off before"):
        model.answer([HELLO])
    assert len(vllm.asked) == 1


def test_as_many_answers_as_conversations_or_none(vllm: StandIn) -> None:
    vllm.answers = [said("a")]
    with pytest.raises(TargetRefusesService, match="1 answers to 2 conversations"):
        chat().answer([HELLO] * 2)


async def test_an_edited_chat_template_is_another_model(vllm: StandIn, tmp_path: Path) -> None:
    template, told = tmp_path / "own.jinja", []
    for text in ("one", "two"):
        template.write_text(text)
        target = VllmTarget(TargetSetup("model", {"chat_template": str(template)}))
        template.write_text("edited while it is asked")
        vllm.answers = [said("a")]
        await target.ask(Request((Message("user", (Text("hello"),)),)))
        told.append((target.describe()["chat_template"], vllm.asked[-1][2]["chat_template"]))
        await target.close()
    assert [text for _, text in told] == ["one", "two"]
    assert told[0][0] != told[1][0]


async def asked() -> Any:
    target = VllmTarget(TargetSetup("model"))
    try:
        return await target.ask(Request((Message("user", (Text("hello"),)),)))
    finally:
        await target.close()
