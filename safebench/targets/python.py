"""A Python function as the target: `python:MODULE:FUNCTION`.

The function gets the messages as a list of dictionaries in the chat format and returns the answer as a string, or an
awaitable of one. Media are parts as an endpoint would get them, or with `media = "decoded"` as a local model does. What
it raises is recorded as a failure and never as an answer. An attribute `accepts` of the function says which media it
takes, e.g. `answer.accepts = ("text", "image")`; without one it is asked with every medium that has an encoder.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Literal, cast

from safebench.errors import BadInput, TargetRefusesService
from safebench.models.families import plain
from safebench.plugins import PluginOptions, Target
from safebench.targets.messages import encode_messages, media_encoders
from safebench.targets.thinking import split_thinking
from safebench.targets.users_code import UsersCode
from safebench.types import TEXT, Attempt, Failure, Request, Response

LONGEST_MESSAGE = 2000  # characters kept of an error's text
Function = Callable[[list[dict[str, Any]]], Any]


class PythonTarget(Target):
    name = "python"
    summary = "a Python function that takes chat messages and returns the answer: python:MODULE:FUNCTION"
    version = "2"
    family = "openai"

    class Options(PluginOptions):
        media: Literal["encoded", "decoded"] = "encoded"  # as base64, or as the encoders for local models give them

    @property
    def _encoded_for(self) -> str:
        return self.family if self.options.media == "encoded" else "transformers"

    @property
    def accepts(self) -> frozenset[str]:
        """Media with an encoder that the function takes. Raises BadInput when it cannot be loaded."""
        encoded = frozenset({TEXT, *media_encoders(self._encoded_for, self.encoders)})
        declared = getattr(self._function, "accepts", None)
        if isinstance(declared, str):
            raise BadInput(f"target {self._component!r}: accepts is {declared!r}; write a tuple: ('text', 'image')")
        return encoded if declared is None else encoded & {TEXT, *declared}

    async def check(self) -> None:
        """Raises BadInput when the module or the function cannot be loaded."""
        _ = self._function

    def describe(self) -> Mapping[str, Any]:
        """With the SHA-256 of the module's file or, in a notebook, of the function's text: one that was edited is asked
        anew. Raises BadInput where neither can be read.
        """
        return {**super().describe(), "source": self._source, "media": self.options.media}

    async def ask(self, request: Request) -> Response:
        messages = encode_messages(request.messages, self._encoded_for, self.encoders)
        started = time.perf_counter()
        answer = await _call(self._function, messages)
        seconds = round(time.perf_counter() - started, 4)
        if isinstance(answer, str):
            text, thinking, unknown = split_thinking(answer, plain())
            about: dict[str, Any] = {"thinking": thinking, "unknown_markup": unknown}
            return Response("answered", text, model=self._component, attempts=(Attempt(seconds),), **about)
        failure = self._failure(answer)
        return Response("failed", attempts=(Attempt(seconds, error=str(failure)),), failure=failure)

    def _failure(self, answer: object) -> Failure:
        if isinstance(answer, BaseException):
            message = str(answer)[:LONGEST_MESSAGE] or "raised without a message"
            return Failure(self._component, type(answer).__name__, message)
        returned = "None" if answer is None else f"{type(answer).__name__} {answer!r:.100}"
        return Failure(self._component, "TypeError", f"the function returned {returned}, not a string")

    @property
    def _component(self) -> str:
        return f"{self.name}:{self.setup.argument}"

    @cached_property
    def _code(self) -> UsersCode:
        return UsersCode(self.setup.argument, f"target {self._component!r}", "python:MODULE:FUNCTION")

    @cached_property
    def _source(self) -> str | None:
        return self._code.sha256

    @cached_property
    def _function(self) -> Function:
        function = self._code.named
        if not callable(function):
            kind = type(function).__name__
            raise BadInput(f"target {self._component!r}: {self._code.name!r} is {kind}, which cannot be called")
        return cast(Function, function)


async def _call(function: Function, messages: list[dict[str, Any]]) -> object:
    """What the function returned, or the exception that it raised. A plain function runs in a thread of its own."""
    try:
        if inspect.iscoroutinefunction(function):
            return await function(messages)
        answer = await asyncio.to_thread(_caught, function, messages)
        return await answer if inspect.isawaitable(answer) else answer
    except TargetRefusesService:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  the user's code may raise anything; it becomes data
        return error


def _caught(function: Function, messages: list[dict[str, Any]]) -> object:
    """An exception comes back as a value: a StopIteration could not pass through a future, and nobody would wake up."""
    try:
        return function(messages)
    except TargetRefusesService:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  as above
        return error
