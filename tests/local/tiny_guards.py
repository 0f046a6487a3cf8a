"""Tiny random models of the architectures that families of guards have, on disk; they say the same to everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.local.byte_tokenizer import byte_tokenizer
from tests.local.tiny_text import TEMPLATE

ARCHITECTURES = {  # by family: configuration and model of transformers
    "llama-guard-3": ("LlamaConfig", "LlamaForCausalLM"),
    "llama-guard-4": ("Llama4TextConfig", "Llama4ForCausalLM"),
    "shieldgemma": ("Gemma2Config", "Gemma2ForCausalLM"),
    "qwen3guard": ("Qwen3Config", "Qwen3ForCausalLM"),
    "wildguard": ("MistralConfig", "MistralForCausalLM"),
    "granite-guardian": ("GraniteConfig", "GraniteForCausalLM"),
    "granite-guardian-4": ("GraniteConfig", "GraniteForCausalLM"),
    "harmbench": ("LlamaConfig", "LlamaForCausalLM"),
}
SIZES = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 8192,
}  # fmt: skip
OF_LLAMA_4 = {"intermediate_size_mlp": 64, "num_local_experts": 2}


def build_guard(folder: Path, family: str, *, template: bool = True) -> Path:
    import torch
    import transformers

    config, model = (getattr(transformers, name) for name in ARCHITECTURES[family])
    chat: dict[str, Any] = {"chat_template": TEMPLATE} if template else {}
    tokenizer = byte_tokenizer(["<|im_end|>"], "<|im_end|>", **chat)
    more = OF_LLAMA_4 if family == "llama-guard-4" else {}
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
    torch.manual_seed(0)
    model(config(vocab_size=len(tokenizer), **SIZES, **more, **ends)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
