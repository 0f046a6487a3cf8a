"""Batch files: a request a line, and a reply a line in the files that come back from a service.

Both are in the form of OpenAI's batches, or of Anthropic's, as the service has it. What a service or `vllm run-batch`
wrote is read line by line, and only where each reply stands is kept in memory. A row holds what an HTTP response would
have been, or says why there is none: it expired, or was cancelled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

from pydantic_core import to_json

from safebench.errors import BadInput
from safebench.models.endpoints import error_text
from safebench.models.families import BatchForm
from safebench.models.waits import passes
from safebench.serialisation import read_json, storable
from safebench.targets.message_batches import as_row, params_of
from safebench.targets.openai import OpenAITarget
from safebench.targets.transport import HTTPReply
from safebench.types import Request

MOST_REQUESTS = 50_000  # in one file that OpenAI takes; Anthropic takes 100,000
MOST_BYTES = 200_000_000  # of such a file; Anthropic takes 256 MB, Gemini 2 GB
LONGEST_ROW = 100_000_000  # bytes; a longer reply is not read
VERSION = "/v1"  # stands before every path in a row, wherever the endpoint is
_NO_NAME = re.compile(r"[^A-Za-z0-9.]+")


# --- requests


@dataclass(slots=True)
class RequestFile:
    """What is asked of one model. `path`: of the endpoint."""

    file: Path
    form: BatchForm
    base_url: str
    key_name: str  # of the variable that holds the key
    path: str
    model: str
    requests: int = 0
    size: int = 0  # bytes

    def has_room(self, size: int) -> bool:
        return self.requests < MOST_REQUESTS and self.size + size <= MOST_BYTES


class RequestFiles:
    """`with RequestFiles(folder) as files:` files for each service, path and model; a full one is followed by another.

    `files.add(…)` writes a request under the key of its call.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[tuple[str, ...], tuple[RequestFile, IO[bytes]]] = {}
        self.files: list[RequestFile] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for written in self._written.values():
            written[1].close()

    def add(self, key: str, target: OpenAITarget, request: Request) -> None:
        """Raises BadInput for what the service of its endpoint has no form for."""
        path, body = target.posted(request)
        url = VERSION + path
        row = to_json({"custom_id": key, **_asked(target.batches, url, body)}) + b"\n"
        about, file = self._file(len(row), target, url, str(body["model"]))
        file.write(row)
        about.requests += 1
        about.size += len(row)

    def _file(self, size: int, target: OpenAITarget, url: str, model: str) -> tuple[RequestFile, IO[bytes]]:
        """That of an endpoint, a path and a model; one that is full is closed."""
        of = (target.batches, target.base_url, target.key_name, url, model)
        written = self._written.get(of)
        if written and written[0].has_room(size):
            return written
        if written:
            written[1].close()
        name = f"{len(self.files) + 1:04}-{_NO_NAME.sub('-', model).strip('-.')[:80]}.jsonl"
        about = RequestFile(self._folder / name, *of)
        self.files.append(about)
        self._written[of] = about, about.file.open("wb")
        return self._written[of]


def _asked(form: BatchForm, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """What a row says beside its key."""
    return {"params": params_of(url, body)} if form == "anthropic" else {"method": "POST", "url": url, "body": body}


# --- replies


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back for one call: a reply, or why there is none."""

    reply: HTTPReply | None
    reason: str = ""

    @property
    def decides(self) -> bool:
        """Whether asking again would bring no other reply: no error that passes."""
        return self.reply is not None and not passes(self.reply.status)


class _Place(NamedTuple):
    """Where a reply stands. `digest`: of what it says."""

    file: Path
    line: int
    offset: int
    digest: bytes
    decides: bool

    def __str__(self) -> str:
        return f"{self.file.name}, line {self.line}"


class ReplyFiles:
    """The replies in some files, found by the keys of calls; the requests among the rows are known as such.

    `problems` has a line for each row that is none, and for each call with two replies that differ: nobody could say
    which one the model gave, so that neither is taken. A reply outdoes an error that passes.
    """

    def __init__(self, files: Iterable[Path] = ()) -> None:
        self._places: dict[str, _Place] = {}
        self.problems: list[str] = []
        self.requests: set[str] = set()  # their keys
        self.repeated = 0  # rows that say what another one says
        self.differing: dict[str, str] = {}  # key -> a line about it
        for file in files:
            self._read(file)
        for key, line in self.differing.items():
            del self._places[key]
            self.problems.append(line)

    @classmethod
    def inside(cls, place: Path) -> ReplyFiles:
        """Of all files in a folder, or of one file. Raises BadInput where there is none."""
        files = [place] if place.is_file() else sorted(place.rglob("*.jsonl"))
        if not files:
            raise BadInput(f"{place} holds no files of replies (*.jsonl)")
        return cls(files)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def where(self, key: str) -> str:
        return str(self._places[key])

    def returned(self, key: str) -> Returned | None:
        """None where no row is about that call. Raises BadInput where the row is not the one that was there."""
        if (place := self._places.get(key)) is None:
            return None
        with place.file.open("rb") as file:
            file.seek(place.offset)
            text = file.readline(LONGEST_ROW)
        with suppress(ValueError):
            row = _row(text)
            if row["custom_id"] == key and _digest(returned := _returned(row)) == place.digest:
                return returned
        raise BadInput(f"{place.file} changed while it was read: import it again")

    def _read(self, file: Path) -> None:
        for line, offset, text in _lines(file):
            try:
                row = _row(text)
            except ValueError as error:
                self.problems.append(f"{file.name}, line {line} is left out: {error}")
                continue
            if "params" in row or ("method" in row and "body" in row):
                self.requests.add(row["custom_id"])
            else:
                returned = _returned(row)
                self._add(row["custom_id"], _Place(file, line, offset, _digest(returned), returned.decides))

    def _add(self, key: str, place: _Place) -> None:
        known = self._places.setdefault(key, place)
        if known is place:
            return
        if known.decides and place.decides and known.digest != place.digest:
            self.differing[key] = f"{key} has two replies that differ ({known}; {place}): neither is taken, remove one"
        elif place.decides and not known.decides:
            self._places[key] = place
        else:
            self.repeated += 1


def are_to(requests: Path, replies: Iterable[Path]) -> bool:
    """Whether one of the replies is to one of the requests, or there are none at all."""
    returned = ReplyFiles(replies)
    keys = {*returned, *returned.differing}
    return not keys or not keys.isdisjoint(ReplyFiles([requests]).requests)


def _lines(file: Path) -> Iterator[tuple[int, int, bytes]]:
    """Number, offset and text of every line that is not empty; one that is too long is cut there."""
    with file.open("rb") as opened:
        for number in count(1):
            offset = opened.tell()
            if not (text := opened.readline(LONGEST_ROW)):
                return
            rest = text
            while rest and not rest.endswith(b"\n"):
                rest = opened.readline(LONGEST_ROW)
            if text.strip():
                yield number, offset, text


def _row(text: bytes) -> dict[str, Any]:
    """Raises ValueError for what is none."""
    if len(text) >= LONGEST_ROW:
        raise ValueError(f"it is longer than {LONGEST_ROW:,} bytes")
    row = read_json(text)
    if not isinstance(row, dict) or not isinstance(row.get("custom_id"), str):
        raise ValueError("no row of a batch: it has no custom_id")
    return row


def _returned(row: Mapping[str, Any]) -> Returned:
    """What a row says. `vllm run-batch` has had two forms: with a status, and with the answer alone."""
    if isinstance(result := row.get("result"), Mapping):
        return _returned(as_row(result))
    response, error = row.get("response"), row.get("error")
    if not isinstance(response, dict) or not response:
        return Returned(None, _reason(error) or "no response")
    is_whole = "status_code" in response or "body" in response
    status, body = (response.get("status_code", 200), response.get("body")) if is_whole else (200, response)
    if not isinstance(status, int) or not 200 <= status < 600:
        return Returned(None, "no status")
    if status < 300 and (error or body is None):
        return Returned(None, _reason(error) or "no answer")
    body = error if body is None else body
    written = b"" if body is None else json.dumps(body).encode()
    return Returned(HTTPReply(status, {"content-type": "application/json"}, written))


def _reason(error: object) -> str:
    if not error:
        return ""
    code = error.get("code") if isinstance(error, dict) else None
    message = error_text(json.dumps(error).encode())
    return f"{storable(str(code))[:100]}: {message}" if code else message


def _digest(returned: Returned) -> bytes:
    reply = returned.reply
    return sha256(b"%d %s" % (reply.status, reply.body)).digest()[:8] if reply else b""
