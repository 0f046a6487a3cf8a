"""Tiny random Qwen2-Audio, which hears, and Qwen2-VL, which sees; on disk, as published ones are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.local.byte_tokenizer import byte_tokenizer
from tests.local.tiny_omni import PIXELS, ROPE, TEMPLATE

SEEN = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
TEXT = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 4096, "bos_token_id": None,
}  # fmt: skip


def build_qwen2_audio(folder: Path, text: Mapping[str, Any] = TEXT) -> Path:
    from transformers import (
        Qwen2AudioConfig,
        Qwen2AudioForConditionalGeneration,
        Qwen2AudioProcessor,
        WhisperFeatureExtractor,
    )

    tokenizer = byte_tokenizer(["<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"], "<|im_end|>")
    config = Qwen2AudioConfig(
        audio_config={
            "model_type": "qwen2_audio_encoder", "num_mel_bins": 16, "d_model": 16, "encoder_layers": 1,
            "encoder_attention_heads": 2, "encoder_ffn_dim": 32,
        },
        text_config={"model_type": "qwen2", **text, **_numbers(tokenizer)},
        audio_token_index=tokenizer.convert_tokens_to_ids("<|AUDIO|>"),
    )  # fmt: skip
    processor = Qwen2AudioProcessor(WhisperFeatureExtractor(feature_size=16), tokenizer, chat_template=TEMPLATE)
    return _saved(folder, Qwen2AudioForConditionalGeneration, config, processor)


def build_qwen2_vl(folder: Path) -> Path:
    from transformers import (
        Qwen2VLConfig,
        Qwen2VLForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )

    tokenizer = byte_tokenizer(SEEN, "<|im_end|>")
    start, end, image, video = tokenizer.convert_tokens_to_ids(SEEN)
    config = Qwen2VLConfig(
        text_config={"model_type": "qwen2_vl_text", **TEXT, **_numbers(tokenizer), "rope_parameters": ROPE},
        vision_config={
            "depth": 1, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 2, "patch_size": 14,
        },
        vision_start_token_id=start, vision_end_token_id=end, image_token_id=image, video_token_id=video,
    )  # fmt: skip
    pictures, films = Qwen2VLImageProcessor(size=PIXELS), Qwen2VLVideoProcessor(size=PIXELS)
    processor = Qwen2VLProcessor(pictures, tokenizer, films, chat_template=TEMPLATE)
    return _saved(folder, Qwen2VLForConditionalGeneration, config, processor)


def _numbers(tokenizer) -> dict[str, int]:
    return {
        "vocab_size": len(tokenizer),
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _saved(folder: Path, network, config, processor) -> Path:
    import torch

    torch.manual_seed(0)
    model = network(config)
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
