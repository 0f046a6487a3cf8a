"""HTTP to one endpoint, as lean as it gets: no retries, no types, every connection kept for the next call."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
from yarl import URL

from safebench import __version__
from safebench.models.bodies import ENCODINGS, LARGEST_MB, Body
from safebench.models.connections import proxy_of
from safebench.models.endpoints import DEFAULT_KEY, Mask, address, key_headers

UNREACHED = (aiohttp.ClientError, OSError)  # no answer, or nothing that is HTTP; a time-out is an OSError
OF_THE_ACCOUNT = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}


@dataclass(frozen=True, slots=True)
class HTTPReply:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    inside: int | None = None  # status of the answer in which an error was found that tells another one

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def kind(self) -> str:
        """What an error is called."""
        return f"HTTP {self.status}" if self.inside is None else f"error {self.status} inside HTTP {self.inside}"

    @property
    def elsewhere(self) -> str | None:
        """Where it sends one to instead of answering."""
        return self.headers.get("location", "") if 300 <= self.status < 400 else None

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Calling(Protocol):
    """One attempt at a call, by whatever client. Raises one of UNREACHED, and ValueError for what cannot be taken."""

    async def get(self, path: str, seconds: float) -> HTTPReply: ...

    async def post(self, path: str, body: bytes) -> HTTPReply: ...

    async def close(self) -> None: ...


class Transport(Calling):
    """Opened inside an event loop. Proxies and certificates come from the environment (HTTPS_PROXY, SSL_CERT_FILE).
    Raises BadInput for a proxy that is none of HTTP.

    `timeout` is for a whole call, in s; `largest_mb` for a body as it is read. What does not answer raises one of
    UNREACHED, and a body that cannot be taken ValueError. No redirect is followed: nobody named the other place.
    """

    def __init__(self, base_url: str, key: str, key_name: str, timeout: float, largest_mb: float = LARGEST_MB) -> None:
        self._base_url = base_url
        self._limit = aiohttp.ClientTimeout(total=timeout)
        self._largest_mb = largest_mb
        self.mask = Mask(key)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # as many as there are calls in flight
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        proxy, login = _proxy(base_url)
        headers = {  # of each request: those of the session would go to a proxy, too
            **key_headers(base_url, key),
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": ENCODINGS,
            "User-Agent": f"safebench/{__version__}",
            **_account(key_name),
        }
        if base_url.startswith("https:"):
            self._sent: dict[str, Any] = {"headers": headers, "proxy": proxy, "proxy_headers": login}
        else:
            self._sent = {"headers": {**headers, **login}, "proxy": proxy}

    async def get(self, path: str, seconds: float) -> HTTPReply:
        return await self._call("GET", path, aiohttp.ClientTimeout(total=seconds))

    async def post(self, path: str, body: bytes) -> HTTPReply:
        return await self._call("POST", path, self._limit, aiohttp.BytesPayload(body))

    async def _call(
        self, method: str, path: str, limit: aiohttp.ClientTimeout, body: aiohttp.BytesPayload | None = None
    ) -> HTTPReply:
        try:
            url = address(self._base_url, path)
            call = self._session.request(method, url, data=body, timeout=limit, allow_redirects=False, **self._sent)
            async with call as reply:
                received = Body(reply.headers.get("Content-Encoding", ""), self._largest_mb)
                async for chunk in reply.content.iter_any():
                    received.feed(chunk)
                return self._told(reply.status, reply.headers, received.whole())
        except TimeoutError:  # which says nothing
            raise TimeoutError(f"no answer within {limit.total:g} s") from None

    def _told(self, status: int, headers: Mapping[str, str], body: bytes) -> HTTPReply:
        """Without the key, which some servers repeat."""
        masked = {name.lower(): self.mask.text(value) for name, value in headers.items()}
        return HTTPReply(status, masked, self.mask.body(body))

    async def close(self) -> None:
        await self._session.close()


def _proxy(base_url: str) -> tuple[URL | None, dict[str, str]]:
    """The proxy that the environment names for this host, and the header that it wants.

    Looked up once: aiohttp itself would look with every call.
    """
    named = proxy_of(base_url)
    if named is None:
        return None, {}
    url = URL(named)
    login = b64encode(f"{url.user}:{url.password or ''}".encode()).decode()
    return url.with_user(None), {"Proxy-Authorization": f"Basic {login}"} if url.user else {}


def _account(key_name: str) -> dict[str, str]:
    """OpenAI's headers that say whose bill it is, where its key is used."""
    headers = {header: os.environ.get(variable) for header, variable in OF_THE_ACCOUNT.items()}
    return {header: value for header, value in headers.items() if value and key_name == DEFAULT_KEY}
