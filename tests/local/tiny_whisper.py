"""Tiny speech-recognition models with random weights, written to disk as published ones are.

What they hear has no meaning, but it depends on the clip, and is the same for the same clip.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "de")
TASKS = ("translate", "transcribe")
OTHERS = ("<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>")
LETTERS = "|abcdefghijklmnopqrstuvwxyz'"  # the bar stands for the gap between words


def whisper(folder: Path) -> Path:
    """A multilingual Whisper of one layer with its processor."""
    import torch
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperProcessor

    tokenizer = _whisper_tokenizer()
    end = tokenizer.eos_token_id
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        num_mel_bins=16,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_source_positions=1500,
        max_target_positions=32,
        init_std=0.5,  # wide, so that what is heard depends on the clip
        decoder_start_token_id=tokenizer.convert_tokens_to_ids("<|startoftranscript|>"),
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(config)
    _set_generation(model.generation_config, tokenizer)
    model.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(feature_size=16), tokenizer).save_pretrained(folder)
    return folder


def _whisper_tokenizer() -> Any:
    from tokenizers import pre_tokenizers
    from transformers import WhisperTokenizer

    letters = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "<|endoftext|>"]
    vocabulary = {letter: number for number, letter in enumerate(letters)}
    tokenizer = WhisperTokenizer(vocab=vocabulary, merges=[], pad_token="<|endoftext|>")
    marks = ["startoftranscript", *LANGUAGES, *TASKS]
    tokenizer.add_special_tokens({"additional_special_tokens": [*(f"<|{mark}|>" for mark in marks), *OTHERS]})
    tokenizer.add_tokens([f"<|{number * 0.02:.2f}|>" for number in range(1501)])
    return tokenizer


def _set_generation(settings: Any, tokenizer: Any) -> None:
    def token(mark: str) -> Any:
        return tokenizer.convert_tokens_to_ids(f"<|{mark}|>")

    settings._from_model_config = False
    settings.is_multilingual = True
    settings.lang_to_id = {f"<|{language}|>": token(language) for language in LANGUAGES}
    settings.task_to_id = {task: token(task) for task in TASKS}
    settings.no_timestamps_token_id = token("notimestamps")
    settings.prev_sot_token_id = token("startofprev")
    settings.suppress_tokens = list(range(token("startoftranscript"), len(tokenizer)))  # letters only
    settings.max_length = 32
    settings.alignment_heads = [[0, 0]]
    settings.pad_token_id = tokenizer.pad_token_id


def wav2vec2(folder: Path) -> Path:
    """A CTC model that spells, with its processor."""
    import torch
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2CTCTokenizer,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForCTC,
        Wav2Vec2Processor,
    )

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = folder / "letters.json"
    tokens = ["<pad>", "<s>", "</s>", "<unk>", *LETTERS]
    vocabulary.write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    config = Wav2Vec2Config(
        vocab_size=len(tokens),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(16, 16),
        conv_kernel=(10, 8),
        conv_stride=(20, 16),
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        initializer_range=0.5,
        pad_token_id=0,
    )
    torch.manual_seed(0)
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    extractor = Wav2Vec2FeatureExtractor(feature_size=1, sampling_rate=16000, padding_value=0.0, do_normalize=True)
    Wav2Vec2Processor(extractor, Wav2Vec2CTCTokenizer(str(vocabulary))).save_pretrained(folder)
    return folder
