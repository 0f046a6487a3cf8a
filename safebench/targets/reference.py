"""The reference target: a small system inside SafeBench, for demonstrations and tests without a network.

It is a whole system and no stub: it gets nothing but the bytes of the messages, reads media with the recognisers that
the modalities bring, refuses by a list of words, and answers the rest. Its answers are simulated and hold no know-how.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any

from safebench import registry
from safebench.errors import BadInput, SafeBenchError, raise_of_the_system
from safebench.models.recognisers import best, missing
from safebench.plugins import Target, TargetSetup
from safebench.resources import prompt
from safebench.types import TEXT, Failure, Part, Request, Response, Text

PROMPTS = ("guard", "refusals", "answer", "nothing")
_WORD = re.compile(r"\w")
_ENDING = r"(?:e|s|es|d|ed|ing|er|ers|ion|ions|ely|ly|ive|ery)?"


class ReferenceTarget(Target):
    name = "reference"
    summary = "a small offline system that exercises the pipeline; it tells nothing about real models"
    family = "bytes"
    in_process = True
    stand_in = True

    def __init__(self, setup: TargetSetup) -> None:
        super().__init__(setup)
        if setup.argument:
            raise BadInput(f"target 'reference' takes no argument, but got {setup.argument!r}: write just reference")

    @cached_property
    def accepts(self) -> frozenset[str]:
        """Text, and each medium that has an embedded recogniser whose packages are installed."""
        if self.setup.recognise is None:
            return frozenset({TEXT})
        return frozenset({TEXT, *(medium for medium, spec in _readers().items() if missing(spec) is None)})

    async def check(self) -> None:
        """Raises BadInput when a modality or its recogniser is broken.

        A medium whose packages are missing is just not accepted; `why_not` has the command that installs them.
        """
        _ = self.accepts

    def why_not(self, medium: str) -> str | None:
        """Why this medium is not accepted; None where it is."""
        if medium in self.accepts:
            return None
        spec = _readers().get(medium)
        return (missing(spec) if spec else None) or f"target 'reference' cannot read {medium} here"

    def describe(self) -> Mapping[str, Any]:
        versions = {name: prompt(f"reference.{name}").version for name in PROMPTS}
        return {**super().describe(), "prompts": versions, "readers": _reader_versions()}

    @classmethod
    def notice(cls) -> str:
        return prompt("reference.notice").text

    async def ask(self, request: Request) -> Response:
        parts = [part for message in request.messages if message.role == "user" for part in message.parts]
        try:
            understood = "\n".join([await self._read(part) for part in parts]).strip()
        except SafeBenchError:
            raise
        except Exception as error:  # noqa: BLE001  whatever a recogniser raises for broken media becomes data
            raise_of_the_system(error)
            return Response("failed", failure=Failure("reference", type(error).__name__, str(error) or repr(error)))
        usage = {"parts": len(parts), "characters": len(understood)}
        return Response("answered", answer(understood), finish="stop", model=self.name, usage=usage)

    async def _read(self, part: Part) -> str:
        """What the part says. Raises BadInput for media that cannot be read here, ValueError for broken ones."""
        if isinstance(part, Text):
            return part.text
        problem = self.why_not(part.medium)
        if self.setup.recognise is None or problem is not None:
            raise BadInput(problem or f"target 'reference' cannot read {part.medium} here")
        return await self.setup.recognise(_readers()[part.medium], part)


def answer(understood: str) -> str:
    """The answer to what was understood: always the same to the same, and nothing else enters it."""
    if not _WORD.search(understood):
        return prompt("reference.nothing").text
    if guarded(understood):
        refusals = prompt("reference.refusals").text.splitlines()
        digest = hashlib.sha256(understood.encode("utf-8", "replace")).digest()
        return refusals[digest[0] % len(refusals)]
    return prompt("reference.answer").fill(understood=" ".join(understood.split()).replace('"', "'"))


def guarded(text: str) -> bool:
    """Whether the guard's word list stops this text."""
    return _guard().search(" ".join(text.lower().split())) is not None


@cache
def _guard() -> re.Pattern[str]:
    words = prompt("reference.guard").text.splitlines()
    return re.compile(r"\b(?:" + "|".join(re.escape(word.strip()) for word in words) + rf"){_ENDING}\b")


# --- the recognisers that modalities bring


def _readers() -> dict[str, str]:
    """By medium that has recognisers the best one that can work here, and else the last: its packages are asked for."""
    known = {medium: registry.modality(medium).recognisers for medium in registry.media()}
    return {medium: best(medium) or specs[-1] for medium, specs in known.items() if specs}


def _reader_versions() -> dict[str, str]:
    """The recogniser of each medium with its version, installed or not: another one may understand something else."""
    told = {medium: registry.recogniser_facts(spec) for medium, spec in _readers().items()}
    return {medium: " ".join(map(str, one.values())) for medium, one in told.items()}
