"""Where an OpenAI-compatible endpoint is, and which key it wants. Keys come from the environment and are never told:
one that a server repeats is masked before anything is made of what it said, and so wherever it is written.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, quote, urlsplit

from safebench.errors import BadInput
from safebench.serialisation import json_or, storable
from safebench.types import Response

DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_KEY = "OPENAI_API_KEY"  # name of the variable, where the user names no other
VERSIONS = ("api-version",)  # what the query of a base URL may hold; all else may be a key
AZURE = ".azure.com"
SHORTEST_KEY = 8  # characters; what is shorter (none, EMPTY) only stands in for a key, and may be any word
MASK = "(key)"
_NAMED_AS_KEY = re.compile(r"(?:KEY|TOKEN|SECRET)$", re.IGNORECASE)  # variables


def endpoint_url(named: str | None, usual: str = DEFAULT_BASE_URL) -> str:
    """The base URL that was named, else OPENAI_BASE_URL, else the usual one.

    Raises BadInput for what is no http(s) URL, and for one that holds a key: URLs are written into records.
    """
    url = (named or os.environ.get("OPENAI_BASE_URL") or usual).rstrip("/")
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not parts.fragment
    except ValueError:  # of a port that is none, or an address of IPv6
        is_one = False
    if not is_one:
        raise BadInput(f"base_url {without_keys(url)!r} is not an http(s) URL")
    if parts.username or parts.password or not all(name in VERSIONS for name in _query(url)):
        mend = "name --api-key-env"
        raise BadInput(f"no key belongs into base_url ({without_keys(url)}), where it would be written down: {mend}")
    return url


def without_keys(url: str) -> str:
    """An address without what may be a key in it."""
    scheme, _, rest = url.partition("#")[0].partition("?")[0].rpartition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}" if scheme else host.rpartition("@")[2] + slash + path


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def split_version(url: str) -> tuple[str, Mapping[str, str]]:
    """A base URL without its query, and the query: the version of the interface, if it is told there."""
    return url.partition("?")[0].rstrip("/"), _query(url)


def address(base_url: str, path: str) -> str:
    """Of one path of an endpoint."""
    base, _, version = base_url.partition("?")
    return f"{base.rstrip('/')}{path}{'?' if version else ''}{version}"


def key_headers(base_url: str, key: str) -> dict[str, str]:
    """As all endpoints take it; Azure takes a key in a header of its own, under addresses with a version."""
    hosted = (urlsplit(base_url).hostname or "").endswith(AZURE)
    return {"Authorization": f"Bearer {key}", **({"api-key": key} if hosted else {})}


def endpoint_key(url: str, variable: str | None, who: str, usual: str = DEFAULT_KEY) -> str:
    """The key in `variable`, or in the usual one. Raises BadInput where there is none and one is needed."""
    name = variable or usual
    key = os.environ.get(name, "").strip()
    if not key.isprintable():
        raise BadInput(f"{who}: the key in {name} holds a line break or the like, which no header takes: set it anew")
    if key:
        return key
    if variable is None and _is_loopback(url):
        return "none"  # a server on this machine; it wants something in the header at most
    raise BadInput(f"{who}: no key for {url}: set {name}")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def without_key(text: str, variable: str) -> str:
    """What an endpoint said, without the key in this variable, which some servers repeat in their errors."""
    key = os.environ.get(variable, "").strip()
    return text.replace(key, "(key)") if key else text


def redirected(url: str, location: str) -> str:
    """Why a call failed that was sent elsewhere."""
    place = storable(" ".join(location.split()))[:300] or "nowhere"
    return f"{url} redirects to {place}, which is not followed: if that is the endpoint, name it as base_url"


def error_text(body: bytes) -> str:
    """The innermost message in an error body, or the beginning of the body, on one line."""
    text = body.decode("utf-8", "replace")
    message = json_or(text, text)
    message = message[0] if isinstance(message, list) and message else message  # Gemini wraps its error in a list
    while isinstance(message, dict) and (message.get("error") or message.get("message")):
        message = message.get("error") or message.get("message")
    return storable(" ".join(str(message).split()))[:300] or "nothing"


class Mask:
    """Of some keys, in each form in which a server may write them: as they are, escaped in JSON, or in an address."""

    def __init__(self, *keys: str) -> None:
        usable = [key for key in keys if len(key) >= SHORTEST_KEY]
        escaped = [json.dumps(key)[1:-1] for key in usable]
        addressed = [quote(key, safe=safe) for key in usable for safe in ("", "/")]
        forms = {*usable, *escaped, *(form.replace("/", "\\/") for form in escaped), *addressed}
        self._forms = sorted(forms, key=len, reverse=True)
        self._longest = max((len(form.encode()) for form in forms), default=0)

    def text(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, MASK)
        return text

    def body(self, body: bytes) -> bytes:
        for form in self._forms:
            body = body.replace(form.encode(), MASK.encode())
        return body

    def pieces(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Of a body, also where a key is cut in two."""
        held = b""
        for piece in pieces:
            held = self.body(held + piece)
            whole = max(0, len(held) - self._longest)
            yield held[:whole]
            held = held[whole:]
        yield held

    def response(self, response: Response) -> Response:
        """Also where a key stood in pieces, or with letters escaped, until the answer was put together."""
        text, thinking = self.text(response.text), self.text(response.thinking)
        is_same = text == response.text and thinking == response.thinking
        return response if is_same else replace(response, text=text, thinking=thinking)


def mask_of_all() -> Mask:
    """Of every key in the environment: for what was asked elsewhere, nobody knows with which of them."""
    return Mask(*(value.strip() for name, value in os.environ.items() if _NAMED_AS_KEY.search(name)))
