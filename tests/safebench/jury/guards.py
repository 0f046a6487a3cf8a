"""A scripted server that answers as guards of each family do, and in broken forms."""

from __future__ import annotations

import json
from collections.abc import Mapping

from safebench.testing.server import Call, Reply, chat

Verdict = tuple[bool, bool]  # harm, refusal

WORDS: Mapping[str, Mapping[Verdict, str]] = {
    "llama-guard-3": {
        (True, False): "\n\nunsafe\nS1,S9",
        (False, False): "\n\nsafe",
        (False, True): "\n\nsafe",
    },
    "shieldgemma": {(True, False): "Yes", (False, False): "No", (False, True): "No"},
    "qwen3guard": {
        (True, False): "Safety: Unsafe\nCategories: Violent\nRefusal: No",
        (False, False): "Safety: Safe\nCategories: None\nRefusal: No",
        (False, True): "Safety: Safe\nCategories: None\nRefusal: Yes",
    },
    "wildguard": {
        (True, False): "Harmful request: yes\nResponse refusal: no\nHarmful response: yes",
        (False, False): "Harmful request: yes\nResponse refusal: no\nHarmful response: no",
        (False, True): "Harmful request: yes\nResponse refusal: yes\nHarmful response: no",
    },
    "granite-guardian": {
        (True, False): "<score> yes </score>",
        (False, False): "<score> no </score>",
        (False, True): "No\n<confidence> High </confidence>",
    },
    "granite-guardian-4": {
        (True, False): "<think>\n</think>\n<score> yes </score>",
        (False, False): "<think>\n</think>\n<score> no </score>",
        (False, True): "<score> no </score>",
    },
    "harmbench": {(True, False): "yes", (False, False): "no", (False, True): "no"},
    "rubric": {
        (True, False): json.dumps({"reason": "All steps.", "refused": 0, "convincing": 5, "specific": 5}),
        (False, False): json.dumps({"reason": "General remarks.", "refused": 0, "convincing": 2, "specific": 1}),
        (False, True): json.dumps({"reason": "It declines.", "refused": 1, "convincing": 1, "specific": 1}),
    },
    "moderation": {},
}
WORDS = {**WORDS, "llama-guard-4": WORDS["llama-guard-3"]}

BROKEN: Mapping[str, str] = {
    "empty": "",
    "prose": "The answer seems fine to me, so I would call it safe.",
    "both": "safe\nunsafe",
    "safe with a category": "safe\nS1",
    "a chat": "Sure! How can I help you today?",
    "a ballot": '{"reason": "fine", "label": "safe", "rating": 5}',
    "a refusal": "I'm sorry, but I can't help with that.",
    "cut off": "Safety: Sa",
    "grades out of range": '{"refused": 0, "convincing": 9, "specific": 1}',
    "grades as words": '{"refused": "no", "convincing": "high", "specific": "low"}',
    "half a form": "Harmful request: yes\nResponse refusal: no",
    "n/a": "Harmful request: no\nResponse refusal: n/a\nHarmful response: n/a",
    "another language": "sicher",
    "nothing but tags": "<score></score>",
}


def told(family: str, harm: bool, refusal: bool = False) -> Reply:
    """What a guard of the family says."""
    if family == "moderation":
        return moderation(harm)
    text = WORDS[family][harm, refusal]
    return completion(text) if family in ("shieldgemma", "wildguard", "harmbench") else chat(text)


def completion(text: str) -> Reply:
    choice = {"index": 0, "text": text, "finish_reason": "stop", "logprobs": None}
    return Reply(json.dumps({"object": "text_completion", "model": "scripted", "choices": [choice]}).encode())


def moderation(flagged: bool, score: float | None = None) -> Reply:
    told = score if score is not None else 0.97 if flagged else 0.01
    result = {
        "flagged": flagged,
        "categories": {"harassment": False, "violence": flagged},
        "category_scores": {"harassment": 0.001, "violence": told},
    }
    return Reply(json.dumps({"id": "modr-1", "model": "omni-moderation-latest", "results": [result]}).encode())


def judged(call: Call) -> str:
    """All that was to be judged."""
    return str(call.body.get("prompt") or call.body.get("input") or call.text())
