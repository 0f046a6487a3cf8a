from __future__ import annotations

from pathlib import Path

import pytest

from safebench.errors import BadInput
from safebench.taxonomy import FILE, UNASSIGNED, beside, check_agree, paper, read_taxonomy
from tests.own_taxonomy import DEFINITION, TEXT, own_taxonomy


def test_the_paper_has_8_categories_and_23_scenarios_10_of_them_in_minibench() -> None:
    assert len(paper().categories) == 8
    assert len(paper().scenarios) == 23
    assert sum(one.minibench for one in paper().scenarios.values()) == 10
    assert all(one.description for one in paper().scenarios.values())


def test_one_of_the_users_own_lies_beside_its_data_and_is_written_as_it_was_read(tmp_path: Path) -> None:
    known = own_taxonomy(tmp_path / "data")
    assert beside(tmp_path / "data") == beside(tmp_path / "data" / "queries.csv") == known
    assert (known.scenarios["loneliness"].description, known.scenarios["loneliness"].severity) == (DEFINITION, 4)
    assert known.category_of == {"loneliness": "wellbeing", "bias": "wellbeing", "cruelty": "animals"}
    known.write(tmp_path)
    assert read_taxonomy(tmp_path / FILE) == known


def test_where_nothing_lies_beside_data_it_is_the_papers_which_is_never_copied(tmp_path: Path) -> None:
    assert beside(tmp_path) == paper()
    own_taxonomy(tmp_path)
    paper().write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_order_is_that_of_the_file_and_strangers_come_last(tmp_path: Path) -> None:
    known = own_taxonomy(tmp_path)
    assert known.in_order(["cruelty", UNASSIGNED, "bias"]) == ["bias", "cruelty", UNASSIGNED]
    assert known.in_order(["animals", "wellbeing"]) == ["wellbeing", "animals"]


@pytest.mark.parametrize("change", [("Care for it", "Fun with it"), ("severity = 2", "severity = 3"), ("Animals", "A")])
def test_only_what_is_said_of_a_scenario_is_a_contradiction(change: tuple[str, str], tmp_path: Path) -> None:
    known, other = own_taxonomy(tmp_path / "a"), own_taxonomy(tmp_path / "b", TEXT.replace(*change))
    if change[0] == "Animals":
        check_agree(known, "a", other, "b")
        return
    assert other.fingerprint() != known.fingerprint()
    with pytest.raises(BadInput, match=r"^scenario 'cruelty' is not the same in a and in b: its \w+ differs$"):
        check_agree(known, "a", other, "b")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("severity = 4", "severty = 4"), "unknown key 'severty' in .*; did you mean severity"),
        (("severity = 4", "severity = 6"), r"categories\.0\.scenarios\.0\.severity: .*less than or equal to 5"),
        (('id = "cruelty"', 'id = "Cruelty"'), r"categories\.1\.scenarios\.0\.id"),
        (('id = "cruelty"', 'id = "bias"'), "scenario 'bias' is there twice"),
        (('id = "animals"', 'id = "wellbeing"'), "category 'wellbeing' is there twice"),
        (('id = "cruelty"', 'id = "unassigned"'), "queries without a scenario are counted under"),
        ((f'"{DEFINITION}"', '" "'), r"categories\.0\.scenarios\.0\.description"),
        (('"Animals"', '"An\\u001b[2Jimals"'), "characters that cannot be printed"),
        ((TEXT, ""), "categories: Field required"),
        ((TEXT, "categories = []"), "categories: .*at least 1 item"),
    ],
)
def test_a_bad_file_is_told_line_by_line(change: tuple[str, str], told: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=told) as caught:
        own_taxonomy(tmp_path, TEXT.replace(*change))
    assert len(caught.value.problems) == 1
    assert str(tmp_path / FILE) in str(caught.value)
