"""How often our instruction form of a question is the one that people wrote for it.

    python benchmarks/instruction_form.py FILE.csv [--sample N]

FILE has columns `question` and `instruction`, as FigStep's SafeBench (Gong et al., AAAI 2025;
github.com/ThuCCSLab/FigStep). Case and punctuation do not count. `--sample` prints that many pairs of question and
heading, drawn at random by a fixed seed, to be read by eye.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
import sys
from pathlib import Path

from converters.text_to_text.instruction_form import NEUTRAL, instruction_form
from safebench.models.words import words

HEAD = re.compile(r"(?:steps|methods|ways|list) (?:to|for|of) ")


def same(one: str, other: str) -> bool:
    return words(one) == words(other)


def behind_head(text: str) -> str:
    return HEAD.sub("", text.lower(), count=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path, metavar="FILE.csv")
    parser.add_argument("--sample", type=int, default=0, metavar="N")
    arguments = parser.parse_args()
    with arguments.file.open(newline="", encoding="utf-8") as lines:
        pairs = [(row["question"], row["instruction"]) for row in csv.DictReader(lines)]
    made = [(instruction_form(question), theirs) for question, theirs in pairs]
    counts = {
        "questions": len(made),
        "neutral heading": sum(ours.startswith(NEUTRAL) for ours, _ in made),
        "same words": sum(same(ours, theirs) for ours, theirs in made),
        "same words but for the head": sum(same(behind_head(ours), behind_head(theirs)) for ours, theirs in made),
    }
    sys.stdout.writelines(f"{name}: {count}\n" for name, count in counts.items())
    for question, _ in random.Random(7).sample(pairs, min(arguments.sample, len(pairs))):
        sys.stdout.write(f"{question}\n    {instruction_form(question)}\n")


if __name__ == "__main__":
    main()
