"""What a run has with batch services: it stands in `batches.toml` in its folder, and the files in `requests/`.

Written after every step, so that a stop at any instant loses nothing, and what was paid for is found again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from safebench import registry
from safebench.errors import BadInput
from safebench.files import lock, read_toml, write_toml
from safebench.models.endpoints import endpoint_url
from safebench.models.families import BatchForm
from safebench.plugins import PluginOptions
from safebench.stopping import command_line

STATE, FOLDER = "batches.toml", "requests"  # in the folder of a run
OVER = ("completed", "failed", "expired", "cancelled")  # states of a batch to which nothing more comes


class SentBatch(PluginOptions):
    """A file of requests, and the batch that a service made of it; each id is empty until it is known."""

    file: str = Field(pattern=rf"^{FOLDER}/[0-9]+/[A-Za-z0-9.-]+\.jsonl$")  # in the folder of the run, and in no other
    form: BatchForm = "openai"  # of the service
    base_url: Annotated[str, Field(pattern="^https?://"), AfterValidator(endpoint_url)]
    key_name: str  # of the variable that holds the key
    path: str  # of the endpoint
    model: str
    requests: int
    input_file: str = ""  # with the service; where it takes none, the mark by which our batch is found
    batch: str = ""
    status: str = "not sent"
    completed: int = 0
    failed: int = 0
    reason: str = ""  # why the service would not have it
    fetched: bool = False

    @property
    def is_over(self) -> bool:
        return self.status in OVER


class _Written(PluginOptions):
    batches: tuple[SentBatch, ...] = ()


class Batches:
    """All that a run has with services; what is kept is written at once."""

    def __init__(self, run: Path) -> None:
        """Raises BadInput for a file that nobody would have written."""
        self.run = run
        file = run / STATE
        written = registry.validated(_Written, str(file), read_toml(file) if file.exists() else {})
        self._all = [*written.batches]

    def __iter__(self) -> Iterator[SentBatch]:
        return iter(self._all)

    def keep(self, *batches: SentBatch) -> None:
        """New ones, and what is known of those that are there, by their files."""
        known = {one.file: one for one in (*self._all, *batches)}
        self._all = [*known.values()]
        write_toml(self.run / STATE, {"batches": [one.model_dump() for one in self._all]})

    def away(self) -> list[SentBatch]:
        """Those that are with a service, or about to be."""
        return [one for one in self if not one.fetched]

    def asked(self, one: SentBatch) -> Path:
        """Its file. Raises BadInput where that is gone."""
        file = self.run / one.file
        if not file.is_file():
            mend = f"put it back from a copy, or remove it from {self.run / STATE} to ask again what it held"
            raise BadInput(f"{file}, which says what a batch service was asked, is gone: {mend}")
        return file


def check_home(*runs: Path) -> None:
    """Raises BadInput where calls are with a service: who asks for them elsewhere pays for them twice."""
    counts = {run: sum(one.requests for one in Batches(run).away()) for run in runs}
    lines = [
        f"{count} calls of {run} are with a batch service, and would be asked a second time:"
        f" {command_line('requests', 'fetch', run)} (or give them up: remove {run / STATE})"
        for run, count in counts.items()
        if count
    ]
    if lines:
        raise BadInput(*lines)


@contextmanager
def in_hand(run: Path) -> Iterator[Batches]:
    """What stands in `batches.toml` is read, changed and written by one command at a time. Raises BadInput."""
    run.mkdir(parents=True, exist_ok=True)
    folder = lock(run, os.O_RDONLY, f"another command has the batches of {run} in hand: wait for it")
    try:
        yield Batches(run)
    finally:
        os.close(folder)
        with suppress(OSError):  # it holds something
            run.rmdir()
