"""What a run's jury cost, for `summary.json`: calls made, calls saved, and answers that were shown shortened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from safebench.store.store import Store

SQL = (
    "SELECT coalesce(sum(?1 - held), 0) AS skipped, coalesce(sum(left_out > 0), 0) AS shortened"
    " FROM (SELECT max(round) AS held, max(left_out) AS left_out FROM ballots GROUP BY item)"
)


def jury_record(jury: Mapping[str, Any], store: Store) -> dict[str, int]:
    """From the jury's tables in a run file and the run's store.

    `calls`: all calls to the models of jurors and writer; `saved`: ballots of models that were not needed because the
    stop rule ended a deliberation early; `shortened`: items whose answer a juror saw without its middle.
    """
    models = sum(juror.get("model") is not None for juror in jury["jurors"])
    (calls,) = store.rows("SELECT count(*) AS n FROM exchanges WHERE purpose LIKE 'jury/%'")
    (found,) = store.rows(SQL, jury["protocol"]["rounds"])
    return {"calls": calls["n"], "saved": models * found["skipped"], "shortened": found["shortened"]}


def show_jury(console: Console, record: Mapping[str, int]) -> None:
    """One line; nothing for a jury that makes no calls."""
    if record["calls"]:
        told = f"jury: {record['calls']} calls; {record['saved']} more were saved by ending rounds that were settled"
        shortened = f"; {record['shortened']} long answers were judged without their middle"
        console.print(told + (shortened if record["shortened"] else ""), highlight=False)
