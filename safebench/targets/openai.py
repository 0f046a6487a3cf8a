"""Any OpenAI-compatible chat endpoint: `openai:MODEL`, with `base_url` or OPENAI_BASE_URL, key from the environment."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
import openai
from pydantic import Field
from pydantic_core import to_json

from safebench.endpoints import endpoint_key, without_key
from safebench.errors import BadInput
from safebench.families import Family, family_of
from safebench.plugins import PluginOptions, Target, TargetSetup
from safebench.targets import answers
from safebench.targets.messages import encode_messages, media_encoders
from safebench.types import TEXT, Attempt, Failure, Request, Response

RETRIED = frozenset({408, 409, 429})  # and every 5xx, and connection errors
UNREACHED = (openai.APIConnectionError, aiohttp.ClientError)  # the second one for what is no HTTP, as the client has it
LONGEST_WAIT = 60.0  # s, where the server does not say how long
LONGEST_TOLD = 600.0  # s; a server that wants a longer wait is not asked again


class OpenAITarget(Target):
    name = "openai"
    version = "2"
    summary = "any OpenAI-compatible chat endpoint: openai:MODEL"
    family = "openai"

    class Options(PluginOptions):
        family: str | Mapping[str, Any] | None = None  # of the endpoint, by name or told in a table; else by its host
        base_url: str | None = None
        api_key_env: str | None = None  # name of the variable that holds the key
        timeout: float = Field(120.0, gt=0)  # s, for one attempt
        retries: int = Field(5, ge=0)  # further attempts after the first
        parameters: Mapping[str, Any] = {}  # sent with every request: temperature, max_tokens, modalities, …

    def __init__(self, setup: TargetSetup) -> None:
        super().__init__(setup)
        if not setup.argument:
            raise BadInput("target 'openai' needs a model: openai:MODEL")
        self._spoken: Family = family_of(self.options.family, self.options.base_url, f"target {self._component!r}")
        self._endpoint = self._spoken.describe()  # a hash over all of it, and wanted with every call
        self._parameters = self._spoken.sent(self.options.parameters, f"target {self._component!r}")
        self._encoders = media_encoders(self.family, self.encoders, self._spoken.encoders)
        self._client: openai.AsyncOpenAI | None = None
        self._structured = self._spoken.structured != "none"

    @property
    def base_url(self) -> str:
        return self._spoken.url(self.options.base_url)

    @property
    def accepts(self) -> frozenset[str]:
        """All that can be encoded and that the family takes: endpoints do not say what their models take.

        `accepts` of a run narrows it.
        """
        encoded = frozenset({TEXT, *self._encoders})
        return encoded if self._spoken.accepts is None else encoded & frozenset(self._spoken.accepts)

    def why_not(self, medium: str) -> str | None:
        is_dropped = medium in self._encoders and medium not in self.accepts
        return f"endpoints of family {self._spoken.name!r} take no {medium}" if is_dropped else None

    def describe(self) -> Mapping[str, Any]:
        told = {"base_url": self.base_url, "endpoint": self._endpoint, "parameters": self._parameters}
        return {**super().describe(), **told}

    # --- before a run

    async def check(self) -> None:
        """Raises BadInput for a missing or rejected key and an endpoint that nobody answers at; asks no model."""
        url = f"{self.base_url}/models"
        try:
            await self._open().with_options(timeout=min(10.0, self.options.timeout)).models.with_raw_response.list()
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise BadInput(f"{url} rejects the key in {self._key_name}: {self._told(error)}") from error
        except UNREACHED as error:
            raise BadInput(
                f"no endpoint answers at {self.base_url}: {answers.cause(error)}; check --base-url"
            ) from error
        except openai.APIError:
            return  # not every server lists its models; the first request will tell

    @property
    def _key_name(self) -> str:
        return str(self.options.api_key_env or self._spoken.key)

    def _key(self) -> str:
        return endpoint_key(self.base_url, self.options.api_key_env, f"target {self._component}", self._spoken.key)

    def _told(self, error: openai.APIError) -> str:
        return without_key(answers.error_message(error), self._key_name)

    def _open(self) -> openai.AsyncOpenAI:
        if self._client is None:
            key, timeout = self._key(), self.options.timeout
            http = openai.DefaultAioHttpClient(timeout=timeout)
            self._client = openai.AsyncOpenAI(
                api_key=key, base_url=self.base_url, max_retries=0, timeout=timeout, http_client=http
            )
        return self._client

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    # --- asking

    async def ask(self, request: Request) -> Response:
        """One answer, after at most 1 + `retries` attempts with full jitter; every attempt is recorded."""
        messages = encode_messages(request.messages, self.family, self.encoders, self._spoken.encoders)
        body = {"model": self.setup.argument, "messages": messages, **self._parameters}
        attempts: list[Attempt] = []
        waited = 0.0
        while True:
            response, wait = await self._attempt(body, request.schema, attempts, waited)
            if response.status != "failed" or wait is None or len(attempts) > self.options.retries:
                return response
            waited = wait
            await asyncio.sleep(wait)

    async def _attempt(
        self, body: Mapping[str, Any], schema: Mapping[str, Any] | None, attempts: list[Attempt], waited: float
    ) -> tuple[Response, float | None]:
        """One call: its response, and how long to wait before the next one (None: another try is no use)."""
        started = time.perf_counter()
        status: int | None = None
        wait: float | None = None
        try:
            told = await self._call(body, schema)
            status = 200
            response = answers.read(json.loads(told), self._encoders, self._spoken)
        except openai.APIStatusError as error:
            status = error.status_code
            failure = Failure(self._component, f"HTTP {status}", self._told(error))
            response = answers.from_status_error(error, failure, self._spoken)
            if answers.worth_retrying(error, RETRIED):
                wait = self._wait(len(attempts), error)
                response = response if wait is not None else answers.too_long(response, error, LONGEST_TOLD)
        except (*UNREACHED, ValueError) as error:  # ValueError: a body that is no chat completion
            response = Response("failed", failure=Failure(self._component, *answers.named(error)))
            wait = self._wait(len(attempts))
        why = str(response.failure) if response.failure else None
        attempts.append(Attempt(round(time.perf_counter() - started, 4), status, why, round(waited, 3)))
        return answers.with_attempts(response, attempts), wait

    async def _call(self, body: Mapping[str, Any], schema: Mapping[str, Any] | None) -> str:
        """The text of a good answer, which may be malformed. An endpoint without structured output is asked without."""
        if schema is not None and self._structured:
            try:
                return await self._post({**body, "response_format": self._format(schema)})
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if not answers.is_about_schema(error):
                    raise
                self._structured = False
        return await self._post(body)

    async def _post(self, body: Mapping[str, Any]) -> str:
        """By the client's own request, with its errors and its key, but not through its types and its encoder: they
        would look at every part of every message again, which takes longer than to send it.
        """
        return await self._open().post("/chat/completions", cast_to=str, content=to_json(body))

    def _format(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        if self._spoken.structured == "json_object":
            return {"type": "json_object"}
        return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)}}

    @property
    def _component(self) -> str:
        return f"openai:{self.setup.argument}"

    @staticmethod
    def _wait(attempt: int, error: openai.APIStatusError | None = None) -> float | None:
        """Retry-After where the server gives one, else exponential back-off with jitter, in s. None: too long."""
        told = answers.retry_after(error) if error is not None else None
        if told is not None:
            return told + random.uniform(0, 0.1) if told <= LONGEST_TOLD else None
        return random.uniform(0.5, 1.0) * min(0.5 * 2.0**attempt, LONGEST_WAIT)
