"""A page served to this machine alone: loopback, a random port, a secret in its address, no other site let in.

Refused: another Host header (a name that was bound to this address: DNS rebinding), an address without the secret, and
a form that another site sent. The secret is part of every address rather than a cookie, which any other server on this
machine would get to see: cookies know no ports.
"""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from safebench.errors import BadInput

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from uvicorn import Server

HOST = "127.0.0.1"
# referrer: with `no-referrer` browsers send forms with `Origin: null`
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where the page is. `socket` is bound already, so that nobody else can take the port."""

    socket: socket.socket
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @classmethod
    def bind(cls, port: int = 0) -> Address:
        """`port` 0: any free one. Raises BadInput when the port is taken or not ours to take."""
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((HOST, port))
            made.listen()  # whoever opens the page before the server is up has to wait, not to try again
        except OSError as error:
            made.close()
            raise BadInput(f"--port {port}: {error.strerror}; leave it out to get a free one") from error
        return cls(made)

    @property
    def host(self) -> str:
        return f"{HOST}:{self.socket.getsockname()[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/{self.token}/"


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets through what comes from the page itself, and gives every response the headers that keep it so."""

    app: ASGIApp
    address: Address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.datastructures import MutableHeaders
        from starlette.responses import PlainTextResponse

        if scope["type"] != "http":
            raise RuntimeError(f"not for {scope['type']}")  # the server knows what that means

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        app = PlainTextResponse(refusal, 403) if refusal else self.app
        await app(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> str | None:
        from starlette.datastructures import Headers

        headers, token = Headers(scope=scope), scope["path"].split("/")[1]
        if headers.getlist("host") != [self.address.host]:
            return f"This page answers to {self.address.host} only."
        if not secrets.compare_digest(token.encode("utf-8", "replace"), self.address.token.encode()):
            return "Open the whole address that the terminal shows."
        if scope["method"] not in {"GET", "HEAD"} and headers.get("origin") != f"http://{self.address.host}":
            return "This form was not sent by the page."
        return None


def make_server(app: ASGIApp, address: Address) -> Server:
    import uvicorn

    config = uvicorn.Config(
        Guard(app, address), lifespan="off", ws="none", log_level="warning", access_log=False, server_header=False,
        proxy_headers=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    return uvicorn.Server(config)


def serve(app: ASGIApp, address: Address) -> None:
    """Answer until Ctrl-C."""
    with suppress(KeyboardInterrupt):  # raised again once everything is closed
        make_server(app, address).run(sockets=[address.socket])
