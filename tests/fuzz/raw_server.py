"""A server that sends bytes as they are, be they HTTP or not."""

from __future__ import annotations

import socketserver
import threading
from contextlib import suppress


class RawServer:
    """Sends `reply` to whoever connects, when the request is in, and hangs up."""

    def __init__(self) -> None:
        self.reply = b""
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True


def _handler(server: RawServer) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = 0
            while (line := self.rfile.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            with suppress(OSError):
                self.rfile.read(length)
                self.wfile.write(server.reply)

    return Handler
