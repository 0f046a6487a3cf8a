"""A scripted server on loopback that speaks OpenAI's chat completions, images, speech and transcriptions.

It is a real HTTP server in a thread: `with ScriptedServer(answer) as server:` calls `answer(call)` for each request and
sends the `Reply` that it returns. All calls are kept in `server.calls`. `server.pages` holds what GET
requests get, by path. What goes wrong out there is played by name: see `safebench.testing.faults`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its path, body and headers (names in lower case), and how many came before it.

    `body` is what stood there in JSON, or the fields of a form; of the file in a form it has `file_name`, `file_type`
    and `file_sha256`. It is empty for anything else, which `raw` has.
    """

    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    number: int
    method: str = "POST"
    raw: bytes = b""

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
    """What to send back, after `delay` s. A connection is closed after `wire`: all the bytes that are sent, be they
    HTTP or not, with `drip` s before each of them where that is set; `reset` ends it as a crash does.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    wire: bytes | None = None
    drip: float = 0.0
    reset: bool = False


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


def transcription(text: Any) -> Reply:
    """An answer of `/audio/transcriptions`."""
    return Reply(json.dumps({"text": text}).encode())


def dropped() -> Reply:
    """The connection is closed without an answer."""
    return Reply(wire=b"")


_NO_MODELS = Reply(json.dumps({"object": "list", "data": []}).encode())


class ScriptedServer:
    """Listens on a free port of 127.0.0.1 while its context is open; `url` is the base URL.

    With `any_method`, requests of every method are calls that are answered; else those of GET get `pages`.
    """

    def __init__(self, answer: Callable[[Call], Reply], *, any_method: bool = False) -> None:
        self.answer = answer
        self.any_method = any_method
        self.calls: list[Call] = []
        self.pages: dict[str, Reply] = {}
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def take(self, method: str, path: str, raw: bytes, headers: Mapping[str, str]) -> Reply:
        body = _read(headers.get("content-type", ""), raw)
        with self._lock:
            call = Call(path, body, headers, len(self.calls), method, raw)
            self.calls.append(call)
        return self.answer(call)


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

        def _take(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            raw = self.rfile.read(length)
            if len(raw) < length:  # the client died while it sent: no call arrived
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(server.take(self.command, self.path, raw, headers))

        def do_GET(self) -> None:
            if server.any_method:
                self._take()
            else:
                self._send(server.pages.get(self.path, _NO_MODELS))

        do_POST = do_PUT = do_CONNECT = _take
        do_HEAD = do_GET

        def _send(self, reply: Reply) -> None:
            if reply.delay:
                server.closing.wait(reply.delay)
            try:
                if reply.reset:
                    self._reset()
                elif reply.wire is None:
                    self._answer(reply)
                else:
                    self._write(reply.wire, reply.drip)
            except OSError:  # the client went away, as it does in tests of time-outs and kills
                self.close_connection = True

        def _answer(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        def _write(self, wire: bytes, drip: float) -> None:
            self.close_connection = True
            pieces = [wire] if not drip else [wire[n : n + 1] for n in range(len(wire))]
            for piece in pieces:
                if drip and server.closing.wait(drip):
                    return
                self.wfile.write(piece)

        def _reset(self) -> None:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

        def log_message(self, format: str, *arguments: Any) -> None:
            """Quiet."""

    return Handler


def _read(content_type: str, raw: bytes) -> Mapping[str, Any]:
    if content_type.startswith("multipart/form-data"):
        return _fields(content_type, raw)
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _fields(content_type: str, raw: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    form: Message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + raw)
    for part in form.walk():
        data = part.get_payload(decode=True)
        if not isinstance(data, bytes):  # the form around the parts
            continue
        if file_name := part.get_filename():
            fields |= {"file_name": file_name, "file_type": part.get_content_type()}
            fields["file_sha256"] = hashlib.sha256(data).hexdigest()
        else:
            fields[str(part.get_param("name", header="content-disposition"))] = data.decode()
    return fields
