"""How a request is put to a model: whatever a third party's target raises is a failed call."""

from __future__ import annotations

from dataclasses import replace

from safebench.errors import SafeBenchError, is_of_the_system
from safebench.plugins import Target
from safebench.serialisation import counts
from safebench.types import Failure, Request, Response


async def ask_safely(target: Target, request: Request) -> Response:
    """A third party's target may raise anything, and return anything; that is a failed call and never an answer.

    Raises what is an error of ours or of the system.
    """
    try:
        return _typed(await target.ask(request))
    except SafeBenchError:
        raise
    except Exception as error:
        if is_of_the_system(error):
            raise
        return Response("failed", failure=Failure(f"target {target.name}", type(error).__name__, str(error)))


def _typed(response: object) -> Response:
    """Raises TypeError for what is no response. What it says of its cost is kept as numbers, or as text."""
    if not isinstance(response, Response):
        raise TypeError(f"the target returned {type(response).__name__} instead of a Response")
    for field in ("text", "thinking"):
        if not isinstance(getattr(response, field), str):
            raise TypeError(f"the {field} of the response is {type(getattr(response, field)).__name__}")
    return replace(response, usage=counts(response.usage))
