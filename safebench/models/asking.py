"""How a request is put to a model: whatever a third party's target raises is a failed call."""

from __future__ import annotations

from safebench.errors import SafeBenchError
from safebench.plugins import Target
from safebench.types import Failure, Request, Response


async def ask_safely(target: Target, request: Request) -> Response:
    """A third party's target may raise anything; that is a failed call and never an answer."""
    try:
        return await target.ask(request)
    except SafeBenchError:
        raise
    except Exception as error:  # noqa: BLE001
        return Response("failed", failure=Failure(f"target {target.name}", type(error).__name__, str(error)))
