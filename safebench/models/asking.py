"""How a request is put to a model: whatever a third party's target raises is a failed call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from safebench.errors import SafeBenchError, is_of_the_system
from safebench.plugins import Target
from safebench.serialisation import counts
from safebench.types import Failure, Media, Request, Response

T = TypeVar("T")


def spec_of(target: Target) -> str:
    """Its NAME:ARGUMENT."""
    return f"{target.name}:{target.setup.argument}".removesuffix(":")


async def ask_safely(target: Target, request: Request) -> Response:
    """A third party's target may raise anything, and return anything; that is a failed call and never an answer.

    Raises what is an error of ours or of the system.
    """
    response = await _asked(target, request)
    media = [part.medium for one in request.messages for part in one.parts if isinstance(part, Media)]
    note_call(MediaCall(spec_of(target), response.status, response.usage, tuple(dict.fromkeys(media))))
    return response


async def _asked(target: Target, request: Request) -> Response:
    try:
        return _typed(await target.ask(request))
    except SafeBenchError:
        raise
    except Exception as error:
        if is_of_the_system(error):
            raise
        return Response("failed", failure=Failure(f"target {target.name}", type(error).__name__, str(error)))


def _typed(response: object) -> Response:
    """Raises TypeError for what is no response. What it says of its cost is kept in plain dicts, as numbers or text."""
    if not isinstance(response, Response):
        raise TypeError(f"the target returned {type(response).__name__} instead of a Response")
    for field in ("text", "thinking"):
        if not isinstance(getattr(response, field), str):
            raise TypeError(f"the {field} of the response is {type(getattr(response, field)).__name__}")
    return replace(response, usage=counts(response.usage))


# --- calls in worker processes, where media are rendered and read back


@dataclass(frozen=True, slots=True)
class MediaCall:
    """A call to a model in the making or reading of media. `usage`: tokens that it told, and what else has a price;
    `media`: that were sent.
    """

    model: str  # NAME:ARGUMENT of a target; one behind an endpoint is openai:MODEL
    status: Literal["answered", "blocked", "failed", "unheard"]
    usage: Mapping[str, Any]
    media: tuple[str, ...] = ()


_calls: ContextVar[list[MediaCall] | None] = ContextVar("calls", default=None)
NOTED = "media_calls"  # where an error that came of a call carries those that were made


def note_call(call: MediaCall) -> None:
    """Counted where somebody counts: around a job of a worker process."""
    calls = _calls.get()
    if calls is not None:
        calls.append(call)


def counted(function: Callable[..., T], *arguments: object) -> tuple[T, Sequence[MediaCall]]:
    """What the function returns, and the calls to models that it made. What it raises carries them."""
    calls: list[MediaCall] = []
    before = _calls.set(calls)
    try:
        return function(*arguments), calls
    except Exception as error:
        setattr(error, NOTED, calls)
        raise
    finally:
        _calls.reset(before)
