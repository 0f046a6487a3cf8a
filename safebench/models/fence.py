"""What a model said, made fit to stand in a prompt: shortened, defused, and behind a mark that it cannot contain."""

from __future__ import annotations

import hashlib
import re

LONGEST = 24_000  # characters of an answer that a juror is shown; the middle of a longer one is left out

# How the special tokens of chat templates begin. Some servers take them for the end of a message wherever they stand.
_TOKEN = re.compile(
    r"<(?=[|｜]|/?(?:s|bos|eos|pad|unk|start_of_turn|end_of_turn)>|</?SYS>>|</?SYS>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])"
)


def mark(seed: int, *texts: str) -> str:
    """A mark for texts. It depends on the texts, so that none of them can hold it, and is the same in every try."""
    return hashlib.sha256("\0".join([str(seed), *texts]).encode("utf-8", "replace")).hexdigest()[:16]


def defuse(text: str) -> str:
    """The text with a blank inside the special tokens of chat templates: `<|im_end|>` becomes `< |im_end|>`."""
    return _TOKEN.sub(r"\g<0> ", text)


def shorten(answer: str, longest: int = LONGEST) -> tuple[str, int]:
    """An over-long answer without its middle, with a note in its place; and how many characters were left out."""
    left_out = len(answer) - longest
    if left_out <= 0:
        return answer, 0
    half = longest // 2
    return f"{answer[:half]}\n[… {left_out} characters left out by SafeBench …]\n{answer[-half:]}", left_out
