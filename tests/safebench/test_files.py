import os
from contextlib import suppress

import pytest

from safebench.errors import BadInput
from safebench.files import is_claimed, keep_private, read_toml, whole_file, whole_folder, write_text


def test_a_file_takes_the_place_of_an_earlier_one_when_it_is_done(tmp_path):
    file = tmp_path / "told.txt"
    file.write_text("earlier")
    with whole_file(file) as part:
        part.write_text("lat")
        assert file.read_text() == "earlier"
    assert file.read_text() == "lat"
    write_text(file, "ä\n")
    assert file.read_bytes() == b"\xc3\xa4\n"
    assert list(tmp_path.iterdir()) == [file]


def test_after_an_error_the_earlier_file_is_there_and_nothing_else(tmp_path):
    file = tmp_path / "told.txt"
    file.write_text("earlier")
    with pytest.raises(UnicodeEncodeError):
        write_text(file, "later \ud800")
    assert file.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_is_there_when_it_is_done_and_takes_the_place_of_an_empty_one(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    with whole_folder(folder) as part:
        (part / "a").write_text("a")
        assert not any(folder.iterdir())
    assert [file.name for file in folder.iterdir()] == ["a"]
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("left", [True, False])
def test_nothing_of_a_folder_is_left_after_an_error_nor_taken_over_from_an_earlier_one(tmp_path, left):
    folder = tmp_path / "sets" / "set"
    if left:  # by a process that was killed
        (tmp_path / "sets" / ".set.part" / "old").mkdir(parents=True)
    with suppress(KeyboardInterrupt), whole_folder(folder) as part:
        assert not any(part.iterdir())
        raise KeyboardInterrupt
    assert not any((tmp_path / "sets").iterdir())


def test_a_folder_is_claimed_by_its_file_and_by_nothing_else(tmp_path):
    seen = []
    folder = tmp_path / "out"
    assert not is_claimed(folder, "asked.toml", "set", seen.append)
    folder.mkdir()
    assert not is_claimed(folder, "asked.toml", "set", seen.append)
    (folder / "other").write_text("")
    with pytest.raises(BadInput, match="out exists and is no set: choose another --out"):
        is_claimed(folder, "asked.toml", "set", seen.append)
    (folder / "asked.toml").write_text("seed = 3\n")
    assert is_claimed(folder, "asked.toml", "set", seen.append)
    assert seen == [{"seed": 3}]


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "+nan", "1e999"])
def test_a_number_that_is_none_is_bad_input(tmp_path, number):
    file = tmp_path / "run.toml"
    file.write_text(f"[parameters]\ntemperature = {number}\n", encoding="utf-8")
    with pytest.raises(BadInput, match="is no number that can be used here"):
        read_toml(file)


def test_a_file_keeps_the_rights_that_it_had_and_is_never_wider_than_the_umask(tmp_path):
    file = tmp_path / "run.toml"
    before = os.umask(0o022)
    try:
        write_text(file, "a")
        assert file.stat().st_mode & 0o777 == 0o644
        file.chmod(0o600)
        write_text(file, "b")
        assert file.stat().st_mode & 0o777 == 0o600
        keep_private(tmp_path)
        write_text(tmp_path / "new", "c")
        assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
        assert tmp_path.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


@pytest.mark.parametrize("value", ["2020-01-01", "[{ a = 07:32:00 }]", "1979-05-27T07:32:00Z"])
def test_dates_in_toml_are_told_by_their_key(tmp_path, value):
    file = tmp_path / "run.toml"
    file.write_text(f"[parameters]\nwhen = {value}\n")
    with pytest.raises(BadInput, match="is a date or a time: write it in quotation marks"):
        read_toml(file)


def test_toml_with_a_mark_of_order_is_read(tmp_path):
    file = tmp_path / "run.toml"
    file.write_bytes("\ufeffseed = 3\r\n".encode())
    assert read_toml(file) == {"seed": 3}
