"""Which runs make a split, which items are in it, and how it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from safebench.reports.comparison import Compared, compare
from safebench.reports.pages.runs_pages import write_comparison
from safebench.reports.splitting import ear_lines, shared_ears, split_lines
from safebench.store.store import Store
from safebench.types import Item, Outcome
from tests.safebench.recorded import twins
from tests.safebench.reports.pages.written import write_run

SPOKEN = "audio:female"
EAR = {"name": "ear:small", "version": "1"}


def outcome(item: Item) -> Outcome:
    """A third of the harmful queries is unsafe; under speech half of them."""
    if item.query.id.startswith("b"):
        return Outcome.SAFE
    harmful = 3 if str(item.condition) == "text" else 2
    return Outcome.UNSAFE if int(item.query.id[1:]) % harmful == 0 else Outcome.REFUSED


def written(folder: Path, name: str, *conditions: str, target: str = "reference") -> Path:
    return write_run(folder / name, twins(30), conditions, outcome, target=target)


@pytest.fixture
def compared(tmp_path: Path) -> Compared:
    model = written(tmp_path, "model", "text", SPOKEN, "image:plain")
    cascade = written(tmp_path, "cascade", SPOKEN, "image:plain", target="cascade:reference")
    with Store(cascade) as store:
        change = "UPDATE renderings SET rendering = json_set(rendering, '$.media.sha256', ?) WHERE query = ?"
        store._db.execute(change, ("f" * 64, "h0"))
    return compare([model, cascade])


def test_each_medium_that_both_were_asked_in_is_split(compared: Compared) -> None:
    assert [(one.condition, one.model, one.cascade, one.text) for one in compared.splits] == [
        (SPOKEN, 0, 1, 0),
        ("image:plain", 0, 1, 0),
    ]


def test_items_whose_media_differ_are_left_out_and_counted(compared: Compared) -> None:
    for split in compared.splits:
        harmful, benign = split.splits
        assert (split.other_media, harmful.items, benign.items) == (1, 29, 30)
        assert "1 items are left out: the two runs hold other media for them" in list(split_lines(split))


def test_a_cascade_of_which_nothing_is_known_lets_one_conclude_nothing(compared: Compared) -> None:
    """Its run has no transcript on record: nothing shows that a query reached its text target."""
    harmful = compared.splits[0].splits[0]
    assert harmful.misheard.concluded == "not_concludable"
    assert any("a recogniser heard words in 0 of 0" in reason for reason in harmful.misheard.reasons)


def test_the_page_of_a_comparison_has_the_parts(compared: Compared, tmp_path: Path) -> None:
    page = write_comparison(tmp_path / "compare.html", compared).read_text(encoding="utf-8")
    assert f"{SPOKEN}: misheard, or otherwise when it listens?" in page
    assert "The gap of A between this and the text of A, split by the cascade B" in page
    for part in ("gap", "misheard", "listening"):
        assert f'<th scope="row">{part}</th><td class="word">harmful</td><td>29 of 29</td>' in page


def test_without_text_in_either_run_there_is_no_split(tmp_path: Path) -> None:
    folders = [written(tmp_path, "model", SPOKEN), written(tmp_path, "cascade", SPOKEN, target="cascade:reference")]
    assert compare(folders).splits == ()


def test_two_cascades_are_no_model_and_its_cascade(tmp_path: Path) -> None:
    folders = [written(tmp_path, name, "text", SPOKEN, target="cascade:reference") for name in ("one", "other")]
    assert compare(folders).splits == ()


def test_a_recogniser_that_gate_and_cascade_share_is_told() -> None:
    resolved = {"recognisers": {"audio": EAR, "image": EAR}, "target": {"recognisers": {"audio": EAR}}}
    assert shared_ears(resolved) == {"audio": "ear:small"}
    (line,) = ear_lines(resolved)
    assert "read audio by the same recogniser (ear:small)" in line


@pytest.mark.parametrize(
    "resolved",
    [
        {"recognisers": {"audio": EAR}, "target": {"recognisers": {"audio": {**EAR, "version": "2"}}}},
        {"recognisers": {}, "target": {"recognisers": {"audio": EAR}}},
        {"recognisers": {"audio": EAR}, "target": {}},
        {},
    ],
)
def test_other_ears_are_not_told(resolved: dict[str, object]) -> None:
    assert list(ear_lines(resolved)) == []
