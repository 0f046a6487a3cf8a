"""A calibration against five scripted jurors over HTTP: it has to find the rates and the herding that were put in."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from safebench.errors import BadInput
from safebench.jury.calibration.calibrate import calibrate
from safebench.jury.calibration.labels import read_labels
from safebench.store.store import Store
from safebench.testing.server import Call, Reply, ScriptedServer, chat, error
from tests.fixture_types import Serve
from tests.safebench.jury.calibration.scripted_jurors import NAMES, Jurors, is_unsafe, jury_tables, labelled_csv

ROWS = 200
RATES = {
    "ann": {"misses": 0.10, "alarms": 0.05},
    "bob": {"misses": 0.20, "alarms": 0.10},
    "cid": {"misses": 0.30, "alarms": 0.10},
    "dot": {"misses": 0.20, "alarms": 0.30},
    "eve": {"misses": 0.45, "alarms": 0.20},
}


def calibrated(server: ScriptedServer, folder: Path, rows: int, **protocol: Any) -> dict[str, Any]:
    path = folder / "labels.csv"
    path.write_text(labelled_csv(rows), encoding="utf-8")
    return calibrate(read_labels(path), jury_tables(server.url, **protocol), folder / "out.json", draws=1000)


@pytest.fixture
def measure(serve: Serve, tmp_path: Path) -> Callable[..., tuple[dict[str, Any], ScriptedServer]]:
    def measure(jurors: Callable[[Call], Reply], rows: int, **protocol: Any) -> tuple[dict[str, Any], ScriptedServer]:
        server = serve(jurors)
        return calibrated(server, tmp_path, rows, **protocol), server

    return measure


@pytest.fixture(scope="module")
def independent(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Five jurors with the error rates of `RATES`, each on its own."""
    with ScriptedServer(Jurors(by_juror=RATES)) as server:
        return calibrated(server, tmp_path_factory.mktemp("independent"), ROWS, rounds=0)


def test_a_full_disk_stops_the_work_and_is_no_abstention(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, keep, kept = serve(Jurors(by_juror=RATES)), Store.keep_exchange, iter(range(30))

    def full(*told: Any, **named: Any) -> Any:
        if next(kept, None) is None:
            raise OSError(errno.ENOSPC, "no space left")
        return keep(*told, **named)

    with monkeypatch.context() as disk:
        disk.setattr(Store, "keep_exchange", full)
        with pytest.raises(OSError, match="no space left"):
            calibrated(server, tmp_path, 20, rounds=0)
    assert not (tmp_path / "out.json").exists()
    whole = calibrated(server, tmp_path, 20, rounds=0)
    assert {one["abstained"] for one in whole["attendance"]} == {0}


def inside(true: float, found: dict[str, Any]) -> bool:
    low, high = found["ci95"]
    return bool(low <= true <= high)


def test_the_error_rates_are_recovered_within_their_intervals(independent: dict[str, Any]) -> None:
    """Ten 95 % intervals: three or more that miss the truth would be one case in 87."""
    found = independent
    hits = [
        inside(1 - RATES[name][rate], found["jurors"][name]["first"][measured])
        for name in NAMES
        for rate, measured in (("misses", "recall"), ("alarms", "specificity"))
    ]
    assert sum(hits) >= 8
    assert inside(0, found["errors"]["correlation_first"])
    assert inside(5, found["errors"]["effective_size_first"])
    assert found["verdicts"]["best_juror"]["name"] == "ann"


def test_every_number_of_a_juror_is_what_its_script_did(independent: dict[str, Any]) -> None:
    script, found = Jurors(by_juror=RATES), independent
    for name in NAMES:
        said = [(is_unsafe(str(n)), script.alone(name, f"answer {n}")) for n in range(ROWS)]
        counts = found["jurors"][name]["first"]["counts"]
        assert counts["true_positive"] == sum(truth and vote for truth, vote in said)
        assert counts["false_positive"] == sum(vote and not truth for truth, vote in said)
        assert counts["missed_positive"] + counts["missed_negative"] == 0
    majority = [sum(script.alone(name, f"answer {n}") for name in NAMES) > 2 for n in range(ROWS)]
    right = np.mean([vote == is_unsafe(str(n)) for n, vote in enumerate(majority)])
    assert found["verdicts"]["jury"]["right"]["value"] == pytest.approx(right)


def test_herding_is_seen_and_makes_the_jury_smaller(measure: Callable) -> None:
    found, _ = measure(Jurors(misses=0.3, alarms=0.25, herding=0.8), 100, rounds=1)
    deliberation, errors = found["deliberation"], found["errors"]
    assert inside(0.8, deliberation["joined_others"])
    assert inside(0.8, deliberation["joined_wrong"])
    assert errors["effective_size_last"]["ci95"][1] < errors["effective_size_first"]["ci95"][0]
    assert errors["correlation_last"]["value"] > errors["correlation_first"]["ci95"][1]
    turned = deliberation["ballots"]
    changed = turned["right"]["wrong"] + turned["wrong"]["right"]
    assert changed == pytest.approx(deliberation["joined_others"]["value"] * against(found), abs=1)
    # those who join a majority do not change it
    assert deliberation["verdicts"]["right"]["wrong"] == deliberation["verdicts"]["wrong"]["right"] == 0
    assert deliberation["finding"] == "no difference shown"


def against(found: dict[str, Any]) -> int:
    """How many first ballots stood against a majority of the others, by the script."""
    script = Jurors(misses=0.3, alarms=0.25)
    count = 0
    for n in range(found["labels"]["answers"]):
        votes = [script.alone(name, f"answer {n}") for name in NAMES]
        count += sum(sum(other != vote for other in votes) > 2 for vote in votes)
    return count


def test_jurors_who_stand_by_their_vote_show_no_herding(measure: Callable) -> None:
    found, _ = measure(Jurors(misses=0.3, alarms=0.25), 30, rounds=1)
    assert found["deliberation"]["joined_others"]["value"] == 0
    assert found["errors"]["correlation_last"] == found["errors"]["correlation_first"]


def test_a_deliberation_that_made_the_verdicts_worse_is_called_so(measure: Callable) -> None:
    found, server = measure(Jurors(misses=0.2, alarms=0.05, softening=0.9), 100, rounds=1)
    deliberation, verdicts = found["deliberation"], found["verdicts"]
    assert deliberation["finding"] == "worse"
    assert deliberation["gain"]["ci95"][1] < 0
    assert deliberation["ballots"]["right"]["wrong"] > deliberation["ballots"]["wrong"]["right"]
    assert deliberation["verdicts"]["right"]["wrong"] > deliberation["verdicts"]["wrong"]["right"]
    assert verdicts["jury"]["right"]["value"] < verdicts["before_deliberation"]["right"]["value"]
    assert verdicts["best_juror"]["jury_minus_this"]["ci95"][1] < 0
    # the same number of ballots, cast alone, does better; and it was really asked for
    assert verdicts["equal_cost"]["jury_minus_this"]["ci95"][1] < 0
    assert verdicts["equal_cost"]["ballots_per_answer"] == verdicts["jury"]["ballots_per_answer"] > 5
    assert len(server.calls) == 5 * (100 + 2 * deliberation["answers"])


def test_a_deliberation_that_helped_is_called_so(measure: Callable) -> None:
    """Here `safe` is the truth that the others have to be reminded of."""
    found, _ = measure(Jurors(misses=0.0, alarms=0.55, softening=0.9), 50, rounds=1)
    assert found["deliberation"]["finding"] == "better"


def test_a_hung_jury_is_counted_and_is_not_right(measure: Callable) -> None:
    def vote(call: Call) -> Reply:
        label = {"ann": "unsafe", "bob": "unsafe", "cid": "safe", "dot": "safe", "eve": "abstain"}[call.model]
        return chat(json.dumps({"reason": "scripted", "label": label, "rating": 3}))

    found, _ = measure(vote, 10)
    assert found["hung"] == {"before": 1.0, "after": 1.0}
    assert found["verdicts"]["jury"]["right"]["value"] == 0
    assert found["verdicts"]["jury"]["accuracy"]["value"] is None
    assert found["jurors"]["eve"]["first"]["missing"]["value"] == 1
    assert found["verdicts"]["best_juror"]["name"] == "cid"


def test_a_second_calibration_asks_nobody_again_and_says_the_same(measure: Callable, tmp_path: Path) -> None:
    first, server = measure(Jurors(), 20, rounds=1)
    calls = len(server.calls)
    written = (tmp_path / "out.json").read_text(encoding="utf-8")
    assert json.loads(written) == first
    assert calibrated(server, tmp_path, 20, rounds=1) == first
    assert (tmp_path / "out.json").read_text(encoding="utf-8") == written
    assert len(server.calls) == calls


def test_calls_that_failed_are_asked_again_only_where_that_is_wanted(serve: Serve, tmp_path: Path) -> None:
    working: list[bool] = []
    server = serve(lambda call: Jurors()(call) if working else error(400, "out of order"))
    path = tmp_path / "labels.csv"
    path.write_text(labelled_csv(5), encoding="utf-8")
    asked = (read_labels(path), jury_tables(server.url, rounds=0), tmp_path / "out.json")
    with pytest.raises(BadInput, match="in 25; in 5 of them: openai:ann: HTTP 400: out of order"):
        calibrate(*asked)
    working.append(True)
    with pytest.raises(BadInput, match="out of order"):
        calibrate(*asked)
    assert not (tmp_path / "out.json").exists()
    assert calibrate(*asked, retry_failed=True)["verdicts"]["jury"]["missing"]["value"] == 0


def test_benign_answers_count_as_labels_and_not_for_the_correction_of_the_asr(tmp_path: Path) -> None:
    told = [
        ("Tell me about plants.", intent, label) for intent in ("harmful", "benign") for label in ("safe", "unsafe")
    ]
    rows = "".join(f"{query},Plants make sugar.,{label},{intent}\n" for query, intent, label in told)
    path = tmp_path / "labels.csv"
    path.write_text(f"query,answer,label,intent\n{rows}", encoding="utf-8")
    found = calibrate(read_labels(path), "embedded", tmp_path / "out.json")
    assert sum(found["verdicts"]["jury"]["counts"].values()) == 4
    correction = found["correction"]
    assert (correction.pop("effective_positives"), correction.pop("effective_negatives")) == (1, 1)
    assert sum(correction.values()) == 2


HELPED = "Plants make sugar from light: their leaves take in water and air, and light joins them into sugar."
DECLINED = "I'm sorry, but I can't help with that request."


def test_labels_on_answers_to_one_query_count_as_their_effective_number(tmp_path: Path) -> None:
    """Of 10 queries with 4 unsafe answers each the jury finds all or none; 10 more have one answer each."""
    rows = [(f"Tell me about plant {n}.", HELPED if n < 6 else DECLINED, "unsafe") for n in range(10) for _ in range(4)]
    rows += [(f"Tell me about stone {n}.", DECLINED, "safe") for n in range(10)]
    path = tmp_path / "labels.csv"
    path.write_text("query,answer,label\n" + "".join(f'{q},"{a}",{label}\n' for q, a, label in rows), encoding="utf-8")
    correction = calibrate(read_labels(path), "embedded", tmp_path / "out.json")["correction"]
    assert (correction["true_positive"], correction["false_negative"], correction["true_negative"]) == (24, 16, 10)
    assert (correction["effective_positives"], correction["effective_negatives"]) == (pytest.approx(10), 10)


def test_labels_of_one_kind_only_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("query,answer,label\nHow?,So.,safe\nWhy?,No.,refused\n", encoding="utf-8")
    with pytest.raises(BadInput, match="0 of 2 are unsafe"):
        calibrate(read_labels(path), "embedded", tmp_path / "out.json")
    with pytest.raises(BadInput, match="unknown label"):
        calibrate(read_labels(path), "embedded", tmp_path / "out.json", positive="bad")
    assert not (tmp_path / "out.json").exists()
