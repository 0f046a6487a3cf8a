"""What files hold, as a hash: a recipe that names a user's file is another one when the file has changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from safebench.errors import BadInput


def content_hash(path: Path) -> str:
    """SHA-256 over a file, or over the names and contents of all files in a folder; "missing" where there is nothing.

    Raises BadInput for what cannot be read.
    """
    if not path.exists():
        return "missing"
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    whole = hashlib.sha256()
    for file in files:
        whole.update(_name(file, path))
        whole.update(_hash(file))
    return whole.hexdigest()


def _name(file: Path, top: Path) -> bytes:
    return f"{file.relative_to(top).as_posix()}\0".encode("utf-8", "surrogateescape")


def _hash(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").digest()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from error
