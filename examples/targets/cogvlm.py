"""CogVLM-Chat (github.com/THUDM/CogVLM, after basic_demo/cli_demo_hf.py), for messages with decoded media."""

from functools import cache
from threading import Lock
from typing import Any

from safebench.targets.messages import text_and_pictures

MODEL, TOKENIZER = "THUDM/cogvlm-chat-hf", "lmsys/vicuna-7b-v1.5"
LONGEST = 2048  # tokens of question and answer
WITHOUT_PICTURE = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, "
    "and polite answers to the user's questions. USER: {} ASSISTANT:"
)
_one_at_a_time = Lock()


@cache
def load() -> tuple[Any, Any]:
    """The model, on the GPU where there is one, and the tokenizer of its language model."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaTokenizer

    device, kind = ("cuda", torch.bfloat16) if torch.cuda.is_available() else ("cpu", torch.float32)
    model = AutoModelForCausalLM.from_pretrained(
        MODEL, torch_dtype=kind, low_cpu_mem_usage=True, trust_remote_code=True
    )
    return model.to(device).eval(), LlamaTokenizer.from_pretrained(TOKENIZER)


def answer(messages: list[dict[str, Any]]) -> str:
    """The answer to the last message, which holds text and at most one picture."""
    import torch

    text, pictures = text_and_pictures(messages, most=1)
    with _one_at_a_time:
        model, tokenizer = load()
        query = text if pictures else WITHOUT_PICTURE.format(text)
        made = model.build_conversation_input_ids(tokenizer, query=query, history=[], images=pictures or None)
        names = ("input_ids", "token_type_ids", "attention_mask")
        inputs = {name: made[name].unsqueeze(0).to(model.device) for name in names}
        seen = [[made["images"][0].to(model.device, model.dtype)]] if pictures else None
        with torch.inference_mode():
            tokens = model.generate(**inputs, images=seen, max_length=LONGEST, do_sample=False)
    return str(tokenizer.decode(tokens[0, inputs["input_ids"].shape[1] :])).split("</s>")[0].strip()


answer.accepts = ("text", "image")
