"""An OpenAI-compatible endpoint as converters and recognisers use it: one call at a time, every failure an error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from time import monotonic
from typing import Any, Literal

import openai
from pydantic import Field

from safebench.errors import BadInput, ConversionError, TargetRefusesService
from safebench.models.asking import MediaCall, note_call
from safebench.models.bodies import ENCODINGS, LARGEST_MB, Body
from safebench.models.connections import cause, proxy_of
from safebench.models.endpoints import (
    DEFAULT_KEY,
    Mask,
    address,
    endpoint_key,
    endpoint_url,
    error_text,
    key_headers,
    redirected,
    split_version,
    without_key,
)
from safebench.models.error_meaning import Service, is_filters_stop, meaning
from safebench.models.families import Family, family_of
from safebench.models.pacing import LentTurn, lent_turn
from safebench.models.waits import passes, told_wait
from safebench.plugins import ModelCalls, PluginOptions
from safebench.serialisation import counts, json_or

CHECK_TIMEOUT = 10.0  # s
AT_ONCE = 0.001  # s: of none at all the client of OpenAI makes a wait of its own
NOTHING: Mapping[str, int] = {}
_REWRITTEN = frozenset(  # what the client of OpenAI would read in its own way, and what holds no more
    {"content-encoding", "content-length", "transfer-encoding", "retry-after", "retry-after-ms", "x-should-retry"}
)


class EndpointOptions(PluginOptions):
    """Where the endpoint is and how patiently it is asked."""

    model: str = Field(min_length=1)
    base_url: str | None = None  # else OPENAI_BASE_URL, else OpenAI
    api_key_env: str | None = None  # name of the variable that holds the key
    timeout: float = Field(120.0, gt=0)  # s, for one attempt
    retries: int = Field(5, ge=0)  # further attempts after the first
    largest_answer_mb: float = Field(LARGEST_MB, gt=0)  # of one answer, decompressed; a larger one is not read

    @property
    def model_spec(self) -> str:
        """As the target is called that asks the same model, and as its price is found."""
        return f"openai:{self.model}"

    def asks(self) -> Iterable[ModelCalls]:
        return (ModelCalls(self.model_spec),)


class _Client(openai.DefaultHttpxClient):
    """Follows no redirect, takes no body that is larger or slower than it may be, and keeps no key that is repeated."""

    largest_mb = LARGEST_MB
    mask = Mask()
    family: Family
    endpoint: str  # where attempts take their turns

    def send(self, request: Any, **how: Any) -> Any:
        with lent_turn(self.endpoint) as turn:
            return self._sent(request, turn, **how)

    def _sent(self, request: Any, turn: LentTurn, **how: Any) -> Any:
        seconds = request.extensions["timeout"]["read"]
        latest = monotonic() + seconds
        response = super().send(request, **{**how, "stream": True})
        try:
            body = Body(response.headers.get("content-encoding", ""), self.largest_mb)
            for chunk in response.iter_raw():
                body.feed(chunk)
                if monotonic() > latest:  # the client itself would wait so long for each piece
                    raise _too_late(response, seconds)
        finally:
            response.close()
        headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _REWRITTEN]
        status, content = response.status_code, body.whole()
        wait = told_wait(status, response.headers, content)
        is_waited_out = turn.replied(status, response.headers, content)
        headers += _in_milliseconds(AT_ONCE if is_waited_out else wait)
        headers.append(("x-should-retry", str(self._passes(status, content)).lower()))
        return type(response)(status, headers=headers, content=self.mask.body(content), request=request)

    def _passes(self, status: int, body: bytes) -> bool:
        return passes(status) and meaning(status, body.decode("utf-8", "replace"), self.family) != "no service"


def _too_late(response: Any, seconds: float) -> Exception:
    """In the words of the library that the client of OpenAI is built on, which is not the same in all versions."""
    library = sys.modules[type(response).__module__.partition(".")[0]]
    error: Exception = library.ReadTimeout(f"no answer within {seconds:g} s")
    return error


def _in_milliseconds(wait: float | None) -> list[tuple[str, str]]:
    """A wait in the form that the client of OpenAI reads before all others."""
    return [] if wait is None else [("retry-after-ms", f"{wait * 1000:.0f}")]


class Endpoint:
    """Raises BadInput for a URL or proxy that is none, and where a key is needed and missing."""

    def __init__(self, options: EndpointOptions, who: str) -> None:
        self.url = endpoint_url(options.base_url)
        self._options = options
        self._who = who
        self._family = family_of(None, self.url, who)
        self._service = Service()
        proxy_of(self.url)
        self.key()

    def key(self) -> str:
        return endpoint_key(self.url, self._options.api_key_env, self._who)

    @cached_property
    def client(self) -> openai.OpenAI:
        """It retries by itself: time-outs, lost connections, and errors that pass.

        As long as the server says, up to two minutes; then with a back-off of its own.
        """
        client = _Client(follow_redirects=False, headers={"Accept-Encoding": ENCODINGS}, timeout=self._options.timeout)
        client.largest_mb = self._options.largest_answer_mb
        client.mask = Mask(self.key())
        client.family, client.endpoint = self._family, self.url
        base_url, version = split_version(self.url)
        return openai.OpenAI(
            http_client=client,
            api_key=self.key(),
            base_url=base_url,
            default_query=version,
            default_headers=key_headers(self.url, self.key()),
            max_retries=self._options.retries,
            timeout=self._options.timeout,
        )

    def check(self) -> None:
        """Before a run: raises BadInput for a rejected key and where nobody listens; asks no model."""
        asked = self.client.with_options(timeout=min(CHECK_TIMEOUT, self._options.timeout), max_retries=0)
        try:
            asked.models.with_raw_response.list()
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            message = without_key(error_text(error.response.content), self._key_name)
            raise BadInput(f"{self._who}: {self.url} rejects the key in {self._key_name}: {message}") from error
        except openai.APIConnectionError as error:
            raise BadInput(f"{self._who}: no endpoint answers at {self.url}: {cause(error)}") from error
        except openai.APIStatusError as error:
            if (location := _elsewhere(error)) is not None:
                raise BadInput(f"{self._who}: {redirected(address(self.url, '/models'), location)}") from error
        except (openai.APIError, ValueError):
            return  # not every server lists its models; the first request will tell

    def ask(self, call: Callable[..., Any], priced: Mapping[str, int] = NOTHING, /, **request: Any) -> Any:
        """The raw response of one of the client's methods. `priced`: what is sent that may have a price, by unit.

        Raises ConversionError, which says "declined" for a filter's stop, and TargetRefusesService where no request at
        all can succeed.
        """
        try:
            answer = self._asked(call, request)
        except ConversionError:
            self._note("failed", {})
            raise
        self._note("answered", {**_usage(answer), **priced})
        return answer

    def _note(self, status: Literal["answered", "failed"], usage: Mapping[str, Any]) -> None:
        note_call(MediaCall(self._options.model_spec, status, usage))

    def _asked(self, call: Callable[..., Any], request: Mapping[str, Any]) -> Any:
        try:
            answer = call(**request)
        except openai.APIStatusError as error:
            if (location := _elsewhere(error)) is not None:
                raise self.failed(f"answered {error.status_code}: {redirected(self.url, location)}") from error
            message = f"answered {error.status_code}: {error_text(error.response.content)}"
            meant = meaning(error.status_code, error.response.text, self._family)
            if meant == "blocked":
                raise self.failed(f"declined: {message}") from error
            if (why := self._service.refused(meant, error.status_code)) is not None:
                raise TargetRefusesService(f"{why}{self.failed(message)}") from error
            raise self.failed(message) from error
        except openai.APIError as error:
            why = f": {cause(error)}" if error.__cause__ else ""
            raise self.failed(f"could not be asked: {error}{why}") from error
        except ValueError as error:  # a body that cannot be taken
            raise self.failed(f"cannot be read: {error}") from error
        self._service.answered()
        return answer

    def declines(self, body: object) -> bool:
        """Whether what came with status 200 is a filter's stop all the same."""
        return is_filters_stop(body, self._family)

    def failed(self, message: str) -> ConversionError:
        return ConversionError(without_key(f"{self._options.model} at {self.url} {message}", self._key_name))

    @property
    def _key_name(self) -> str:
        return self._options.api_key_env or DEFAULT_KEY


def _usage(answer: Any) -> dict[str, Any]:
    """What the endpoint says that the call took; nothing where the body is what was asked for itself."""
    if "json" not in answer.headers.get("content-type", ""):
        return {}
    body = json_or(answer.content, None)
    return counts(body.get("usage")) if isinstance(body, dict) else {}


def _elsewhere(error: openai.APIStatusError) -> str | None:
    """Where an endpoint sends one to instead of answering."""
    return error.response.headers.get("location", "") if 300 <= error.status_code < 400 else None
