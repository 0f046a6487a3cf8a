"""Pictures by any OpenAI-compatible endpoint, `POST BASE_URL/images/generations`; the key is in the environment."""

from __future__ import annotations

import base64
import http.client
import urllib.request
from collections.abc import Mapping
from time import monotonic
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from pydantic import Field

from converters.chance import generator
from converters.naming import naming
from converters.pictures import whole_picture
from safebench.errors import ConversionError
from safebench.models.bodies import Body
from safebench.models.client import Endpoint, EndpointOptions
from safebench.models.endpoints import error_text
from safebench.plugins import Converter, Work
from safebench.serialisation import read_json, storable
from safebench.types import Draft, Media


class OpenAIImages(Converter):
    """The endpoint decides whether the same text gives the same bytes; a picture is asked for once and then kept."""

    name = "openai-images"
    summary = "pictures by any OpenAI-compatible endpoint"
    takes = "text"
    gives = "image"
    depicts = True
    varies = True

    class Options(EndpointOptions):
        size: str | None = None  # e.g. 1024x1024
        quality: str | None = None
        response_format: Literal["b64_json", "url"] | None = None  # some models take none, some link by default
        seeded: bool = False  # send a seed of run, query and try, to servers that take one
        extra: Mapping[str, Any] = {}  # further fields of the request
        timeout: float = Field(300.0, gt=0)  # s, for one attempt

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._endpoint = Endpoint(self.options, f"converter {self.name!r}")

    def check(self) -> None:
        self._endpoint.check()

    def convert(self, work: Work) -> Media:
        with naming(work):
            return self._draw(work)

    def _draw(self, work: Work) -> Media:
        if not work.text.strip():
            raise ConversionError("there is no text to draw a picture of")
        generate = self._endpoint.client.images.with_raw_response.generate
        answer = self._endpoint.ask(generate, **self._request(work))
        first = self._first(answer.content)
        picture = whole_picture(self._bytes(first, answer.content), f"what {self._endpoint.url} answered")
        revised = first.get("revised_prompt")
        if isinstance(revised, str) and revised != work.text:
            work.notes.drafts.append(Draft(work.text, storable(revised)))  # what the picture really shows
        return picture

    def _request(self, work: Work) -> dict[str, Any]:
        optional = {name: getattr(self.options, name) for name in ("size", "quality", "response_format")}
        random = generator(work, self.name, work.attempt)
        seed = {"seed": int(random.integers(2**31))} if self.options.seeded else {}
        return {
            "model": self.options.model,
            "prompt": work.text,
            **{name: value for name, value in optional.items() if value is not None},
            "extra_body": {**seed, **self.options.extra},
        }

    # --- reading the answer; an error text is never a picture

    def _first(self, body: bytes) -> Mapping[str, Any]:
        try:
            answer = read_json(body)
        except ValueError as error:
            raise self._endpoint.failed(f"answered with something else than JSON: {error_text(body)}") from error
        match answer:
            case {"data": [dict(first), *_]}:
                return first
        raise self._no_picture(answer, body)

    def _bytes(self, first: Mapping[str, Any], body: bytes) -> bytes:
        match first:
            case {"b64_json": str(data)} if data:
                return self._decoded(data)
            case {"url": str(link)} if link.startswith("data:"):
                return self._decoded(link.partition(",")[2])
            case {"url": str(link)} if link:
                return self._fetched(link)
        raise self._no_picture(first, body)

    def _no_picture(self, answer: object, body: bytes) -> ConversionError:
        declined = "declined: " if self._endpoint.declines(answer) else ""
        return self._endpoint.failed(f"{declined}answered without a picture: {error_text(body)}")

    def _decoded(self, data: str) -> bytes:
        try:
            return base64.b64decode("".join(data.split()), validate=True)
        except ValueError as error:
            raise self._endpoint.failed(f"answered with a picture that is not base64: {error}") from error

    def _fetched(self, link: str) -> bytes:
        """What a link gives: from the endpoint itself only, since the user named no other, and without redirects."""
        shown, url = repr(link[:200]), _on_same_host(link, self._endpoint.url)
        if url is None:
            hint = "set response_format = 'b64_json'"
            raise self._endpoint.failed(f"answered with a link to another host, {shown}, which is not followed: {hint}")
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self._endpoint.key()}"})  # noqa: S310
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=self.options.timeout) as answer:
                return _whole(answer, self.options)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._endpoint.failed(f"answered with a link that cannot be read, {shown}: {error}") from error


def _whole(answer: http.client.HTTPResponse, options: EndpointOptions) -> bytes:
    """The body as it comes, within the time-out of one attempt: the socket alone would wait so long for each piece.

    Raises OSError, ValueError or HTTPException for one that is too slow, too large or cut off.
    """
    latest, promised, body = monotonic() + options.timeout, answer.length, Body("", options.largest_answer_mb)
    while chunk := answer.read1(2**16):
        body.feed(chunk)
        if monotonic() > latest:
            raise TimeoutError(f"no answer within {options.timeout:g} s")
    data = body.whole()
    if promised is not None and len(data) < promised:
        raise http.client.IncompleteRead(data, promised - len(data))
    return data


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Another place is never asked; the redirect is an error."""


def _on_same_host(link: str, base_url: str) -> str | None:
    """The whole URL; None where scheme, host or port are not those of the endpoint."""
    try:
        url = urljoin(f"{base_url}/", link)
        return url if _origin(url) == _origin(base_url) else None
    except ValueError:  # no URL at all
        return None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
