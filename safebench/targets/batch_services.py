"""Batch services over HTTP: files of requests are handed to them, and what came back is fetched, piece by piece.

What a family's service is says `batches` in `data/families.toml`: OpenAI's files and batches; the same with Google's
own files, which Gemini has in their place; or Anthropic's Message Batches, which are handed the requests themselves.
"""

from __future__ import annotations

import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

import openai
from pydantic import BaseModel

from safebench.errors import BadInput
from safebench.files import whole_file
from safebench.models.connections import cause, proxy_of
from safebench.models.endpoints import (
    Mask,
    address,
    endpoint_key,
    error_text,
    key_headers,
    split_version,
    without_key,
)
from safebench.serialisation import read_json, storable

TIMEOUT = 600.0  # s, for one file or question
PAGE = 100  # batches that are listed at once
NOTHING_BEFORE = "none"  # in place of the latest batch, where there is none
_HTTP = sys.modules[openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0]]  # not the same in all versions


@dataclass(frozen=True, slots=True)
class BatchState:
    """What a service says of a batch. `reason`: why it would not have it. `replies`: ids of what came back, by kind."""

    id: str
    status: str
    completed: int = 0
    failed: int = 0
    reason: str = ""
    replies: Mapping[str, str] = field(default_factory=dict)

    @property
    def lacks_output(self) -> bool:
        """Whether there are answers, and it does not say where: archived ones, or a service that is late."""
        is_untold = self.status == "completed" and not (self.failed or self.replies)
        return "output" not in self.replies and (self.completed > 0 or is_untold)


class RefusedBatch(BadInput):
    """The service would not take it: nothing was made."""


def service_of(form: str, base_url: str, key_name: str) -> BatchService:
    """Raises BadInput where no variable holds a key, as for a client of the user's own."""
    if not key_name.isidentifier():
        mend = "`requests export` writes the files, and `requests import` takes what comes back"
        raise BadInput(f"{key_name} logs in by itself, and its batch service cannot be asked: {mend}")
    return _SERVICES[form](base_url, key_name)


class BatchService(ABC):
    """That of one endpoint. Every error is one line without the key."""

    keeps_files: ClassVar[bool] = True  # and so has a name of ours for each batch

    def __init__(self, base_url: str, key_name: str) -> None:
        self._url, self._key_name = base_url, key_name

    @abstractmethod
    def upload(self, file: Path) -> str:
        """Its id there; where no files are taken, the latest batch, after which ours will come."""

    @abstractmethod
    def create(self, file: Path, uploaded: str, path: str, window: str) -> BatchState:
        """Asked once: one whose answer was lost may be there, and `made_of` looks for it. Raises RefusedBatch."""

    @abstractmethod
    def made_of(self, uploaded: str, requests: int) -> BatchState | None:
        """The batch that was made of a file, with so many requests; None where there is none."""

    @abstractmethod
    def retrieve(self, batch: str) -> BatchState: ...

    @abstractmethod
    def download(self, id: str, file: Path) -> Path:
        """What came back, without the key, wherever that stood in it."""

    # --- what they have in common

    @cached_property
    def _key(self) -> str:
        """Raises BadInput where there is none."""
        return endpoint_key(self._url, None, "batches", self._key_name)

    @cached_property
    def _http(self) -> Any:
        proxy_of(self._url)
        return openai.DefaultHttpxClient(follow_redirects=False, timeout=TIMEOUT)

    @contextmanager
    def _told(self, what: object) -> Iterator[None]:
        """Raises BadInput for what the service or the way to it does."""
        kind = BadInput
        try:
            yield
        except (openai.APIStatusError, _HTTP.HTTPStatusError) as error:
            kind = RefusedBatch if _is_refusal(error.response.status_code) else BadInput
            why = f"answered {error.response.status_code}: {error_text(error.response.content)}"
        except (openai.APIError, _HTTP.HTTPError) as error:
            why = f"could not be asked: {cause(error)}"
        except ValueError as error:
            why = f"sent what cannot be read: {cause(error)}"
        else:
            return
        raise kind(without_key(f"{what}: {self._url} {why}; the same command goes on", self._key_name))

    def _sent(self, method: str, url: str, headers: Mapping[str, str], **more: Any) -> Any:
        return _good(self._http.request(method, url, headers=headers, **more))

    def _streamed(self, url: str, headers: Mapping[str, str], file: Path) -> Path:
        with self._http.stream("GET", url, headers=headers) as reply:
            return self._written(_good(reply).iter_bytes(), file)

    def _written(self, pieces: Iterable[bytes], file: Path) -> Path:
        with whole_file(file) as part, part.open("wb") as opened:
            opened.writelines(Mask(self._key).pieces(pieces))
        return file

    def _here(self, url: str) -> str:
        """Raises ValueError for another host than the one that the user named."""
        if urlsplit(url)[:2] != urlsplit(self._url)[:2]:
            raise ValueError(f"it names {storable(url)[:100] or 'no address'}, which is elsewhere")
        return url

    def _without_key(self, text: object) -> str:
        return without_key(storable(str(text)), self._key_name)


def _is_refusal(status: int) -> bool:
    """Whether it did nothing: 408 and 5xx may come from a proxy that waited no longer."""
    return 400 <= status < 500 and status != 408


def _good(reply: Any) -> Any:
    """Raises what is told of any other."""
    if not reply.is_success:
        reply.read()
        raise _HTTP.HTTPStatusError("", request=reply.request, response=reply)
    return reply


# --- OpenAI's


class _Counts(BaseModel):
    completed: int = 0
    failed: int = 0


class _Error(BaseModel):
    code: Any = None
    message: Any = None


class _Errors(BaseModel):
    data: list[_Error] | None = None


class _OpenAIBatch(BaseModel):
    id: str
    status: str
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    request_counts: _Counts | None = None
    errors: _Errors | None = None


class OpenAIBatches(BatchService):
    """Files and batches."""

    @cached_property
    def _client(self) -> openai.OpenAI:
        base_url, version = split_version(self._url)
        return openai.OpenAI(
            http_client=self._http,
            api_key=self._key,
            base_url=base_url,
            default_query=version,
            default_headers=key_headers(self._url, self._key),
            timeout=TIMEOUT,
        )

    def upload(self, file: Path) -> str:
        with self._told(file), file.open("rb") as opened:
            return self._client.files.create(file=(file.name, opened), purpose="batch").id

    def create(self, file: Path, uploaded: str, path: str, window: str) -> BatchState:
        endpoint: Any = path
        with self._told(file):
            once = self._client.with_options(max_retries=0).batches
            made = once.create(input_file_id=uploaded, endpoint=endpoint, completion_window=window)  # type: ignore[arg-type]
            return self._state(made)

    def made_of(self, uploaded: str, requests: int) -> BatchState | None:
        with self._told("batches"):
            ours = (batch for batch in self._client.batches.list(limit=PAGE) if batch.input_file_id == uploaded)
            made = next(ours, None)
            return self._state(made) if made else None

    def retrieve(self, batch: str) -> BatchState:
        with self._told(batch):
            return self._state(self._client.batches.retrieve(batch))

    def _state(self, made: object) -> BatchState:
        """Raises ValueError for what is no batch."""
        one = _OpenAIBatch.model_validate(made, from_attributes=True)
        counts = one.request_counts or _Counts()
        errors = (one.errors and one.errors.data) or []
        reasons = dict.fromkeys(f"{error.code}: {error.message}" for error in errors)
        replies = {"output": one.output_file_id, "errors": one.error_file_id}
        return BatchState(
            one.id,
            storable(one.status),
            counts.completed,
            counts.failed,
            self._without_key("; ".join(islice(reasons, 3)))[:500],
            {kind: id for kind, id in replies.items() if id},
        )

    def download(self, id: str, file: Path) -> Path:
        with self._told(id), self._client.files.with_streaming_response.content(id) as content:
            return self._written(content.iter_bytes(), file)


# --- Gemini's


class _GoogleFile(BaseModel):
    name: str


class _Uploaded(BaseModel):
    file: _GoogleFile


class GeminiBatches(OpenAIBatches):
    """OpenAI's batches of files that are uploaded and downloaded in Google's own way."""

    def upload(self, file: Path) -> str:
        size = str(file.stat().st_size)
        begin = {
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Length": size,
            "X-Goog-Upload-Header-Content-Type": "application/jsonl",
        }
        whole = {"X-Goog-Upload-Offset": "0", "X-Goog-Upload-Command": "upload, finalize", "Content-Length": size}
        named = {"file": {"display_name": file.name}}
        with self._told(file), file.open("rb") as opened:
            begun = self._sent("POST", self._own("upload", "/files"), self._headers | begin, json=named)
            place = self._here(begun.headers.get("x-goog-upload-url", ""))
            reply = self._sent("POST", place, self._headers | whole, content=opened)
            return _Uploaded.model_validate(read_json(reply.content)).file.name

    def download(self, id: str, file: Path) -> Path:
        if not re.fullmatch(r"files/[A-Za-z0-9_-]+", id):
            raise BadInput(f"{self._url}: {self._without_key(id):.100} is the name of no file")
        with self._told(id):
            return self._streamed(self._own("download", f"/{id}:download?alt=media"), self._headers, file)

    @property
    def _headers(self) -> dict[str, str]:
        return {"x-goog-api-key": self._key}

    def _own(self, what: str, path: str) -> str:
        """Beside the compatible endpoint, `what` stands before the version: /upload/v1beta/files."""
        parts = urlsplit(self._url)
        return f"{parts.scheme}://{parts.netloc}/{what}{parts.path.removesuffix('/openai')}{path}"


# --- Anthropic's


class _MessageCounts(BaseModel):
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0


class _MessageBatch(BaseModel):
    id: str
    processing_status: str
    request_counts: _MessageCounts = _MessageCounts()
    results_url: str | None = None

    @property
    def requests(self) -> int:
        return sum(self.request_counts.model_dump().values())


class _Listed(BaseModel):
    data: list[_MessageBatch]
    has_more: bool = False


class AnthropicBatches(BatchService):
    """Message Batches. They have no name of ours: a lost one is told by coming after the latest one, and its size."""

    keeps_files = False

    def upload(self, file: Path) -> str:
        latest = self._list("?limit=1").data
        return latest[0].id if latest else NOTHING_BEFORE

    def create(self, file: Path, uploaded: str, path: str, window: str) -> BatchState:
        size = {"Content-Length": str(sum(map(len, _as_list(file))))}
        with self._told(file):
            return _message_state(_made(self._sent("POST", self._at(), self._headers | size, content=_as_list(file))))

    def made_of(self, uploaded: str, requests: int) -> BatchState | None:
        for one in self._latest():
            if one.id == uploaded:
                return None
            if one.requests == requests:
                return _message_state(one)
        return None

    def _latest(self) -> Iterator[_MessageBatch]:
        """The latest one first."""
        after = ""
        while True:
            page = self._list(f"?limit={PAGE}{after}")
            yield from page.data
            if not page.has_more or not page.data:
                return
            after = f"&after_id={quote(page.data[-1].id, safe='')}"

    def _list(self, query: str) -> _Listed:
        with self._told("batches"):
            return _Listed.model_validate(read_json(self._sent("GET", self._at(query), self._headers).content))

    def retrieve(self, batch: str) -> BatchState:
        with self._told(batch):
            return _message_state(_made(self._sent("GET", self._at(f"/{quote(batch, safe='')}"), self._headers)))

    def download(self, id: str, file: Path) -> Path:
        with self._told(id):
            return self._streamed(self._here(id), self._headers, file)

    @property
    def _headers(self) -> dict[str, str]:
        return {"x-api-key": self._key, "anthropic-version": "2023-06-01", "content-type": "application/json"}

    def _at(self, path: str = "") -> str:
        return address(self._url, f"/messages/batches{path}")


def _made(reply: Any) -> _MessageBatch:
    """Raises ValueError for what is no batch."""
    return _MessageBatch.model_validate(read_json(reply.content))


def _message_state(one: _MessageBatch) -> BatchState:
    counts = one.request_counts
    status = "completed" if one.processing_status == "ended" else storable(one.processing_status)
    replies = {"output": one.results_url} if one.results_url else {}
    return BatchState(one.id, status, counts.succeeded, counts.errored + counts.canceled + counts.expired, "", replies)


def _as_list(file: Path) -> Iterator[bytes]:
    """The rows of a file as the body of one request."""
    with file.open("rb") as rows:
        for number, row in enumerate(rows):
            yield (b"," if number else b'{"requests":[') + row.rstrip(b"\n")
    yield b"]}"


_SERVICES: Mapping[str, type[BatchService]] = {
    "openai": OpenAIBatches,
    "gemini": GeminiBatches,
    "anthropic": AnthropicBatches,
}
