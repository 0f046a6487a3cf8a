"""A tiny random Voxtral on disk: takes text and speech, through mistral-common, without a chat template of its own."""

from __future__ import annotations

import base64
import json
from pathlib import Path

BYTES, SPECIAL = 256, 40
NAMES = [  # at the places where Voxtral has them; the processor knows that of [AUDIO] by its number
    "<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]",
    "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]",
]  # fmt: skip
PLACES = dict(enumerate(NAMES)) | {24: "[AUDIO]", 25: "[BEGIN_AUDIO]", 34: "[TRANSCRIBE]"}


def build_voxtral(folder: Path) -> Path:
    import torch
    from transformers import VoxtralConfig, VoxtralForConditionalGeneration, WhisperFeatureExtractor

    config = VoxtralConfig(
        audio_config={
            "num_mel_bins": 16, "hidden_size": 16, "intermediate_size": 64, "num_hidden_layers": 1,
            "num_attention_heads": 2,
        },
        text_config={
            "model_type": "llama", "vocab_size": BYTES + SPECIAL, "hidden_size": 32, "intermediate_size": 64,
            "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
            "max_position_embeddings": 4096, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 11,
        },
        audio_token_id=24,
    )  # fmt: skip
    torch.manual_seed(0)
    VoxtralForConditionalGeneration(config).save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=16, processor_class="VoxtralProcessor").save_pretrained(folder)
    (folder / "tekken.json").write_text(json.dumps(_tokens()), encoding="utf-8")
    return folder


def _tokens() -> dict:
    """Mistral's file of a tokenizer, for single bytes."""
    special = [
        {"rank": rank, "token_str": PLACES.get(rank, f"<SPECIAL_{rank}>"), "is_control": True}
        for rank in range(SPECIAL)
    ]
    return {
        "config": {
            "pattern": r"\p{L}+|\P{L}", "num_vocab_tokens": BYTES, "default_vocab_size": BYTES + SPECIAL,
            "default_num_special_tokens": SPECIAL, "version": "v7",
        },
        "vocab": [
            {"rank": n, "token_bytes": base64.b64encode(bytes([n])).decode(), "token_str": None} for n in range(BYTES)
        ],
        "special_tokens": special,
        "audio": {
            "sampling_rate": 16000, "frame_rate": 12.5, "chunk_length_s": 30.0,
            "audio_encoding_config": {"num_mel_bins": 16, "hop_length": 160, "window_size": 400},
        },
    }  # fmt: skip
