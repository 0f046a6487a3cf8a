"""The guard against what becomes slow: its bounds, what it says, and that it sees planted slowness."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import quick
from benchmarks.quick import RATIOS, Ratio, bound, compare, main, measured
from benchmarks.suite import Figure, Variant

SAME = ("yardstick", Variant("python", "python", size=1))
ONCE_MORE = ("yardstick", Variant("python", "python", size=8))


def test_the_bound_is_generous_and_above_the_noise() -> None:
    assert bound([2.0, 2.0, 2.1]) == 4.0
    assert bound([1.0, 1.0, 1.9]) == pytest.approx(2.85)


def test_a_value_is_kept_for_each_ratio() -> None:
    kept = quick.read_kept()
    assert list(kept) == [ratio.name for ratio in RATIOS]
    assert all(len(values) >= 5 and min(values) > 0 for values in kept.values())


def test_twice_the_work_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    ratios = [Ratio("slow", ONCE_MORE, SAME), Ratio("not slow", SAME, SAME)]
    assert compare(ratios, {"slow": [1.0], "not slow": [1.0]}) == ["slow"]
    slow, fine = capsys.readouterr().out.splitlines()
    assert slow.startswith("SLOW slow: ")
    assert fine.startswith("ok   not slow: ")
    assert fine.endswith("; kept 1.00, at most 2.00")


def test_what_looks_slow_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [[9.0, 9.0], [1.0, 1.0, 1.0]]  # somebody else was at work at first
    monkeypatch.setattr(quick, "measured", lambda _, times: values.pop(0))
    assert compare([Ratio("busy", SAME, SAME)], {"busy": [1.0]}) == []
    assert not values


def test_memory_is_compared_as_well() -> None:
    (ratio,) = measured(Ratio("same", SAME, SAME, Figure("items", lambda result: result["items"])), 1)
    assert ratio == 1.0


def test_what_is_slow_ends_with_one_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quick, "measured", lambda _, times: [1e6] * times)
    assert main(["store"]) == 1
    assert capsys.readouterr().err == (
        "slower than is kept in quick.json: store; profile it, or keep the new ratios with --keep and say why\n"
    )


def test_keeping_leaves_the_others_as_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = tmp_path / "quick.json"
    kept.write_text(json.dumps({"store": [1.0], "report": [2.0]}), encoding="utf-8")
    monkeypatch.setattr(quick, "KEPT", kept)
    monkeypatch.setattr(quick, "measured", lambda _, times: [3.14159] * times)
    assert main(["report", "--keep", "2"]) == 0
    assert json.loads(kept.read_text(encoding="utf-8")) == {"report": [3.14, 3.14], "store": [1.0]}


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["everything"])
    assert "no ratio everything; there are: calls, target and five jurors, " in capsys.readouterr().err
