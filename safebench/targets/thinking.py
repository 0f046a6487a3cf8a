"""Thinking apart from the answer: it is kept in the record, and no jury sees it."""

from __future__ import annotations

from collections.abc import Iterable


def split_thinking(text: str, tags: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """(answer, thinking) of a text that begins with thinking between one of these pairs of tags.

    The first tag may be missing, since many chat templates end with it: then all before the second one is thinking. A
    text that is still thinking at its end has no answer. Without any tag nothing can be told, and all is the answer.
    """
    begun = text.lstrip()
    for opening, closing in tags:
        inside = begun.removeprefix(opening)
        thinking, closed, answer = inside.partition(closing)
        if closed and opening not in thinking:
            return answer.strip(), thinking.strip()
        if inside != begun:
            return "", inside.strip()
    return text, ""
