"""A role in making something: any target of ours, asked one thing at a time from a worker process."""

from __future__ import annotations

import asyncio
import atexit
import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar

from safebench.errors import BadInput, ConversionError, TargetRefusesService
from safebench.models.asking import ask_safely
from safebench.models.opening import open_target
from safebench.models.roles import Declined, RoleOptions, Unreadable
from safebench.serialisation import storable
from safebench.types import Message, Part, Request, Response

T = TypeVar("T")


class Role:
    """Raises BadInput for an unknown target and for options that it does not have."""

    def __init__(self, name: str, options: RoleOptions) -> None:
        self.name = name
        self._target = open_target(options.model, options.__pydantic_extra__ or {})

    def version(self) -> str:
        """All that its answers hang on, as the version of a converter that asks it."""
        return json.dumps(dict(self._target.describe()), sort_keys=True, default=str)

    def check(self, *media: str) -> None:
        """Before a run: raises BadInput when the target cannot work or does not take these media."""
        try:
            missing = sorted(set(media) - self._target.accepts)
            if missing:
                raise BadInput(f"target {self._target.name!r} takes no {' and no '.join(missing)}")
            self._runner.run(self._target.check())
        except BadInput as error:
            raise BadInput(*(f"the {self.name}: {problem}" for problem in error.problems)) from error

    def ask(self, parts: tuple[Part, ...], schema: Mapping[str, Any], read: Callable[[str], T]) -> T:
        """What `read` finds in the answer.

        Raises ConversionError when the role declines or breaks, TargetRefusesService when it answers nobody.
        """
        text = self._answer(Request((Message("user", parts),), schema))
        try:
            return read(text)
        except Declined:
            raise ConversionError(f"the {self.name} declined: {text[:200]!r}") from None
        except Unreadable as error:
            raise ConversionError(f"the {self.name}'s answer {error}: {text[:200]!r}") from error

    def _answer(self, request: Request) -> str:
        try:
            response = self._runner.run(ask_safely(self._target, request))
        except TargetRefusesService as error:
            raise TargetRefusesService(f"the {self.name}: {error}") from error
        if response.status == "blocked":
            raise ConversionError(f"the {self.name} declined: {_why(response)}")
        if response.status == "failed":
            raise ConversionError(f"the {self.name} failed: {_why(response)}")
        if not response.text.strip():
            raise ConversionError(f"the {self.name} answered nothing")
        return storable(response.text)

    @cached_property
    def _runner(self) -> asyncio.Runner:
        """One for all calls: the target's connections are bound to its loop, and end with the process."""
        runner = asyncio.Runner()
        atexit.register(lambda: runner.run(self._target.close()))
        return runner


def quoted(text: str) -> str:
    """As a JSON string, whose end no text can feign."""
    return json.dumps(text, ensure_ascii=False)


def _why(response: Response) -> str:
    return str(response.failure or f"stopped by {response.finish}")
