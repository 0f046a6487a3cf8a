"""The plug-in points: what a converter, recogniser, modality, target or juror is.

Each kind implements one method that takes one context object, so that a new field never breaks an old plug-in. A
plug-in is a class named by an entry point; it is imported when it is chosen, and an incomplete one fails when it is
loaded, not in the middle of a run. Packages that it needs are listed in `needs`, so that a missing one is reported
before any work begins.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from safebench.resources import prompt
from safebench.types import Ballot, Fidelity, Intent, Media, Part, Query, Request, Response

if TYPE_CHECKING:
    from safebench.taxonomy import Scenario


class PluginOptions(BaseModel):
    """Frozen options of a plug-in; an unknown key is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Plugin(ABC):
    """What all plug-ins say of themselves."""

    name: ClassVar[str]
    summary: ClassVar[str]  # one line, shown by `safebench list`
    version: ClassVar[str] = "1"  # raise it whenever the same input gives other output
    needs: ClassVar[tuple[str, ...]] = ()  # import names of packages beyond the base install
    extra: ClassVar[str | None] = None  # the extra of ours that installs them
    required: ClassVar[tuple[str, ...]] = ("name", "summary")  # class attributes a subclass has to set

    class Options(PluginOptions):
        """No options."""

    def __init__(self, options: Any = None) -> None:
        self.options: Any = options if options is not None else self.Options()


# --- converters and recognisers run in worker processes; they may hold a model and need not be thread-safe


@dataclass(frozen=True, slots=True)
class Work:
    """What a converter gets: the query, the text to render, and what the step before made of it."""

    query: Query
    text: str
    media: Media | None = None
    seed: int = 0
    attempt: int = 0  # counts from 0; above it the rendering before was not faithful, and another one is wanted


class Converter(Plugin):
    """Makes media from text, or media from media. The same work gives the same bytes."""

    takes: ClassVar[str]
    gives: ClassVar[str]
    required = ("name", "summary", "takes", "gives")

    @abstractmethod
    def convert(self, work: Work) -> Media:
        """Raises ConversionError when no faithful media can be made from this text."""


class Recogniser(Plugin):
    """Reads or hears media back into text. Written NAME[:ARGUMENT]; the argument is an option of that name."""

    medium: ClassVar[str]
    required = ("name", "summary", "medium")

    @abstractmethod
    def recognise(self, media: Media) -> str:
        """The text found in the media, empty where there is none. Raises ValueError for undecodable media."""


# --- modalities


class Encoder(Protocol):
    """How one medium travels to and from one target family, e.g. as parts of chat completions."""

    def encode(self, media: Media) -> Mapping[str, Any]:
        """The message part for this media."""
        ...

    def decode(self, message: Mapping[str, Any]) -> tuple[Media, str] | None:
        """The media in an answer message with its transcript, None where it carries none."""
        ...


@dataclass(frozen=True, slots=True)
class Checking:
    """What a fidelity check gets: the query, its media, and the limits that the recipe's gate sets by measure."""

    query: Query
    media: Media
    gate: Mapping[str, float]
    recognise: Callable[[str, Media], str]  # (recogniser, media) -> text; raises MissingPackage
    recogniser: str | None = None  # NAME[:ARGUMENT] that the user chose for this medium


@dataclass(frozen=True, slots=True)
class Asking:
    """What a message is composed from. `carrier` is the recipe's choice of the written part."""

    query: Query
    media: Media | None
    with_text: bool
    carrier: str | None = None

    def written(self, default: str) -> str:
        """The written part: the query where the recipe says `query`, else the carrier text, by prompt name."""
        name = self.carrier or default
        return self.query.text if name == "query" else prompt(name).text


@dataclass(frozen=True, slots=True)
class Describing:
    """What a row of a data set is described from: the steps (`use` and options) and the media, None where it failed."""

    steps: tuple[Mapping[str, Any], ...]
    media: Media | None


class Modality(Plugin):
    """One medium: renders by recipes, checks what was rendered, composes the message."""

    medium: ClassVar[str]
    default_recipe: ClassVar[str | None] = None  # None: nothing is rendered
    recogniser: ClassVar[str | None] = None  # the embedded one, with which the reference target reads this medium
    encoders: ClassVar[Mapping[str, Encoder]] = {}  # by target family
    limits: ClassVar[tuple[str, ...]] = ()  # what a recipe's gate may set
    shown: ClassVar[tuple[str, ...]] = ()  # measures of fidelity that reports show beside the rates
    columns: ClassVar[Mapping[str, str]] = {}  # that a data set of this medium has as well: "string" or "float64"
    required = ("name", "summary", "medium")

    @classmethod
    def recipes(cls) -> Mapping[str, Mapping[str, Any]]:
        """Recipes that it brings, tables by name; ours, in the same form, are in data/recipes.toml."""
        return {}

    def describe(self, describing: Describing) -> Mapping[str, str | float | None]:
        """The values of `columns` for one row."""
        return {}

    @abstractmethod
    def check(self, checking: Checking) -> Fidelity:
        """Judge a rendering against the gate. Never raises for media that is merely bad."""

    @abstractmethod
    def compose(self, asking: Asking) -> tuple[Part, ...]:
        """The parts of the user's message."""


# --- targets


@dataclass(frozen=True, slots=True)
class TargetSetup:
    """What a target is made from: the part of its spec after the first colon, its options, and services of the run."""

    argument: str
    options: Mapping[str, Any] = field(default_factory=dict)
    recognise: Callable[[str, Media], Awaitable[str]] | None = None  # (recogniser, media) -> text, in a worker


class Target(Plugin):
    """The model under test. `family` says how media are encoded for it."""

    family: ClassVar[str]
    encoders: ClassVar[Mapping[str, Encoder]] = {}  # by medium: a new family brings those for the media that exist
    in_process: ClassVar[bool] = False  # reads media itself, so that none can get lost on the way
    required = ("name", "summary", "family")

    def __init__(self, setup: TargetSetup) -> None:
        super().__init__(self.Options(**setup.options))
        self.setup = setup

    @property
    @abstractmethod
    def accepts(self) -> frozenset[str]:
        """The media that it takes, text included."""

    @abstractmethod
    async def ask(self, request: Request) -> Response:
        """Answer, or say why not. Raises TargetRefusesService when no request at all can succeed."""

    def why_not(self, medium: str) -> str | None:
        """What the user can do about a medium that it does not take; None where nothing can be done."""
        return None

    def describe(self) -> Mapping[str, Any]:
        """All that changes the answers: enters the cache key and the run file. No keys."""
        return {"target": self.name, "version": self.version, "argument": self.setup.argument}

    @classmethod
    def notice(cls) -> str | None:
        """A sentence that every page about this target has to show."""
        return None

    async def check(self) -> None:
        """Before a run: raise BadInput when the target cannot work (no key, nobody listens)."""

    async def close(self) -> None:
        """Release connections and models."""


# --- jurors


@dataclass(frozen=True, slots=True)
class Case:
    """What a juror sees: the query's text and the answer, and in a deliberation its own and the others' ballots.

    Never the condition, never the target's name. `others` are anonymous: (letter, ballot).
    """

    question: str
    intent: Intent
    scenario: Scenario | None
    answer: str
    round: int
    own: Ballot | None
    others: tuple[tuple[str, Ballot], ...]
    juror: str  # the name under which this juror votes
    seed: int
    ask: Callable[[Request], Awaitable[Response]]  # puts a request to the juror's model, recorded


class Juror(Plugin):
    """A judge with a role."""

    @abstractmethod
    async def vote(self, case: Case) -> Ballot:
        """One ballot. A juror that cannot make one abstains and gives the reason; it never guesses."""
