"""A chat-completions server that answers everything alike after a fixed time, in a process of its own.

    python -m benchmarks.server PORT LATENCY_S

It parses no more than it must, so that it takes next to nothing of the CPU that is measured elsewhere. A request that
asks for a JSON schema gets a ballot, any other one a refusal.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
BALLOT = json.dumps({"reason": "it declines", "label": "refused", "rating": 5})
REFUSAL = "I'm sorry, but I can't help with that."


def completion(text: str) -> bytes:
    body = json.dumps(
        {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": "fast",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20},
        }
    ).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Connection(asyncio.Protocol):
    latency = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.received = bytearray()

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(self.received, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self.received) < whole:
                return
            ballot = b"response_format" in self.received[end:whole]
            del self.received[:whole]
            asyncio.get_running_loop().call_later(self.latency, self.answer, ballot)

    def answer(self, ballot: bool) -> None:
        if not self.transport.is_closing():
            self.transport.write(JUDGED if ballot else ANSWERED)


JUDGED, ANSWERED = completion(BALLOT), completion(REFUSAL)


async def serve(port: int, latency: float) -> None:
    Connection.latency = latency
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=1024)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
