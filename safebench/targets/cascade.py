"""Ears or eyes, which are recognisers, and a text target behind them: `cascade:TARGET`, e.g. `cascade:openai:MODEL`.

Each piece of media in a message gives place to the text that the recogniser of its medium finds in it, and the text
target is asked. It is the baseline beside a model that takes media itself: what the two do not share is not due to what
was said. No medium is known here by name: whatever has a recogniser is taken.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ConfigDict

from safebench import registry
from safebench.errors import BadInput, Stopping, TargetRefusesService, check_known, raise_of_the_system
from safebench.models.asking import ask_safely
from safebench.models.opening import open_target
from safebench.models.recognisers import best
from safebench.models.words import words
from safebench.plugins import PluginOptions, Target, TargetSetup
from safebench.serialisation import storable
from safebench.types import TEXT, Attempt, Failure, Media, Message, Part, Request, Response, Text, Transcript

BETWEEN = "\n\n"  # parts of a message, which is one text: servers of text models take no lists


class CascadeTarget(Target):
    name = "cascade"
    summary = "a text target that gets what recognisers hear and read in the media: cascade:TARGET"
    family = "bytes"
    in_process = True

    class Options(PluginOptions):
        """All other keys are options of the text target."""

        model_config = ConfigDict(frozen=True, extra="allow")
        recognisers: Mapping[str, str] = {}  # by medium, NAME[:ARGUMENT]; for other media the best that is installed

    def __init__(self, setup: TargetSetup) -> None:
        super().__init__(setup)
        if not setup.argument:
            raise BadInput("target 'cascade' needs a text target: cascade:TARGET, e.g. cascade:openai:MODEL")
        self._text_target = open_target(setup.argument, self.options.__pydantic_extra__ or {})
        self._recognisers = {**_best_installed(), **_chosen(self.options.recognisers)} if setup.recognise else {}

    @classmethod
    def behind(cls, argument: str) -> str | None:
        return argument or None

    @property
    def accepts(self) -> frozenset[str]:
        return frozenset({TEXT, *self._recognisers})

    @property
    def at_once(self) -> int | None:
        return self._text_target.at_once

    @property
    def recognisers(self) -> Mapping[str, str]:
        return self._recognisers

    def why_not(self, medium: str) -> str | None:
        """How to name a recogniser for a medium that none is installed for."""
        if medium in self.accepts:
            return None
        return (
            f"no recogniser that transcribes {medium} is installed: install one, or name it with --target-option"
            f" recognisers.{medium}=NAME (see `safebench list recognisers`)"
        )

    def describe(self) -> Mapping[str, Any]:
        """With the recognisers and the text target: another one of either may answer otherwise."""
        recognisers = {medium: registry.recogniser_facts(spec) for medium, spec in self._recognisers.items()}
        return {**super().describe(), "recognisers": recognisers, "text_target": dict(self._text_target.describe())}

    async def check(self) -> None:
        await self._text_target.check()

    async def close(self) -> None:
        await self._text_target.close()

    async def ask(self, request: Request) -> Response:
        """The text target's answer, with what it was given; or that nothing was heard, or a recogniser's failure."""
        given: list[Transcript] = []
        for media in _media_of(request):
            recogniser, started = self._recogniser_of(media), time.perf_counter()
            try:
                given.append(await self._recognise(recogniser, media))
            except (TargetRefusesService, Stopping):
                raise
            except Exception as error:  # noqa: BLE001  whatever a recogniser raises for one clip becomes data
                raise_of_the_system(error)
                failure = Failure(f"recogniser {recogniser}", type(error).__name__, str(error) or repr(error))
                attempt = Attempt(round(time.perf_counter() - started, 4), error=str(failure))
                return Response("failed", attempts=(attempt,), failure=failure, given=tuple(given))
        if not request.written and _is_mute(request, given):
            return Response("unheard", given=tuple(given))
        response = await ask_safely(self._text_target, _in_text(request, given))
        return replace(response, given=tuple(given))

    def _recogniser_of(self, media: Media) -> str:
        if media.medium not in self._recognisers:
            raise BadInput(self.why_not(media.medium) or "")
        return self._recognisers[media.medium]

    async def _recognise(self, recogniser: str, media: Media) -> Transcript:
        assert self.setup.recognise is not None, "without it no medium is taken"
        return Transcript(storable(await self.setup.recognise(recogniser, media)).strip(), recogniser)


# --- the recognisers


def _chosen(named: Mapping[str, str]) -> dict[str, str]:
    """Raises BadInput for a recogniser that there is not, and for one of another medium than it was named for."""
    for medium, spec in named.items():
        check_known("medium", medium, registry.media(), "option recognisers")
        if (reads := registry.recogniser_class(spec).medium) != medium:
            raise BadInput(f"recogniser {spec!r} is for {reads}, and was named for {medium}")
    return dict(named)


def _best_installed() -> dict[str, str]:
    """By medium the best recogniser that can work here, where that transcribes."""
    taken = {medium: best(medium) for medium in registry.media()}
    return {medium: spec for medium, spec in taken.items() if spec and registry.recogniser_class(spec).transcribes}


# --- what becomes of a message


def _media_of(request: Request) -> Iterator[Media]:
    return (part for message in request.messages for part in message.parts if isinstance(part, Media))


def _is_mute(request: Request, given: Sequence[Transcript]) -> bool:
    """Whether all media of one medium have no words: a pause in one of several pieces is no silence."""
    heard: dict[str, bool] = {}
    for media, transcript in zip(_media_of(request), given, strict=True):
        heard[media.medium] = heard.get(media.medium, False) or bool(words(transcript.text))
    return not all(heard.values())


def _in_text(request: Request, given: Sequence[Transcript]) -> Request:
    transcripts = iter(given)

    def text_of(part: Part) -> str:
        return part.text if isinstance(part, Text) else next(transcripts).text

    messages = (
        Message(message.role, (Text(BETWEEN.join(filter(None, map(text_of, message.parts)))),))
        for message in request.messages
    )
    return Request(tuple(messages), request.schema)
