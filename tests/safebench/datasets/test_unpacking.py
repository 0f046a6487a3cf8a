from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from safebench.datasets import unpacking
from safebench.datasets.unpacking import split_archive, unpack
from safebench.errors import BadInput
from tests.release import archive

Fill = Callable[[tarfile.TarFile], object]


def add(tar: tarfile.TarFile, name: str, data: bytes = b"a\n", **how: object) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for key, value in how.items():
        setattr(member, key, value)
    tar.addfile(member, io.BytesIO(data))


def unpacked(tmp_path: Path, fill: Fill, form: str = "w:gz") -> tuple[Path, int]:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=form) as tar:  # type: ignore[call-overload]
        fill(tar)
    (tmp_path / "a.tar.gz").write_bytes(file.getvalue())
    out = tmp_path / "out"
    out.mkdir()
    return out, unpack([tmp_path / "a.tar.gz"], out, lambda: None)


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("form", ["w:gz", "w:bz2", "w:xz", "w"])
def test_tables_and_media_are_written_and_all_else_stays_packed(tmp_path: Path, form: str) -> None:
    def fill(tar: tarfile.TarFile) -> None:
        for name in ("./x/1.csv", "x/1.PNG", "x/deep/2.wav", "x/run.py", "x/.hidden.csv", "__MACOSX/x/1.csv"):
            add(tar, name)

    out, left = unpacked(tmp_path, fill, form)
    assert names(out) == ["x/1.PNG", "x/1.csv", "x/deep/2.wav"]
    assert left == 3


@pytest.mark.parametrize(
    ("name", "how", "why"),
    [
        ("../x.csv", {}, "leads out of the folder"),
        ("a/../../x.csv", {}, "leads out of the folder"),
        ("/x.csv", {}, "leads out of the folder"),
        ("..\\x.csv", {}, "leads out of the folder"),
        ("a\nb.csv", {}, "is no name"),
        ("x.csv", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "is a link or a device"),
        ("x.csv", {"type": tarfile.LNKTYPE, "linkname": "y.csv"}, "is a link or a device"),
        ("x.csv", {"type": tarfile.FIFOTYPE}, "is a link or a device"),
        ("../run.py", {}, "leads out of the folder"),
    ],
)
def test_what_leads_elsewhere_is_refused_in_one_line(
    tmp_path: Path, name: str, how: dict[str, object], why: str
) -> None:
    with pytest.raises(BadInput, match=why) as caught:
        unpacked(tmp_path, lambda tar: add(tar, name, b"", **how))
    assert len(caught.value.problems) == 1
    assert "\n" not in caught.value.problems[0]
    assert names(tmp_path) == ["a.tar.gz"]


def zeros(tar: tarfile.TarFile) -> None:
    add(tar, "x.wav", bytes(4 << 20))


def skipped_zeros(tar: tarfile.TarFile) -> None:
    add(tar, "x.bin", bytes(4 << 20))
    add(tar, "x.csv")


@pytest.mark.parametrize("fill", [zeros, skipped_zeros])
def test_a_bomb_is_refused(tmp_path: Path, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "SPARE", 1 << 20)
    with pytest.raises(BadInput, match=r"unpacks to more than [0-9]+ MB, far more than it is"):
        unpacked(tmp_path, fill)


def test_a_name_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"a name of [0-9]+ bytes"):
        unpacked(tmp_path, lambda tar: add(tar, f"{'x' * (2 << 20)}.csv"))


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"GNU.sparse.map": "x"}, "with holes in it"),
        ({"GNU.sparse.size": "1"}, "with holes in it"),
        ({"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}, "with holes in it"),
        ({"GNU.sparse.realsize": "x"}, "cannot be unpacked"),
    ],
)
def test_what_pax_says_of_holes_is_refused_in_one_line(tmp_path: Path, headers: dict[str, str], why: str) -> None:
    with pytest.raises(BadInput, match=why) as caught:
        unpacked(tmp_path, lambda tar: add(tar, "x.csv", pax_headers=headers))
    assert "\n" not in str(caught.value)


def test_files_without_end_and_files_that_are_too_large_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "MOST_FILES", 3)
    with pytest.raises(BadInput, match="more than 3 files"):
        unpacked(tmp_path, lambda tar: [add(tar, f"{n}.csv") for n in range(4)])
    monkeypatch.setattr(unpacking, "LARGEST_FILE", 1)
    with pytest.raises(BadInput, match=r"'0\.csv' with 2 bytes, more than 1"):
        unpack([tmp_path / "a.tar.gz"], tmp_path / "out", lambda: None)


def noise(size: int) -> bytes:
    """Which cannot be packed any smaller."""
    return random.Random(0).randbytes(size)


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    data = archive(lambda tar: [add(tar, f"{n}.wav", noise(40_000)) for n in range(5)])
    size = -(-len(data) // 5)
    files = [tmp_path / f"part_a{letter}" for letter in "abcde"]
    for n, file in enumerate(files):
        file.write_bytes(data[n * size : (n + 1) * size])
    return files


def test_parts_are_joined_in_their_order(parts: list[Path], tmp_path: Path) -> None:
    found = split_archive(tmp_path, "part_[a-z][a-z]")
    assert found == parts
    assert unpack(found, tmp_path / "out", lambda: None) == 0
    assert names(tmp_path / "out") == [f"{n}.wav" for n in range(5)]
    assert (tmp_path / "out" / "4.wav").read_bytes() == noise(40_000)


@pytest.mark.parametrize("gone", [0, 2])
def test_a_part_that_is_missing_before_others_is_named(parts: list[Path], tmp_path: Path, gone: int) -> None:
    parts[gone].unlink()
    with pytest.raises(BadInput, match=f"{parts[gone].name} of part_aa … part_ae is missing"):
        split_archive(tmp_path, "part_[a-z][a-z]")


@pytest.mark.parametrize("kept", [1, 2, 3, 4])
def test_an_archive_that_ends_too_early_never_passes_for_a_whole_one(
    parts: list[Path], tmp_path: Path, kept: int
) -> None:
    with pytest.raises(BadInput, match=r"ends too early|cannot be unpacked"):
        unpack(parts[:kept], tmp_path / "out", lambda: None)


def test_what_is_no_archive_and_what_was_not_fetched_are_one_line(tmp_path: Path) -> None:
    file = tmp_path / "part_aa"
    file.write_bytes(b"no archive")
    with pytest.raises(BadInput, match="part_aa cannot be unpacked"):
        unpack([file], tmp_path / "out", lambda: None)
    file.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(BadInput, match="`git lfs pull` does it"):
        unpack([file], tmp_path / "out", lambda: None)
