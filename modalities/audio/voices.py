"""Named voices: who speaks, by which engine, in which accent, and under which licence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safebench.resources import load_toml

TRIES = 3
GATE = {  # wide enough for any voice; what a clip must keep is what no listener could do without
    "min_seconds_per_word": 0.15,
    "max_seconds_per_word": 1.0,
    "max_silence_share": 0.7,
    "max_clipped_share": 0.001,
    "max_wer": 0.05,
}


def voice_recipes() -> Mapping[str, Mapping[str, Any]]:
    """A recipe for each voice of data/voices.toml."""
    voices = {name: voice for name, voice in load_toml("voices.toml").items() if isinstance(voice, Mapping)}
    return {name: _recipe(voice) for name, voice in voices.items()}


def _recipe(voice: Mapping[str, Any]) -> Mapping[str, Any]:
    spoken = (
        f"{voice['gender']} voice, {voice['accent']} {voice['language']}, by {voice['engine']} ({voice['licence']})"
    )
    steps = [{"use": voice["engine"], **voice["parameters"]}]
    return {"description": spoken, "steps": steps, "gate": GATE, "tries": TRIES}
