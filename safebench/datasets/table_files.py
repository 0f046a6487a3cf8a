"""The file of a table: plain or packed, what kind of table it holds, and how its text is written."""

from __future__ import annotations

import codecs
import gzip
import io
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, TextIO

from safebench.errors import BadInput

SAVE_AS = "save it as UTF-8 (in Excel: CSV UTF-8)"
WORKBOOKS = (".xlsx", ".xls", ".xlsm", ".ods")
ZIP, GZIP = ".zip", ".gz"
LARGEST = 4 << 30  # bytes of a table that is packed, as it is read piece by piece
LARGEST_WHOLE = 64 << 20  # bytes of one that is packed and read whole
LONGEST_LINE = 32 << 20  # characters of a line of one that is packed
READ_WHOLE = (".json", ".parquet")
UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error)
UTF8 = "utf-8"
WIDE = ("utf-16", "utf-32")  # encodings in which no character of ASCII is one byte
POINTER = b"version https://git-lfs"  # how a file begins that stands for one that was not fetched
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class _Unpacked(io.RawIOBase):
    """What is packed in a file, as far as it goes: a few kB may be gigabytes of nothing."""

    def __init__(self, packed: IO[bytes], largest: int) -> None:
        self._packed, self._left, self._largest = packed, largest, largest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._packed.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise OSError(f"it unpacks to more than {self._largest >> 20} MB: unpack it, and name that")
        buffer[: len(data)] = data
        return len(data)


class _UnpackedText(io.TextIOWrapper):
    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        """A line; next() takes it as well."""
        line = super().readline(size if size >= 0 else LONGEST_LINE)
        if len(line) >= LONGEST_LINE:
            raise OSError("a line of it is too long to be one of a table")
        return line


class OtherEncoding(ValueError):
    """Text that is written in another encoding than it is read in; the message says what to do."""


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table that can be opened again and again. `kind` is its ending, inside what packs it."""

    path: Path
    kind: str
    member: str | None = None  # of a zip
    encoding: str | None = None  # of its text; UTF-8 when not given

    @property
    def is_packed(self) -> bool:
        return self.member is not None or self.path.suffix.lower() == GZIP

    @contextmanager
    def binary(self) -> Iterator[Any]:
        if not self.is_packed:
            with self.path.open("rb") as plain:
                yield plain
            return
        with self._packed() as packed:
            yield io.BufferedReader(_Unpacked(packed, LARGEST_WHOLE if self.kind in READ_WHOLE else LARGEST))

    @contextmanager
    def _packed(self) -> Iterator[Any]:
        if self.member is None:
            with gzip.open(self.path) as unpacked:
                yield unpacked
        else:
            with zipfile.ZipFile(self.path) as packed, _opened(packed, self.member) as file:
                yield file

    @contextmanager
    def text(self) -> Iterator[TextIO]:
        """With line ends as they are, and without a mark of order. Raises OtherEncoding, in the midst of it as well."""
        try:
            self._check_encoding()
            decoded = _UnpackedText if self.is_packed else io.TextIOWrapper
            with self.binary() as file, decoded(file, self._codec, newline="") as text:
                yield text
        except UnicodeError as error:
            raise OtherEncoding(self._why_no_text(error)) from error

    @property
    def _codec(self) -> str:
        return "utf-8-sig" if self.encoding in (None, UTF8) else str(self.encoding)

    def _head(self) -> bytes:
        with self.binary() as file:
            return bytes(file.read(64))

    def _check_encoding(self) -> None:
        """Raises OtherEncoding for what could be decoded and would be nonsense."""
        if not self._codec.startswith(WIDE) and _is_wide(self._head()):
            raise OtherEncoding(self._other("utf-16"))
        if self.encoding not in (None, UTF8) and _has_a_byte_a_character(self._codec) and self._is_utf8():
            raise OtherEncoding(f"it is UTF-8, which {self.encoding} would turn into nonsense: leave out --encoding")

    def _is_utf8(self) -> bool:
        """Whether its text is UTF-8 and more than ASCII, which is the same in most encodings."""
        decoder, is_ascii = codecs.getincrementaldecoder("utf-8")(), True
        try:
            with self.binary() as file:
                while block := file.read(1 << 20):
                    is_ascii = is_ascii and block.isascii()
                    decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
        return not is_ascii

    def _why_no_text(self, error: UnicodeError) -> str:
        head = self._head()
        if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b")):
            return f"it is a workbook or an archive, whatever its name says: {SAVE_AS}"
        if self.encoding not in (None, UTF8):
            return f"it is not {self.encoding}: {getattr(error, 'reason', error)}"
        return self._other("cp1252")

    def _other(self, likely: str) -> str:
        """Another one may be named, but where UTF-8 was asked for."""
        other = "" if self.encoding == UTF8 else f", or name its encoding, such as --encoding {likely}"
        return f"it is not {'UTF-8' if self._codec == 'utf-8-sig' else self.encoding}: {SAVE_AS}{other}"


def table_file(path: Path, kinds: Collection[str], encoding: str | None = None, what: str = "data") -> TableFile:
    """Raises BadInput for an unknown kind of file, an archive with none or several tables, and an unknown encoding."""
    codec = known_encoding(encoding) if encoding is not None else None
    member, name = None, path.name
    if path.suffix.lower() == ZIP:
        member = name = _only_table(path, kinds)
    elif path.suffix.lower() == GZIP:
        name = path.stem
    kind = PurePosixPath(name).suffix.lower()
    if kind in kinds:
        return TableFile(path, kind, member, codec)
    if kind in WORKBOOKS:
        raise BadInput(f"{what} {str(path)!r} is a workbook: save its sheet as CSV UTF-8, and name that file")
    raise BadInput(f"{what} {str(path)!r}: unknown kind of file {kind!r}; known: {', '.join([*kinds, ZIP, GZIP])}")


def is_pointer(path: Path) -> bool:
    """Whether Git LFS has put a few lines in the place of a file."""
    with path.open("rb") as file:
        return file.read(len(POINTER)) == POINTER


def known_encoding(name: str) -> str:
    """Python's name of an encoding of text. Raises BadInput for what is none."""
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)  # hex and the like are codecs, too
    except (LookupError, UnicodeError, ValueError):
        raise BadInput(f"unknown encoding {name!r}; such as utf-8, utf-16, cp1252, gb18030, shift_jis") from None
    return UTF8 if codec.name == "utf-8-sig" else codec.name


def _only_table(path: Path, kinds: Collection[str]) -> str:
    try:
        with zipfile.ZipFile(path) as packed:
            tables = {info.filename: info.file_size for info in packed.infolist() if _is_table(info.filename, kinds)}
    except UNREADABLE as error:
        raise BadInput(f"data {str(path)!r} cannot be read: {error}") from error
    if len(tables) != 1:
        held = f"{len(tables)} tables ({', '.join(sorted(tables)[:5])})" if tables else "no table"
        raise BadInput(f"data {str(path)!r} holds {held}: unpack it, and name one")
    ((name, size),) = tables.items()
    if size > LARGEST:
        raise BadInput(f"data {str(path)!r}: {name} has {size} bytes, more than {LARGEST}: unpack it, and name that")
    return name


def _is_table(name: str, kinds: Collection[str]) -> bool:
    """What some programs put beside it is none."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)
    return not hidden and PurePosixPath(name).suffix.lower() in kinds


def _opened(packed: zipfile.ZipFile, member: str) -> IO[bytes]:
    try:
        return packed.open(member)
    except (RuntimeError, NotImplementedError) as error:  # a password, an unknown way of packing
        raise OSError(str(error)) from error


def _is_wide(head: bytes) -> bool:
    """Whether it begins as UTF-16 or UTF-32 does: with their mark, or with ASCII whose other bytes are empty."""
    return head.startswith(UTF16) or (len(head) > 7 and (not any(head[1::2]) or not any(head[::2])))


def _has_a_byte_a_character(codec: str) -> bool:
    return len(bytes(range(256)).decode(codec, "replace")) == 256
