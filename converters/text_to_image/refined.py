"""Generated pictures, refined as in the paper: one model says what to draw, one draws, one looks and asks for more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from converters.naming import naming
from converters.roles import Role, quoted
from converters.text_to_image.critiques import CRITIQUE, INTERPRETATION, read_critique, read_interpretation
from converters.text_to_image.refinement import Critique, refine
from safebench import registry
from safebench.errors import BadInput, ConversionError
from safebench.models.roles import RoleOptions
from safebench.plugins import Converter, ModelCalls, Notes, PluginOptions, Step, Work
from safebench.resources import prompt
from safebench.types import TEXT, Media, Text

IMAGE = "image"
PROMPTS = {name: prompt(f"refinement.{name}") for name in ("interpret", "look")}


class Refined(Converter):
    """The query is what the steps before made of it. `rounds` 1 is the paper's vanilla picture, with its score."""

    name = "refined"
    summary = "a generated picture, refined until a critic finds the query's subject in it"
    version = "1 prompts " + " ".join(f"{name} {prompt.version}" for name, prompt in PROMPTS.items())
    takes = TEXT
    gives = IMAGE
    depicts = True
    varies = True

    class Options(PluginOptions):
        interpreter: RoleOptions  # says what the picture shows
        draw: Step  # the converter of text to image that draws, as a step
        critic: RoleOptions  # looks at the picture
        rounds: int = Field(3, ge=1, le=10)  # pictures that are drawn at most
        enough: float = Field(0.8, ge=0.0, le=1.0)  # score from which a picture that matches is not refined any more

        def files(self) -> Iterable[Path]:
            return _drawing(self.draw).Options(**self.draw.options).files()

        def versions(self) -> Iterable[str]:
            drawing = _drawing(self.draw)
            roles = (Role("interpreter", self.interpreter), Role("critic", self.critic))
            own = drawing.Options(**self.draw.options).versions()
            return [drawing.version, *own, *(role.version() for role in roles)]

        def asks(self) -> Iterable[ModelCalls]:
            yield ModelCalls(self.interpreter.model)
            yield ModelCalls(self.critic.model, self.rounds)
            for one in _drawing(self.draw).Options(**self.draw.options).asks():
                yield one._replace(most=one.most * self.rounds)

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._interpreter = Role("interpreter", self.options.interpreter)
        self._critic = Role("critic", self.options.critic)
        drawing = _drawing(self.options.draw)
        self._drawer = registry.create(Converter, drawing.name, "draw", **self.options.draw.options)

    def check(self) -> None:
        self._interpreter.check(TEXT)
        self._critic.check(TEXT, IMAGE)
        self._drawer.check()

    def convert(self, work: Work) -> Media:
        with naming(work):
            if not work.text.strip():
                raise ConversionError("there is no text to draw a picture of")
            cast = _Cast(work, self._interpreter, self._critic, self._drawer, self.options.rounds)
            best, rounds = refine(cast, self.options.rounds, self.options.enough, work.notes.drafts)
        assert best.media is not None
        assert best.score is not None
        work.notes.measures.update(critic_score=best.score, rounds=rounds)
        return best.media


@dataclass(frozen=True, slots=True)
class _Cast:
    """The roles of the loop for one query."""

    work: Work
    interpreter: Role
    critic: Role
    drawer: Converter
    rounds: int

    def interpret(self) -> str:
        asked = PROMPTS["interpret"].fill(query=quoted(self.work.text))
        read = partial(read_interpretation, query=self.work.text)
        return self.interpreter.ask((Text(asked),), INTERPRETATION, read)

    def draw(self, prompt: str, round: int) -> Media:
        """By the converter, as if it were tried anew: it takes another seed in each round, and each try of a round."""
        attempt = self.work.attempt * self.rounds + round
        work = replace(self.work, text=prompt, media=None, attempt=attempt, notes=Notes())
        try:
            picture = self.drawer.convert(work)
        except ConversionError as error:
            reason = str(error).removeprefix(f"query {work.query.id!r}: ")
            raise ConversionError(f"the drawer failed in round {round + 1}: {reason}") from error
        self.work.notes.drafts.extend(work.notes.drafts)
        return picture

    def look(self, prompt: str, picture: Media) -> Critique:
        asked = PROMPTS["look"].fill(query=quoted(self.work.text), prompt=quoted(prompt))
        read = partial(read_critique, query=self.work.text)
        return self.critic.ask((Text(asked), picture), CRITIQUE, read)


def _drawing(step: Step) -> type[Converter]:
    """Raises BadInput for a step that does not make an image of text."""
    drawer: type[Converter] = registry.load(Converter, step.use)
    if (drawer.takes, drawer.gives) != (TEXT, IMAGE):
        raise BadInput(f"draw: converter {step.use!r} makes {drawer.gives} of {drawer.takes}, not {IMAGE} of {TEXT}")
    return drawer
