"""What a case is held to is held: each thing that it may not do is found, once it is planted."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.fuzz import holding
from tests.fuzz.holding import Hang, case, command


def work(seconds: float) -> None:
    """Of a processor."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def hold(size: int) -> None:
    held = b"x" * size
    del held


def test_a_sound_case_passes() -> None:
    with case() as folder:
        (folder / "a").write_text("x", encoding="utf-8")
        (folder / "b").mkdir()


def test_what_does_not_end_is_found() -> None:
    with patch.object(holding, "SECONDS", 0.2), pytest.raises(Hang, match="did not end"), case():
        time.sleep(30)


def test_work_that_takes_too_long_is_found() -> None:
    with patch.object(holding, "CPU_SECONDS", 0.05), pytest.raises(AssertionError, match="of a processor"), case():
        work(0.2)


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="this system does not tell")
def test_memory_is_found_although_it_is_given_back() -> None:
    with patch.object(holding, "MOST_MEMORY", 30e6), pytest.raises(AssertionError, match=r"it took \d+ MB"), case():
        hold(100_000_000)


def opened(place: Path) -> None:
    place.write_text("x", encoding="utf-8")


def made(place: Path) -> None:
    place.mkdir()


def moved(place: Path) -> None:
    Path("mine").write_text("x", encoding="utf-8")
    Path("mine").rename(place)


def in_a_database(place: Path) -> None:
    sqlite3.connect(place).close()


def in_silence(place: Path) -> None:
    holding._watch.folder = None
    place.write_text("x", encoding="utf-8")


@pytest.mark.parametrize("write", [opened, made, moved, in_a_database])
def test_what_is_written_elsewhere_is_found(tmp_path: Path, write: Callable[[Path], None]) -> None:
    with pytest.raises(AssertionError, match="written outside its folder"), case():
        write(tmp_path / "elsewhere")


def test_what_a_library_writes_beside_the_folder_is_found() -> None:
    """No event of Python's tells of it."""
    with pytest.raises(AssertionError, match="beside"), case() as folder:
        in_silence(folder.parent / "beside")


def test_a_traceback_is_found(tmp_path: Path) -> None:
    planted = patch("safebench.cli.main._check_names", side_effect=ZeroDivisionError("planted"))
    with planted, pytest.raises(AssertionError, match="planted"):
        command("data", "check", tmp_path)
