"""Any OpenAI-compatible chat endpoint: `openai:MODEL`, with `base_url` or OPENAI_BASE_URL, key from the environment."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from pydantic import Field
from pydantic_core import to_json

from safebench.errors import BadInput
from safebench.models.bodies import LARGEST_MB, Oversized
from safebench.models.connections import cause
from safebench.models.endpoints import Mask, address, endpoint_key, error_text, redirected
from safebench.models.error_meaning import Service, is_about_answers_form, is_about_schema, is_about_streaming
from safebench.models.families import BatchForm, Family, family_of
from safebench.models.pacing import pause, turn_at
from safebench.models.waits import LONGEST_TOLD, passes, told_wait
from safebench.plugins import PluginOptions, Target, TargetSetup
from safebench.targets import answers, endpoint_forms, lengths
from safebench.targets.contents import UnreadAnswer
from safebench.targets.messages import encoded, media_encoders
from safebench.targets.transport import UNREACHED, Calling, HTTPReply, Transport
from safebench.types import TEXT, TOO_LONG, Attempt, Failure, Request, Response

CHECK_TIMEOUT = 10.0  # s
LONGEST_WAIT = 60.0  # s, where the server does not say how long
OF_THE_FORM = (400, 422, 500)  # statuses of errors that may be about the form of the answer that was asked for
STREAMING = {"stream": True, "stream_options": {"include_usage": True}}


class OpenAITarget(Target):
    name = "openai"
    version = "4"
    summary = "any OpenAI-compatible chat endpoint: openai:MODEL"
    family = "openai"
    forms = ("chat", "completion", "moderation")

    class Options(PluginOptions):
        family: str | Mapping[str, Any] | None = None  # of the endpoint, by name or told in a table; else by its host
        base_url: str | None = None
        api_key_env: str | None = None  # name of the variable that holds the key
        timeout: float = Field(120.0, gt=0)  # s, for one attempt
        retries: int = Field(5, ge=0)  # further attempts after the first
        parameters: Mapping[str, Any] = {}  # sent with every request: temperature, max_tokens, modalities, …
        largest_answer_mb: float = Field(LARGEST_MB, gt=0)  # of one answer, decompressed; a larger one is not read
        max_audio_seconds: float | None = Field(None, gt=0)  # of one clip; a longer one is not sent. Else the family's

    def __init__(self, setup: TargetSetup) -> None:
        super().__init__(setup)
        if not setup.argument:
            raise BadInput(f"target {self.name!r} needs a model: {self.name}:MODEL")
        self._spoken: Family = family_of(self.options.family, self._named_url, f"target {self._component!r}")
        self._endpoint = self._spoken.describe()  # a hash over all of it, and wanted with every call
        self._parameters = self._spoken.sent(self.options.parameters, f"target {self._component!r}")
        self._encoders = media_encoders(self.family, self.encoders, self._spoken.encoders)
        self._transport: Calling | None = None
        self._service = Service()
        self._structured = self._spoken.structured != "none"
        self._scores = True
        self._streaming: Mapping[str, Any] = {}

    @property
    def _named_url(self) -> str | None:
        named: str | None = self.options.base_url
        return named

    @cached_property
    def base_url(self) -> str:
        return self._spoken.url(self._named_url)

    @property
    def endpoint(self) -> str:
        return self.base_url

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
        request = {"base_url": self.base_url, "endpoint": self._endpoint, "parameters": self._parameters}
        limit = {} if self._longest is None else {"max_audio_seconds": self._longest}
        return {**super().describe(), **request, **limit}

    @property
    def _longest(self) -> float | None:
        """Seconds of a clip that it hears, where that is known."""
        return self.options.max_audio_seconds or self._spoken.max_audio_seconds

    def warning(self, request: Request) -> str | None:
        """That clips are long, and nobody knows how much of them the model hears."""
        is_long = self._longest is None and lengths.longest_clip(request) > lengths.USUAL
        return lengths.no_limit_known(self._component) if is_long else None

    # --- before a run

    async def check(self) -> None:
        """Raises BadInput for a missing or rejected key and an endpoint that nobody answers at; asks no model."""
        try:
            reply = await self._open().get("/models", min(CHECK_TIMEOUT, self.options.timeout))
        except (*UNREACHED, ValueError) as error:
            raise BadInput(
                f"no endpoint answers at {self.base_url}: {cause(error, self._mask.text)}; check --base-url"
            ) from error
        if reply.elsewhere is not None:
            raise BadInput(redirected(address(self.base_url, "/models"), reply.elsewhere))
        if reply.status in (401, 403):  # of any other error the first request will tell: not every server lists models
            raise BadInput(
                f"{address(self.base_url, '/models')} rejects the key in {self.key_name}: {error_text(reply.body)}"
            )

    @property
    def key_name(self) -> str:
        """Of the variable that holds the key."""
        return str(self.options.api_key_env or self._spoken.key)

    @property
    def _mask(self) -> Mask:
        """Of what must not be told."""
        return self._key_mask

    @cached_property
    def _key_mask(self) -> Mask:
        return Mask(os.environ.get(self.key_name, "").strip())

    def _key(self) -> str:
        return endpoint_key(self.base_url, self.options.api_key_env, f"target {self._component}", self._spoken.key)

    def _open(self) -> Calling:
        if self._transport is None:
            self._transport = self._made()
        return self._transport

    def _made(self) -> Calling:
        options = self.options
        return Transport(self.base_url, self._key(), self.key_name, options.timeout, options.largest_answer_mb)

    async def close(self) -> None:
        if self._transport is not None:
            await self._transport.close()
            self._transport = None

    # --- asking

    async def ask(self, request: Request) -> Response:
        """One answer, after at most 1 + `retries` attempts with full jitter; every attempt is recorded.

        A clip longer than the model hears is not sent at all.
        """
        if (unsent := self.unsent(request)) is not None:
            return unsent
        body = self._body(request)
        attempts: list[Attempt] = []
        waited = 0.0
        while True:
            response, wait = await self._attempt(body, request, attempts, waited)
            if response.status != "failed" or wait is None or len(attempts) > self.options.retries:
                return response
            waited = wait
            await pause(wait)

    def unsent(self, request: Request) -> Response | None:
        """The response to a request that is not sent at all; None for all others."""
        if self._longest is None or (seconds := lengths.longest_clip(request)) <= self._longest:
            return None
        why = lengths.too_long(seconds, self._longest)
        return Response("failed", failure=Failure(self._component, TOO_LONG, why))

    def _body(self, request: Request) -> dict[str, Any]:
        messages = encoded(request.messages, self.family, self._encoders)
        return endpoint_forms.body_of(request, self.setup.argument, messages, self._parameters)

    # --- asking by a way that is not ours, such as a batch service

    @property
    def batches(self) -> BatchForm:
        """Of what form the batch service of its endpoint is."""
        return self._spoken.batches

    def posted(self, request: Request) -> tuple[str, dict[str, Any]]:
        """The path under the base URL, and what is to be posted there."""
        return endpoint_forms.PATHS[request.form], {
            **self._body(request),
            **self._form_wanted(request),
            **self._scores_wanted(request),
        }

    def received(self, reply: HTTPReply, request: Request) -> tuple[Response, bool]:
        """What came back means what it means over our own way; and whether another attempt may be answered.

        Raises TargetRefusesService.
        """
        reply = replace(reply, body=self._mask.body(reply.body))
        try:
            response, wait = self._taken(*self._meant(reply), request, 0)
        except ValueError as error:
            response, wait = self._unread(error, 0)
        why = str(response.failure) if response.failure else None
        return answers.with_attempts(response, [Attempt(0.0, reply.status, why)]), wait is not None

    # --- attempts

    async def _attempt(
        self, body: Mapping[str, Any], request: Request, attempts: list[Attempt], waited: float
    ) -> tuple[Response, float | None]:
        """One call: its response, and how long to wait before the next one (None: another try is no use)."""
        started = time.perf_counter()
        status: int | None = None
        wait: float | None = None
        try:
            async with turn_at(self.endpoint) as turn:
                started = time.perf_counter()
                reply = await self._call(body, request)
                status = reply.status
                meant = self._meant(reply)
                turn.replied(meant[0].status, meant[0].headers, meant[0].body)
            response, wait = self._taken(*meant, request, len(attempts))
        except (*UNREACHED, ValueError) as error:
            response, wait = self._unread(error, len(attempts))
        why = str(response.failure) if response.failure else None
        attempts.append(Attempt(round(time.perf_counter() - started, 4), status, why, round(waited, 3)))
        return answers.with_attempts(response, attempts), wait

    def _meant(self, reply: HTTPReply) -> tuple[HTTPReply, Any]:
        """The reply, or the error that came in place of an answer; and what it holds. Raises ValueError for neither."""
        if not reply.ok:
            return reply, None
        held = answers.body_of(reply)
        return answers.error_in(reply, held, self._spoken) or reply, held

    def _taken(self, reply: HTTPReply, held: Any, request: Request, attempt: int) -> tuple[Response, float | None]:
        """Raises ValueError for a body that is no chat completion."""
        return self._read(held, request) if reply.ok else self._refused(reply, attempt)

    def _unread(self, error: Exception, attempt: int) -> tuple[Response, float | None]:
        failure = Failure(self._component, *answers.named(error, self._mask.text))
        wait = None if isinstance(error, UnreadAnswer | Oversized) else self._wait(attempt)
        return Response("failed", failure=failure), wait

    def _read(self, held: Any, request: Request) -> tuple[Response, None]:
        """The answer. Raises ValueError for what is none."""
        response = self._mask.response(self._answer(held, request))
        self._service.answered()
        return response, None

    def _answer(self, body: Any, request: Request) -> Response:
        """Raises ValueError for what is no answer to a request of this form."""
        if request.form == "moderation":
            return endpoint_forms.moderated(body)
        response = answers.read(endpoint_forms.as_chat(body), self._encoders, self._spoken)
        return replace(response, tokens=endpoint_forms.scored_tokens(body)) if request.scored else response

    def _refused(self, reply: HTTPReply, attempt: int) -> tuple[Response, float | None]:
        """What an error means, and how long to wait before the next attempt (None: another try is no use)."""
        if reply.elsewhere is not None:
            where = redirected(self.base_url, reply.elsewhere)
            return Response("failed", failure=Failure(self._component, f"HTTP {reply.status}", where)), None
        failure = Failure(self._component, reply.kind, error_text(reply.body))
        response = answers.from_error(reply, failure, self._spoken, self._service)
        if not passes(reply.status):
            return response, None
        wanted = told_wait(reply.status, reply.headers, reply.body)
        if wanted is not None and wanted > LONGEST_TOLD:
            return answers.too_long(response, wanted, LONGEST_TOLD), None
        return response, self._wait(attempt, wanted)

    async def _call(self, body: Mapping[str, Any], request: Request) -> HTTPReply:
        """What the endpoint sent, be it good or bad.

        One without structured output is asked without, for this request alone or from then on; one that answers in
        streams alone is asked for streams, and one that takes no wish for scores is asked without.
        """
        form, scores = self._form_wanted(request), self._scores_wanted(request)
        messages = body.get("messages", ())
        while True:
            form = form if self._structured else {}  # another call may have found out meanwhile
            sent = {**body, **form, **scores, **self._streaming}
            reply = await self._open().post(endpoint_forms.PATHS[request.form], to_json(sent))
            if reply.status not in OF_THE_FORM:
                self._scores = self._scores and (bool(scores) or not request.scored)
                return reply
            if form and is_about_answers_form(reply.text):
                form = {}
            elif form and is_about_schema(reply.text, messages):
                self._structured = False
            elif "stream" not in sent and is_about_streaming(reply.text, messages):
                self._streaming = STREAMING
            elif scores and reply.status in (400, 422):
                scores = {}
            else:
                return reply

    def _form_wanted(self, request: Request) -> dict[str, Any]:
        has_one = request.schema is not None and self._structured
        return {"response_format": self._format(request.schema or {})} if has_one else {}

    def _scores_wanted(self, request: Request) -> dict[str, Any]:
        return endpoint_forms.scores_wanted(request.form) if request.scored and self._scores else {}

    def _format(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        if self._spoken.structured == "json_object":
            return {"type": "json_object"}
        return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)}}

    @property
    def _component(self) -> str:
        return f"{self.name}:{self.setup.argument}"

    @staticmethod
    def _wait(attempt: int, wanted: float | None = None) -> float:
        """The wait that the server wants, in s, and a little more; else exponential back-off with jitter."""
        if wanted is not None:
            return wanted + random.uniform(0, 0.1)
        return random.uniform(0.5, 1.0) * min(0.5 * 2.0**attempt, LONGEST_WAIT)
