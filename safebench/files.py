"""Files and folders: read, hashed, and written whole or not at all (made beside their place, then moved there)."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, time
from math import isfinite
from pathlib import Path
from typing import Any

import tomli_w

from safebench.errors import BadInput

OF_THE_OWNER = 0o700  # rights of nobody else


def keep_private(folder: Path) -> None:
    """What this process makes from here on can be read by its owner alone, and a folder that is there already too."""
    os.umask(~OF_THE_OWNER & 0o777)
    if folder.exists():
        folder.chmod(folder.stat().st_mode & OF_THE_OWNER)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write what then takes the place of `path`; after an error nothing of it is left.

    The rights are those of the user's umask, and never wider than those of the file before.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")  # two processes may write the same file
    try:
        yield part
        if path.exists():
            part.chmod(part.stat().st_mode & path.stat().st_mode)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str, errors: str = "strict") -> None:
    """`errors`: as of `str.encode`, for lone surrogates, which no UTF-8 holds."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8", errors=errors)


def write_json(path: Path, content: object) -> None:
    write_text(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def is_taken(folder: Path) -> bool:
    """Whether something is there that nothing may be written over; an empty folder is nothing."""
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


def is_claimed(folder: Path, file: str, kind: str, check: Callable[[dict[str, Any]], None]) -> bool:
    """Whether the folder holds what is wanted there already: `file`, which says what was asked, has passed `check`.

    Raises what `check` raises, and BadInput for a folder that holds something else than such a `kind`.
    """
    if (folder / file).exists():
        check(read_toml(folder / file))
        return True
    if is_taken(folder):
        raise BadInput(f"{folder} exists and is no {kind}: choose another --out")
    return False


def lock(path: Path, flags: int, taken: str) -> int:
    """A descriptor that holds the lock of a file or folder until it is closed.

    Raises BadInput, saying `taken`, where another one holds it.
    """
    descriptor = os.open(path, flags, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise BadInput(taken) from error
    return descriptor


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """An empty folder that then becomes `path`, where no other or an empty one is; after an error nothing is left."""
    path = path.resolve()
    part = path.with_name(f".{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        part.replace(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def share_files(source: Path, target: Path) -> None:
    """Files that never change, in another folder as well: linked where the file system lets them, or copied.

    Folders and copies are made as the user's umask says, whatever the rights of the old ones.
    """
    for file in (path for path in source.rglob("*") if path.is_file()):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists():
            try:
                os.link(file, copy)
            except OSError:
                shutil.copyfile(file, copy)


def read_toml(path: Path) -> dict[str, Any]:
    """Raises BadInput for a missing file, one that is no TOML, and a date, which JSON lacks."""
    try:
        return _without_dates(tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=_number))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # of the encoding, of TOML, of a number
        raise BadInput(f"{path} is no TOML: {error}") from error


def _without_dates(tables: dict[str, Any]) -> dict[str, Any]:
    level: list[tuple[str, Any]] = list(tables.items())
    while level:
        key, value = level.pop()
        if isinstance(value, date | time):
            raise ValueError(f"{key} = {value} is a date or a time: write it in quotation marks")
        level += value.items() if isinstance(value, dict) else []
        level += [(key, one) for one in value] if isinstance(value, list) else []
    return tables


def _number(digits: str) -> float:
    if not isfinite(number := float(digits)):
        raise ValueError(f"{digits} is no number that can be used here")
    return number


def write_toml(path: Path, values: Mapping[str, Any]) -> None:
    """Whole or not at all."""
    write_text(path, tomli_w.dumps(values))


def content_hash(path: Path) -> str:
    """SHA-256 over a file, or over the names and contents of all files in a folder; "missing" where there is nothing.

    Raises BadInput for what cannot be read.
    """
    if not path.exists():
        return "missing"
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.relative_to(path).as_posix()}\0".encode("utf-8", "surrogateescape"))
        whole.update(_hash(file))
    return whole.hexdigest()


def _hash(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").digest()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from error
