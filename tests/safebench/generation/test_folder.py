from __future__ import annotations

from pathlib import Path

from safebench.generation.folder import folder_of


def test_the_plan_in_the_folder_of_a_set_means_that_folder(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("", encoding="utf-8")
    assert folder_of(tmp_path / "plan.toml") is None  # a plan of the user's
    (tmp_path / "calls").mkdir()
    assert folder_of(tmp_path / "plan.toml") == tmp_path
    assert folder_of(tmp_path / "other.toml") is None
