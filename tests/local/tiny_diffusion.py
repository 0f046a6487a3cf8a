"""A tiny Stable Diffusion pipeline with random weights, written to disk as published ones are. It draws coloured noise.

    python -m tests.local.tiny_diffusion FOLDER

Its own size is 64 px; the 512 px of a real one would take minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tests.local.byte_tokenizer import byte_tokenizer

WINDOW = 77  # tokens, which are bytes here


def tiny_diffusion(folder: Path, *, flags: bool | None = None) -> Path:
    """With a safety checker that flags every picture or none; None for a pipeline without one."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    torch.manual_seed(0)
    pipeline = StableDiffusionPipeline(
        unet=_unet(),
        vae=_vae(),
        scheduler=DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1),
        requires_safety_checker=flags is not None,
        **_text_parts(),
        **_safety_parts(flags),
    )
    pipeline.save_pretrained(folder)
    return folder


def _unet() -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=32,
        layers_per_block=1,
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
    )


def _vae() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=[32, 64],
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        latent_channels=4,
    )


def _text_parts() -> dict[str, Any]:
    from transformers import CLIPTextConfig, CLIPTextModel

    tokenizer = byte_tokenizer([], "<|endoftext|>", model_max_length=WINDOW)
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=WINDOW,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return {"tokenizer": tokenizer, "text_encoder": CLIPTextModel(config)}


def _safety_parts(flags: bool | None) -> dict[str, Any]:
    import torch
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor

    if flags is None:
        return {"safety_checker": None, "feature_extractor": None}
    seen = {"image_size": 32, "patch_size": 8}
    size = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 1, "num_attention_heads": 4}
    checker = StableDiffusionSafetyChecker(CLIPConfig(vision_config={**seen, **size}, projection_dim=8))
    # cosines lie between -1 and 1, so no picture is below the one and none above the other
    torch.nn.init.constant_(checker.concept_embeds_weights, -2.0 if flags else 2.0)
    torch.nn.init.constant_(checker.special_care_embeds_weights, 2.0)
    extractor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    return {"safety_checker": checker, "feature_extractor": extractor}


if __name__ == "__main__":
    sys.stdout.write(f"{tiny_diffusion(Path(sys.argv[1]))}\n")
