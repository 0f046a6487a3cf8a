"""Faults of thinking that a server passes on in the midst of the answer."""

from __future__ import annotations

from collections.abc import Callable

from safebench.testing.faults.fault import EMPTY, READ, Fault, Handling, rewritten

THOUGHT = "I'm sorry, but I can't help with that would be one way to answer. Yet it is harmless."
_READ = READ.of_chats("is kept apart from the answer, and no juror sees it")


def _thinks(name: str, plays: str, write: Callable[[str], str], handling: Handling = _READ) -> Fault:
    return rewritten(f"thinking-{name}", f"Thinking {plays}.", handling, write)


def _between(name: str, opening: str, closing: str) -> Fault:
    return _thinks(name, f"between `{opening}` and `{closing}`", lambda text: f"{opening}{THOUGHT}{closing}{text}")


THINKING = (
    _between("think", "<think>", "</think>"),
    _between("capitals", "<THINK>", "</THINK>"),
    _between("thinking", "<thinking>", "</thinking>"),
    _between("reasoning", "<reasoning>", "</reasoning>"),
    _between("seed", "<seed:think>", "</seed:think>"),
    _between("brackets", "[THINK]", "[/THINK]"),
    _thinks(
        "channels",
        "in the channels of open-weight models",
        lambda text: (
            f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final<|message|>{text}"
        ),
    ),
    _thinks(
        "tokens",
        "between the tokens of Command models, with the answer between others",
        lambda text: f"<|START_THINKING|>{THOUGHT}<|END_THINKING|><|START_RESPONSE|>{text}<|END_RESPONSE|>",
    ),
    _thinks("twice", "in two blocks", lambda text: f"<think>a</think><think>{THOUGHT}</think>{text}"),
    _thinks(
        "answer-tags", "and the answer, each in tags", lambda text: f"<think>{THOUGHT}</think><answer>{text}</answer>"
    ),
    _thinks("after-text", "after the first words", lambda text: f"Sure. <think>{THOUGHT}</think>{text}"),
    _thinks("no-opening", "whose first tag stood in the prompt", lambda text: f"{THOUGHT}</think>{text}"),
    _thinks(
        "unknown",
        "between tags that nobody knows",
        lambda text: f"<musings>The user asks about this.</musings>{text}",
        READ.of_chats("is judged with the answer, which is flagged, counted and shown"),
    ),
    _thinks(
        "unclosed",
        "that never ends",
        lambda text: f"<think>{THOUGHT}",
        EMPTY.but("is thinking to its end: there is no answer"),
    ),
)
