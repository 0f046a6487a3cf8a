"""A tiny random Qwen2 on disk: takes text alone, through a plain tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.local.byte_tokenizer import byte_tokenizer

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


SIZES = {"hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2}


def build_text(folder: Path, sizes: Mapping[str, Any] = SIZES) -> Path:
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = byte_tokenizer([], "<|im_end|>", chat_template=TEMPLATE)
    config = Qwen2Config(
        vocab_size=len(tokenizer), intermediate_size=64, num_hidden_layers=2, max_position_embeddings=4096,
        eos_token_id=tokenizer.eos_token_id, bos_token_id=None, pad_token_id=tokenizer.pad_token_id, **sizes,
    )  # fmt: skip
    torch.manual_seed(0)
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
