"""A client of the user's own, made and set up with the `openai` package: `openai-sdk:MODEL`, and where the client is.

Its address, key, headers, login and connections are the client's; attempts, and what their replies mean, are ours.
What it logs in with, and may have got only for this call, is read from what it sent, and never told.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import openai
from pydantic import Field

from safebench.errors import BadInput, raise_of_the_system
from safebench.models.bodies import LARGEST_MB, Body
from safebench.models.connections import cause
from safebench.models.endpoints import VERSIONS, Mask, without_keys
from safebench.plugins import PluginOptions
from safebench.serialisation import read_json
from safebench.targets.openai import OpenAITarget
from safebench.targets.transport import Calling, HTTPReply
from safebench.targets.users_code import UsersCode, one_line

NEEDED = {  # by path: who posts there, and the arguments that it wants by name
    "/chat/completions": ("chat.completions", ("model", "messages")),
    "/completions": ("completions", ("model", "prompt")),
    "/moderations": ("moderations", ("model", "input")),
}
LATEST = 100  # values of keys that are remembered: logins bring others every hour, signatures with every call
_SECRET = re.compile("auth|key|token|secret|cookie|credential|password|signature", re.IGNORECASE)  # names of headers


class OpenAISdkTarget(OpenAITarget):
    name = "openai-sdk"
    version = "1"
    summary = "your own AsyncOpenAI client (Azure, own login, own transport): openai-sdk:MODEL, option client"

    class Options(PluginOptions):
        client: str  # MODULE:CLIENT, an AsyncOpenAI, or a function that makes one
        family: str | Mapping[str, Any] | None = None  # of the endpoint, by name or told in a table; else by its host
        timeout: float = Field(120.0, gt=0)  # s, for one attempt
        retries: int = Field(5, ge=0)  # further attempts after the first
        parameters: Mapping[str, Any] = {}  # sent with every request: temperature, max_tokens, modalities, …
        largest_answer_mb: float = Field(LARGEST_MB, gt=0)  # of one answer; a larger one is not taken
        max_audio_seconds: float | None = Field(None, gt=0)  # of one clip; a longer one is not sent. Else the family's

    @property
    def _code(self) -> UsersCode:
        return UsersCode(self.options.client, f"client {self.options.client!r} of {self._component}", "MODULE:CLIENT")

    @cached_property
    def _client(self) -> openai.AsyncOpenAI:
        """Raises BadInput for what is none, and where none can be made."""
        client = self._code.named
        if not isinstance(client, openai.AsyncOpenAI) and callable(client):
            try:
                client = client()
            except Exception as error:
                raise BadInput(f"client {self.options.client!r} cannot be made: {one_line(error)}") from error
        if not isinstance(client, openai.AsyncOpenAI):
            kind = type(client).__name__
            raise BadInput(
                f"client {self.options.client!r} is {kind}, neither an AsyncOpenAI nor a function that gives one"
            )
        return client

    @property
    def _named_url(self) -> str:
        return without_keys(str(self._client.base_url))

    @property
    def key_name(self) -> str:
        return f"client {self.options.client}"

    @property
    def _mask(self) -> Mask:
        return self._keys.mask

    @cached_property
    def _keys(self) -> _Keys:
        return _Keys(self._client)

    def describe(self) -> Mapping[str, Any]:
        """With the SHA-256 of the module: one that was edited is asked anew."""
        return {**super().describe(), "client": self.options.client, "source": self._code.sha256}

    def _made(self) -> Calling:
        return _Sdk(self._client, self._keys, self.options.timeout, self.options.largest_answer_mb)


class _Keys:
    """What a client is known to log in with: `mask` is of all that."""

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._own = [client.api_key, *_secrets(client.default_headers)]
        self._sent: deque[str] = deque(maxlen=LATEST)
        self.mask = Mask(*self._own)

    def sent_with(self, request: Any) -> None:
        """Of the `httpx` package: with it went what the client was given, or has got for this call."""
        query = (value for name, value in request.url.params.multi_items() if name not in VERSIONS)
        self._add([*_secrets(request.headers), *query, request.url.password])

    def _add(self, values: Iterable[str]) -> None:
        if new := {*values} - {*self._own, *self._sent}:
            self._sent.extend(new)
            self.mask = Mask(*self._own, *self._sent)


def _secrets(headers: Mapping[str, Any]) -> Iterator[str]:
    """Whole, and word by word: a scheme may stand before them, and a line break inside."""
    for name, value in headers.items():
        if _SECRET.search(name) and isinstance(value, str):
            yield from (value, *value.split())


class _Sdk(Calling):
    """The client does one attempt, and gives its reply as it came. It is the user's, and stays open."""

    def __init__(self, client: openai.AsyncOpenAI, keys: _Keys, timeout: float, largest_mb: float) -> None:
        self._client = client.with_options(max_retries=0, timeout=timeout)
        self._seconds = timeout
        self._largest_mb = largest_mb
        self._keys = keys

    async def get(self, path: str, seconds: float) -> HTTPReply:
        return await self._call(self._client.models.with_raw_response.list, seconds)

    async def post(self, path: str, body: bytes) -> HTTPReply:
        place, names = NEEDED[path]
        resource: Any = self._client
        for part in place.split("."):
            resource = getattr(resource, part)
        sent = read_json(body)
        named = {name: sent.pop(name) for name in names}
        return await self._call(resource.with_raw_response.create, self._seconds, **named, extra_body=sent)

    async def _call(self, call: Callable[..., Any], seconds: float, **request: Any) -> HTTPReply:
        try:
            async with asyncio.timeout(seconds):  # the client has one for each piece of an answer
                reply = (await call(**request)).http_response
        except openai.APIStatusError as error:
            reply = error.response
        except (TimeoutError, openai.APITimeoutError):
            raise TimeoutError(f"no answer within {seconds:g} s") from None
        except Exception as error:  # what a login or a transport of the user's raises has no common type
            raise_of_the_system(error)
            if isinstance(error, openai.APIConnectionError):
                self._keys.sent_with(error.request)
            raise ConnectionError(cause(error, self._keys.mask.text)) from error
        self._keys.sent_with(reply.request)
        return self._told(reply)

    def _told(self, reply: Any) -> HTTPReply:
        """Without the keys. Raises ValueError for a body that is too large."""
        mask = self._keys.mask
        body = Body("", self._largest_mb)
        body.feed(reply.content)
        headers = {name.lower(): mask.text(value) for name, value in reply.headers.items()}
        return HTTPReply(reply.status_code, headers, mask.body(body.whole()))

    async def close(self) -> None:
        """Nothing: who made the client closes it."""
