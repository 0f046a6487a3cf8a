"""A chat model on this machine, asked in batches or one question after the other.

    python benchmarks/local_chat.py VARIANT [--size 32] [--model tiny] [--batch 32] [--tokens 32] [--device auto]

| variant | who asks |
| --- | --- |
| ours | the target `transformers:`, with all questions under way at once, as in a run |
| one-by-one | the loop of the paper's scripts over transformers: template, `generate`, decode, next |
| ideal | `generate` on batches of answers of like length, each of which was known beforehand |
| continuous | transformers' own continuous batching, `generate_batch` |
| vllm | vLLM, with all conversations at once and `--batch` of them under way |

| model | what it is |
| --- | --- |
| tiny | a random Qwen2 with two layers of 32 numbers |
| uneven | the same with two layers of 128, whose answers end after one token, at `--tokens`, or anywhere between |
| 7b-random | a random model with the layers of Qwen2-7B in bfloat16: 13 GB on disk and on the device; for a GPU |
| DIR | any other chat model, by folder |

The same weights, template, tokens and greedy decoding; all stop at `--tokens`. Ratios of items/s: ours/ideal >= 0.9;
ours/one-by-one >= 10 on a GPU with `--model 7b-random --size 64 --batch 64 --tokens 128`. Smoke: --size 4 --tokens 8.
Needs the extra `local`, and `vllm` an environment of its own.
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

Ask = Callable[[list[str]], list[str]]
WIDE = {"hidden_size": 128, "num_attention_heads": 2, "num_key_value_heads": 2}  # vLLM wants heads of 64 on a CPU
UNEVEN = (192, 36, 81, 58, 202, 209, 124)  # tokens that each end some answers


def build(model: str, folder: Path, device: str) -> Path:
    sys.path.insert(0, str(ROOT))
    from tests.local.byte_tokenizer import byte_tokenizer
    from tests.local.tiny_text import TEMPLATE, build_text

    if model == "tiny":
        return build_text(folder)
    if model == "uneven":
        from transformers import GenerationConfig

        ends = [256, *UNEVEN]
        GenerationConfig(eos_token_id=ends, pad_token_id=257).save_pretrained(build_text(folder, WIDE))
        return folder
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


def ours(folder: Path, given: Any) -> Ask:
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


class Transformers:
    """The bare library."""

    def __init__(self, folder: Path, given: Any) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        from safebench.models.torch_backend import choose_device

        self.given = given
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, dtype="auto")
        self.model = model.to(choose_device(given.device)).eval()
        self.ends = self.model.generation_config.eos_token_id
        self.lengths: dict[str, int] = {}  # of answers, by question

    def prompts(self, texts: list[str], **how: Any) -> Any:
        chats = [[{"role": "user", "content": text}] for text in texts]
        return self.tokenizer.apply_chat_template(chats, add_generation_prompt=True, return_dict=True, **how)

    def batch(self, texts: list[str]) -> list[str]:
        import torch

        inputs = self.prompts(texts, return_tensors="pt", padding=True).to(self.model.device)
        with torch.inference_mode():
            generated = self.model.generate(**inputs, max_new_tokens=self.given.tokens, do_sample=False)
        rows = [self.said(row) for row in generated[:, inputs["input_ids"].shape[1] :].tolist()]
        self.lengths |= {text: len(row) for text, row in zip(texts, rows, strict=True)}
        return [self.tokenizer.decode(row, skip_special_tokens=True) for row in rows]

    def said(self, tokens: list[int]) -> list[int]:
        ends = self.ends if isinstance(self.ends, list) else [self.ends]
        return tokens[: next((n for n, token in enumerate(tokens) if token in ends), None)]

    def one_by_one(self, texts: list[str]) -> list[str]:
        return [answer for text in texts for answer in self.batch([text])]

    def ideal(self, texts: list[str]) -> list[str]:
        """In batches by the lengths of the answers, where these questions were asked before."""
        ordered, most = sorted(texts, key=lambda text: self.lengths.get(text, 0)), self.given.batch
        return [answer for n in range(0, len(texts), most) for answer in self.batch(ordered[n : n + most])]

    def continuous(self, texts: list[str]) -> list[str]:
        from transformers import ContinuousBatchingConfig, GenerationConfig

        most = self.given.batch
        small = {"num_blocks": 2 * most, "max_batch_tokens": 512} if self.model.device.type == "cpu" else {}
        how = GenerationConfig(do_sample=False, max_new_tokens=self.given.tokens, eos_token_id=self.ends)
        batching = ContinuousBatchingConfig(max_requests_per_batch=most, **small)
        done = self.model.generate_batch(
            self.prompts(texts)["input_ids"], generation_config=how, continuous_batching_config=batching
        ).values()
        failed = [one.error for one in done if one.error]
        if failed or len(done) != len(texts):
            raise RuntimeError(f"{len(done)} answers: {failed}")
        return [self.tokenizer.decode(self.said(one.generated_tokens), skip_special_tokens=True) for one in done]


def vllm(folder: Path, given: Any) -> Ask:
    from safebench.targets.vllm import import_vllm

    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB
    library = import_vllm("benchmark")
    engine = {"max_num_seqs": given.batch, "max_model_len": 2048, "enforce_eager": True, "use_tqdm_on_load": False}
    engine["enable_prefix_caching"] = False  # the questions are asked for the second time
    model = library.LLM(str(folder), load_format="safetensors", **engine)
    greedy = library.SamplingParams(temperature=0, max_tokens=given.tokens)

    def answers(texts: list[str]) -> list[str]:
        chats = [[{"role": "user", "content": text}] for text in texts]
        return [one.outputs[0].text for one in model.chat(chats, greedy, use_tqdm=False)]

    return answers


def asker(folder: Path, given: Any) -> Ask:
    if given.variant in ("ours", "vllm"):
        return (ours if given.variant == "ours" else vllm)(folder, given)
    way: Ask = getattr(Transformers(folder, given), given.variant.replace("-", "_"))
    return way


def main() -> None:
    parser = arguments(__doc__, ["ours", "one-by-one", "ideal", "continuous", "vllm"], 32)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    with tempfile.TemporaryDirectory() as place:
        ask = asker(build(given.model, Path(place), given.device), given)
        ask(sentences(given.size))
        with measuring(given.size) as more:
            answers = ask(sentences(given.size))
            more["characters"] = sum(map(len, answers))


if __name__ == "__main__":
    main()
