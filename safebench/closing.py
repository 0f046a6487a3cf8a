"""The end of work: what was opened is closed."""

from __future__ import annotations

import warnings
from typing import Protocol


class Closable(Protocol):
    """A target or a jury."""

    async def close(self) -> None: ...


async def close_all(*opened: Closable) -> None:
    """Close every one. What one of them raises is a warning: the work is done, and the others are closed as well."""
    for one in opened:
        try:
            await one.close()
        except Exception as error:  # noqa: BLE001  a third party's target may raise anything
            name = getattr(one, "name", type(one).__name__)
            warnings.warn(f"{name} could not be closed: {type(error).__name__}: {error}", stacklevel=2)
