"""The paper's release, unpacked: split archives or whole, read once from front to back, and never believed."""

from __future__ import annotations

import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Self

from safebench.datasets.paper_layout import Release, find_release, has_paper_layout, kinds, set_of
from safebench.datasets.table_files import is_pointer
from safebench.errors import BadInput, raise_of_the_system
from safebench.progress import Progress

TABLES = (".csv", ".tsv", ".txt", ".json", ".jsonl")
PICTURES, RECORDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif"), (".wav", ".flac", ".mp3", ".ogg")
UNPACKED = (*TABLES, *PICTURES, *RECORDINGS)  # nothing else is needed here, so nothing else is written
MOST_FILES = 50_000
LARGEST_FILE, LARGEST = 1 << 30, 64 << 30  # bytes, of one and of all
DENSEST, SPARE = 200, 64 << 20  # bytes that one packed byte may become, but for so many at first
LONGEST_HEADER = 1 << 20  # bytes of what goes before a file: names and the like, which are read whole
BLOCK = 1 << 20
BROKEN = (tarfile.TarError, EOFError, OSError, ValueError, zlib.error, lzma.LZMAError)  # or a number that is none


def is_release(folder: Path) -> bool:
    """Whether a folder holds queries in the layout of the release, or an archive of it."""
    patterns = [pattern for kind in kinds() for pattern in set_of(kind)["archives"]]
    return has_paper_layout(folder) or any(one.is_file() for pattern in patterns for one in folder.glob(pattern))


def open_release(
    source: Path, room: Path | None, progress: Progress, encoding: str | None, *, minibench: bool
) -> Release:
    """The set that is wanted, as it lies there; where only its archive is there, unpacked into the room.

    MiniBench may be chosen from the full set. Raises BadInput where there is nothing of either, and where an archive
    of the one that is wanted is there and no queries of it are: the other one is no answer then.
    """
    folder = source.parent if source.is_file() else source
    for kind in reversed(kinds()) if minibench else kinds():
        release = None if source.is_file() else find_release(folder, kind, encoding)
        parts = _parts(source, folder, set_of(kind)["archives"])
        if parts and room is not None and not (release and release.media()):
            _unpack(parts, room, progress)
            texts = release and replace(release, unpacked=room)
            release = find_release(room, kind, encoding, beside=folder) or texts
        if release is not None:
            return release
        if parts:
            packed = "is not unpacked (`safebench data import safebench` does it), so there are no queries"
            why = packed if room is None else "holds no queries"
            raise BadInput(f"{_named(parts)} {why} of {set_of(kind)['title']}: name the folder that has them as well")
    raise BadInput(
        f"{source} holds nothing of the release: neither numbered files of queries ({{k}}.csv, or in text/, "
        "final_bench/, SafeBench_Text/, minibench_final/) nor an archive (part_aa …, minibench.tar.gz)"
    )


def _parts(source: Path, folder: Path, patterns: Sequence[str]) -> list[Path]:
    """Of the archive of a set; of one that was named itself where it is that one."""
    for pattern in patterns:
        parts = split_archive(folder, pattern)
        if parts and (source in parts or not source.is_file()):
            return parts
    return []


def _unpack(parts: Sequence[Path], room: Path, progress: Progress) -> None:
    size = sum(part.stat().st_size for part in parts)
    step = f"unpacking {parts[0].name}, MB"
    progress.planned(step, size >> 20)
    left = unpack(parts, room, lambda: progress.advanced(step, is_open=False))
    if left:
        progress.warned(f"{left} files that are no tables, pictures or recordings stay packed")


def split_archive(folder: Path, pattern: str) -> list[Path]:
    """The file that the pattern names, or the parts of an archive in order: part_aa, part_ab, … Empty without any.

    Raises BadInput where one is missing before another.
    """
    parts = sorted(folder.glob(pattern))
    if parts and "[" in pattern:
        names, last = [part.name for part in parts], _number(parts[-1].name)
        wanted = [names[0][:-2] + _letters(number) for number in range(last + 1)]
        if lacking := [name for name in wanted if name not in names]:
            raise BadInput(f"{folder}: {', '.join(lacking)} of {wanted[0]} … {wanted[-1]} is missing")
    return parts


def _number(name: str) -> int:
    return 26 * (ord(name[-2]) - ord("a")) + ord(name[-1]) - ord("a")


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + digit) for digit in divmod(number, 26))


def unpack(parts: Sequence[Path], folder: Path, advanced: Callable[[], None]) -> int:
    """Tables, pictures and recordings of an archive written into a folder; how many files of other kinds stay packed.

    It is read as a stream, one block at a time; `advanced` is called for every MB of it. Raises BadInput in one line
    for a name that leads out of the folder, a link or a device, what unpacks to far more than it is, and an archive
    that is damaged or ends too early.
    """
    if pointers := [part for part in parts if is_pointer(part)]:
        raise BadInput(f"{pointers[0]} only points to the file, which was not fetched: `git lfs pull` does it")
    header: Any = type("Header", (_Header,), {"ended": False})  # of this archive
    try:
        with _Joined(parts, advanced) as joined, tarfile.open(fileobj=joined, mode="r|*", tarinfo=header) as archive:
            left = _Unpacking(joined, folder, parts[0]).all_of(archive)
    except BROKEN as error:
        raise_of_the_system(error)
        raise BadInput(f"{_named(parts)} cannot be unpacked: {' '.join(str(error).split())}") from error
    if not header.ended:
        raise BadInput(f"{_named(parts)} ends too early: is a part missing, or cut off?")
    return left


def _named(parts: Sequence[Path]) -> str:
    return str(parts[0]) if len(parts) == 1 else f"{parts[0]} … {parts[-1].name}"


class _Joined(io.RawIOBase):
    """The parts read one after another, as if they were one file."""

    def __init__(self, parts: Sequence[Path], advanced: Callable[[], None]) -> None:
        self._parts = iter(parts)
        self._open: Any = io.BytesIO()
        self._advanced = advanced
        self.read_so_far = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._open.readinto(buffer)
        while not count and (part := next(self._parts, None)) is not None:
            self._open.close()
            self._open = part.open("rb")
            count = self._open.readinto(buffer)
        before, self.read_so_far = self.read_so_far, self.read_so_far + count
        for _ in range(self.read_so_far // BLOCK - before // BLOCK):
            self._advanced()
        return count

    def close(self) -> None:
        self._open.close()
        super().close()


class _Header(tarfile.TarInfo):
    """What stands before a file. The last one of an archive is empty; without it the archive was cut off."""

    ended = False

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: Any, errors: str) -> Self:
        """Raises BadInput for what would be read into memory whole and is longer than anybody's name."""
        cls.ended = cls.ended or bool(buf and not any(buf))
        header = super().frombuf(buf, encoding, errors)
        names = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
        if header.type in names and header.size > LONGEST_HEADER:
            raise BadInput(f"an archive holds a name of {header.size} bytes, which no file has: it is refused")
        if header.type == tarfile.GNUTYPE_SPARSE:
            header._with_holes()
        return header

    def _with_holes(self, member: Self | None = None, *_: Any) -> None:
        """Also where pax says so, before the list of the holes is read, which may be as long as it likes."""
        raise BadInput(
            f"an archive holds {(member or self).name[:80]!r} with holes in it, which is no way to pack media"
        )

    _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _with_holes


def _is_hidden(place: PurePosixPath) -> bool:
    """What some programs put beside the files."""
    return any(part.startswith((".", "__MACOSX")) for part in place.parts)


class _Unpacking:
    """One archive on its way into a folder."""

    def __init__(self, joined: _Joined, folder: Path, where: Path) -> None:
        self._joined, self._folder, self._where = joined, folder, where
        self._written = 0

    def all_of(self, archive: tarfile.TarFile) -> int:
        left, passed_over = 0, 0
        for number, member in enumerate(archive):
            place = self._place(member)
            self._count(passed_over)
            if number == MOST_FILES:
                raise self._refused(f"holds more than {MOST_FILES} files")
            is_wanted = member.isreg() and place.suffix.lower() in UNPACKED and not _is_hidden(place)
            if is_wanted:
                self._write(archive, member, self._folder / place)
            left += member.isreg() and not is_wanted
            passed_over = 0 if is_wanted else member.size
        return left

    def _place(self, member: tarfile.TarInfo) -> PurePosixPath:
        """Also of what is not written: who packs such a thing is up to something."""
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or "\\" in member.name or not member.name.isprintable():
            raise self._refused(f"holds {member.name[:80]!r}, which leads out of the folder or is no name")
        if not (member.isreg() or member.isdir()):
            raise self._refused(f"holds {member.name[:80]!r}, which is a link or a device")
        return path

    def _write(self, archive: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
        source = archive.extractfile(member)
        if member.size > LARGEST_FILE or source is None:
            raise self._refused(f"holds {member.name[:80]!r} with {member.size} bytes, more than {LARGEST_FILE}")
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as file:
            while block := source.read(BLOCK):
                self._count(len(block))
                file.write(block)

    def _count(self, size: int) -> None:
        self._written += size
        if self._written > min(LARGEST, SPARE + DENSEST * self._joined.read_so_far):
            raise self._refused(f"unpacks to more than {self._written >> 20} MB, far more than it is")

    def _refused(self, why: str) -> BadInput:
        return BadInput(f"{self._where} {why}: it is refused")
