"""The modality `image`: checks by reading back and by what converters noted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar

from converters.pictures import check_whole, decode, is_blank
from modalities.image.encoders import OpenAIImage, TransformersImage
from modalities.image.ocr import LINES, RapidOcr, unreadable
from modalities.image.reading import character_error_rate
from safebench.errors import BadInput, SafeBenchError, TargetRefusesService, raise_of_the_system
from safebench.plugins import PLACE, Checking, Encoder, Modality
from safebench.resources import shipped_wording
from safebench.types import Fidelity, Media

CER = "cer"
NOTHING_LEFT = 1.0  # a character error rate: as if nothing had been read, whatever a gate says
NOT_READ = "no recogniser read it"
NO_TEXT = "the picture shows what the query is about, and holds no text to be read back"
BLANK = "the image is blank: all of it has one colour"
NOTED = {"min_critic_score": "critic_score", "min_clip": "clip"}  # limits, and what converters note for them


class ImageModality(Modality):
    name = "image"
    summary = "the query as an image"
    medium = "image"
    default_recipe = "typographic"
    recognisers = (RapidOcr.name,)
    limits = (CER, *NOTED)
    nouns = ("picture", "photo", "photograph", "screenshot")
    default_gate: ClassVar[Mapping[str, float]] = {CER: 0.05}
    shown = (CER, *NOTED.values())
    encoders: ClassVar[Mapping[str, Encoder]] = {"openai": OpenAIImage(), "transformers": TransformersImage()}

    def check(self, checking: Checking) -> Fidelity:
        """Judge a picture by the measures that the gate limits; without any limit it is read back and unchecked.

        `cer` is the highest character error rate, by reading the picture back; `min_critic_score` and `min_clip` are
        the lowest scores, as converters noted them. A blank picture, and one with a character error rate of 1, fail
        whatever the gate says. Raises BadInput and
        TargetRefusesService where the chosen recogniser can read nothing at all.
        """
        try:
            if (nothing := self.holds_nothing(checking.media)) is not None:
                return Fidelity("failed", reason=nothing)
            read = self._read(checking) if CER in checking.gate or not _is_scored(checking) else Fidelity("passed")
        except ValueError as error:
            return Fidelity("failed", reason=str(error))
        return _judge(read, checking)

    def _read(self, checking: Checking) -> Fidelity:
        """By the recogniser, where there is one. Raises what keeps it from ever reading anything, ValueError else."""
        reader = checking.recogniser
        if checking.depicts and CER not in checking.gate:
            return Fidelity("unchecked", reason=NO_TEXT)
        if reader is None:
            return Fidelity("unchecked", reason=NOT_READ)
        strange = unreadable(checking.query.text) if reader == RapidOcr.name else []  # of another nothing is known
        if strange:
            reason = f"{reader} was not taught to read {', '.join(strange[:5])}"
            return Fidelity("unchecked", reason=reason)
        try:
            return _read_by(reader, checking)
        except (BadInput, TargetRefusesService):  # it will never read anything: no fault of one picture
            raise
        except SafeBenchError as error:
            raise_of_the_system(error)
            return Fidelity("unchecked", reason=str(error))

    def holds_nothing(self, media: Media) -> str | None:
        """A picture of one colour. Raises ValueError for what is no picture."""
        return BLANK if is_blank(decode(media.read())) else None

    def check_whole(self, media: Media) -> None:
        """Raises ValueError for bytes that are no whole picture, or another kind of picture than they say."""
        check_whole(media.read(), media.mime)

    def wording(self, *, with_text: bool) -> str:
        return PLACE if with_text else shipped_wording("image")


def _read_by(reader: str, checking: Checking) -> Fidelity:
    """By ours, plain lines first: what finds every character there needs no other look, and else it counts for nothing.

    Raises what the recogniser raises.
    """
    for spec in (LINES, reader) if reader == RapidOcr.name else (reader,):
        text = checking.recognise(spec, checking.media)
        rate = character_error_rate(checking.query.text, text)
        if rate == 0:
            break
    return Fidelity("passed", {CER: rate}, spec, text)


def _is_scored(checking: Checking) -> bool:
    """Whether somebody looked at the picture as a picture: it is none of text then, unless the gate says so."""
    return any(limit in checking.gate or measure in checking.measures for limit, measure in NOTED.items())


def _judge(read: Fidelity, checking: Checking) -> Fidelity:
    """An image is never passed by a gate that says nothing about it, nor by a limit on what nobody measured."""
    problems = [*_misread(read, checking.gate), *_scored_low(checking)]
    if problems:
        return replace(read, status="failed", reason="; ".join(problems))
    if not checking.gate:
        return replace(read, status="unchecked", reason=read.reason or "the recipe's gate sets no limit for images")
    return read


def _misread(read: Fidelity, gate: Mapping[str, float]) -> Iterator[str]:
    cer = read.measures.get(CER, 0.0)
    if CER in gate and cer > gate[CER]:
        yield f"cer is {cer:.3f}, above the gate's {gate[CER]:.3f}"
    elif cer >= NOTHING_LEFT:
        yield f"cer is {cer:.3f}: nothing of the text was read"


def _scored_low(checking: Checking) -> Iterator[str]:
    for limit, measure in NOTED.items():
        if limit in checking.gate:
            score, lowest = checking.measures.get(measure), checking.gate[limit]
            if score is None:
                yield f"the gate limits {limit}, and no step of the recipe measures {measure}"
            elif not score >= lowest:
                yield f"{measure} is {score:.3f}, below the gate's {lowest:.3f}"
