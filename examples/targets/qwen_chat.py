"""Qwen-VL-Chat and Qwen-Audio-Chat (github.com/QwenLM), which are asked alike: by a list of texts and files."""

import base64
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

_one_at_a_time = Lock()


@cache
def load(name: str) -> tuple[Any, Any]:
    """The model, on the GPU where there is one, and its tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=True)
    return AutoModelForCausalLM.from_pretrained(name, device_map="auto", trust_remote_code=True).eval(), tokenizer


def see(messages: list[dict[str, Any]]) -> str:
    """Qwen-VL-Chat's answer to the last message."""
    return _answer("Qwen/Qwen-VL-Chat", messages)


def hear(messages: list[dict[str, Any]]) -> str:
    """Qwen-Audio-Chat's answer to the last message."""
    return _answer("Qwen/Qwen-Audio-Chat", messages)


see.accepts, hear.accepts = ("text", "image"), ("text", "audio")


def _answer(name: str, messages: list[dict[str, Any]]) -> str:
    content = messages[-1]["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    with TemporaryDirectory() as folder, _one_at_a_time:
        model, tokenizer = load(name)
        asked = [_element(part, Path(folder) / str(n)) for n, part in enumerate(parts)]
        text, _ = model.chat(tokenizer, query=tokenizer.from_list_format(asked), history=None)
    return str(text)


def _element(part: dict[str, Any], file: Path) -> dict[str, str]:
    """A part as `from_list_format` takes it; media are written to the file."""
    if part["type"] == "text":
        return {"text": part["text"]}
    if part["type"] == "image_url":
        kind, suffix, data = "image", ".png", part["image_url"]["url"].partition(",")[2]
    else:
        kind, suffix, data = "audio", f".{part['input_audio']['format']}", part["input_audio"]["data"]
    path = file.with_suffix(suffix)
    path.write_bytes(base64.b64decode(data))
    return {kind: str(path)}
