"""A tiny random SmolVLM on disk: takes text and images, and no speech."""

from __future__ import annotations

from pathlib import Path

from tests.local.byte_tokenizer import byte_tokenizer

IMAGE, PATCH, SHUFFLE = 64, 16, 2  # px, px, factor: (64 / 16 / 2)² = 4 tokens for a picture
SPECIAL = ["<image>", "<fake_token_around_image>", "<global-img>"]
SPECIAL += [f"<row_{row}_col_{column}>" for row in range(1, 5) for column in range(1, 5)]
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: "
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
    "<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)


def build_smolvlm(folder: Path) -> Path:
    import torch
    from transformers import SmolVLMForConditionalGeneration, SmolVLMProcessor

    tokenizer = byte_tokenizer(SPECIAL, "<end_of_utterance>")
    pictures, films = _processors()
    length = (IMAGE // PATCH // SHUFFLE) ** 2
    processor = SmolVLMProcessor(pictures, tokenizer, films, image_seq_len=length, chat_template=TEMPLATE)
    torch.manual_seed(0)
    model = SmolVLMForConditionalGeneration(_config(tokenizer))
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _processors():
    from transformers import SmolVLMImageProcessor, SmolVLMVideoProcessor

    edge = {"longest_edge": IMAGE}
    pictures = SmolVLMImageProcessor(size={"longest_edge": 2 * IMAGE}, max_image_size=edge, do_image_splitting=True)
    sampling = {"video_size": edge, "fps": 1, "max_frames": 2}
    return pictures, SmolVLMVideoProcessor(size=edge, max_image_size=edge, num_frames=2, fps=1, video_sampling=sampling)


def _config(tokenizer):
    from transformers import SmolVLMConfig

    return SmolVLMConfig(
        vision_config={
            "model_type": "smolvlm_vision", "image_size": IMAGE, "patch_size": PATCH, "hidden_size": 16,
            "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
        },
        text_config={
            "model_type": "llama", "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64,
            "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
            "max_position_embeddings": 4096, "pad_token_id": tokenizer.pad_token_id,
            "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None,
        },
        scale_factor=SHUFFLE, image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
