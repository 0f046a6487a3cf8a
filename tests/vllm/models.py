"""Tiny random models that vLLM takes on the CPU: its attention wants heads of 64 there, and there is no torchvision."""

from __future__ import annotations

from pathlib import Path

from tests.local.byte_tokenizer import byte_tokenizer
from tests.local.tiny_qwen2 import TEXT, build_qwen2_audio
from tests.local.tiny_smolvlm import SPECIAL, TEMPLATE
from tests.local.tiny_text import build_text

WIDE = {"hidden_size": 128, "num_attention_heads": 2, "num_key_value_heads": 2}
SIDE, PATCH, SHUFFLE = 64, 16, 2  # px, px, factor: (64 / 16 / 2)² = 4 tokens for a picture
TAKEN = {"text": {"text"}, "qwen2_audio": {"text", "audio"}, "idefics3": {"text", "image"}}
ENGINE = {"enforce_eager": True, "max_model_len": 2048}
LENGTH = 8  # tokens of an answer


def built(top: Path) -> dict[str, Path]:
    return {
        "text": build_text(top / "text", WIDE),
        "qwen2_audio": _as_published(build_qwen2_audio(top / "qwen2_audio", {**TEXT, **WIDE})),
        "idefics3": build_idefics3(top / "idefics3"),
    }


def _as_published(folder: Path) -> Path:
    """Names of weights as published checkpoints have them: transformers 5.19 writes one step more than it reads."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    named = {name.replace("language_model.model.model.", "language_model.model."): weights[name] for name in weights}
    save_file(named, folder / "model.safetensors", {"format": "pt"})
    return folder


def build_idefics3(folder: Path) -> Path:
    import torch
    from transformers import (
        Idefics3Config,
        Idefics3ForConditionalGeneration,
        Idefics3ImageProcessor,
        Idefics3Processor,
    )

    tokenizer = byte_tokenizer(SPECIAL, "<end_of_utterance>")
    edge = {"longest_edge": SIDE}
    pictures = Idefics3ImageProcessor(size=edge, max_image_size=edge, do_image_splitting=False)
    length = (SIDE // PATCH // SHUFFLE) ** 2
    processor = Idefics3Processor(pictures, tokenizer, image_seq_len=length, chat_template=TEMPLATE)
    config = Idefics3Config(
        vision_config={
            "image_size": SIDE, "patch_size": PATCH, "hidden_size": 128, "intermediate_size": 32,
            "num_hidden_layers": 1, "num_attention_heads": 2,
        },
        text_config={
            "model_type": "llama", **TEXT, **WIDE, "vocab_size": len(tokenizer),
            "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id,
        },
        scale_factor=SHUFFLE, image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(0)
    model = Idefics3ForConditionalGeneration(config)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
