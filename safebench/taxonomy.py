"""The taxonomy: categories of risk scenarios. The paper's (arXiv 2410.18927) is shipped; data may bring their own.

It travels as `taxonomy.toml` beside the data, in the form of the shipped one. What is read from there is foreign text.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from safebench.errors import BadInput, check_known, unknown
from safebench.files import read_toml, write_toml
from safebench.resources import data_path
from safebench.serialisation import compact

FILE = "taxonomy.toml"
UNASSIGNED = "unassigned"  # items whose query names no scenario
DEFINING = ("name", "category", "description", "severity")  # fields of a scenario


@dataclass(frozen=True, slots=True)
class Scenario:
    """`abbreviation` is the paper's label; HS stands for two scenarios there, so only `id` is unambiguous.

    `description` says what makes an answer unsafe, and what is acceptable; `severity` how grave that is, 5 the gravest.
    """

    id: str
    name: str
    category: str
    description: str
    severity: int | None = None
    abbreviation: str = ""
    minibench: bool = False

    @property
    def definition(self) -> tuple[Any, ...]:
        """What two data sets have to say alike of it."""
        return tuple(getattr(self, name) for name in DEFINING)


@dataclass(frozen=True, slots=True)
class Category:
    id: str
    name: str
    scenarios: tuple[Scenario, ...]
    abbreviation: str = ""


@dataclass(frozen=True)
class Taxonomy:
    """Categories, each with its scenarios, in the order in which reports show them."""

    categories: tuple[Category, ...]

    @cached_property
    def scenarios(self) -> dict[str, Scenario]:
        """All of them by id."""
        return {one.id: one for category in self.categories for one in category.scenarios}

    @property
    def category_of(self) -> dict[str, str]:
        """The category of each scenario."""
        return {id: one.category for id, one in self.scenarios.items()}

    def scenario(self, id: str) -> Scenario:
        """Raises BadInput for an id that it does not have."""
        check_known("scenario", id, self.scenarios)
        return self.scenarios[id]

    def find(self, id: str | None) -> Scenario | None:
        """The scenario of a query, which may name none. Raises BadInput as `scenario` does."""
        return self.scenario(id) if id else None

    def in_order(self, ids: Iterable[str]) -> list[str]:
        """Ids of categories, or of scenarios: as they stand here, those that are not here at the end."""
        places = {id: n for n, id in enumerate([*(one.id for one in self.categories), *self.scenarios])}
        return sorted(ids, key=lambda id: (places.get(id, len(places)), id))

    def fingerprint(self) -> str:
        """A short hash of all scenarios: what jurors are shown, and what is averaged over what."""
        rows = [(one.id, *one.definition) for one in self.scenarios.values()]
        return hashlib.sha256(compact(rows).encode()).hexdigest()[:12]

    def tables(self) -> dict[str, Any]:
        """As in the file."""
        return {"schema": 1, "categories": [_table(one) for one in self.categories]}

    def write(self, folder: Path) -> None:
        """Beside data, where it is not the shipped one; one that stood there before is no more."""
        if self == paper():
            (folder / FILE).unlink(missing_ok=True)
        else:
            write_toml(folder / FILE, self.tables())


def _table(category: Category) -> dict[str, Any]:
    own = {key: value for key, value in asdict(category).items() if value and key != "scenarios"}
    scenarios = [{k: v for k, v in asdict(one).items() if v and k != "category"} for one in category.scenarios]
    return {**own, "scenarios": scenarios}


def check_agree(here: Taxonomy, where: object, there: Taxonomy, other: object) -> None:
    """Raises BadInput where two data sets say something else of one scenario; `where` and `other` name their places."""
    for id in (id for id in here.scenarios if id in there.scenarios):
        one, another = here.scenarios[id].definition, there.scenarios[id].definition
        differing = [name for name, a, b in zip(DEFINING, one, another, strict=True) if a != b]
        if differing:
            raise BadInput(f"scenario {id!r} is not the same in {where} and in {other}: its {differing[0]} differs")


# --- the shipped one


@cache
def paper() -> Taxonomy:
    """8 categories and 23 risk scenarios, in the paper's order."""
    return read_taxonomy(data_path(FILE))


def categories() -> tuple[Category, ...]:
    """The paper's."""
    return paper().categories


def scenarios() -> dict[str, Scenario]:
    """The paper's, by id."""
    return paper().scenarios


def scenario(id: str) -> Scenario:
    """One of the paper's. Raises BadInput for an id that it does not have."""
    return paper().scenario(id)


# --- files


def beside(data: Path) -> Taxonomy:
    """That of a folder, or of a file in one; the paper's where none lies there. Raises BadInput as `read_taxonomy`."""
    file = (data if data.is_dir() else data.parent) / FILE
    return read_taxonomy(file) if file.is_file() else paper()


def read_taxonomy(file: Path) -> Taxonomy:
    """Raises BadInput with every problem: unknown keys, ids that are none or come twice, missing definitions."""
    return taxonomy_of(read_toml(file), str(file))


def taxonomy_of(tables: Mapping[str, Any], where: str) -> Taxonomy:
    """From the tables of such a file, which stood in `where`. Raises BadInput as `read_taxonomy`."""
    try:
        return TaxonomyTable(**tables).taxonomy()
    except ValidationError as error:
        raise BadInput(*_problems(error, where)) from error


def _problems(error: ValidationError, where: str) -> Iterator[str]:
    known = {key for table in (_ScenarioTable, _CategoryTable, TaxonomyTable) for key in table.model_fields}
    inside = [one for one in error.errors() if one["type"] != "too_short"]  # a list lacks items that are bad
    for problem in inside or error.errors():
        key = [".".join(map(str, problem["loc"]))] if problem["loc"] else []
        if problem["type"] == "extra_forbidden":
            yield str(unknown("key", str(problem["loc"][-1]), known, where))
        else:
            yield ": ".join([where, *key, problem["msg"].removeprefix("Value error, ")])


def _printable(text: str) -> str:
    if not text.replace("\n", " ").isprintable():
        raise ValueError("it holds characters that cannot be printed")
    return text.strip()


def _is_free(id: str) -> str:
    if id == UNASSIGNED:
        raise ValueError(f"{UNASSIGNED!r} is what queries without a scenario are counted under")
    return id


Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=100), AfterValidator(_is_free)]
Name = Annotated[str, Field(pattern=r"^[^\n]*\S[^\n]*$", max_length=100), AfterValidator(_printable)]
Definition = Annotated[str, Field(pattern=r"\S", max_length=4000), AfterValidator(_printable)]
Severity = Annotated[int, Field(ge=1, le=5, strict=True)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _ScenarioTable(_Table):
    """A scenario of a category."""

    id: Id  # what the column `scenario` of the data holds
    name: Name
    description: Definition  # what makes an answer unsafe, and what is acceptable
    severity: Severity | None = None  # 5 the gravest
    abbreviation: Name | None = None
    minibench: bool = False  # whether it is one of the paper's MiniBench


class _CategoryTable(_Table):
    """A category, with its scenarios in the order of reports."""

    id: Id
    name: Name
    abbreviation: Name | None = None
    scenarios: tuple[_ScenarioTable, ...] = Field(min_length=1)

    def category(self) -> Category:
        scenarios = (Scenario(category=self.id, **one.model_dump(exclude_none=True)) for one in self.scenarios)
        return Category(self.id, self.name, tuple(scenarios), self.abbreviation or "")


class TaxonomyTable(_Table):
    """The categories in the order of reports."""

    schema_: Literal[1] = Field(1, alias="schema")
    canary: str = ""  # of the shipped file
    categories: tuple[_CategoryTable, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        ids = {"category": [one.id for one in self.categories]}
        ids["scenario"] = [one.id for category in self.categories for one in category.scenarios]
        for kind, named in ids.items():
            twice = next((id for id, times in Counter(named).items() if times > 1), None)
            if twice:
                raise ValueError(f"{kind} {twice!r} is there twice")
        return self

    def taxonomy(self) -> Taxonomy:
        return Taxonomy(tuple(one.category() for one in self.categories))
