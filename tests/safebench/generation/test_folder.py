from __future__ import annotations

from pathlib import Path

import pytest

from safebench.errors import BadInput
from safebench.generation.folder import SetFolder, folder_of


@pytest.mark.parametrize(
    "entry", ['"done"', "{ read = 1, wrote = 'x', edited = false }", "{ read = 'x', wrote = 'y' }"]
)
def test_a_state_that_was_changed_by_hand_is_one_clear_line(tmp_path: Path, entry: str) -> None:
    (tmp_path / "stages.toml").write_text(f"write = {entry}\n", encoding="utf-8")
    with pytest.raises(BadInput, match="write is no stage that is done: delete the file"):
        SetFolder(tmp_path)


def test_the_plan_in_the_folder_of_a_set_means_that_folder(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("", encoding="utf-8")
    assert folder_of(tmp_path / "plan.toml") is None  # a plan of the user's
    (tmp_path / "calls").mkdir()
    assert folder_of(tmp_path / "plan.toml") == tmp_path
    assert folder_of(tmp_path / "other.toml") is None
