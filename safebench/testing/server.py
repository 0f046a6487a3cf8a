"""A scripted server that speaks OpenAI's chat completions and images on loopback, with faults on request.

It is a real HTTP server in a thread: `with ScriptedServer(answer) as server:` calls `answer(call)` for each request and
sends the `Reply` that it returns. All calls are kept in `server.calls`. `server.pages` holds what GET
requests get, by path.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its path, JSON body and headers (names in lower case), and how many came before it."""

    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    number: int

    @property
    def model(self) -> str:
        return str(self.body.get("model"))

    def text(self) -> str:
        """All text of all messages, in order."""
        return "\n".join(_texts(message.get("content")) for message in self.body.get("messages", []))


def _texts(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or [])


@dataclass(frozen=True, slots=True)
class Reply:
    """What to send back. `delay` in s; `drop` closes the connection without an answer."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: bool = False


def chat(
    text: str | None, *, finish: str = "stop", message: Mapping[str, Any] | None = None, delay: float = 0.0
) -> Reply:
    """A chat completion; `message` adds fields to the answer's message."""
    spoken = {"role": "assistant", "content": text, **(message or {})}
    body = {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "model": "scripted",
        "choices": [{"index": 0, "message": spoken, "finish_reason": finish}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    return Reply(json.dumps(body).encode(), delay=delay)


def image(data: bytes, **fields: str) -> Reply:
    """An answer of `/images/generations` with one picture; `fields` are added to it."""
    picture = {"b64_json": base64.b64encode(data).decode(), **fields}
    return Reply(json.dumps({"created": 0, "data": [picture]}).encode())


def error(status: int, message: str = "scripted error", *, code: str | None = None, **headers: str) -> Reply:
    """An error in OpenAI's form; header names with `_` for `-`."""
    body = {"error": {"message": message, "type": "scripted", "code": code}}
    return Reply(json.dumps(body).encode(), status, {name.replace("_", "-"): value for name, value in headers.items()})


def dropped() -> Reply:
    return Reply(drop=True)


_NO_MODELS = Reply(json.dumps({"object": "list", "data": []}).encode())


class ScriptedServer:
    """Listens on a free port of 127.0.0.1 while its context is open; `url` is the base URL."""

    def __init__(self, answer: Callable[[Call], Reply]) -> None:
        self.answer = answer
        self.calls: list[Call] = []
        self.pages: dict[str, Reply] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def take(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        with self._lock:
            call = Call(path, body, headers, len(self.calls))
            self.calls.append(call)
        reply = self.answer(call)
        if reply.delay:
            self._closing.wait(reply.delay)
        return reply


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # connections that wait to be accepted; more than 5 come at once
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error of the server's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._send(server.pages.get(self.path, _NO_MODELS))

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:  # the client died while it sent: no call arrived
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(server.take(self.path, json.loads(body or b"{}"), headers))

        def _send(self, reply: Reply) -> None:
            if reply.drop:
                self.close_connection = True
                return
            try:
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
            except OSError:  # the client went away, as it does in tests of time-outs and kills
                self.close_connection = True

        def log_message(self, format: str, *arguments: Any) -> None:
            """Quiet."""

    return Handler
