"""`safebench data import`: public data sets as ours, by a declared mapping for each (`data/importers/NAME.toml`).

A mapping says which columns hold what, which rows count, and which scenario a category belongs to. What it does not say
is not guessed: such rows come in without a scenario, and are counted.
"""

from __future__ import annotations

import importlib.util
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from safebench import registry
from safebench.datasets.card import Card, Format, Strict
from safebench.datasets.exporting import export, without_scenario, write_jsonl, write_set
from safebench.datasets.hub import PACKAGE, first_line
from safebench.datasets.paper_layout import Counted, Release, take_in
from safebench.datasets.queries import Dataset, parse_rows, taken_for_granted
from safebench.datasets.tables import BLANK, READERS, Row, file_rows, unusable
from safebench.datasets.unpacking import open_release
from safebench.errors import BadInput, MissingPackage, unknown
from safebench.files import content_hash, is_taken, read_toml, whole_folder
from safebench.progress import NoProgress, Progress
from safebench.resources import data_path, shipped
from safebench.taxonomy import TaxonomyTable, paper
from safebench.types import Intent

FOLDER = "importers"
HUB = "hub:"
NOT_KNOWN = "the mapping does not know it"
MADE = ("_file", "_row", "_key", "_group", "_nth")  # columns that we make: see docs/data.md
MISSING = "missing.jsonl"  # of a release that was imported: what is not there


def _parts(template: str) -> list[tuple[str, str | None]]:
    """Text and the column that follows it; a template without braces is the name of a column."""
    if "{" not in template:
        return [("", template)]
    return [(text, name) for text, name, _, _ in Formatter().parse(template)]


def _checked(template: str) -> str:
    """Raises ValueError for one that names no column, or says of a column what nobody heeds."""
    parsed = list(Formatter().parse(template)) if "{" in template else [("", template, "", None)]
    for _, name, form, how in parsed:
        if name is not None and not name.strip():
            raise ValueError("it names no column")
        if form or how:
            raise ValueError(f"{{{name}}} takes no form, such as :{form or how}")
    return template


Template = Annotated[str, AfterValidator(_checked)]
Column = Annotated[str, Field(min_length=1)]


class Columns(Strict):
    """What each column of ours is made of: the name of a column, or text with `{names}` of columns in it."""

    text: Template
    id: Template = "{_file}-{_row}"
    intent: Template | None = None
    scenario: Template | None = None  # holds ids of scenarios, or categories that `scenarios` maps
    twin: Template | None = None
    language: Template | None = None


class Twins(Strict):
    """One harmful and one benign row with the same `key` are twins. `groups` renames categories for the key."""

    key: Template
    groups: Mapping[str, str] = {}


class Importer(Strict):
    """A mapping. A category that is in neither `scenarios` nor `unmapped` is one that it does not know."""

    schema_: Literal[1] = Field(alias="schema")
    title: str
    licence: str = "unknown"
    citation: str = ""
    source: str = ""
    hub: str = ""  # OWNER/NAME, from which `hub:` takes it
    tried: str = ""  # on what it was tried
    notes: tuple[str, ...] = ()
    layout: Literal["files", "release"] = "files"  # release: the paper's own, as data/paper-layout.toml describes it
    files: tuple[str, ...] = ("*",)  # below a folder, the first pattern that any file matches; of a release all
    intent: Intent = Intent.HARMFUL  # of rows whose columns tell none
    columns: Columns
    where: Mapping[Column, tuple[str, ...]] = {}  # rows that count: a column has one of these values
    intents: Mapping[str, Intent] = {}
    language: str | None = None  # of rows whose columns tell none, as BCP 47 writes it
    languages: Mapping[str, str] = {}  # what the source calls languages: {"English" = "en"}
    taxonomy: TaxonomyTable | None = None  # whose scenarios the queries get; the paper's when not given
    scenarios: Mapping[str, str] = {}
    unmapped: Mapping[str, str] = {}  # categories that get no scenario, and why
    twins: Twins | None = None

    @field_validator("scenarios")
    @classmethod
    def _known(cls, mapping: Mapping[str, str], checked: ValidationInfo) -> Mapping[str, str]:
        table = checked.data.get("taxonomy")
        known = (table.taxonomy() if table else paper()).scenarios
        for id in mapping.values():
            if id not in known:
                raise ValueError(str(unknown("scenario", id, known)))
        return mapping


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an import."""

    dataset: Dataset
    categories: Sequence[str | None]  # of each query, as the source calls it
    card: Card
    left_out: int  # rows that `where` leaves out
    unmapped: Mapping[str, str]  # categories without a scenario, and why
    counted: tuple[Counted, ...] = ()  # of a release: what there is, against what the paper says
    labelled_by: str = ""  # of a release: what says which scenario a number is


def load_importer(name: str, **changed: Any) -> Importer:
    """A shipped mapping, or one in a file of the user's (`.toml`); tables in `changed` are added to it, and win.

    Raises BadInput for an unknown name and a mapping that is wrong.
    """
    path = Path(name) if name.endswith(".toml") else data_path(FOLDER) / f"{name}.toml"
    if not name.endswith(".toml") and not path.is_file():
        raise unknown("importer", name, shipped(FOLDER))
    tables = read_toml(path)
    for key, value in changed.items():
        tables |= {key: _merged(tables.get(key, {}), value)} if value else {}
    return registry.validated(Importer, f"importer {name}", tables, also=Columns.model_fields)


def _merged(there: Any, value: Any) -> Any:
    """A value, or the table that is there with those of another; what should be one and is none stays, to be told."""
    if not isinstance(value, Mapping):
        return value
    return {**there, **value} if isinstance(there, Mapping) else there


def import_dataset(
    name: str,
    source: str,
    out: Path,
    importer: Importer,
    format: Format = "jsonl",
    encoding: str | None = None,
    *,
    minibench: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Read `source` (a file, a folder or hub:OWNER/NAME) by the mapping and write it into the folder `out`.

    `encoding` is that of its files' text; UTF-8 when not given. `minibench`: only that part, see `Dataset.minibench`.
    A release that is packed is unpacked into the folder, and media that lie elsewhere are linked or copied into it.
    Raises BadInput with all bad rows, MissingPackage where a hub
    is asked and `huggingface_hub` is not installed.
    """
    if importer.layout == "files":
        imported = read_source(name, source, importer, encoding, minibench=minibench)
        return replace(imported, card=export(imported.dataset, out, imported.card, format, imported.categories))
    if is_taken(out):
        raise BadInput(f"{out} exists: choose another --out")
    path = _local(source, importer)
    with whole_folder(out) as room:
        release = open_release(path, room, progress or NoProgress(), encoding, minibench=minibench)
        imported = _of_release(name, source, importer, release, minibench=minibench)
        card = write_set(room, imported.dataset, imported.card, format, imported.categories)
        take_in(release.media(), room)
        if missing := [{"what": one.what, "id": id} for one in imported.counted for id in one.missing]:
            write_jsonl(room / MISSING, missing)
    return replace(imported, card=card)


def read_source(
    name: str, source: str, importer: Importer, encoding: str | None = None, *, minibench: bool = False
) -> Imported:
    """As `import_dataset`, without writing or unpacking anything."""
    path = _local(source, importer)
    if importer.layout == "release":
        release = open_release(path, None, NoProgress(), encoding, minibench=minibench)
        return _of_release(name, source, importer, release, minibench=minibench)
    files = _files(path, importer.files)
    rows = _Rows(importer)
    mapped = list(rows.of_files(path, files, encoding))
    hashes = {_name(file, path): content_hash(file) for file in files}
    return _imported(name, source, rows, mapped, hashes, minibench=minibench)


def _imported(
    name: str, source: str, rows: _Rows, mapped: list[Row], files: Mapping[str, str], *, minibench: bool
) -> Imported:
    importer = rows.importer
    rows.check(source)
    _pair(mapped, importer.twins)
    parsed = parse_rows(mapped, source, known=rows.taxonomy)
    notes = (*taken_for_granted(source, parsed), *rows.notes(source))
    dataset = Dataset(name, tuple(parsed.queries), taxonomy=rows.taxonomy, notes=notes)  # which are gone through often
    by_id = {query.id: row["category"] for query, row in zip(dataset.queries, _used(mapped), strict=True)}
    dataset = dataset.minibench() if minibench else dataset
    categories = [by_id[query.id] for query in dataset.queries]
    card = Card(
        title=importer.title or Path(source.removeprefix(HUB)).stem,
        licence=importer.licence,
        citation=importer.citation,
        source=importer.source or (source if source.startswith(HUB) else Path(source).name),
        importer=Path(name).name,
        files=files,
        notes=importer.notes,
    )
    why = {"": "the source tells no category"} | dict(importer.unmapped)
    unmapped = {category: why.get(category, NOT_KNOWN) for category in without_scenario(dataset, categories)}
    return Imported(dataset, categories, card, rows.left_out, unmapped)


def _used(mapped: Iterable[Row]) -> Iterator[Mapping[str, Any]]:
    return (row for _, row in mapped if row is not BLANK)


# --- the paper's release


def _of_release(name: str, source: str, importer: Importer, release: Release, *, minibench: bool) -> Imported:
    dataset = release.dataset()
    rows = _Rows(importer)
    mapped = list(rows.of_dataset(dataset, release.category))
    files = {file.relative_to(release.folder).as_posix(): content_hash(file) for file in release.files.values()}
    chosen = minibench and release.kind != "minibench"
    imported = _imported(name, source, rows, mapped, files, minibench=chosen)
    return replace(imported, counted=tuple(release.counted(dataset)), labelled_by=release.labelled_by)


# --- files


def _local(source: str, importer: Importer) -> Path:
    path = Path(source)
    if source.startswith(HUB):
        path = Path(_download(source.removeprefix(HUB) or importer.hub, importer))
    if not path.exists():
        raise BadInput(f"{source}: no such file or folder; a data set of the hub is written {HUB}OWNER/NAME")
    return path


def _download(name: str, importer: Importer) -> str:
    """Copy the files that the mapping chooses into the hub's own cache, and name the folder."""
    if importlib.util.find_spec(PACKAGE) is None:
        raise MissingPackage(f"{HUB}{name}", [PACKAGE], "hub")
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    id, _, revision = name.partition("@")
    api: Any = HfApi(endpoint=os.environ.get("HF_ENDPOINT"), library_name="safebench")
    where = {"repo_type": "dataset", "revision": revision or None}
    try:
        names = api.list_repo_files(id, **where)
        every = importer.layout == "release"
        chosen = _chosen(names, importer.files, f"{HUB}{name}", every=every)
        return str(api.snapshot_download(id, allow_patterns=chosen, **where))
    except (*HfHubHTTPError.__bases__, ValueError, OSError) as error:  # whichever HTTP library it uses
        raise BadInput(f"{HUB}{name} cannot be had: {first_line(error)}") from error


def _files(path: Path, patterns: Sequence[str]) -> list[Path]:
    """The file itself, or those below a folder that the patterns choose."""
    if path.is_file():
        return [path]
    names = [_name(file, path) for file in path.rglob("*") if file.is_file()]
    return [path / name for name in _chosen(names, patterns, str(path))]


def _chosen(names: Iterable[str], patterns: Sequence[str], where: str, *, every: bool = False) -> list[str]:
    """Those that the first pattern that any of them matches matches, or those of every pattern."""
    tables = sorted(name for name in names if Path(name).suffix.lower() in READERS)
    by_pattern = [[name for name in tables if _matches(name.split("/"), one.split("/"))] for one in patterns]
    for matching in [[*chain.from_iterable(by_pattern)]] if every else by_pattern:
        if matching:
            return matching
    raise BadInput(f"{where}: no file matches {' or '.join(patterns)} ({', '.join(READERS)})")


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """As a glob: `*` stays within a folder, `**` at the beginning is any number of folders."""
    if pattern[0] == "**":
        parts, pattern = parts[-len(pattern) + 1 :], pattern[1:]
    return len(parts) == len(pattern) and all(map(fnmatchcase, parts, pattern))


def _name(file: Path, source: Path) -> str:
    return file.name if file == source else file.relative_to(source).as_posix()


# --- rows


class _Rows:
    """Maps rows, counts those that are left out, and remembers which columns it met."""

    def __init__(self, importer: Importer) -> None:
        self.importer = importer
        self.taxonomy = importer.taxonomy.taxonomy() if importer.taxonomy else paper()
        self.left_out = self._kept = self._without_intent = 0
        templates = [*importer.columns.model_dump().values(), importer.twins.key if importer.twins else None]
        self._parts = {template: _parts(template) for template in templates if template}
        named = {name for parts in self._parts.values() for _, name in parts if name}
        self._wanted = {*named, *importer.where} - set(MADE)
        self._met: set[str] = set()
        self._notes: Sequence[str] = ()
        self._nth: Counter[str] = Counter()

    def of_files(self, source: Path, files: Sequence[Path], encoding: str | None) -> Iterator[Row]:
        """Rows that count, with our columns."""
        for file in files:
            where = "" if len(files) == 1 else f" of {_name(file, source)}"
            for number, (place, row) in enumerate(file_rows(file, self._wanted, None, encoding), start=1):
                is_read = row is BLANK or unusable(row)
                mapped = row if is_read else self._map({"_file": file.stem, "_row": number, **row})
                if mapped is not None:
                    yield f"{place}{where}", mapped

    def of_dataset(self, dataset: Dataset, category: Callable[[str], str]) -> Iterator[Row]:
        """The same for queries that are read already; `category`: what the source calls that of an id."""
        self._notes = dataset.notes
        for number, query in enumerate(dataset.queries, start=1):
            columns = {
                "query": query.text,
                **{name: getattr(query, name) for name in ("id", "intent", "twin", "language")},
                "scenario": query.scenario or category(query.id),
            }
            mapped = self._map(columns)
            if mapped is not None:
                yield number, mapped

    def check(self, source: str) -> None:
        """Raises BadInput when a column that the mapping names is in no row, or no row is left."""
        missing = sorted(self._wanted - self._met)
        if self._met and missing:
            raise unknown("column", missing[0], self._met - set(MADE), source)
        if self.left_out and not self._kept:
            raise BadInput(f"{source}: none of its {self.left_out} rows meets the filter {dict(self.importer.where)}")

    def notes(self, source: str) -> Iterator[str]:
        """What was taken for granted: also where neither a row nor the mapping tells an intent."""
        yield from self._notes
        if self._without_intent and "intent" not in self.importer.model_fields_set:
            yield f"{source}: {self._without_intent} queries without intent were taken as {self.importer.intent.value}"

    def _map(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """A row of ours and the key of its twin; None when it does not count."""
        columns, importer = self.importer.columns, self.importer
        self._met.update(row)
        if any(_text(row.get(column)) not in values for column, values in importer.where.items()):
            self.left_out += 1
            return None
        self._kept += 1
        category, intent = self._fill(columns.scenario, row) or "", self._fill(columns.intent, row) or ""
        self._without_intent += not intent
        known = category if category in self.taxonomy.scenarios else None
        language = self._fill(columns.language, row) or ""
        return {
            "query": row.get(columns.text) if columns.text in row else self._fill(columns.text, row),
            "id": self._fill(columns.id, row),
            "intent": importer.intents.get(intent, intent) or importer.intent,
            "scenario": importer.scenarios.get(category, known),
            "twin": self._fill(columns.twin, row),
            "language": importer.languages.get(language, language) or importer.language,
            "category": None if known else category or None,
            "_pair": self._twin_key(row, category),
        }

    def _twin_key(self, row: Mapping[str, Any], category: str) -> str | None:
        twins = self.importer.twins
        if twins is None:
            return None
        self._nth[category] += 1
        made = {"_group": twins.groups.get(category, category), "_nth": self._nth[category]}
        return self._fill(twins.key, {**row, **made})

    def _fill(self, template: str | None, row: Mapping[str, Any]) -> str | None:
        if template is None:
            return None
        return "".join(text + _text(row.get(name or "")) for text, name in self._parts[template]).strip() or None


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _pair(rows: Sequence[Row], twins: Twins | None) -> None:
    """Name the twin in rows whose key is that of one row of each intent."""
    by_key: dict[str, list[Any]] = {}
    for _, row in rows if twins else ():
        if row is not BLANK and not unusable(row) and row["_pair"]:
            by_key.setdefault(row["_pair"], []).append(row)
    for pair in by_key.values():
        if sorted(row["intent"] for row in pair) == [Intent.BENIGN, Intent.HARMFUL]:
            pair[0]["twin"], pair[1]["twin"] = pair[1]["id"], pair[0]["id"]
