"""A function of your own as the target, run from Python: `python examples/own_target.py`."""

from __future__ import annotations

from typing import Any

import safebench as sb


async def answer(messages: list[dict[str, Any]]) -> str:
    """Call your model here. `content` is a string, or a list of parts as chat completions have them."""
    asked = str(messages[-1]["content"])
    return "I'm sorry, but I can't help with that." if "bomb" in asked else f"Here is what I know about it: {asked}"


def main() -> None:
    config = sb.make_config(
        "own_target.py",
        data="starter",
        limit=4,
        conditions=["text", "image"],
        accepts=["text", "image"],
        target="python:own_target:answer",
        preflight=False,  # a real model is asked first whether pictures arrive
        out="runs/own-target",
        max_open=1.0,
    )
    result = sb.run(config)  # the same call again finds everything done
    for condition, counts in result.counts.items():
        print(condition, dict(counts))


if __name__ == "__main__":  # the target is imported from this file
    main()
