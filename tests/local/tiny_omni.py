"""A tiny random Qwen2.5-Omni thinker on disk: takes text, images and speech, and loads through the Auto classes.

It has 256 byte tokens and knows nothing; what it answers is noise. What counts is that real media go all the way into
a real model and change the number of its prompt tokens.
"""

from __future__ import annotations

from pathlib import Path

from tests.local.byte_tokenizer import byte_tokenizer

NAMES = {
    "image_token": "<|image_pad|>",
    "audio_token": "<|AUDIO|>",
    "video_token": "<|video_pad|>",
    "vision_bos_token": "<|vision_start|>",
    "vision_eos_token": "<|vision_end|>",
    "audio_bos_token": "<|audio_bos|>",
    "audio_eos_token": "<|audio_eos|>",
}
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'audio' %}<|audio_bos|><|AUDIO|><|audio_eos|>"
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PIXELS = {"shortest_edge": 4 * 784, "longest_edge": 16 * 784}
ROPE = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}


def build_omni(folder: Path) -> Path:
    import torch
    from transformers import Qwen2_5OmniThinkerForConditionalGeneration

    processor = _processor()
    torch.manual_seed(0)
    model = Qwen2_5OmniThinkerForConditionalGeneration(_config(processor.tokenizer))
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def build_speaking_omni(folder: Path) -> Path:
    """The whole model, as it is published: the same thinker, a talker, and what makes sound of its codes."""
    import torch
    from transformers import Qwen2_5OmniConfig, Qwen2_5OmniForConditionalGeneration

    processor = _processor()
    thinker = _config(processor.tokenizer)
    thinker.text_config.eos_token_id = None  # as published: only the tokenizer says where an answer ends
    config = Qwen2_5OmniConfig(
        thinker_config=thinker.to_dict(),
        talker_config={
            "vocab_size": 64, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1,
            "num_attention_heads": 4, "num_key_value_heads": 2, "embedding_size": 32, "head_dim": 8,
            "rope_parameters": ROPE,
        },
        token2wav_config={
            "dit_config": {
                "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "ff_mult": 1, "emb_dim": 16,
                "head_dim": 16, "enc_dim": 8, "enc_emb_dim": 8, "enc_channels": [8, 8, 8, 8, 24],
                "enc_attention_channels": 8, "enc_se_channels": 8, "mel_dim": 8, "num_embeds": 64,
            },
            "bigvgan_config": {
                "mel_dim": 8, "upsample_initial_channel": 16, "upsample_rates": [2, 2],
                "upsample_kernel_sizes": [4, 4], "resblock_kernel_sizes": [3], "resblock_dilation_sizes": [[1, 1, 1]],
            },
        },
    )  # fmt: skip
    torch.manual_seed(0)
    model = Qwen2_5OmniForConditionalGeneration(config)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _processor():
    from transformers import (
        Qwen2_5OmniProcessor,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
        WhisperFeatureExtractor,
    )

    pictures, films = Qwen2VLImageProcessor(size=PIXELS), Qwen2VLVideoProcessor(size=PIXELS)
    speech = WhisperFeatureExtractor(feature_size=16)
    return Qwen2_5OmniProcessor(
        pictures,
        films,
        speech,
        byte_tokenizer(list(NAMES.values()), "<|im_end|>", extra_special_tokens=NAMES),
        chat_template=TEMPLATE,
    )


def _config(tokenizer):
    from transformers import Qwen2_5OmniThinkerConfig

    def token(name: str) -> int:
        return tokenizer.convert_tokens_to_ids(NAMES[name])

    config = Qwen2_5OmniThinkerConfig(
        audio_config={
            "num_mel_bins": 16, "d_model": 32, "encoder_layers": 1, "encoder_attention_heads": 2,
            "encoder_ffn_dim": 64, "output_dim": 32, "n_window": 100,
        },
        vision_config={
            "depth": 1, "hidden_size": 32, "num_heads": 2, "intermediate_size": 64, "patch_size": 14,
            "out_hidden_size": 32, "fullatt_block_indexes": [0],
        },
        text_config={
            "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096,
            "rope_parameters": ROPE, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None,
            "pad_token_id": tokenizer.pad_token_id,
        },
        audio_token_index=token("audio_token"), image_token_index=token("image_token"),
        video_token_index=token("video_token"), audio_start_token_id=token("audio_bos_token"),
        audio_end_token_id=token("audio_eos_token"), user_token_id=0,
    )  # fmt: skip
    config.vision_start_token_id = token("vision_bos_token")
    config.vision_end_token_id = token("vision_eos_token")
    return config
