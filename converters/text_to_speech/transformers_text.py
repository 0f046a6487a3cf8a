"""What a transformers tokenizer would silently leave out or cut off from a text."""

from __future__ import annotations

from typing import Any

from converters.text_to_speech import spoken_text
from safebench.errors import ConversionError

_NO_LIMIT = 10**9  # tokenizers without a limit name a huge number
_BARK_TOKENS = 256  # Bark's processor cuts its input there


def check_text(text: str, tokenizer: Any, config: Any) -> str:
    """The text as the model gets it. Raises ConversionError for what it would not say, or only in part."""
    text = spoken_text.one_line(spoken_text.speakable(text))
    text = _vits(text, tokenizer) if hasattr(tokenizer, "normalize_text") else _others(text, tokenizer)
    _refuse_overlong(text, tokenizer, config)
    return text


def _vits(text: str, tokenizer: Any) -> str:
    """VITS reads character by character, and drops what it does not know without a word."""
    known = {token for token in tokenizer.get_vocab() if token.isalnum() or token not in tokenizer.all_special_tokens}
    if not tokenizer.phonemize:
        text = spoken_text.without_silent_marks(text, lambda character: character in known)
    try:
        seen, _ = tokenizer.prepare_for_tokenization(_lowered(text, tokenizer), normalize=False)
    except ImportError as error:
        raise ConversionError(f"the model reads phonemes: {error}") from error
    spoken_text.refuse_unknown((character for character in seen if character not in known), "the model's alphabet")
    return text


def _lowered(text: str, tokenizer: Any) -> str:
    return str(tokenizer.normalize_text(text)) if tokenizer.normalize else text


def _others(text: str, tokenizer: Any) -> str:
    """Tokenizers of word pieces have one token for all that they do not know."""
    unknown = tokenizer.unk_token_id
    if unknown is None:
        return text
    text = spoken_text.without_silent_marks(text, lambda character: unknown not in _ids(character, tokenizer))
    if unknown in _ids(text, tokenizer):
        spoken_text.refuse_unknown((c for c in text if unknown in _ids(c, tokenizer)), "the model's vocabulary")
    return text


def _ids(text: str, tokenizer: Any) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _refuse_overlong(text: str, tokenizer: Any, config: Any) -> None:
    limits = [tokenizer.model_max_length, getattr(config, "max_text_positions", None)]
    limits.append(_BARK_TOKENS if config.model_type == "bark" else None)
    limit = min(limit for limit in [*limits, _NO_LIMIT] if limit is not None)
    length = len(tokenizer(text)["input_ids"]) if limit < _NO_LIMIT else 0
    if length > limit:
        raise ConversionError(f"the text has {length} tokens, and the model reads {limit}: the rest would be missing")
