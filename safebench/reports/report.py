"""The stage *report*: what was measured, as files and as an object."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from safebench.reports.summary import ITEMS_FILE, Summary, measure, write_items, write_summary
from safebench.store.store import Store


@dataclass(frozen=True, slots=True)
class Report:
    """The summary, and where it and the items lie as files."""

    folder: Path
    summary: Summary


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
