from __future__ import annotations

from pathlib import Path

from safebench.files import content_hash


def test_a_folder_is_the_names_and_contents_of_its_files(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        (folder / "inner").mkdir(parents=True)
        (folder / "inner" / "a").write_text("same")
    assert content_hash(one) == content_hash(two)
    (two / "inner" / "a").rename(two / "inner" / "b")
    assert content_hash(one) != content_hash(two)


def test_a_file_is_its_content(tmp_path: Path) -> None:
    file = tmp_path / "file"
    assert content_hash(file) == "missing"
    file.write_text("one")
    before = content_hash(file)
    file.write_text("two")
    assert content_hash(file) != before
