"""The vocabulary. Whoever has read this file can read the rest.

Everything here is frozen and knows nothing of files, networks or plug-ins. A *medium* is a plain name ("text", or one
that a modality registers), so that the core never has to list them.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal
from unicodedata import category

from safebench.errors import BadInput, BrokenMedia

TEXT = "text"


class Intent(StrEnum):
    HARMFUL = "harmful"
    BENIGN = "benign"


class Label(StrEnum):
    """What one juror may vote."""

    UNSAFE = "unsafe"
    REFUSED = "refused"
    SAFE = "safe"
    NOT_UNDERSTOOD = "not_understood"
    ABSTAIN = "abstain"


class Absence(StrEnum):
    """Why a juror gave no vote. Only the last is a readable ballot: the juror's own choice."""

    UNREADABLE = "unreadable"
    CALL_FAILED = "call_failed"
    BLOCKED = "blocked"
    DECLINED = "declined"


class Outcome(StrEnum):
    """How one item ended, in the order in which the rules apply: the first that fits, from the top."""

    NOT_RENDERED = "not_rendered"
    NO_ANSWER = "no_answer"
    BLOCKED = "blocked"
    UNDECIDED = "undecided"
    UNSAFE = "unsafe"
    NOT_UNDERSTOOD = "not_understood"
    REFUSED = "refused"
    SAFE = "safe"

    @property
    def decided(self) -> bool:
        """False for the open outcomes, which say nothing about the target's safety."""
        return self in (Outcome.BLOCKED, Outcome.UNSAFE, Outcome.REFUSED, Outcome.SAFE)


@dataclass(frozen=True, slots=True)
class Query:
    """One text request in one scenario. `twin` is the id of its partner of the other intent.

    `language` as BCP 47 writes it, None where nobody knows. `certainty`: of a language that was told from the text, a
    fraction; None where the data say it.
    """

    id: str
    text: str
    intent: Intent = Intent.HARMFUL
    scenario: str | None = None
    twin: str | None = None
    language: str | None = None
    certainty: float | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """One way to ask, written `medium[+text][:recipe][~wording]`. A medium alone: the query is only in the medium.

    `wording`: what is written around or beside the query; None where recipe and modality say it.
    """

    medium: str
    with_text: bool = False
    recipe: str | None = None
    wording: str | None = None

    @classmethod
    def parse(cls, text: str) -> Condition:
        """What was written so, whether or not there is such a medium, recipe or wording. Raises BadInput for another
        form.
        """
        rendered, tilde, wording = text.partition("~")
        head, colon, recipe = rendered.partition(":")
        medium, plus, written = head.partition("+")
        if not medium or (plus and written != TEXT) or (colon and not recipe) or (tilde and not wording):
            raise BadInput(f"condition {text!r} is not written medium[+text][:recipe][~wording]")
        return cls(medium, bool(plus), recipe or None, wording or None)

    def __str__(self) -> str:
        recipe = f":{self.recipe}" if self.recipe else ""
        return self.medium + ("+text" if self.with_text else "") + recipe + (f"~{self.wording}" if self.wording else "")


@dataclass(frozen=True, slots=True)
class Item:
    """One query under one condition, for the n-th time (`repeat` counts from 0)."""

    query: Query
    condition: Condition
    repeat: int = 0

    @property
    def key(self) -> tuple[str, str, int]:
        return (self.query.id, str(self.condition), self.repeat)


@dataclass(frozen=True, slots=True)
class Media:
    """Bytes of one medium, in memory or in a file, named by their SHA-256."""

    medium: str
    mime: str
    sha256: str
    size: int
    source: bytes | Path = field(repr=False, compare=False)

    @classmethod
    def of(cls, medium: str, mime: str, data: bytes) -> Media:
        return cls(medium, mime, hashlib.sha256(data).hexdigest(), len(data), data)

    def read(self) -> bytes:
        """The bytes. Raises BrokenMedia where there are more or fewer of them than there were."""
        data = self.source if isinstance(self.source, bytes) else self.source.read_bytes()
        if len(data) != self.size:
            where = "in memory" if isinstance(self.source, bytes) else str(self.source)
            raise BrokenMedia(where, self.size, len(data))
        return data

    def data_uri(self) -> str:
        """The bytes as endpoints take them: `data:MIME;base64,…`."""
        return f"data:{self.mime};base64,{b64encode(self.read()).decode('ascii')}"

    def reference(self) -> dict[str, Any]:
        """What is stored in place of the bytes."""
        return {"medium": self.medium, "mime": self.mime, "sha256": self.sha256, "size": self.size}


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as data: which component failed, with what error."""

    component: str
    type: str
    message: str

    def __str__(self) -> str:
        return f"{self.component}: {self.type}: {self.message}"


TOO_LONG = "TooLong"  # type of the failure of a request with media of which the model would hear only the beginning


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How well a rendering carries its query.

    `measures` are numbers by name (error rates are fractions, durations seconds). `unchecked` is no pass: the report
    says how many renderings nobody looked at.
    """

    status: Literal["passed", "failed", "unchecked"]
    measures: Mapping[str, float] = field(default_factory=dict)
    recogniser: str | None = None
    recognised: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """Something that was made, or asked of a model, on the way to a rendering, and kept with it."""

    prompt: str  # what was asked for
    answer: str = ""  # what a model said
    media: Media | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a recipe made of a query: media and fidelity, or the failure that kept it from being made."""

    recipe: str
    key: str
    media: Media | None
    fidelity: Fidelity
    failure: Failure | None = None
    seconds: float = 0.0
    tries: int = 1
    said: str | None = None  # the text in the media, where it is not that of the query
    written: str | None = None  # what was made to stand for the query in the written part
    drafts: tuple[Draft, ...] = ()

    @property
    def faithful(self) -> bool:
        return self.media is not None and self.failure is None and self.fidelity.status != "failed"


@dataclass(frozen=True, slots=True)
class Text:
    text: str


Part = Text | Media


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    parts: tuple[Part, ...]


Form = Literal["chat", "completion", "moderation"]


@dataclass(frozen=True, slots=True)
class Request:
    """What is put to a target: messages, and a JSON schema for its answer where one is wanted.

    `form`: as turns of a chat; or one text alone, as a whole prompt in which special tokens are special, or as what a
    moderation endpoint classifies. Only targets that say so in `forms` take the last two.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    written: bool = False  # all of the query stands in the text, so that nothing is lost with the media; never sent
    form: Form = "chat"
    scored: bool = False  # with the probabilities of the answer's tokens, where the target tells them

    @property
    def text(self) -> str:
        """Of the last message."""
        return "".join(part.text for part in self.messages[-1].parts if isinstance(part, Text))

    def describe(self) -> dict[str, Any]:
        """The request as stored and hashed: media by their SHA-256, never their bytes."""
        messages = [
            {"role": m.role, "parts": [{"text": p.text} if isinstance(p, Text) else p.reference() for p in m.parts]}
            for m in self.messages
        ]
        form = {} if self.form == "chat" else {"form": self.form}
        scored = {"scored": True} if self.scored else {}
        return {"messages": messages, "schema": dict(self.schema) if self.schema else None, **form, **scored}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call over the wire. `status` is the HTTP status, None where none came; `waited` the pause before it in s."""

    seconds: float
    status: int | None = None
    error: str | None = None
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recogniser heard or read in media; empty with a failure when it could not hear at all."""

    text: str
    recogniser: str
    failure: str | None = None


# Letters and signs that show nothing: fillers of Hangul, a braille cell without dots, the place of an object
_NOTHING = frozenset("\u115f\u1160\u3164\uffa0\u2800\ufffc")
_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Mn", "Me", "Zl", "Zp", "Zs"})  # classes of Unicode: marks need a letter


def is_visible(text: str) -> bool:
    """Whether anything of a text can be seen: a line of zero-width characters says no more than an empty one."""
    return any(category(char) not in _INVISIBLE and char not in _NOTHING for char in text)


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """A token of an answer, and the log-probabilities of the likeliest ones in its place, by their text."""

    text: str
    logprobs: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Response:
    """What a target answered. Only `answered` carries an answer; an error text is in `failure`, never in `text`.
    `unheard`: nothing was heard or read in the media of the request, and so nobody was asked.

    `thinking` is what a model wrote before its answer: kept, and no part of what is judged. `unknown_markup`: a mark at
    the beginning of its text that is not known, so that thinking may have been judged. `given`: what a cascade put in
    the place of each of the request's media, in their order. `tokens`: the first ones, where the request wants scores.
    """

    status: Literal["answered", "blocked", "failed", "unheard"]
    text: str = ""
    media: tuple[Media, ...] = ()
    finish: str | None = None
    model: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()
    failure: Failure | None = None
    key: str | None = None  # of the recorded exchange, set by whoever recorded it
    thinking: str = ""
    unknown_markup: str = ""
    given: tuple[Transcript, ...] = ()
    tokens: tuple[ScoredToken, ...] = ()

    @property
    def empty(self) -> bool:
        return not is_visible(self.text) and not self.media


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a call to a model is for: with the item it tells apart calls whose requests are alike.

    `media`: a model that renders, refines, reads back or transcribes; the last four are stages of generating. A call of
    the jury without a `juror` is its writer's. `number` counts calls of one vote. `about` is never read back.
    """

    role: Literal["target", "probe", "jury", "media", "propose", "write", "score", "twin"]
    juror: str | None = None
    round: int = 0
    number: int = 0
    about: str = ""

    @property
    def key(self) -> tuple[str, str | None, int, int, str]:
        return (self.role, self.juror, self.round, self.number, self.about)


@dataclass(frozen=True, slots=True)
class Ballot:
    """One vote of one juror in one round (0 is the individual assessment). An abstention has no rating."""

    juror: str
    round: int
    label: Label
    rating: int | None = None
    reason: str = ""
    exchanges: tuple[str, ...] = ()
    left_out: int = 0  # characters of a long answer that this juror was not shown
    absence: Absence | None = None  # why there is no vote; an abstention without it was the juror's own choice


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the jury found. `label` is None when it found nothing: hung, no quorum, or no readable ballot."""

    label: Label | None
    rating: int | None
    reason: str
    ballots: tuple[Ballot, ...]


ProbeForm = Literal["repeat", "choose"]  # say what you were sent, or which of four sentences it was
CHANCE = 1 / 4  # of naming the right one of four


@dataclass(frozen=True, slots=True)
class Comprehension:
    """What one probe or its control found. `declined` says nothing about understanding; `unknown` was not readable;
    `uncounted` was found without a probe: the target counted no tokens for the media.
    """

    status: Literal["understood", "missed", "declined", "unknown", "uncounted"]
    missing: float | None = None  # share of the query's words
    exchange: str | None = None


CONTROL = "a control is not meant to carry the query"  # why its rendering is unchecked


@dataclass(frozen=True, slots=True)
class ExportedItem:
    """An item of a run. `query`, `answer`, `reason` and `media` are None where no texts go out, `outcome`
    before there is one.
    """

    number: int
    query_id: str
    intent: Intent
    scenario: str | None
    category: str | None
    twin: str | None
    language: str | None
    condition: str
    repeat: int
    outcome: Outcome | None
    rating: int | None
    fidelity: str | None  # what its check said of the rendering
    query: str | None = None
    answer: str | None = None
    reason: str | None = None
    media: Media | None = None


@dataclass(frozen=True, slots=True)
class ExportedCall:
    """A call to a model. `item`: 0 of one that is of no item; `target`: what it was put to, without keys; `started` and
    `ended` in seconds of the epoch, the first by the duration of its attempts. Where no texts go out there are no
    `messages`, and the response has neither text nor media, and of its failure only the type.
    """

    key: str
    item: int
    purpose: Purpose
    target: Mapping[str, Any]
    form: Form
    started: float
    ended: float
    response: Response
    messages: tuple[Mapping[str, Any], ...] = ()  # as they are stored: media by their SHA-256
