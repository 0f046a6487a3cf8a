"""Finds a Coqui model on disk: its configuration and its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safebench.errors import BadInput
from safebench.serialisation import read_json

CONFIG = "config.json"
_WEIGHTS = ("model.pth", "model_file.pth", "best_model.pth")
_FOLDERS = frozenset({"xtts", "tortoise"})  # kinds of models that load themselves from a folder


@dataclass(frozen=True, slots=True)
class ModelFiles:
    config: Path
    weights: Path  # a checkpoint, or a folder of several


def find_model(model: str) -> ModelFiles | None:
    """None for a name that is no path. Raises BadInput for a path at which no usable model lies."""
    path = Path(model).expanduser()
    if not path.exists():
        if model.startswith((".", "/", "~")) or model.endswith(".pth"):
            raise BadInput(f"model {model!r} does not exist")
        return None
    config = (path if path.is_dir() else path.parent) / CONFIG
    kind = _kind(config)
    if kind == "bark":  # its loader asks torch for whole pickles
        raise BadInput(
            f"model {model!r} is Coqui's Bark, whose files can run code: use transformers-tts with suno/bark"
        )
    if path.is_dir() and kind not in _FOLDERS:
        return ModelFiles(config, _checkpoint(path))
    return ModelFiles(config, path)


def _kind(config: Path) -> str:
    try:
        read: Any = read_json(config.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(f"{config} is no configuration of a Coqui model: {error}") from error
    kind = read.get("model") if isinstance(read, dict) else None
    if not isinstance(kind, str):
        raise BadInput(f"{config} is no configuration of a Coqui model: it names no `model`")
    return kind.lower()


def _checkpoint(folder: Path) -> Path:
    """The one that has a usual name, or the only one. Raises BadInput where that leaves a choice."""
    named = [folder / name for name in _WEIGHTS if (folder / name).is_file()]
    checkpoints = named or sorted(file for file in folder.glob("*.pth") if "speaker" not in file.name)
    if len(checkpoints) != 1:
        shown = ", ".join(file.name for file in checkpoints) or "none"
        raise BadInput(f"{folder} has to hold one checkpoint, and holds {shown}: name the .pth file with `model`")
    return checkpoints[0]
