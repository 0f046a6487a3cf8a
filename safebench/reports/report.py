"""The stage *report*: what was measured, as files and as an object that notebooks show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safebench.errors import MissingPackage
from safebench.plugins import is_installed
from safebench.reports.pages.items import is_hidden, stored_parts
from safebench.reports.pages.notebook import item_html, media_html, report_html
from safebench.reports.summary import ITEMS_FILE, Summary, measure, write_items, write_summary
from safebench.reports.words import Words
from safebench.serialisation import rendering_from, response_from
from safebench.store.items import page_rows
from safebench.store.store import Store
from safebench.types import Ballot, Intent, Media, Outcome, Query, Rendering, Response

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, slots=True)
class ItemMedia:
    """A picture, a clip or another medium of an item. A notebook shows or plays it; `label` says what it is."""

    media: Media
    label: str

    def read(self) -> bytes:
        """The bytes as they were sent. Raises BrokenMedia, and FileNotFoundError where the file is gone."""
        return self.media.read()

    def _repr_png_(self) -> bytes | None:
        """The picture, where it is a PNG."""
        return self.read() if self.media.mime == "image/png" else None

    def _repr_jpeg_(self) -> bytes | None:
        """The picture, where it is a JPEG."""
        return self.read() if self.media.mime == "image/jpeg" else None

    def _repr_html_(self) -> str | None:
        """What is no such picture: a player, what the modality shows in its place, or a link to save it."""
        return None if self.media.mime in ("image/png", "image/jpeg") else media_html(self)


@dataclass(frozen=True, slots=True)
class RunItem:
    """One query under one condition: how it ended, and what led there. A notebook shows it as the page does.

    `id`: in `run.db`, in `items.parquet` and on the page; `repeat` counts from 0; `outcome`: None while it has none;
    `rating`: an integer from 1 to 5, 5 is safest, None where nothing was decided; `rendering`: None for text alone;
    `response`: None where nobody was asked; `heard`: what a recogniser heard in a spoken answer; `ballots`: by round
    and juror; `hidden`: its answer is harmful or may be, and is shown only on a click.
    """

    id: int
    query: Query
    condition: str
    repeat: int
    outcome: Outcome | None
    reason: str | None
    rating: int | None
    rendering: Rendering | None
    response: Response | None = field(repr=False)
    heard: str | None = field(repr=False)
    ballots: tuple[Ballot, ...] = field(repr=False)
    hidden: bool
    words: Words = field(repr=False)

    @property
    def media(self) -> ItemMedia | None:
        """What was rendered and, where its check let it pass, sent; None for text alone."""
        made = self.rendering.media if self.rendering else None
        return ItemMedia(made, f"Query {self.query.id} as {self.condition}") if made else None

    @property
    def answer(self) -> str | None:
        """What the target wrote; None where nobody was asked."""
        return self.response.text if self.response else None

    @property
    def answer_media(self) -> tuple[ItemMedia, ...]:
        """What the target said or drew."""
        media = self.response.media if self.response else ()
        return tuple(ItemMedia(one, f"Answer to query {self.query.id}") for one in media)

    def _repr_html_(self) -> str:
        return item_html(self)


@dataclass(frozen=True, slots=True)
class Report:
    """The summary, and where it and the items lie as files.

    A notebook shows it with tables and charts; iterating over it gives the items in the order of their queries, read
    from the run's folder one by one.
    """

    folder: Path
    summary: Summary

    def __iter__(self) -> Iterator[RunItem]:
        with Store(self.folder, readonly=True) as store:
            for row in page_rows(store):
                yield _item(dict(row), store, self.summary.words)

    def to_pandas(self) -> DataFrame:
        """One row for each item, with the columns of `items.parquet` (docs/summary.md) and `decided`, by the item's id.

        `outcome`, `condition`, `intent`, `category`, `scenario` and `fidelity_status` are categories, outcomes in the
        order in which their rules apply; numbers are integers that may be missing. Raises MissingPackage.
        """
        if not is_installed("pandas"):
            raise MissingPackage("Report.to_pandas", ["pandas"], None)
        return _frame(self.folder / ITEMS_FILE, self.summary.run.conditions)

    def _repr_html_(self) -> str:
        return report_html(self.summary)


def _item(row: Mapping[str, Any], store: Store, words: Words) -> RunItem:
    ballots = store.ballots(row["id"])
    response, rendering = stored_parts(row)
    return RunItem(
        id=row["id"],
        query=Query(row["query"], row["text"], Intent(row["intent"]), row["scenario"], row["twin"]),
        condition=row["condition"],
        repeat=row["repeat"],
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        reason=row["reason"],
        rating=row["rating"],
        rendering=rendering_from(row["rendering_key"], rendering, store.find) if rendering else None,
        response=response_from(row["exchange"], response, store.find) if response else None,
        heard=row["transcript"],
        ballots=tuple(ballots),
        hidden=is_hidden(row, response, ballots),
        words=words,
    )


def _frame(items: Path, conditions: list[str]) -> DataFrame:
    import pandas
    from pyarrow import parquet, types

    def typed(kind: Any) -> Any:
        if types.is_string(kind):
            return pandas.StringDtype()
        return {"int32": pandas.Int32Dtype(), "int64": pandas.Int64Dtype()}.get(str(kind))

    frame = parquet.read_table(items).to_pandas(types_mapper=typed)
    known = {"outcome": [*map(str, Outcome)], "condition": conditions, "intent": [*map(str, Intent)]}
    kinds = {name: pandas.CategoricalDtype(values) for name, values in known.items()}
    others = dict.fromkeys(("category", "scenario", "fidelity_status"), "category")
    frame = frame.astype({**kinds, **others}).set_index("item")
    return frame.assign(decided=frame["outcome"].isin([one.value for one in Outcome if one.decided]))


def report(
    folder: Path | str,
    calibration: Path | str | None = None,
    *,
    margin: float = 0.05,
    draws: int = 2000,
    seed: int | None = None,
) -> Report:
    """Measure a run, finished or not, and write `summary.json` and `items.parquet` into its folder.

    With a calibration file of its jury the summary holds a corrected ASR too. `margin`: the largest difference of rates
    that counts as none in the test of equivalence, a fraction; `draws`: of the bootstrap; `seed`: of the draws, the
    run's own if not given. Raises BadInput when the folder is no run, when the calibration is of another jury, and for
    a margin or a number of draws that cannot be.
    """
    folder = Path(folder)
    summary = measure(folder, calibration, margin=margin, draws=draws, seed=seed)
    with Store(folder, readonly=True) as store:
        write_items(folder / ITEMS_FILE, store)
    write_summary(folder, summary)
    return Report(folder, summary)
