"""Files of requests handed to a batch service, and its replies fetched, by the files and batches of OpenAI's client.

What a run has with services stands in its folder: `batches.toml`, written after every step, so that a stop at any
instant loses nothing, and what was paid for is found again; the files themselves are in `requests/`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import openai
from pydantic import AfterValidator, Field

from safebench import registry
from safebench.errors import BadInput
from safebench.files import lock, read_toml, whole_file, write_toml
from safebench.models.connections import cause, proxy_of
from safebench.models.endpoints import (
    endpoint_key,
    endpoint_url,
    error_text,
    key_headers,
    split_version,
    without_key,
)
from safebench.plugins import PluginOptions
from safebench.progress import Progress
from safebench.runs.config import RunConfig
from safebench.runs.requests import ImportedReplies, export_requests, import_replies
from safebench.serialisation import storable
from safebench.targets.batch_files import ReplyFiles

STATE, FOLDER = "batches.toml", "requests"  # in the folder of a run
OVER = ("completed", "failed", "expired", "cancelled")  # states of a batch to which nothing more comes
LOOKED_AT = 200  # of the latest batches, where one may have been made without our knowing its id
TIMEOUT = 600.0  # s, for one file or question
_HTTP = sys.modules[openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0]]  # not the same in all versions


class SentBatch(PluginOptions):
    """A file of requests, and the batch that a service made of it; each id is empty until it is known."""

    file: str = Field(pattern=rf"^{FOLDER}/[0-9]+/[A-Za-z0-9.-]+\.jsonl$")  # in the folder of the run, and in no other
    base_url: Annotated[str, Field(pattern="^https?://"), AfterValidator(endpoint_url)]
    key_name: str  # of the variable that holds the key
    path: str  # of the endpoint
    model: str
    requests: int
    input_file: str = ""
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
    """All that a run has with services: `batches[n] = …` is written at once."""

    def __init__(self, run: Path) -> None:
        """Raises BadInput for a file that nobody would have written."""
        self.run = run
        file = run / STATE
        written = registry.validated(_Written, str(file), read_toml(file) if file.exists() else {})
        self._all = [*written.batches]
        self._services: dict[tuple[str, str], _Service] = {}

    def __iter__(self) -> Iterator[SentBatch]:
        return iter(self._all)

    def keep(self, *batches: SentBatch) -> None:
        """New ones, and what is known of those that are there, by their files."""
        known = {one.file: one for one in (*self._all, *batches)}
        self._all = [*known.values()]
        write_toml(self.run / STATE, {"batches": [one.model_dump() for one in self._all]})

    def service(self, batch: SentBatch) -> _Service:
        of = batch.base_url, batch.key_name
        return self._services.setdefault(of, _Service(*of))

    def away(self) -> set[str]:
        """Keys of the calls that are with services, or about to be."""
        return ReplyFiles(self.run / one.file for one in self if not one.fetched).requests


def submit(
    config: RunConfig, progress: Progress | None = None, *, window: str = "24h", retry_failed: bool = False,
    command: str = "",
) -> tuple[str, Batches]:  # fmt: skip
    """Hand what is still to be asked, and is with no service yet, to the services of its endpoints.

    With it comes why that is not all; else an empty text. Raises BadInput where a service does not take it; the same
    call goes on.
    """
    with _in_hand(Path(config.out)) as batches:
        folder, away = _next(batches.run / FOLDER), batches.away()
        exported = export_requests(config, folder, progress, away=away, retry_failed=retry_failed, command=command)
        batches.keep(
            *(
                SentBatch(
                    file=str(one.file.relative_to(batches.run)), base_url=one.base_url, key_name=one.key_name,
                    path=one.path, model=one.model, requests=one.requests,
                )
                for one in exported.files
            )
        )  # fmt: skip
        for one in [batch for batch in batches if not batch.batch]:
            _send(one, batches, window)
        return exported.stopped, batches


@contextmanager
def _in_hand(run: Path) -> Iterator[Batches]:
    """What stands in `batches.toml` is read, changed and written by one command at a time. Raises BadInput."""
    run.mkdir(parents=True, exist_ok=True)
    folder = lock(run, os.O_RDONLY, f"another command has the batches of {run} in hand: wait for it")
    try:
        yield Batches(run)
    finally:
        os.close(folder)
        with suppress(OSError):  # it holds something
            run.rmdir()


def _next(folder: Path) -> Path:
    numbers = [int(path.name) for path in folder.glob("[0-9]*") if path.name.isdigit()]
    return folder / f"{max(numbers, default=0) + 1:04}"


def _send(one: SentBatch, batches: Batches, window: str) -> None:
    service = batches.service(one)
    if one.input_file:  # a stop may have come between the making of its batch and our writing it down
        made = service.batch_of(one.input_file)
    else:
        made = None
        one = one.model_copy(update={"input_file": service.upload(batches.run / one.file)})
        batches.keep(one)
    made = made or service.create(one, window)
    batches.keep(one.model_copy(update=_state(made, one.key_name)))


def status(run: Path) -> Batches:
    """What has become of the batches of a run. Raises BadInput."""
    with _in_hand(run) as batches:
        _look_at(batches)
        return batches


def _look_at(batches: Batches) -> None:
    for one in [batch for batch in batches if batch.batch and not batch.is_over]:
        batches.keep(one.model_copy(update=_state(batches.service(one).retrieve(one.batch), one.key_name)))


def fetch(
    config: RunConfig, progress: Progress | None = None, *, command: str = ""
) -> tuple[ImportedReplies | None, Batches]:  # fmt: skip
    """Take what has come back of batches that are over; None where nothing has.

    What has no answer is open again. Raises BadInput; the same call goes on.
    """
    with _in_hand(Path(config.out)) as batches:
        _look_at(batches)
        over = [one for one in batches if one.is_over and not one.fetched]
        if not over:
            return None, batches
        files = [file for one in over for file in _download(one, batches)]
        imported = import_replies(config, ReplyFiles(files), progress, command=command)
        if not imported.stopped:  # what was not reached is read again
            batches.keep(*(one.model_copy(update={"fetched": True}) for one in over))
        return imported, batches


def _download(one: SentBatch, batches: Batches) -> Iterator[Path]:
    """The requests, and what came back for them."""
    service, asked = batches.service(one), batches.run / one.file
    made = service.retrieve(one.batch)
    yield asked
    for kind, id in (("output", made.output_file_id), ("errors", made.error_file_id)):
        if id:
            yield service.download(id, asked.with_suffix(f".{kind}.jsonl"))


def _state(made: Any, key_name: str) -> dict[str, Any]:
    """Of a batch, in our words, without the key."""
    counts = made.request_counts
    errors = made.errors.data or [] if made.errors else []
    reasons = dict.fromkeys(f"{error.code}: {error.message}" for error in errors)
    return {
        "batch": made.id,
        "status": storable(str(made.status)),
        "completed": counts.completed if counts else 0,
        "failed": counts.failed if counts else 0,
        "reason": without_key(storable("; ".join(islice(reasons, 3))), key_name)[:500],
    }


class _Service:
    """The files and batches of one endpoint. Every error is one line without the key."""

    def __init__(self, base_url: str, key_name: str) -> None:
        self._url, self._key_name = base_url, key_name

    @cached_property
    def _client(self) -> openai.OpenAI:
        """Raises BadInput where there is no key."""
        proxy_of(self._url)
        key = endpoint_key(self._url, None, "batches", self._key_name)
        base_url, version = split_version(self._url)
        return openai.OpenAI(
            http_client=openai.DefaultHttpxClient(follow_redirects=False, timeout=TIMEOUT),
            api_key=key,
            base_url=base_url,
            default_query=version,
            default_headers=key_headers(self._url, key),
            timeout=TIMEOUT,
        )

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Raises BadInput for what the service or the way to it does."""
        try:
            yield
        except openai.APIStatusError as error:
            why = f"answered {error.status_code}: {error_text(error.response.content)}"
        except (openai.APIError, _HTTP.HTTPError) as error:
            why = f"could not be asked: {cause(error)}"
        else:
            return
        raise BadInput(without_key(f"{what}: {self._url} {why}; the same command goes on", self._key_name))

    def upload(self, file: Path) -> str:
        with self._told(str(file)), file.open("rb") as opened:
            return self._client.files.create(file=(file.name, opened), purpose="batch").id

    def create(self, one: SentBatch, window: str) -> Any:
        """Asked once: one whose answer was lost may be there, and the next call looks for it."""
        endpoint: Any = one.path
        with self._told(one.file):
            made: Any = self._client.with_options(max_retries=0).batches.create(
                input_file_id=one.input_file,
                endpoint=endpoint,
                completion_window=window,  # type: ignore[arg-type]
            )
            return made

    def batch_of(self, input_file: str) -> Any:
        """The batch that was made of a file; None where there is none."""
        with self._told("batches"):
            latest = islice(self._client.batches.list(limit=100), LOOKED_AT)
            return next((batch for batch in latest if batch.input_file_id == input_file), None)

    def retrieve(self, batch: str) -> Any:
        with self._told(batch):
            return self._client.batches.retrieve(batch)

    def download(self, id: str, file: Path) -> Path:
        """Piece by piece."""
        with (
            self._told(id),
            self._client.files.with_streaming_response.content(id) as content,
            whole_file(file) as part,
        ):
            content.stream_to_file(part)
        return file
