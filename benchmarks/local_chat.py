"""A chat model on this machine, asked in batches or one question after the other.

    python benchmarks/local_chat.py VARIANT [--size 32] [--model tiny] [--batch 32] [--tokens 32] [--device auto]

| variant | who asks |
| --- | --- |
| ours | the target `transformers:`, with all questions under way at once, as in a run |
| one-by-one | the loop of the paper's scripts over transformers: template, `generate`, decode, next |

| model | what it is |
| --- | --- |
| tiny | a random Qwen2 with two layers of 32 numbers |
| 7b-random | a random model with the layers of Qwen2-7B in bfloat16: 13 GB on disk and on the device; for a GPU |
| DIR | any other chat model, by folder |

The same weights, template, tokens and greedy decoding; both stop at `--tokens`. Ratio of items/s: ours/one-by-one >= 10
on a GPU with `--model 7b-random --size 64 --batch 64 --tokens 128`. Smoke: --size 4 --tokens 8.
Needs the extra `local`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring import ROOT, arguments, measuring, sentences


def build(model: str, folder: Path, device: str) -> Path:
    sys.path.insert(0, str(ROOT))
    from tests.local.byte_tokenizer import byte_tokenizer
    from tests.local.tiny_text import TEMPLATE, build_text

    if model == "tiny":
        return build_text(folder)
    if model != "7b-random":
        return Path(model)
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from safebench.models.torch_backend import choose_device

    tokenizer = byte_tokenizer([], "<|im_end|>", chat_template=TEMPLATE)
    tokenizer.save_pretrained(folder)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=3584, intermediate_size=18944, num_hidden_layers=28,
        num_attention_heads=28, num_key_value_heads=4, max_position_embeddings=4096, dtype="bfloat16",
        eos_token_id=tokenizer.eos_token_id, bos_token_id=None, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(0)
    with torch.device(choose_device(device)):
        Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    return folder


def ours(folder: Path, given: Any) -> Callable[[list[str]], list[str]]:
    from safebench.models.opening import open_target
    from safebench.types import Message, Request, Text

    options = {"batch_size": given.batch, "max_new_tokens": given.tokens, "device": given.device}
    target = open_target(f"transformers:{folder}", options)

    async def answers(texts: list[str]) -> list[str]:
        requests = [Request((Message("user", (Text(text),)),)) for text in texts]
        responses = await asyncio.gather(*(target.ask(request) for request in requests))
        failed = [response.failure for response in responses if response.failure]
        if failed:
            raise RuntimeError(failed[0])
        return [response.text for response in responses]

    return lambda texts: asyncio.run(answers(texts))


def one_by_one(folder: Path, given: Any) -> Callable[[list[str]], list[str]]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from safebench.models.torch_backend import choose_device

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = (
        AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, dtype="auto")
        .to(choose_device(given.device))
        .eval()
    )

    def answer(text: str) -> str:
        chat = [{"role": "user", "content": text}]
        how = {"add_generation_prompt": True, "return_dict": True, "return_tensors": "pt"}
        inputs = tokenizer.apply_chat_template(chat, **how).to(model.device)
        with torch.inference_mode():
            generated = model.generate(**inputs, max_new_tokens=given.tokens, do_sample=False)
        return str(tokenizer.decode(generated[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))

    return lambda texts: [answer(text) for text in texts]


def main() -> None:
    parser = arguments(__doc__, ["ours", "one-by-one"], 32)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    with tempfile.TemporaryDirectory() as place:
        ask = (ours if given.variant == "ours" else one_by_one)(build(given.model, Path(place), given.device), given)
        ask(sentences(2))
        with measuring(given.size) as more:
            answers = ask(sentences(given.size))
            more["characters"] = sum(map(len, answers))


if __name__ == "__main__":
    main()
