"""Bunny-v1.1-Llama-3-8B-V (github.com/BAAI-DCAI/Bunny), for messages with decoded media."""

from functools import cache
from threading import Lock
from typing import Any

from safebench.targets.messages import text_and_pictures

MODEL = "BAAI/Bunny-v1_1-Llama-3-8B-V"
LONGEST = 1024  # tokens of an answer
IMAGE = -200  # the token in whose place the picture comes
PROMPT = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, "
    "and polite answers to the user's questions. USER: {} ASSISTANT:"
)
_one_at_a_time = Lock()


@cache
def load() -> tuple[Any, Any]:
    """The model, on the GPU where there is one, and its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    kind = torch.float16 if torch.cuda.is_available() else torch.float32
    model = AutoModelForCausalLM.from_pretrained(MODEL, torch_dtype=kind, device_map="auto", trust_remote_code=True)
    return model.eval(), AutoTokenizer.from_pretrained(MODEL, trust_remote_code=True)


def answer(messages: list[dict[str, Any]]) -> str:
    """The answer to the last message, which holds text and at most one picture."""
    import torch

    text, pictures = text_and_pictures(messages, most=1)
    with _one_at_a_time:
        model, tokenizer = load()
        ids = _ids(PROMPT.format(f"<image>\n{text}" if pictures else text), tokenizer)
        inputs = torch.tensor([ids], dtype=torch.long, device=model.device)
        seen = model.process_images(pictures, model.config).to(model.device, model.dtype) if pictures else None
        with torch.inference_mode():
            tokens = model.generate(inputs, images=seen, max_new_tokens=LONGEST, do_sample=False, use_cache=True)[0]
    return str(tokenizer.decode(tokens[len(ids) :], skip_special_tokens=True)).strip()


answer.accepts = ("text", "image")


def _ids(prompt: str, tokenizer: Any) -> list[int]:
    """The prompt's tokens; that of the picture stands where the prompt has it, and one begin of text at the front."""
    before, *after = [list(tokenizer(chunk).input_ids) for chunk in prompt.split("<image>")]
    return before + [token for chunk in after for token in (IMAGE, *chunk[1:])]
