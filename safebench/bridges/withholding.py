"""What leaves this machine never says where things lie on it, nor, without texts, what a server said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from safebench.runs.preflight import Delivery


def without_reasons(deliveries: Iterable[Delivery]) -> Callable[[str], str]:
    """Puts the state of a delivery in place of its reason, and where that is quoted.

    What was delivered has a reason of our own words; that of any other may be all that a server answered.
    """
    states = {one.reason: one.state for one in deliveries if one.state != "delivered"}

    def cleaned(text: str) -> str:
        for reason, state in states.items():
            text = state if text == reason else text.replace(f"({reason})", f"({state})")
        return text

    return cleaned


def in_all_texts(value: Any, clean: Callable[[str], str]) -> Any:
    """The same value with each text in it cleaned, keys of tables too."""
    if type(value) is str:  # an enum stays one
        return clean(value)
    if is_dataclass(value) and not isinstance(value, type):
        held = {field.name: getattr(value, field.name) for field in fields(value)}
        return replace(value, **in_all_texts(held, clean))
    if isinstance(value, Mapping):
        return {in_all_texts(key, clean): in_all_texts(one, clean) for key, one in value.items()}
    if isinstance(value, list | tuple):
        every = [in_all_texts(one, clean) for one in value]
        return every if isinstance(value, list) else type(value)(*every) if hasattr(value, "_fields") else tuple(every)
    return value
