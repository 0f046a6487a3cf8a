"""The run files: who is asked what. Each is a file that `safebench run` takes as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

TOKENS = 64  # of an answer: enough to tell help from refusal, and a few times as quick as an answer to its end
# joe, of Piper's, speaks in a tenth of the time that the default male voice takes: with that the whole takes too long.
SPEECH_AND_PICTURES = ("text", "image:typographic", "audio:female", "audio:joe")
IN_PROCESS, SERVED, CASCADE = "transformers", "llama.cpp", "cascade"


@dataclass(frozen=True, slots=True)
class Arm:
    """One run: prompts of `data`, put to the model by way of `way`."""

    data: str
    way: str

    @property
    def name(self) -> str:
        return f"{self.data}-{self.way}"


LANES = (
    (Arm("starter", IN_PROCESS), Arm("xstest", CASCADE)),
    (Arm("starter", SERVED), Arm("xstest", SERVED), Arm("starter", CASCADE)),
)
ARMS = tuple(arm for lane in LANES for arm in lane)


def write(arm: Arm, place: Path, model: Path, url: str) -> Path:
    """The arm's run file in `place`."""
    path = place / f"{arm.name}.toml"
    path.write_text(tomli_w.dumps(_config(arm, place, model, url)), encoding="utf-8")
    return path


def _config(arm: Arm, place: Path, model: Path, url: str) -> Mapping[str, Any]:
    asked = {"data": str(place / f"{arm.data}.jsonl"), "out": str(place / "runs" / arm.name), "max_open": 1.0}
    local = {"target": f"transformers:{model}", "options": {"max_new_tokens": TOKENS, "batch_size": 16}}
    served = {
        "target": "openai:smollm2",
        "base_url": url,
        "family": "llama-cpp",
        "concurrency": 2,
        "parameters": {"temperature": 0.0, "max_tokens": TOKENS},
    }
    if arm.way == IN_PROCESS:
        return {**asked, **local, "conditions": ["text"]}
    if arm.way == SERVED:
        return {**asked, **served, "conditions": ["text"]}
    return {
        **asked,
        **served,
        "target": "cascade:openai:smollm2",
        "conditions": list(SPEECH_AND_PICTURES),
        "probe": 0.25,  # so small a model can neither repeat nor choose, and its probes tell nothing: a share shows it
        "probe_form": "repeat",
    }
