"""Where Piper's voices lie: in an installed package, in a folder, or where they are kept once they were fetched."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safebench.errors import BadInput
from safebench.models import weights
from safebench.serialisation import read_json

PLUGIN = "piper"


@dataclass(frozen=True, slots=True)
class VoiceFiles:
    """A voice as its publisher makes it: NAME.onnx and NAME.onnx.json."""

    model: bytes
    config: dict[str, Any]


def read_voice(voice: str) -> VoiceFiles:
    """The voice of that name or path; one that is on no machine here is fetched from its publisher.

    Raises BadInput where there is none, or where its files cannot be read.
    """
    installed = weights.find(PLUGIN, voice)
    if installed:
        files = installed.read()
        return VoiceFiles(files["voice.onnx"], read_json(files["voice.onnx.json"]))
    file = on_disk(voice) or _fetched(voice)
    try:
        return VoiceFiles(file.read_bytes(), read_json(_config_of(file).read_bytes()))
    except (OSError, ValueError) as error:
        raise BadInput(f"voice {voice!r} cannot be read: {error}") from error


def on_disk(voice: str) -> Path | None:
    """The .onnx file of a path, or of a name that was fetched before; None for any other name.

    Raises BadInput for a folder that does not hold exactly one.
    """
    path = Path(voice).expanduser()
    if path.is_dir():
        models = sorted(path.glob("*.onnx"))
        if len(models) != 1:
            raise BadInput(f"{voice} has to hold one voice (.onnx), and holds {len(models)}: name the file")
        return models[0]
    kept = kept_folder() / f"{voice}.onnx"
    return path if path.is_file() else kept if _config_of(kept).is_file() else None


def files_of(voice: str) -> list[Path]:
    """Of a voice that is given by its path: what they hold decides what is said."""
    if not Path(voice).expanduser().exists():
        return []
    file = on_disk(voice)
    return [file, _config_of(file)] if file else []


def kept_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "safebench" / PLUGIN


def _config_of(model: Path) -> Path:
    return model.with_name(f"{model.name}.json")


def _fetched(voice: str) -> Path:
    """By Piper's own download. Raises BadInput where it fails, and leaves no half of a voice."""
    from piper.download_voices import download_voice

    kept_folder().mkdir(parents=True, exist_ok=True)
    file = kept_folder() / f"{voice}.onnx"
    try:
        download_voice(voice, kept_folder())
    except (OSError, ValueError) as error:
        for half in (file, _config_of(file)):
            half.unlink(missing_ok=True)
        raise BadInput(f"voice {voice!r} is not here, and cannot be fetched: {error}") from error
    return file
