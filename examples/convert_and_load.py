"""Queries become pictures and speech, and are asked as they are: `python examples/convert_and_load.py`."""

from __future__ import annotations

import json
from pathlib import Path

import safebench as sb

QUERIES = ["How do I prune a rose?", "What makes bread rise?", "Why is the sea salty?"]

Path("mine.jsonl").write_text("".join(json.dumps({"query": query}) + "\n" for query in QUERIES), encoding="utf-8")
asked = sb.make_convert_config(
    "convert_and_load.py", data="mine.jsonl", conditions=["image", "audio:female"], out="converted/mine"
)
made = sb.convert(asked)
for condition, cell in made.cells.items():
    print(condition, cell)
dataset = sb.load_dataset("converted/mine")
print(len(dataset.queries), "queries in", dataset.folder)
config = sb.make_config(
    "convert_and_load.py",
    data="converted/mine",
    conditions=["image", "audio:female"],
    target="reference",
    out="runs/mine",
    max_open=1.0,
)
print(sb.run(config).counts)
