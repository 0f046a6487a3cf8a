"""Data sets of queries: built-in ones, files, folders made by `import`, `export` or `convert`, or for the paper.

A file is read and checked as a whole before any work begins; every bad row is reported with its line.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from itertools import islice, pairwise
from numbers import Number
from operator import eq
from pathlib import Path
from typing import Any, NamedTuple, overload
from uuid import UUID

from safebench.datasets.columns import named, plain_name
from safebench.datasets.tables import BLANK, PROBLEM, Row, is_nothing, unusable
from safebench.errors import BadInput, unknown
from safebench.models.languages import language_tag, tell
from safebench.serialisation import compact, storable
from safebench.taxonomy import Taxonomy, paper
from safebench.types import Intent, Query

TEXT_COLUMNS = ("query", "prompt", "question", "behavior", "goal", "text")
LANGUAGE = "language"
CERTAINTY = "language_certainty"  # of one that was told from the text, in converted folders
COLUMNS = ("id", "scenario", "intent", "twin", LANGUAGE)
LOOKALIKES = {  # what others call such columns
    "id": ("index", "idx", "query_id", "prompt_id", "question_id", "uid", "uuid", "key"),
    "scenario": ("category", "scenarios", "scenario_id", "topic", "risk", "harm_category", "semantic_category"),
    "intent": ("label", "harmful", "is_harmful", "type", "safety", "toxicity", "benign", "intention"),
    "twin": ("twin_id", "pair", "pair_id", "contrast_id"),
    "language": ("lang", "locale", "language_code", "lang_code", "language_tag"),
}
LONGEST_ID = 200
SHOWN_PROBLEMS = 20
MINIBENCH = 50  # harmful queries of each of its scenarios


class BadRows(BadInput):
    """Rows that cannot be used: `every` has all problems, `problems` the first 20 and how many more there are.

    `lists_all`: the command that shows all of them, if there is one.
    """

    def __init__(self, every: Sequence[str], lists_all: str | None = None) -> None:
        hidden = len(every) - SHOWN_PROBLEMS
        where = f"; `{lists_all}` lists them all" if lists_all else ""
        more = [f"… and {hidden} more bad rows, {len(every)} problems in all{where}"] if hidden > 0 else []
        super().__init__(*every[:SHOWN_PROBLEMS], *more)
        self.every = tuple(every)


class _Texts:
    """Texts as the bytes of all of them, one after the other."""

    def __init__(self) -> None:
        self._bytes, self._ends = bytearray(), array("q", [0])

    def append(self, text: str) -> None:
        self._bytes += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._bytes))

    def __getitem__(self, n: int) -> str:
        return self._bytes[self._ends[n] : self._ends[n + 1]].decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        for begin, end in pairwise(self._ends):
            yield self._bytes[begin:end].decode("utf-8", "surrogatepass") if end > begin else ""

    def __bool__(self) -> bool:
        return bool(self._bytes)


class Queries(Sequence[Query]):
    """Queries as bytes, which take half of the memory of objects: each is made where it is asked for."""

    def __init__(self, queries: Iterable[Query] = ()) -> None:
        self._ids, self._texts, self._twins = _Texts(), _Texts(), _Texts()
        self._known: dict[_Kind, int] = {}
        self._kinds: list[_Kind] = []
        self._kind = array("q")  # of each query
        for query in queries:
            self.append(query)

    def append(self, query: Query) -> None:
        kind = (query.intent, query.scenario, query.language, query.certainty)
        if kind not in self._known:
            self._known[kind] = len(self._kinds)
            self._kinds.append(kind)
        self._kind.append(self._known[kind])
        self._ids.append(query.id)
        self._texts.append(query.text)
        self._twins.append(query.twin or "")

    @property
    def are_plain(self) -> bool:
        """All have ids of their own, and none has a twin."""
        import numpy as np

        if self._twins:
            return False
        hashes = np.fromiter(map(hash, self._ids), np.int64, len(self))
        return len(np.unique(hashes)) == len(self)

    def __len__(self) -> int:
        return len(self._kind)

    @overload
    def __getitem__(self, n: int) -> Query: ...
    @overload
    def __getitem__(self, n: slice) -> tuple[Query, ...]: ...
    def __getitem__(self, n: int | slice) -> Query | tuple[Query, ...]:
        if isinstance(n, slice):
            return tuple(map(self.__getitem__, range(*n.indices(len(self)))))
        n = range(len(self))[n]
        intent, scenario, language, certainty = self._kinds[self._kind[n]]
        twin = self._twins[n] or None
        return Query(self._ids[n], self._texts[n], intent, scenario, twin, language, certainty)

    def __iter__(self) -> Iterator[Query]:
        for id_, text, twin, kind in zip(self._ids, self._texts, self._twins, self._kind, strict=True):
            intent, scenario, language, certainty = self._kinds[kind]
            yield Query(id_, text, intent, scenario, twin or None, language, certainty)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]


_Kind = tuple[Intent, str | None, str | None, float | None]  # intent, scenario, language and its certainty


@dataclass(frozen=True)
class Dataset:
    """Queries with the name and content hash that runs record."""

    name: str
    queries: Sequence[Query]
    folder: Path | None = None  # of renderings, where `convert` made them
    recipes: Mapping[str, Any] = field(default_factory=dict)  # for media that it brings, tables by medium and name
    notes: tuple[str, ...] = ()  # what was taken for granted where it was read
    taxonomy: Taxonomy = field(default_factory=paper)  # of the scenarios that its queries name

    @cached_property
    def sha256(self) -> str:
        """Over all queries in order, whatever file they came from: the order counts, as `--limit` takes the first."""
        digest = hashlib.sha256()
        for query in self.queries:
            declared = [query.language] if query.language and query.certainty is None else []
            row = [query.id, query.text, query.intent, query.scenario, query.twin, *declared]
            digest.update(compact(row).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def limited(self, limit: int | None) -> Dataset:
        """The first `limit` queries; one whose twin is not among them has none."""
        if limit is None:
            return self
        return self._with({query.id for query in islice(self.queries, limit)})

    def only(self, intent: Intent | None) -> Dataset:
        """The queries of one intent, which leaves out all twins; without one all."""
        if intent is None:
            return self
        return self._with({query.id for query in self.queries if query.intent is intent})

    def minibench(self) -> Dataset:
        """The first 50 harmful queries of each of the ten scenarios of the paper's MiniBench, and their twins.

        A scenario with fewer is noted. Raises BadInput where none of them has any.
        """
        known = self.taxonomy.scenarios
        chosen: dict[str | None, list[Query]] = {id: [] for id, one in known.items() if one.minibench}
        for query in self.queries:
            held = chosen.get(query.scenario)
            if held is not None and query.intent is Intent.HARMFUL and len(held) < MINIBENCH:
                held.append(query)
        if not any(chosen.values()):
            raise BadInput(f"data {self.name!r} has no harmful query of the scenarios of MiniBench")
        short = ", ".join(f"{scenario} {len(held)}" for scenario, held in chosen.items() if len(held) < MINIBENCH)
        notes = [f"{self.name}: fewer than MiniBench's {MINIBENCH} queries of {short}"] if short else []
        ids = {id for held in chosen.values() for query in held for id in (query.id, query.twin) if id}
        return replace(self._with(ids), notes=(*self.notes, *notes))

    def _with(self, ids: Collection[str]) -> Dataset:
        """The queries of these ids; one whose twin is not among them has none."""
        kept = (q if q.twin is None or q.twin in ids else replace(q, twin=None) for q in self.queries if q.id in ids)
        return replace(self, queries=Queries(kept))

    def in_language(self, language: str | None) -> Dataset:
        """Queries whose language the data do not say are in this one. Raises BadInput for no tag of BCP 47."""
        if language is None:
            return self
        try:
            tag = language_tag(language)
        except ValueError as error:
            raise BadInput(f"--language: {error}") from error
        kept = (query if query.language else replace(query, language=tag) for query in self.queries)
        return replace(self, queries=Queries(kept))

    def told(self) -> Dataset:
        """Queries whose language nobody said have the one that is told from their text, if that can be told here."""
        return replace(self, queries=Queries(map(_told, self.queries)))

    def grown_from(self, before: Sequence[Query]) -> Dataset:
        """With the queries that were there before in front, in their order.

        Raises BadInput where it lacks one of them, or says something else of it. A twin that was left out may be there.
        """
        by_id = {query.id: query for query in self.queries}
        strange = [query.id for query in before if query.id not in by_id or not _is_same(query, by_id[query.id])]
        if strange:
            raise BadInput(
                f"of the {len(before)} queries that are there already the data lack {len(strange)}, or say something"
                f" else of them ({', '.join(strange[:3])}{', …' if len(strange) > 3 else ''})"
            )
        old = [by_id.pop(query.id) for query in before]
        return replace(self, queries=(*old, *by_id.values()))

    def shortest_first(self) -> Dataset:
        """By the words of a query and its twin."""
        words = {query.id: len(query.text.split()) for query in self.queries}
        order = sorted(self.queries, key=lambda query: words[query.id] + words.get(query.twin or "", 0))
        return replace(self, queries=tuple(order))

    def first_pairs(self, group: Callable[[Query], str | None], groups: int | None = None) -> Dataset:
        """The first harmful query of each group and its twin; of the first `groups` that there are."""
        by_id = {query.id: query for query in self.queries}
        first: dict[str | None, Query] = {}
        for query in self.queries:
            if query.intent is Intent.HARMFUL and query.twin in by_id:
                first.setdefault(group(query), query)
        chosen = [one for query in islice(first.values(), groups) for one in (query, by_id[query.twin or ""])]
        return replace(self, queries=tuple(chosen))


def _is_same(before: Query, now: Query) -> bool:
    """But for what only one of them knows: a twin that was left out, a language that nobody needed."""
    now = replace(now, text=storable(now.text), twin=before.twin and now.twin)
    if before.language is None or now.language is None:
        now = replace(now, language=before.language, certainty=before.certainty)
    return before == now


def _told(query: Query) -> Query:
    likely = tell(query.text) if query.language is None else None
    return replace(query, language=likely.language, certainty=likely.certainty) if likely else query


# --- rows to queries


class Parsed(NamedTuple):
    """The queries of all rows; `column` held the text. Rows were left out or taken for harmful, as the counts say."""

    queries: Queries
    column: str
    blank: int
    without_intent: int


def taken_for_granted(name: str, *parsed: Parsed) -> tuple[str, ...]:
    """A line for rows that are blank, and one for intents that nobody told."""
    counted = [
        (sum(one.blank for one in parsed), "blank rows were left out"),
        (sum(one.without_intent for one in parsed), "queries without intent were taken as harmful"),
    ]
    return tuple(f"{name}: {n} {what}" for n, what in counted if n)


def parse_rows(
    rows: Iterable[Row],
    name: str,
    text_column: str | None = None,
    heads: Sequence[str] | None = None,
    known: Taxonomy | None = None,
) -> Parsed:
    """Raises BadRows with every problem and its line. `heads` are the columns where more were read than rows hold.

    `known`: the taxonomy whose scenarios rows may name; the paper's when not given.
    """
    queries = Queries()
    blank = without_intent = 0
    lines = _Texts()
    problems: list[str] = []
    met: dict[str, None] = {}
    column: str | None = None
    for line, row in rows:
        if row is BLANK:
            blank += 1
            continue
        without_intent += _optional(row, "intent") is None
        met |= dict.fromkeys(row) if column is None and PROBLEM not in row else {}
        column = column or _text_column(row, text_column)
        try:
            queries.append(_query(row, column, len(queries) + 1, known or paper()))
        except ValueError as error:
            problems.append(f"{name}, line {line}: {error}")
            queries.append(Query(f"\0{line}", ""))  # keeps the row's place; it never leaves this function
        lines.append(str(line))
    if not queries:
        raise BadInput(f"data {name!r} is empty: it has no rows{f', and {blank} blank ones' if blank else ''}")
    if column is None and met:
        raise _no_text_column(name, text_column, list(heads or filter(None, met)))
    problems += [f"{name}, line {lines[n]}: {problem}" for n, problem in _across_rows(queries)]
    if problems or column is None:
        raise BadRows(problems)
    return Parsed(_linked(queries), column, blank, without_intent)


def unused_columns(
    heads: Iterable[str], name: str, text_column: str | None, wanted: Sequence[str] = COLUMNS
) -> Iterator[str]:
    """A line for each column of a file that looks like one that is wanted and is not used; `text_column` is.

    Without one nothing is said of columns that may hold a text.
    """
    heads = sorted(set(heads))
    renamed = named(heads, [*filter(None, [text_column]), *wanted])
    used = set(renamed)
    for head in heads:
        ours = _looks_like(head, {renamed[one] for one in used}, wanted) if head not in used else None
        if ours is not None and (text_column or ours in wanted):
            remedy = f"rename it to {ours}" if ours in COLUMNS else f"--text-column {head} takes it"
            yield f"{name}: column {head!r} looks like {ours!r} and is not used: {remedy}, if it is meant"


def _looks_like(head: str, taken: Collection[str], wanted: Sequence[str]) -> str | None:
    plain = plain_name(head).replace(" ", "_").replace("-", "_")
    if plain in TEXT_COLUMNS:
        return "query"
    for ours in wanted:
        is_like = plain in LOOKALIKES[ours] or bool(get_close_matches(plain, [ours], 1, 0.8))
        if plain == ours or (ours not in taken and is_like):
            return ours
    return None


def _linked(queries: Queries) -> Queries:
    """The queries, each with its twin where only the twin's row says so."""
    back = {query.twin: query.id for query in queries if query.twin is not None}
    if not back:
        return queries
    return Queries(q if q.twin is not None or q.id not in back else replace(q, twin=back[q.id]) for q in queries)


def _text_column(row: Mapping[str, Any], wanted: str | None) -> str | None:
    return next((one for one in ([wanted] if wanted is not None else TEXT_COLUMNS) if one in row), None)


def _no_text_column(name: str, wanted: str | None, heads: Sequence[str]) -> BadInput:
    if wanted is not None:
        return unknown("text column", wanted, heads, f"data {name!r}")
    return BadInput(
        f"data {name!r} has no text column: it has {', '.join(heads)}; expected one of {', '.join(TEXT_COLUMNS)}, "
        "or name it with --text-column"
    )


def _query(row: Mapping[str, Any], column: str | None, number: int, known: Taxonomy) -> Query:
    if (problem := unusable(row)) is not None:
        raise ValueError(problem)
    if column is None:
        raise ValueError("it has no text column")
    text = row.get(column)
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"column {column!r} is empty" if not text else f"column {column!r} is {text!r}, not text")
    told = (_language(row), _certainty(row))
    return Query(
        query_id(row, number), _clean(text), _intent(row), _scenario(row, known), _optional(row, "twin"), *told
    )


def _clean(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"the text is not valid Unicode: {error.reason}") from error
    return text.strip()


def _optional(row: Mapping[str, Any], column: str) -> str | None:
    value = row.get(column)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # data frames make such numbers of whole ones in a column with gaps
    return None if is_nothing(value) else str(value).strip() or None


def query_id(row: Mapping[str, Any], number: int) -> str:
    """That of the n-th row, blank ones left out. Raises ValueError for one that cannot be used."""
    value = row.get("id")
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | Number | UUID)):
        raise ValueError(f"id {str(value)[:40]!r} is neither text nor a number")
    given = _optional(row, "id")
    if given is not None and (len(given) > LONGEST_ID or not given.isprintable()):
        raise ValueError(f"id {given[:40]!r} is longer than {LONGEST_ID} characters or not printable")
    return given or f"row-{number}"


def _intent(row: Mapping[str, Any]) -> Intent:
    named = (_optional(row, "intent") or Intent.HARMFUL).lower()
    if named not in list(Intent):
        raise ValueError(f"intent {named!r} is neither harmful nor benign")
    return Intent(named)


def _scenario(row: Mapping[str, Any], known: Taxonomy) -> str | None:
    named = _optional(row, "scenario")
    try:
        return known.scenario(named).id if named else None
    except BadInput as error:
        raise ValueError(str(error)) from error


def _language(row: Mapping[str, Any]) -> str | None:
    named = _optional(row, LANGUAGE)
    return language_tag(named) if named else None


def _certainty(row: Mapping[str, Any]) -> float | None:
    value = row.get(CERTAINTY)
    return value if isinstance(value, float) and _language(row) else None


def _across_rows(queries: Queries) -> Iterator[tuple[int, str]]:
    """Duplicate ids, and twins that are missing, of the same intent or somebody else's, as (index, problem)."""
    if queries.are_plain:
        return
    first: dict[str, int] = {}
    for n, query in enumerate(queries):
        if query.id in first:
            yield n, f"id {query.id!r} is taken already"
        first.setdefault(query.id, n)
    taken: dict[str, str] = {}
    for n, query in enumerate(queries):
        if query.twin is None:
            continue
        if query.twin not in first:
            yield n, f"twin {query.twin!r} is no id of this data set"
            continue
        twin = queries[first[query.twin]]
        other = twin.twin or taken.setdefault(twin.id, query.id)
        if twin.intent is query.intent:
            yield n, f"twin {twin.id!r} has the same intent, {query.intent}"
        elif other != query.id:
            yield n, f"twin {twin.id!r} is the twin of {other!r}"
