"""Where the shipped data lie: `data/` of the checkout, or the copy inside an installed wheel."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from safebench.errors import unknown

_PACKAGE = Path(__file__).resolve().parent


@cache
def data_folder() -> Path:
    installed = _PACKAGE / "_data"
    return installed if installed.is_dir() else _PACKAGE.parent / "data"


def data_path(name: str) -> Path:
    """The path of one shipped file, e.g. `fonts/DejaVuSans.ttf`."""
    return data_folder() / name


def shipped(folder: str) -> list[str]:
    """The names of the TOML files in `data/FOLDER/`."""
    return sorted(file.stem for file in data_path(folder).glob("*.toml"))


@cache
def load_toml(name: str) -> dict[str, Any]:
    return tomllib.loads(data_path(name).read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Prompt:
    """A versioned prompt; `$name` marks a value that `fill` puts in."""

    id: str
    version: int
    text: str

    def fill(self, **values: str) -> str:
        """Values are put in once and never expanded again, whatever they hold."""
        return Template(self.text).substitute(values)

    def fingerprint(self) -> str:
        return f"{self.version} {hashlib.sha256(self.text.encode()).hexdigest()[:12]}"


@cache
def prompt(id: str) -> Prompt:
    """The prompt `file.name`: table `name` of `data/prompts/file.toml` with its `version` and `text`."""
    file, _, name = id.partition(".")
    table = load_toml(f"prompts/{file}.toml")
    if name not in table:
        raise unknown("prompt", id, [f"{file}.{n}" for n in table])
    return Prompt(id, table[name]["version"], table[name]["text"].strip())


def shipped_wording(name: str) -> str:
    """The text of a wording of ours, for modalities: what they write where nobody says anything else."""
    text: str = load_toml("wordings.toml")[name]["text"]
    return text
