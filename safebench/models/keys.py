"""Keys that a server repeats are masked before anything is made of what it said, and so wherever it is written."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import quote

from safebench.types import Response

SHORTEST_KEY = 8  # characters; what is shorter (none, EMPTY) only stands in for a key, and may be any word
MASK = "(key)"


class Mask:
    """Of some keys, in each form in which a server may write them: as they are, escaped in JSON, or in an address."""

    def __init__(self, *keys: str) -> None:
        usable = [key for key in keys if len(key) >= SHORTEST_KEY]
        escaped = [json.dumps(key)[1:-1] for key in usable]
        addressed = [quote(key, safe=safe) for key in usable for safe in ("", "/")]
        forms = {*usable, *escaped, *(form.replace("/", "\\/") for form in escaped), *addressed}
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, MASK)
        return text

    def body(self, body: bytes) -> bytes:
        for form in self._forms:
            body = body.replace(form.encode(), MASK.encode())
        return body

    def response(self, response: Response) -> Response:
        """Also where a key stood in pieces, or with letters escaped, until the answer was put together."""
        return replace(response, text=self.text(response.text), thinking=self.text(response.thinking))
