"""`safebench jury calibrate`: a jury on labelled answers, measured and saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safebench.concurrency import block_on
from safebench.errors import BadInput, check_known
from safebench.files import write_json
from safebench.jury.attendance import attendance, of_ballots
from safebench.jury.calibration import CONFIDENCE
from safebench.jury.calibration.file import CALIBRATION_VERSION, bind, fingerprints
from safebench.jury.calibration.judging import judge_all
from safebench.jury.calibration.labels import TRUTHS, LabelSet
from safebench.jury.calibration.measures import Measured
from safebench.jury.files import build_jury, jury_tables, jury_versions, read_jury
from safebench.models.calls import CallLimits
from safebench.models.pacing import Concurrency
from safebench.progress import NoProgress, Progress
from safebench.types import Absence, Ballot, Label

DRAWS = 2000


def calibrate(
    labels: LabelSet,
    jury: str | Mapping[str, Any],
    out: Path | str,
    *,
    models: Sequence[str] = (),
    positive: str = Label.UNSAFE,
    seed: int = 0,
    draws: int = DRAWS,
    concurrency: Concurrency = "auto",
    retry_failed: bool = False,
    progress: Progress | None = None,
    limits: CallLimits = CallLimits(),  # noqa: B008  frozen
    prices: Path | None = None,
) -> dict[str, Any]:
    """Measure how often a jury is right, write the calibration file `out`, and return its content.

    `positive` is the label in question: every measure is about telling it from all others. Calls are kept in a folder
    beside `out`, so that the same call again goes on where it stopped. Raises BadInput when labels or jury do not fit,
    and when no juror gives a single ballot that can be read: that measures nothing.
    """
    if seed < 0:
        raise BadInput(f"seed {seed} is negative: give 0 or more")
    check_known("label", positive, TRUTHS)
    count = sum(row.label == positive for row in labels.rows)
    if count in (0, len(labels.rows)):
        raise BadInput(
            f"labels {labels.name}: {count} of {len(labels.rows)} are {positive}; some have to be, and some not"
        )
    out = Path(out)
    table = read_jury(jury, models)
    opened = build_jury(table, seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = out.with_name(f"{out.name}.calls")
    judged = block_on(
        judge_all(labels, opened, folder, concurrency, progress or NoProgress(), retry_failed, limits, prices)
    )
    ballots = [ballot for one in judged for ballot in one.after.ballots]
    _check_readable(ballots, folder)
    content = {
        "calibration_version": CALIBRATION_VERSION,
        "safebench": version("safebench"),
        "bound_to": bind(jury_tables(table), jury_versions(opened, labels.taxonomy)),
        "labels": _describe(labels, Label(positive)),
        "attendance": [asdict(one) for one in attendance(table.names(), of_ballots(ballots))],
        "settings": {"seed": seed, "draws": draws, "confidence": CONFIDENCE},
        **Measured(labels.rows, judged, Label(positive)).tables(draws, seed),
    }
    write_json(out, content)
    return content


def _check_readable(ballots: Sequence[Ballot], calls: Path) -> None:
    """Raises BadInput, with the most frequent reason, where no ballot is one."""
    reasons = Counter(ballot.reason for ballot in ballots if ballot.absence not in (None, Absence.DECLINED))
    if reasons.total() < len(ballots):
        return
    (reason, n), *_ = reasons.most_common()
    raise BadInput(
        f"no juror gave a ballot that can be read, in {len(ballots)}; in {n} of them: {' '.join(reason.split())}; the"
        f" calls are kept in {calls}, and --retry-failed makes those that failed again"
    )


def _describe(labels: LabelSet, positive: Label) -> dict[str, Any]:
    queries = fingerprints(row.query.text for row in labels.rows)
    return {
        "name": labels.name,
        "sha256": labels.sha256,
        "answers": len(labels.rows),
        "disputed": labels.disputed,
        "positive": positive.value,
        "by_label": dict(Counter(row.label.value for row in labels.rows)),
        "by_target": dict(Counter(row.target for row in labels.rows)),
        "by_condition": dict(Counter(row.condition for row in labels.rows)),
        "by_intent": dict(Counter(row.query.intent.value for row in labels.rows)),
        "queries": queries,
    }
