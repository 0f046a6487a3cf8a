"""Files and folders that are there whole or not at all: made beside their place, and moved there when they are done."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write what then takes the place of `path`; after an error nothing of it is left."""
    part = path.with_name(f".{path.name}.{os.getpid()}")  # two processes may write the same file
    try:
        yield part
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, told: object) -> None:
    write_text(path, json.dumps(told, ensure_ascii=False, indent=2) + "\n")


def is_taken(folder: Path) -> bool:
    """Whether something is there that nothing may be written over; an empty folder is nothing."""
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


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
