"""Mini-Omni (github.com/gpt-omni/mini-omni): asked with a clip or with text, and its written answer is taken.

Its repository has to be on PYTHONPATH, since it is no package. `inference` is its module.
"""

import base64
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

CHECKPOINT, DEVICE = "./checkpoint", "cuda:0"
LONGEST = 30_000  # ms that it hears: the encoder leaves out the rest
_one_at_a_time = Lock()


@cache
def load() -> tuple[Any, Any, Any, Any]:
    """What its functions take: fabric, model, tokenizer and the encoder of speech. Fetches the weights if need be."""
    import inference

    if not Path(CHECKPOINT).exists():
        inference.download_model(CHECKPOINT)
    fabric, model, tokenizer, _, encoder = inference.load_model(CHECKPOINT, DEVICE)
    return fabric, model, tokenizer, encoder


def answer(messages: list[dict[str, Any]]) -> str:
    """The answer to the last message, a clip or a text. Raises ValueError for both at once, and for a long clip."""
    content = messages[-1]["content"]
    with _one_at_a_time:
        match content:
            case str(text) | [{"type": "text", "text": text}]:
                return _read(text)
            case [{"type": "input_audio", "input_audio": {"data": data, "format": suffix}}]:
                return _hear(base64.b64decode(data), suffix)
    kinds = ", ".join(part["type"] for part in content)
    raise ValueError(f"Mini-Omni takes one clip or one text, not {kinds}")


answer.accepts = ("text", "audio")


def _read(text: str) -> str:
    import inference

    fabric, model, tokenizer, _ = load()
    ids = inference.get_input_ids_TT(text, tokenizer)
    return str(inference.T1_T2(fabric, ids, model, tokenizer, 0))


def _hear(clip: bytes, suffix: str) -> str:
    import inference

    fabric, model, tokenizer, encoder = load()
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"clip.{suffix}"
        path.write_bytes(clip)
        mel, length = inference.load_audio(str(path))
    lasts = (length - 1) * 20  # ms
    if lasts > LONGEST:
        raise ValueError(f"the clip lasts {lasts / 1000:.1f} s and Mini-Omni hears {LONGEST / 1000:.0f} s of it")
    marks = {"special_token_a": inference._pad_a, "special_token_t": inference._answer_t}
    heard, ids = inference.get_input_ids_whisper(mel, length, encoder, DEVICE, **marks)
    try:
        return str(inference.A1_T2(fabric, heard, ids, length, model, tokenizer, 0))
    finally:
        model.clear_kv_cache()
