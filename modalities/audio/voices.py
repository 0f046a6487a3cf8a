"""Named voices: who speaks, by which engine, in which accent, and under which licence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from converters.text_to_text.spoken.language import known_languages
from safebench import registry
from safebench.plugins import Converter
from safebench.resources import load_toml
from safebench.types import TEXT

TRIES = 3
GATE = {  # wide enough for any voice; what a clip must keep is what no listener could do without
    "min_seconds_per_word": 0.15,
    "max_seconds_per_word": 1.0,
    "max_silence_share": 0.7,
    "max_clipped_share": 0.001,
    "max_wer": 0.05,
    "allowed_wrong_words": 1,
}


OF_WORDS = ("max_wer", "allowed_wrong_words")
LABELS = ("model", "speaker", "voice", "reference", "folder")  # options by which an engine's voice is told apart


def voice_recipes() -> Mapping[str, Mapping[str, Any]]:
    """A recipe for each voice of data/voices.toml."""
    return {name: _recipe(voice) for name, voice in _voices().items()}


def voice_of(steps: Iterable[Mapping[str, Any]]) -> str | None:
    """Who speaks: the name of a voice in data/voices.toml, else the engine with what tells its voice apart."""
    for step in steps:
        engine = registry.load(Converter, step["use"])
        if engine.takes == TEXT and engine.gives == "audio":
            named = (name for name, voice in _voices().items() if step == _engine(voice))
            return next(named, None) or " ".join([engine.name, *(_label(step[key]) for key in LABELS if key in step)])
    return None


def _label(value: Any) -> str:
    """A path by its last part: a data set says nothing about the machine that made it."""
    return Path(str(value)).name if Path(str(value)).is_absolute() else str(value)


def _voices() -> dict[str, Mapping[str, Any]]:
    return {name: voice for name, voice in load_toml("voices.toml").items() if isinstance(voice, Mapping)}


def _engine(voice: Mapping[str, Any]) -> dict[str, Any]:
    return {"use": voice["engine"], **voice["parameters"]}


def _recipe(voice: Mapping[str, Any]) -> Mapping[str, Any]:
    spoken = (
        f"{voice['gender']} voice, {voice['accent']} {voice['language']}, by {voice['engine']} ({voice['licence']})"
    )
    steps = [*_written_out(voice["language"]), _engine(voice)]
    return {"description": spoken, "steps": steps, "gate": _gate(voice), "tries": TRIES}


def _written_out(language: str) -> list[dict[str, Any]]:
    """All voices speak the same words, in the languages that can be written out."""
    return [{"use": "spoken-form", "language": language}] if language in known_languages() else []


def _gate(voice: Mapping[str, Any]) -> dict[str, float]:
    """Without limits for words where there is one for characters: the voice's script puts no space between words."""
    own = dict(voice.get("gate", {}))
    return {**{name: limit for name, limit in GATE.items() if "max_cer" not in own or name not in OF_WORDS}, **own}
