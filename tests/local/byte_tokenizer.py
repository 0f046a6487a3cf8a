"""A tokenizer of 256 bytes and some special tokens, for tiny chat models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def byte_tokenizer(special: Sequence[str], eos: str, **options: Any):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    engine = Tokenizer(models.BPE(vocab={symbol: n for n, symbol in enumerate(alphabet)}, merges=[]))
    engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    engine.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=engine, eos_token=eos, pad_token="<|endoftext|>", padding_side="left", **options
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", *special]})
    return tokenizer
