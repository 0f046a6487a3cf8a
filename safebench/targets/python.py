"""A Python function as the target: `python:MODULE:FUNCTION`.

The function gets the messages as a list of dictionaries in the chat format and returns the answer as a string, or an
awaitable of one. Media are parts as an endpoint would get them, or with `media = "decoded"` as a local model does. What
it raises is recorded as a failure and never as an answer. An attribute `accepts` of the function says which media it
takes, e.g. `answer.accepts = ("text", "image")`; without one it is asked with every medium that has an encoder.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import importlib.util
import inspect
import sys
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from safebench.errors import BadInput, TargetRefusesService, unknown
from safebench.models.families import plain
from safebench.plugins import PluginOptions, Target
from safebench.targets.messages import encode_messages, media_encoders
from safebench.targets.thinking import split_thinking
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
    def _module(self) -> ModuleType:
        return _import(_split(self._component, self.setup.argument)[0], self._component)

    @cached_property
    def _source(self) -> str | None:
        return _source_hash(self._module, self._function, self._component)

    @cached_property
    def _function(self) -> Function:
        return _find(self._module, _split(self._component, self.setup.argument)[1], self._component)


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


# --- finding the function


def _split(spec: str, argument: str) -> tuple[str, str]:
    module, colon, function = argument.partition(":")
    if not (colon and module and function):
        raise BadInput(f"target {spec!r} is not written python:MODULE:FUNCTION, e.g. python:my_model:answer")
    if module.endswith(".py") or "/" in module:
        name = Path(module).stem
        raise BadInput(f"target {spec!r} names a file; write the module: python:{name}:{function}, from its folder")
    return module, function


def _import(name: str, spec: str) -> ModuleType:
    """The user's module, looked for in the current directory first, as `python -m` does."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise BadInput(f"target {spec!r}: there is no module {name!r} in {here} nor among the packages") from error
        raise BadInput(f"target {spec!r}: module {name!r} needs {error.name!r}, which is not installed") from error
    except (Exception, SystemExit) as error:  # the user's code may raise anything
        raise BadInput(f"target {spec!r}: importing {name!r} failed: {_one_line(error)}") from error


def _find(module: ModuleType, name: str, spec: str) -> Function:
    function = module
    for part in name.split("."):  # FUNCTION may be a method: model.answer
        if not hasattr(function, part):
            names = [n for n, value in vars(module).items() if callable(value) and not n.startswith("_")]
            raise unknown(f"function of module {module.__name__!r}", name, names, f"target {spec!r}")
        function = getattr(function, part)
    if not callable(function):
        raise BadInput(f"target {spec!r}: {name!r} is {type(function).__name__}, which cannot be called")
    return function


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _source_hash(module: ModuleType, function: Function, spec: str) -> str | None:
    """None for a module that was not written in Python."""
    file = getattr(module, "__file__", None)
    if file and Path(file).is_file():
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    if module.__name__ != "__main__":
        return None
    try:
        return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()
    except (OSError, TypeError) as error:
        raise BadInput(f"target {spec!r}: its text cannot be read here; write it into a file, and name that") from error
