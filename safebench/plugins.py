"""The plug-in points: what a converter, recogniser, modality, target, juror or exporter is.

Each kind implements one method that takes one context object, so that a new field never breaks an old plug-in. A
plug-in is a class named by an entry point; it is imported when it is chosen, and an incomplete one fails when it is
loaded, not in the middle of a run. Packages that it needs are listed in `needs`, so that a missing one is reported
before any work begins.

All that a plug-in imports of SafeBench is here: with the kinds and their context objects the words of
`safebench.types`, the errors that a plug-in raises, and by name, imported when they are asked for, what is built on
plug-ins itself: `Effect` (speech to speech, of which only the change is left to write), `Samples`, `decode_recording`
and `encode_recording` (bytes to samples and back), `decode_picture` and `encode_picture`, `encode_messages` and
`media_file` (how a target sends media).
"""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from safebench.errors import BadInput, ConversionError, MissingPackage, TargetRefusesService
from safebench.types import (
    TEXT,
    Ballot,
    Draft,
    ExportedCall,
    ExportedItem,
    Failure,
    Fidelity,
    Form,
    Intent,
    Label,
    Media,
    Message,
    Part,
    Query,
    Request,
    Response,
    Text,
)

if TYPE_CHECKING:
    from converters.audio.effect import Effect
    from converters.pictures import decode as decode_picture
    from converters.pictures import png as encode_picture
    from converters.recordings import Samples
    from converters.recordings import decode as decode_recording
    from converters.text_to_speech.waveform import encode as encode_recording
    from safebench.reports.summary import Summary
    from safebench.targets.messages import encode_messages, media_file
    from safebench.taxonomy import Scenario

__all__ = [
    "MADE", "PLACE", "QUERY", "TEXT", "Asking", "BadInput", "Ballot", "Case", "Checking", "ConversionError",
    "Converter", "Describing", "Draft", "Effect", "Encoder", "ExportedCall", "ExportedItem", "Exporter", "Exporting",
    "Failure", "Fidelity", "Form", "Intent", "Juror", "Label", "Media", "Message", "MissingPackage", "Modality",
    "ModelCalls", "Notes", "Part", "Plugin", "PluginOptions", "Query", "Recogniser", "Request", "Response", "Samples",
    "Step", "Target", "TargetRefusesService", "TargetSetup", "Text", "Work", "decode_picture", "decode_recording",
    "encode_messages", "encode_picture", "encode_recording", "is_installed", "media_file",
]  # fmt: skip

_BUILT_ON_US = {  # name -> where it is, and under what name: those import this module, and are imported when asked for
    "Effect": ("converters.audio.effect", "Effect"),
    "Samples": ("converters.recordings", "Samples"),
    "decode_picture": ("converters.pictures", "decode"),
    "decode_recording": ("converters.recordings", "decode"),
    "encode_messages": ("safebench.targets.messages", "encode_messages"),
    "encode_picture": ("converters.pictures", "png"),
    "encode_recording": ("converters.text_to_speech.waveform", "encode"),
    "media_file": ("safebench.targets.messages", "media_file"),
}


QUERY, MADE = "query", "made"  # carriers that are no wordings
PLACE = "{query}"  # in a wording: where the query stands


def __getattr__(name: str) -> Any:
    if name not in _BUILT_ON_US:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, inner = _BUILT_ON_US[name]
    return getattr(importlib.import_module(module), inner)


class ModelCalls(NamedTuple):
    """A model that a plug-in asks, NAME:ARGUMENT of a target, and how often at most for one piece of work."""

    model: str
    most: int = 1


class PluginOptions(BaseModel):
    """Frozen options of a plug-in; an unknown key is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def files(self) -> Iterable[Path]:
        """Files and folders that are named here, or that a name here stands for (weights): what they hold changes the
        result as well.
        """
        return ()

    def versions(self) -> Iterable[str]:
        """Of other plug-ins, and digests of weights, that are named here: another one changes the result as well."""
        return ()

    def asks(self) -> Iterable[ModelCalls]:
        """The models that are asked for every piece of work, for estimates and budgets: those that may cost money."""
        return ()


class Step(PluginOptions):
    """One converter of a chain; every key but `use` is one of its options."""

    model_config = ConfigDict(frozen=True, extra="allow")
    use: str

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.__pydantic_extra__ or {})


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

    @classmethod
    def lacking(cls) -> list[str]:
        """The packages in `needs` that are not installed."""
        return [package for package in cls.needs if not is_installed(package)]

    @classmethod
    def missing(cls, options: Any) -> str | None:
        """Why it cannot work here with these options: a line that names a package and the command that installs it.

        None where nothing is missing. This is cheap: nothing is loaded, and nobody is called. One that needs more than
        packages (weights, by its options) says so here, after what is said here.
        """
        lacking = cls.lacking()
        return str(MissingPackage(repr(cls.name), lacking, cls.extra)) if lacking else None


def is_installed(package: str) -> bool:
    """Whether a package of that import name is there; it is not imported, but for what it lies in."""
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # of `a.b` where there is no `a`
        return False


# --- converters and recognisers run in worker processes; they may hold a model and need not be thread-safe


@dataclass(slots=True)
class Notes:
    """What the converters of a chain tell beside the media; it is stored with the rendering."""

    measures: dict[str, float] = field(default_factory=dict)  # join those of the fidelity check, which may limit them
    drafts: list[Draft] = field(default_factory=list)  # what was tried on the way
    written: str | None = None  # what stands for the query in the written part, where the recipe's carrier is MADE


@dataclass(frozen=True, slots=True)
class Work:
    """What a converter gets: the query, the text to render, and what the step before made of it."""

    query: Query
    text: str
    media: Media | None = None
    seed: int = 0
    attempt: int = 0  # counts from 0; above it the rendering before was not faithful, and another one is wanted
    step: int = 0  # place in the chain, from 0: the same converter twice draws other random numbers
    notes: Notes = field(default_factory=Notes)


class Converter(Plugin):
    """Makes media from text, or media from media. The same work gives the same bytes.

    One that is quicker with several works at once says how many by `batch`, and implements `convert_batch` as well.
    """

    takes: ClassVar[str]
    gives: ClassVar[str]
    rewords: ClassVar[bool] = True  # of text to text; False: the same text, written as a voice says it
    varies: ClassVar[bool] = False  # whether another attempt at the same work may give something else
    depicts: ClassVar[bool] = False  # whether it shows what the text is about, and holds none of it to be read back
    writes: ClassVar[bool] = False  # whether it makes the written part that goes with the media, in its notes
    required = ("name", "summary", "takes", "gives")

    def check(self) -> None:
        """Before a run, in a worker process: raise BadInput when nothing can be made (no model, no such voice)."""

    @abstractmethod
    def convert(self, work: Work) -> Media:
        """Raises ConversionError when no faithful media can be made from this text."""

    @property
    def language(self) -> str | None:
        """The one language of texts that it takes, as BCP 47 writes it; None where it takes texts in any.

        A text that is in another is not given to it.
        """
        return None

    @property
    def batch(self) -> int:
        """How many works it takes at once, at least 1. A batch can be smaller, and is made up as works come in."""
        return 1

    def convert_batch(self, works: Sequence[Work]) -> Sequence[Media | ConversionError]:
        """The media of each work, or why there is none; called for two works or more.

        What it raises is a failure of the whole batch, which is then tried again in halves: add nothing to the notes
        of a work that would be wrong there a second time.
        """
        return [self._tried(work) for work in works]

    def _tried(self, work: Work) -> Media | ConversionError:
        try:
            return self.convert(work)
        except ConversionError as error:
            return error


class Recogniser(Plugin):
    """Reads or hears media back into text. Written NAME[:ARGUMENT]; the argument is an option of that name."""

    medium: ClassVar[str]
    transcribes: ClassVar[bool] = True  # False: it may check a text that is known, but no answer is judged by it
    required = ("name", "summary", "medium")

    @classmethod
    def language(cls, options: Any) -> str | None:
        """The one language that it takes with these options, as BCP 47 writes it; None where it takes any.

        This is cheap, as `missing` is.
        """
        return None

    def check(self) -> None:
        """Before a run, in a worker process: raise BadInput when nothing can be recognised (no key, no model)."""

    @abstractmethod
    def recognise(self, media: Media) -> str:
        """The text found in the media, empty where there is none. Raises ValueError for undecodable media."""


# --- modalities


class Encoder(Protocol):
    """How one medium travels to and from one target family, e.g. as parts of chat completions. To inherit from."""

    def encode(self, media: Media) -> Mapping[str, Any]:
        """The message part for this media."""
        ...

    def decode(self, part: Mapping[str, Any]) -> Sequence[tuple[Media, str]] | None:
        """The media in a content part of an answer, or in one field of its message, each with its transcript.

        None for what is no medium of its own: what no encoder reads is an error. Raises ValueError for a malformed one.
        """
        return None


@dataclass(frozen=True, slots=True)
class Checking:
    """What a fidelity check gets: the query, its media, and the limits that the recipe's gate sets by measure.

    The query's text is the one that has to be found in the media: where a step of the recipe rewords it, the new one.
    """

    query: Query
    media: Media
    gate: Mapping[str, float]
    recognise: Callable[[str, Media], str]  # (recogniser, media) -> text; raises MissingPackage
    recogniser: str | None = None  # NAME[:ARGUMENT] of who reads this medium back; None: nobody does
    said: str | None = None  # how the text was put to a voice, where that differs
    measures: Mapping[str, float] = field(default_factory=dict)  # what the converters noted
    other_texts: tuple[str, ...] = ()  # of other queries of the data: a check may tell the right one from them
    depicts: bool = False  # whether the media show what the query is about, and hold none of its text
    reads: str | None = None  # the one language that the recogniser takes, if there is one

    @property
    def text_said(self) -> str:
        """Word by word what is in the media."""
        return self.query.text if self.said is None else self.said


@dataclass(frozen=True, slots=True)
class Asking:
    """What a message is composed from. `wording`: what run or recipe say is written, with PLACE where the query stands.

    `made`: what a recipe made to stand in the query's place.
    """

    query: Query
    media: Media | None
    with_text: bool
    wording: str | None = None  # None: the modality's own
    made: str | None = None
    layout: Mapping[str, float] = field(default_factory=dict)  # what the recipe says of the message, by the modality

    def written(self, default: str) -> str:
        """The written part, empty where there is none. `default`: the modality's own wording."""
        text = default if self.wording is None else self.wording
        return text.replace(PLACE, self.query.text if self.made is None else self.made)


@dataclass(frozen=True, slots=True)
class Describing:
    """What a row of a data set is described from: the steps (`use` and options) and the media, None where it failed."""

    steps: tuple[Mapping[str, Any], ...]
    media: Media | None


class Modality(Plugin):
    """One medium: renders by recipes, checks what was rendered, composes the message."""

    medium: ClassVar[str]
    default_recipe: ClassVar[str | None] = None  # None: nothing is rendered
    recognisers: ClassVar[tuple[str, ...]] = ()  # NAME[:ARGUMENT] of who can read it back, the best first
    encoders: ClassVar[Mapping[str, Encoder]] = {}  # by target family, or by a name that data/families.toml chooses
    limits: ClassVar[tuple[str, ...]] = ()  # what a recipe's gate may set
    default_gate: ClassVar[Mapping[str, float]] = {}  # of recipes that have none
    layout: ClassVar[tuple[str, ...]] = ()  # what a recipe may say of the message
    nouns: ClassVar[tuple[str, ...]] = ()  # for its media, beside its name: so a wording is told to speak of them
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
        """Judge a rendering against the gate. Never raises for media that is merely bad.

        Raises BadInput and TargetRefusesService, which stop the run, where the chosen recogniser can do nothing at all.
        """

    def holds_nothing(self, media: Media) -> str | None:
        """Why the media can carry no query, whatever it was (a clip without a word, a picture of one colour), or None.

        Asked of what is not checked otherwise; `check` fails such media as well. It takes no recogniser, and has to be
        sure. Raises ValueError for broken media.
        """
        return None

    def needs_no_decoder(self, media: Media) -> bool:
        """Whether `holds_nothing` looks at these media without a decoder that they could crash, and at once.

        Then the run's own process looks at what passed before; all else is looked at by a worker process.
        """
        return False

    def check_whole(self, media: Media) -> None:
        """Before what others say of the media is believed. Raises ValueError for what is cut off, or no such medium.

        Cheap where a format lets it be: every item of a run on a converted folder comes here once.
        """

    def wording(self, *, with_text: bool) -> str:
        """What is written where neither run nor recipe say it, with PLACE where the query stands; empty: nothing.

        Where the query is only in the medium the wording says nothing of it. With text it is the query, unless the
        modality wants an instruction there.
        """
        return PLACE if with_text else ""

    def compose(self, asking: Asking) -> tuple[Part, ...]:
        """The parts of the user's message: what is written, if anything, and the media behind it."""
        if asking.media is None:
            raise ValueError(f"query {asking.query.id!r} has no {self.medium} to ask with")
        written = asking.written(self.wording(with_text=asking.with_text))
        return (*((Text(written),) if written else ()), *self.pieces(asking.media, asking.layout))

    def seconds(self, media: Media) -> float | None:
        """How long it lasts; None for what does not last, or cannot be told."""
        return None

    def preview(self, media: Media) -> Media | str | None:
        """What pages show in place of media that browsers do not show: a small picture, clip or video, or a text.

        Raises ValueError for broken media. None: the file's name and type are all that is shown.
        """
        return None

    def pieces(self, media: Media, layout: Mapping[str, float]) -> tuple[Media, ...]:
        """The media as it is sent: in several pieces where the recipe's layout of the message says so."""
        return (media,)


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
    stand_in: ClassVar[bool] = False  # no model: what a run on it finds is about the pipeline alone
    forms: ClassVar[tuple[Form, ...]] = ("chat",)  # of requests that it takes
    length_option: ClassVar[str] = "max_tokens"  # the user's option or parameter that limits the tokens of an answer
    required = ("name", "summary", "family")

    def __init__(self, setup: TargetSetup) -> None:
        super().__init__(self.Options(**setup.options))
        self.setup = setup

    @classmethod
    def behind(cls, argument: str) -> str | None:
        """NAME[:ARGUMENT] of the target that answers in its place; None where it answers itself."""
        return None

    @property
    @abstractmethod
    def accepts(self) -> frozenset[str]:
        """The media that it takes, text included."""

    @property
    def endpoint(self) -> str | None:
        """Whom its calls ask, as an address, where it takes its turns there (`turn_at`); None: nobody, or who cares."""
        return None

    @property
    def at_once(self) -> int | None:
        """Calls that it is given at once, where the user names no number; None: the usual ones, or its endpoint's."""
        return None

    @property
    def recognisers(self) -> Mapping[str, str]:
        """By medium, the recognisers NAME[:ARGUMENT] by which it reads media; made ready before a run."""
        return {}

    @abstractmethod
    async def ask(self, request: Request) -> Response:
        """Answer, or say why not. Raises TargetRefusesService when no request at all can succeed."""

    def why_not(self, medium: str) -> str | None:
        """What the user can do about a medium that it does not take; None where nothing can be done."""
        return None

    def warning(self, request: Request) -> str | None:
        """What the user has to know before this request is put to it: one line, the same for all like it."""
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

    knows_harm: ClassVar[bool] = True  # False: it tells a refusal from an answer; a jury of such speaks of no harm

    async def check(self, ask: Callable[[Request], Awaitable[Response]]) -> None:
        """Before a run: raise BadInput when the model that answers for it is none that it can read."""

    @abstractmethod
    async def vote(self, case: Case) -> Ballot:
        """One ballot. A juror that cannot make one abstains and gives the reason; it never guesses."""


# --- exporters


@dataclass(frozen=True, slots=True)
class Exporting:
    """What an exporter gets: a run, finished or not, its items in planned order, and its calls item by item.

    `run`: by which the same run is known again, wherever its folder lies and though it has grown. `content`: the same
    as long as there is nothing new to export. `files`: what may go with it. `shard`: N/M, of a part of a run.
    Without `with_texts` no texts go out, and nothing here holds any of a query or an answer.
    """

    run: str
    content: str
    summary: Summary
    items: Callable[[], Iterator[ExportedItem]]
    calls: Callable[[], Iterator[ExportedCall]]
    files: tuple[Path, ...]
    with_texts: bool
    shard: str | None = None


class Exporter(Plugin):
    """Takes a run's results to where a team keeps them. Written NAME[:ARGUMENT], an option of that name.

    A number of a condition from which nothing can be concluded (`evidence.concludable`) must not look like any other.
    """

    def check(self) -> None:
        """Before the run is read: raise BadInput when nothing can be exported (no address, nobody there, no token)."""

    @abstractmethod
    def export(self, exporting: Exporting) -> str:
        """What came of it and where it is, for the user. The same run exported again is there once.

        Raises BadInput, and leaves nothing half done, where it cannot be exported.
        """
