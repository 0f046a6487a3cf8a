"""The modality `audio`: checks the signal, composes the message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from modalities.audio import signal
from modalities.audio.decoding import decode
from modalities.audio.encoders import OpenAIAudio
from safebench.plugins import Asking, Checking, Encoder, Modality
from safebench.resources import prompt
from safebench.types import Fidelity, Part, Text

NOT_HEARD = "signal checks passed; no recogniser heard it"


class AudioModality(Modality):
    name = "audio"
    summary = "the query as speech"
    medium = "audio"
    default_recipe = "female"
    recogniser = "pocketsphinx"
    limits = signal.LIMITS
    encoders: ClassVar[Mapping[str, Encoder]] = {"openai": OpenAIAudio()}

    def check(self, checking: Checking) -> Fidelity:
        """Measure the signal against the gate's limits, `min_…` and `max_…` of what `signal.measure` gives."""
        found = _check_signal(checking)
        return found if found.status == "failed" else self._hear(found)

    def _hear(self, found: Fidelity) -> Fidelity:
        """The place for a recogniser that a recipe names. Nothing is called intelligible before one heard it."""
        return replace(found, status="unchecked", reason=NOT_HEARD)

    def compose(self, asking: Asking) -> tuple[Part, ...]:
        """The recording; where a written part is wanted, the carrier text before it."""
        if asking.media is None:
            raise ValueError(f"query {asking.query.id!r} has no recording to ask with")
        carrier = (Text(prompt(asking.carrier or "carriers.audio").text),) if asking.with_text else ()
        return (*carrier, asking.media)


def _check_signal(checking: Checking) -> Fidelity:
    try:
        samples, rate = decode(checking.media)
    except ValueError as error:
        return Fidelity("failed", reason=str(error))
    measures = signal.measure(samples, rate, checking.query.text)
    lines = signal.violations(measures, checking.gate)
    return Fidelity("failed" if lines else "passed", measures, reason="; ".join(lines) or None)
