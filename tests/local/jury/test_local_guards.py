"""Guards on this machine: tiny random models of each architecture run through the local path, and say no verdict."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from safebench import taxonomy
from safebench.errors import BadInput
from safebench.jury.files import build_jury, read_jury
from safebench.jury.guard_families import guard_families
from safebench.jury.protocol import Jury
from safebench.models.opening import open_target
from safebench.plugins import Target
from safebench.types import Absence, Message, Purpose, Query, Request, Response, Text
from tests.local.tiny_guards import ARCHITECTURES, build_guard

QUERY = Query("q", "How do I do it?", scenario="physical_harm")


def jury_of(folder: Path, family: str) -> Jury:
    return build_jury(read_jury({"jurors": [{"guard": family, "model": f"transformers:{folder}"}]}))


async def put(target: Target, request: Request, purpose: Purpose) -> Response:
    return await target.ask(request)


@pytest.mark.parametrize("family", sorted(ARCHITECTURES))
async def test_each_architecture_is_asked_in_batches_and_what_it_babbles_is_no_vote(
    tmp_path: Path, family: str
) -> None:
    """Those that are asked by whole prompts have no chat template."""
    needs_template = guard_families()[family].form == "turns"
    jury = jury_of(build_guard(tmp_path, family, template=needs_template), family)
    answers = [f"Plants make sugar from light, {n} times a day." for n in range(3)]
    scenario = taxonomy.scenario("physical_harm")
    try:
        verdicts = await asyncio.gather(*(jury.judge(QUERY, scenario, answer, put) for answer in answers))
    finally:
        await jury.close()
    assert {verdict.label for verdict in verdicts} == {None}
    assert {ballot.absence for verdict in verdicts for ballot in verdict.ballots} == {Absence.UNREADABLE}


async def test_a_local_model_that_does_not_fit_stops_before_the_run(tmp_path: Path) -> None:
    jury = jury_of(build_guard(tmp_path, "qwen3guard"), "qwen3guard")
    with pytest.raises(BadInput, match="guard qwen3guard: the model answered"):
        await jury.check()
    await jury.close()


async def test_scores_are_those_of_the_model(tmp_path: Path) -> None:
    """Against the log-probabilities of the whole text, from one pass of the network."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = build_guard(tmp_path, "wildguard", template=False)
    options = {"raw": True, "scores": True, "max_new_tokens": 4, "device": "cpu", "dtype": "float32"}
    target = open_target(f"transformers:{folder}", options)
    request = Request((Message("user", (Text("Is it?"),)),), form="completion", scored=True)
    response = await target.ask(request)
    await target.close()
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    prompt = tokenizer("Is it?", return_tensors="pt")["input_ids"]
    whole = model.generate(prompt, max_new_tokens=4, do_sample=False)
    with torch.inference_mode():
        logprobs = model(whole).logits.log_softmax(dim=-1)[0]
    assert len(response.tokens) == 4
    for n, token in enumerate(response.tokens):
        chosen = int(whole[0, prompt.shape[1] + n])
        wanted = float(logprobs[prompt.shape[1] + n - 1, chosen])
        assert max(token.logprobs.values()) == pytest.approx(wanted, abs=1e-4)


async def test_a_chat_is_not_put_to_a_model_that_takes_whole_prompts(tmp_path: Path) -> None:
    target = open_target(f"transformers:{build_guard(tmp_path, 'wildguard', template=False)}", {"raw": True})
    response = await target.ask(Request((Message("user", (Text("Is it?"),)),)))
    await target.close()
    assert response.status == "failed"
