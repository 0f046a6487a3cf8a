"""The scripted server: what counts as a call."""

from __future__ import annotations

import socket

from safebench.testing.server import ScriptedServer, chat


def test_a_request_cut_off_while_it_is_sent_is_no_call() -> None:
    with ScriptedServer(lambda _: chat("yes")) as server:
        address = server.url.removeprefix("http://").removesuffix("/v1").split(":")
        with socket.create_connection((address[0], int(address[1]))) as client:
            client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 20\r\n\r\n{")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
        assert server.calls == []
