"""The modality `image`: checks by reading back, composes the message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from modalities.image.encoders import OpenAIImage, TransformersImage
from modalities.image.ocr import unreadable
from modalities.image.pictures import decode, is_blank
from modalities.image.reading import character_error_rate
from safebench.errors import MissingPackage
from safebench.plugins import Asking, Checking, Encoder, Modality
from safebench.types import Fidelity, Part, Text

CER = "cer"


class ImageModality(Modality):
    name = "image"
    summary = "the query as an image"
    medium = "image"
    default_recipe = "typographic"
    recogniser = "rapidocr"
    limits = (CER,)
    shown = (CER,)
    encoders: ClassVar[Mapping[str, Encoder]] = {"openai": OpenAIImage(), "transformers": TransformersImage()}

    def check(self, checking: Checking) -> Fidelity:
        """Read the image back; the gate's `cer` is the highest character error rate that passes."""
        try:
            if is_blank(decode(checking.media)):
                return Fidelity("failed", reason="the image is blank: all of it has one colour")
            return self._read(checking)
        except ValueError as error:
            return Fidelity("failed", reason=str(error))

    def _read(self, checking: Checking) -> Fidelity:
        strange = unreadable(checking.query.text)
        if strange:
            reason = f"{self.recogniser} was not taught to read {', '.join(strange[:5])}"
            return Fidelity("unchecked", reason=reason)
        try:
            text = checking.recognise(self.recogniser, checking.media)
        except MissingPackage as error:
            return Fidelity("unchecked", reason=str(error))
        rate = character_error_rate(checking.query.text, text)
        return _judge(Fidelity("passed", {CER: rate}, self.recogniser, text), checking.gate)

    def compose(self, asking: Asking) -> tuple[Part, ...]:
        """The query's text or else the carrier text, then the image."""
        if asking.media is None:
            raise ValueError(f"query {asking.query.id!r} has no image to ask with")
        return (Text(asking.query.text if asking.with_text else asking.written("carriers.image")), asking.media)


def _judge(read: Fidelity, gate: Mapping[str, float]) -> Fidelity:
    """An image is never passed by a gate that says nothing about it."""
    if CER not in gate:
        return replace(read, status="unchecked", reason="the recipe's gate sets no limit for cer")
    rate, limit = read.measures[CER], gate[CER]
    if rate > limit:
        return replace(read, status="failed", reason=f"cer is {rate:.3f}, above the gate's {limit:.3f}")
    return read
