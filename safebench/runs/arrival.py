"""Did the media of an item arrive? A target that counts no more prompt tokens than for the same message without them
got none.

That is firm only where the preflight saw that its counts grow with media, and where the words beside the media are not
the query's own. The message without media is asked once for each wording, and only where an item's count is suspicious.
"""

from __future__ import annotations

from collections.abc import Iterable

from safebench.models.calls import ANY_ITEM, Calls
from safebench.models.prices import prompt_tokens
from safebench.plugins import Target
from safebench.runs.preflight import Delivery
from safebench.types import Item, Message, Purpose, Request, Response, Text

LEAST = Text(".")  # what is said where nothing is said beside the media


class Arrival:
    """`await arrival.uncounted(…)` of an answered item."""

    def __init__(self, target: Target, calls: Calls, deliveries: Iterable[Delivery]) -> None:
        self._target = target
        self._calls = calls
        self._without = {  # by medium: the count of a message that is longer than any wording alone
            one.medium: one.tokens_without
            for one in deliveries
            if one.tokens_with is not None and one.tokens_without is not None and one.tokens_with > one.tokens_without
        }

    async def uncounted(self, item: Item, request: Request, response: Response) -> bool:
        """Whether the target counted no tokens for its media; False wherever that is in doubt."""
        limit, count = self._without.get(item.condition.medium), prompt_tokens(response.usage)
        if limit is None or count is None or count > limit:
            return False
        words = tuple(part for message in request.messages for part in message.parts if isinstance(part, Text))
        if item.condition.with_text or any(item.query.text in part.text for part in words):
            return False
        alone = Request((Message("user", words or (LEAST,)),))
        control = await self._calls.ask(self._target, alone, ANY_ITEM, Purpose("probe", about="without media"))
        known = prompt_tokens(control.usage)
        return known is not None and count <= known
