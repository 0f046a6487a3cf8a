"""The paper's release as a data set: queries in numbered CSV files, pictures and clips in numbered folders.

Where what lies is said in data/paper-layout.toml. The media are not trusted: they come as recipes whose steps read
the files, so that every one of them meets its gate like anything else that is rendered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product, zip_longest
from pathlib import Path
from typing import Any, Literal

from safebench.datasets.columns import Names, named, plain_name
from safebench.datasets.delimited import BadRecord, OpenText, records
from safebench.datasets.queries import (
    COLUMNS,
    TEXT_COLUMNS,
    Dataset,
    Parsed,
    parse_rows,
    taken_for_granted,
    unused_columns,
)
from safebench.datasets.table_files import UNREADABLE, OtherEncoding, is_pointer, table_file
from safebench.datasets.tables import BLANK, HEADS, PROBLEM, Row, record, texts_beside
from safebench.errors import BadInput
from safebench.files import read_toml, share_files, write_toml
from safebench.resources import load_toml
from safebench.taxonomy import paper

LAYOUT = "paper-layout.toml"
MEDIA_FILE = "media.toml"  # of a folder that was imported: where in it the media of its recipes are, by `medium.name`
MEDIA = "media"  # in it, those that were elsewhere
MOST_DIGITS = 9  # of a number that counts anything here
SEPARATOR = "-"  # in ids: 3-17 is row 17 of scenario 3
HEADER = f"with one of {', '.join(TEXT_COLUMNS)}"

Kind = Literal["full", "minibench"]


@dataclass(frozen=True, slots=True)
class Counted:
    """What there is of something in the release, and the ids of what is not."""

    what: str
    there: int
    wanted: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """One of the two sets of the release, as it lies in a folder."""

    kind: Kind
    folder: Path  # that was named
    base: Path  # in which its media lie
    files: Mapping[int, Path]  # of queries, by the number of their scenario
    names: Mapping[int, str]  # what category.csv calls the numbers
    scenarios: Mapping[int, str]  # of the numbers of which it is known
    encoding: str | None = None
    unpacked: Path | None = None  # where its archive is, of which it has the media alone

    def dataset(self) -> Dataset:
        """All queries in order, with the recipes for the media that are there.

        Raises BadInput for a file that cannot be read or leads out of the folder, and for bad rows.
        """
        every: list[Parsed] = []
        notes: list[str] = []
        for number, file in self.files.items():
            scenario = self.scenarios.get(number)
            heads = Names({*TEXT_COLUMNS, *COLUMNS}, [], str(file))
            header, cells = _read(_inside(file, self.folder), heads, self.kind, self.encoding)
            every.append(parse_rows(_rows(header, cells, heads, number, scenario), str(file)))
            notes += _unused(heads, every[-1].column, scenario)
        queries = tuple(query for one in every for query in one.queries)
        granted = taken_for_granted(str(self.folder), *every)
        notes += self._passed_over()
        return Dataset(str(self.folder), queries, recipes=recipes_of(self.media()), notes=(*granted, *notes))

    def category(self, id: str) -> str:
        """What the release calls the scenario of a query: the name of its number, or the number."""
        number = id.partition(SEPARATOR)[0]
        return self.names.get(int(number), number)

    @property
    def labelled_by(self) -> str:
        """What says which scenario a number is."""
        if self.names:
            return str(load_toml(LAYOUT)["categories"])
        by_itself = "the full set, which holds their queries" if self.kind == "minibench" else "the paper's order"
        return by_itself if self.scenarios else "nothing"

    def media(self) -> dict[str, Path]:
        """By `medium.name` of a recipe the folder of its media, of those that are there and can only be this set's."""
        return {key: place.resolve() for key, place, is_own in reversed([*self._places()]) if is_own}

    def _places(self) -> Iterator[tuple[str, Path, bool]]:
        """Where media of a recipe are, the best place first, and whether they can only be this set's.

        The other set has other numbers: what lies beside the texts of both, or has more numbers, may be that one's.
        """
        rooms = [room for room in (self.folder, self.unpacked) if room is not None]
        own = [self.base, *(room / name for room in rooms for name in set_of(self.kind)["folders"])]
        shared = [room for room in rooms if room not in own and any(_find(room, kind) for kind in _others(self.kind))]
        for key, table in _recipe_tables():
            for base, name in product((*own, *rooms), table["folders"]):
                if numbers := [number for number, _ in _numbered_folders(base / name)]:
                    yield key, base / name, base not in shared and max(numbers) <= set_of(self.kind)["scenarios"]

    def _passed_over(self) -> Iterator[str]:
        media, title = self.media(), set_of(self.kind)["title"]
        for place in dict.fromkeys(place for key, place, _ in self._places() if key not in media):
            yield f"{place} is not used, as it may be of another set than {title}: move it to the folder of its own"

    def counted(self, dataset: Dataset) -> list[Counted]:
        """Queries, pictures with their prompts, and clips, against what the paper says that there are."""
        table = set_of(self.kind)
        rows = range(1, table["queries"] + 1)
        wanted = [f"{number}{SEPARATOR}{row}" for number in range(1, table["scenarios"] + 1) for row in rows]
        places = self.media()
        counts = [_counted("queries", wanted, {query.id for query in dataset.queries})]
        for key, recipe in _recipe_tables():
            place = places.get(key)
            counts.append(_counted(recipe["what"], wanted, set(_media_ids(place, recipe["endings"]))))
            if patterns := recipe.get("options", {}).get("prompts"):
                counts.append(_counted("prompts of pictures", wanted, set(_prompt_ids(place, patterns))))
        return counts


# --- finding it


def has_paper_layout(folder: Path) -> bool:
    return any(_find(folder, kind) for kind in kinds())


def find_release(
    folder: Path, kind: Kind | None = None, encoding: str | None = None, beside: Path | None = None
) -> Release | None:
    """The set that lies in a folder, in the folder above it, or at the root of what the hub has; the full one first.

    What the numbers mean is said by category.csv, for MiniBench by one of its own or by the full set beside it, which
    holds its queries. Without either all 23 numbers are the scenarios in the paper's order, and any others are unknown.
    `beside`: another folder where these may lie.
    """
    for known in (kind,) if kind else kinds():
        if (place := _find(folder, known)) is not None:
            base, files = place
            around = (*_around(folder, base), *([beside] if beside else []))
            names = _category_names(around, set(files), known)
            scenarios = {number: id for number, name in names.items() if (id := scenario_called(name))}
            _check_distinct(scenarios, folder)
            _check_numbers(names, files, folder)
            release = Release(known, folder, base, files, names, scenarios, encoding)
            return release if names else replace(release, scenarios=dict(_labels(release, around)))
    return None


def kinds() -> tuple[Kind, ...]:
    return ("full", "minibench")


def _others(kind: Kind) -> list[Kind]:
    return [other for other in kinds() if other != kind]


def set_of(kind: Kind) -> Mapping[str, Any]:
    """What the layout says of it."""
    table: Mapping[str, Any] = load_toml(LAYOUT)["sets"][kind]
    return table


def _find(folder: Path, kind: Kind) -> tuple[Path, dict[int, Path]] | None:
    """Where the media of a set lie, and its files of queries by number."""
    for name in (*set_of(kind)["folders"], "."):
        for texts in load_toml(LAYOUT)["texts"]:
            files = _numbered_files(folder / name / texts)
            if files and _kind(folder / name, files) == kind:
                return folder / name, files
    return None


def _numbered_files(place: Path) -> dict[int, Path]:
    numbered = {n: place / f"{n}.csv" for n in range(1, len(paper().scenarios) + 1)}
    return {number: file for number, file in numbered.items() if file.is_file()}


def _kind(base: Path, files: Mapping[int, Path]) -> Kind:
    """By the folder's name; under another name MiniBench, where there are files for its ten numbers and no others.

    A part of the full set is then taken for it as well: what it costs are names, and none is a wrong one.
    """
    named_so: list[Kind] = [kind for kind in kinds() if base.resolve().name in set_of(kind)["folders"]]
    is_small = max(files) <= set_of("minibench")["scenarios"]
    return named_so[0] if named_so else "minibench" if is_small else "full"


def _around(folder: Path, base: Path) -> tuple[Path, Path]:
    """Where what goes with a set may lie: in it, and beside it, also where it is the folder that was named."""
    names = [name for kind in kinds() for name in set_of(kind)["folders"]]
    here = base.resolve()
    return here, here.parent if here.name in names else folder.resolve()


# --- what the numbers mean


def _category_names(places: Sequence[Path], numbers: set[int], kind: Kind) -> dict[int, str]:
    """What category.csv calls them. One for other numbers than MiniBench's ten is that of the full set."""
    for file in (place / load_toml(LAYOUT)["categories"] for place in places):
        if file.is_file():
            names = read_category_file(file)
            if kind == "full" or set(names) == numbers:
                return names
    return {}


def read_category_file(file: Path) -> dict[int, str]:
    """The name of each number: of the columns that hold numbers the first that counts them from 1, of the others the
    one that names most scenarios. Raises BadInput for a file without such columns, and for a number that comes twice.
    """
    try:
        rows = [cells for _, cells in records(table_file(file, (".csv",)).text, len) if any(map(str.strip, cells))]
    except (*UNREADABLE, OtherEncoding, BadRecord) as error:
        raise BadInput(f"{file} cannot be read: {error}") from error
    body = rows if rows and any(map(_is_number, rows[0])) else rows[1:]
    columns = [[cell.strip() for cell in column] for column in zip_longest(*body, fillvalue="")]
    numbers = [[int(cell) for cell in column] for column in columns if all(map(_is_number, column))]
    named_by = [column for column in columns if not all(map(_is_number, column))]
    if not numbers or not named_by:
        raise BadInput(f"{file} has no column of numbers with one of their names")
    counting = [column for column in numbers if set(column) == set(range(1, len(body) + 1))] or numbers[:1]
    if any(column != counting[0] for column in counting):
        raise BadInput(f"{file} counts from 1 in two columns, and they differ: leave one")
    counted = counting[0]
    called = max(named_by, key=lambda column: sum(map(bool, map(scenario_called, column))))
    if twice := [number for number, times in Counter(counted).items() if times > 1]:
        raise BadInput(f"{file} names number {twice[0]} twice")
    return {number: name for number, name in zip(counted, called, strict=True) if name}


def _is_number(cell: str) -> bool:
    return cell.strip().isdecimal() and len(cell.strip()) <= MOST_DIGITS


def scenario_called(name: str) -> str | None:
    """The scenario of that id, name, or abbreviation; None for another one, and for HS, which are two."""
    return _called().get(_letters(name))


def _called() -> dict[str, str]:
    scenarios = paper().scenarios.values()
    short = Counter(one.abbreviation for one in scenarios)
    ours = [(text, one.id) for one in scenarios for text in (one.id, one.name)]
    ours += [(one.abbreviation, one.id) for one in scenarios if short[one.abbreviation] == 1]
    return {_letters(text): id for text, id in (*load_toml(LAYOUT)["names"].items(), *ours)}


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text.casefold()))


def _check_distinct(scenarios: Mapping[int, str], folder: Path) -> None:
    numbers: dict[str, int] = {}
    for number, scenario in scenarios.items():
        if scenario in numbers:
            raise BadInput(
                f"{load_toml(LAYOUT)['categories']} of {folder} calls both {numbers[scenario]} and {number} {scenario}"
            )
        numbers[scenario] = number


def _check_numbers(names: Mapping[int, str], files: Mapping[int, Path], folder: Path) -> None:
    """Where it counts otherwise than the files, every scenario would be another one."""
    wrong = [number for number in names if not 1 <= number <= len(paper().scenarios)]
    lacking = [number for number in files if names and number not in names]
    if wrong or lacking:
        why = f"it has a number {wrong[0]}" if wrong else f"it does not name {lacking[0]}"
        raise BadInput(
            f"{load_toml(LAYOUT)['categories']} of {folder} counts otherwise than the files, from 1.csv on: {why}"
        )


def _labels(release: Release, around: Sequence[Path]) -> Iterable[tuple[int, str]]:
    """What the numbers mean where no file says it: the paper's order, where all are there; MiniBench's by its texts."""
    if release.kind == "minibench":
        return _by_full_set(release, around)
    scenarios = list(paper().scenarios)
    return enumerate(scenarios, start=1) if len(release.files) == len(scenarios) else ()


def _by_full_set(release: Release, around: Sequence[Path]) -> Iterator[tuple[int, str]]:
    """The scenario of which most queries of a number are in the full set, where none of them is of another one."""
    full = next(filter(None, (find_release(place, "full") for place in around)), None)
    known = {query.text: query.scenario for query in full.dataset().queries} if full else {}
    for number, queries in _by_number(release).items():
        scenarios = Counter(known[text] for text in queries if known.get(text))
        if len(scenarios) == 1 and scenarios.total() * 2 > len(queries):
            yield number, str(next(iter(scenarios)))


def _by_number(release: Release) -> dict[int, list[str]]:
    texts: dict[int, list[str]] = {}
    for query in release.dataset().queries:
        texts.setdefault(int(query.id.partition(SEPARATOR)[0]), []).append(query.text)
    return texts


# --- queries


def _unused(names: Names, text_column: str, scenario: str | None) -> Iterator[str]:
    """A line for each column of a file that is not used, or looks like one that would be."""
    yield from unused_columns(names.heads, names.where, text_column)
    for head, ours in named(names.heads, names.wanted).items():
        if ours == "id" or (ours == "scenario" and scenario):
            yield f"{names.where}: column {head!r} is not used: it is known by the file's name and the row"


def _inside(file: Path, folder: Path) -> Path:
    """Or where the hub's cache keeps the files of a snapshot, which are links there."""
    here, target = folder.resolve(), file.resolve()
    kept = [one.parent.parent / "blobs" for one in (here, *here.parents) if one.parent.name == "snapshots"]
    if not any(target.is_relative_to(place) for place in (here, *kept)):
        raise BadInput(f"{file} leads out of the folder")
    return file


def _read(file: Path, names: Names, kind: Kind, encoding: str | None) -> tuple[list[str], list[list[str]]]:
    """The header, if there is one, and the records below it.

    Raises BadInput for a file that cannot be read, and one that seems to have a header that nobody knows: it would be
    a query, and every query would get the media of the one before it.
    """
    try:
        header, rows = _parted(table_file(file, (".csv",), encoding).text, names)
    except (*UNREADABLE, OtherEncoding, BadRecord) as error:
        raise BadInput(f"{file} cannot be read: {error}") from error
    count, wanted = sum(map(bool, rows)), set_of(kind)["queries"]
    if not header and (count == wanted + 1 or count > max(set_of(one)["queries"] for one in kinds())):
        first = next(filter(None, rows))[0][:40]
        raise BadInput(f"{file} has {count} records for {wanted} queries: if {first!r} is a header, call it query")
    return header, rows


def _rows(header: list[str], rows: list[list[str]], names: Names, number: int, scenario: str | None) -> Iterator[Row]:
    """Rows by the number that their media have; an empty line has a number as well."""
    place = {"scenario": scenario} if scenario else {}
    for row, cells in enumerate(rows, start=1):
        held = record(header or ["query"], cells, names)
        if len(cells) > 1 and not header:
            held = {PROBLEM: f"{len(cells)} columns and no header: expected one column, or a header {HEADER}"}
        if cells:
            yield row, held if held is BLANK else {**held, **place, "id": f"{number}{SEPARATOR}{row}"}


def _parted(open_text: OpenText, names: Names) -> tuple[list[str], list[list[str]]]:
    """The header, where the first record is one, and the records below it; without one there is one column."""
    first = next((cells for _, cells in records(open_text, names.count) if cells), [])
    if not names.count(first):
        every = [cells for _, cells in records(open_text, names.count, ",")]
        is_headed = len(first) == 1 and plain_name(first[0]) in HEADS
        return (["query"], every[every.index(first) + 1 :]) if is_headed else ([], every)
    every = [cells for _, cells in records(open_text, names.count)]
    return first, every[every.index(first) + 1 :]


# --- media


def _recipe_tables() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What the layout says of each recipe, by `medium.name`."""
    for medium, of_medium in load_toml(LAYOUT)["recipes"].items():
        for name, table in of_medium.items():
            yield f"{medium}.{name}", table


def recipes_of(places: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Tables of recipes by medium and name, for the media in these folders."""
    tables: dict[str, dict[str, Any]] = {}
    for key, table in _recipe_tables():
        if key in places:
            medium, _, name = key.partition(".")
            step = {"use": table["use"], "folder": str(places[key]), "separator": SEPARATOR, **table.get("options", {})}
            kept = {key: table[key] for key in ("description", "gate") if key in table}
            tables.setdefault(medium, {})[name] = {**kept, "steps": [step]}
    return tables


def take_in(media: Mapping[str, Path], room: Path) -> None:
    """Have a folder hold these media, linked or copied where they lie elsewhere, and say where in it they are."""
    places = {key: place if place.is_relative_to(room) else room / MEDIA / place.name for key, place in media.items()}
    for key, place in places.items():
        for number, folder in _numbered_folders(media[key]):
            share_files(folder, place / str(number))
    if places:
        write_toml(room / MEDIA_FILE, {key: place.relative_to(room).as_posix() for key, place in places.items()})


def imported_recipes(folder: Path) -> dict[str, dict[str, Any]]:
    """The recipes for the media of a folder that was imported; of what it says only where in it these are is believed.

    Raises BadInput for a place outside, which whoever made the folder might name on any machine.
    """
    file = folder / MEDIA_FILE
    places = read_toml(file) if file.is_file() else {}
    return recipes_of({key: _within(folder, place, file) for key, place in places.items() if isinstance(place, str)})


def _within(folder: Path, place: str, file: Path) -> Path:
    try:
        if (resolved := (folder / place).resolve()).is_relative_to(folder.resolve()):
            return resolved
    except (OSError, ValueError, RuntimeError):  # no name of a file, or links in a ring
        pass
    raise BadInput(f"{file}: {place[:80]!r} leads out of the folder: import the release again")


# --- counts


def _counted(what: str, wanted: Sequence[str], there: set[str]) -> Counted:
    return Counted(what, len(there), len(wanted), tuple(id for id in wanted if id not in there))


def _media_ids(place: Path | None, endings: Sequence[str]) -> Iterator[str]:
    """Of the files that hold something, in any case of their ending."""
    for number, folder in _numbered_folders(place):
        for file in folder.iterdir():
            is_media = _is_number(file.stem) and file.suffix.lower() in endings and file.is_file()
            if is_media and file.stat().st_size and not is_pointer(file):
                yield f"{number}{SEPARATOR}{int(file.stem)}"


def _prompt_ids(place: Path | None, patterns: Iterable[str]) -> Iterator[str]:
    for number, folder in _numbered_folders(place):
        for row, text in enumerate(texts_beside(folder, patterns), start=1):
            if text:
                yield f"{number}{SEPARATOR}{row}"


def _numbered_folders(place: Path | None) -> Iterator[tuple[int, Path]]:
    for number in range(1, len(paper().scenarios) + 1):
        if place is not None and (place / str(number)).is_dir():
            yield number, place / str(number)
