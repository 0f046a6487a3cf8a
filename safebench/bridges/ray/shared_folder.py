"""Where shards are put when they are whole: a folder that all machines see, or an address of fsspec's.

A shard is a folder of its own with a random name, and counts once a file with its number names it: written last, so
that a machine that dies while it writes, or two that work on the same shard, leave nothing half.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from safebench.errors import BadInput, MissingPackage
from safebench.plugins import is_installed

WHOLE, STOPPED = "whole", "stopped"  # what a shard is when it is put here
FILE = "whole.toml"  # what the shards are of


class SharedFolder:
    """Raises MissingPackage where fsspec is not installed, and BadInput for an address that it cannot use: `s3://…` and
    others need a package of theirs.
    """

    def __init__(self, address: str) -> None:
        if not is_installed("fsspec"):
            raise MissingPackage(f"shared folder {address}", ["fsspec"], "ray")
        import fsspec

        try:
            self._files, self._top = fsspec.core.url_to_fs(address)
        except (ImportError, ValueError) as error:
            raise BadInput(f"shared folder {address}: {error}") from error
        self._is_local = "file" in self._files.protocol
        self._files.makedirs(self._top, exist_ok=True)

    def whole(self, count: int) -> set[int]:
        """The numbers of the shards that are there."""
        return {number for number in range(1, count + 1) if self.has(number, WHOLE)}

    def has(self, number: int, state: str) -> bool:
        self._files.invalidate_cache()
        return bool(self._place(number, state))

    def put(self, folder: Path, number: int, state: str) -> None:
        """The files of a shard, then the word that they are there."""
        place = f"{number:06d}-{uuid4().hex[:12]}"
        files = [path for path in folder.rglob("*") if path.is_file()]
        places = [self._path(place, path.relative_to(folder).as_posix()) for path in files]
        for parent in {one.rpartition("/")[0] for one in places}:
            self._files.makedirs(parent, exist_ok=True)
        self._files.put([str(path) for path in files], places)
        self._files.pipe_file(self._path(f"{number:06d}.{state}"), place.encode())

    def get(self, number: int, state: str, folder: Path) -> None:
        """The files of a shard, where it is there in this state."""
        if place := self._place(number, state):
            for path in self._files.find(self._path(place)):
                file = folder / path.removeprefix(self._path(place)).lstrip("/")
                file.parent.mkdir(parents=True, exist_ok=True)
                self._files.get_file(path, str(file))

    @contextmanager
    def folders(self, count: int) -> Iterator[list[Path]]:
        """Those of all shards, which are whole; brought here for the time, where they lie elsewhere."""
        numbers = range(1, count + 1)
        if self._is_local:
            yield [Path(self._path(self._place(number, WHOLE))) for number in numbers]
            return
        with TemporaryDirectory(prefix="safebench-") as top:
            for number in numbers:
                self.get(number, WHOLE, Path(top) / str(number))
            yield [Path(top) / str(number) for number in numbers]

    def read(self) -> str:
        """What the shards are of, as it was written; empty where nothing is here."""
        return self._text(FILE)

    def write(self, text: str) -> None:
        self._files.pipe_file(self._path(FILE), text.encode())

    def _place(self, number: int, state: str) -> str:
        """Empty where there is none, or where a machine died before it had named it."""
        return self._text(f"{number:06d}.{state}")

    def _text(self, file: str) -> str:
        try:
            content: bytes = self._files.cat_file(self._path(file))
        except FileNotFoundError:
            return ""
        return content.decode()

    def _path(self, *parts: str) -> str:
        return "/".join((self._top.rstrip("/"), *parts))
