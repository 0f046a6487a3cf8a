"""docs/reliability.md shows what the library has, and names tests and faults that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from safebench.errors import BadInput
from safebench.testing.faults import FAULTS, GROUPS, ROLES, play
from safebench.testing.faults.table import table
from safebench.testing.server import chat

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
REPORTS = PAGE.partition("## Public reports")[2].partition("\n## ")[0]


def test_the_page_and_the_library_are_equal() -> None:
    shown = PAGE.partition("<!-- faults: python -m safebench.testing.faults -->\n")[2]
    assert shown.partition("\n<!-- end of faults -->")[0] == table(GROUPS)


def test_every_fault_has_a_name_of_its_own_and_an_ending_in_every_role() -> None:
    assert len(FAULTS) == sum(map(len, GROUPS.values()))
    for fault in FAULTS.values():
        assert set(fault.ends) == set(ROLES), fault.name
        assert "\n" not in fault.plays + fault.must


def test_what_every_report_is_shown_by_is_there() -> None:
    rows = [row for row in REPORTS.splitlines() if "#" in row]
    assert len(rows) > 30
    for row in rows:
        names = re.findall(r"`([^`]+)`", row.rpartition(" | ")[2])
        assert names, row
        for name in names:
            path, _, test = name.partition("::")
            is_there = f"def {test}" in (ROOT / path).read_text("utf-8") if path.endswith(".py") else name in FAULTS
            assert is_there, name


def test_an_unknown_fault_is_named_with_the_nearest() -> None:
    with pytest.raises(BadInput, match="did you mean dropped"):
        play("droped", chat("Yes."))
