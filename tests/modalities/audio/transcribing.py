"""A scripted server that takes recordings, as `POST /v1/audio/transcriptions` does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from email import message_from_bytes
from email.policy import HTTP
from typing import Any

from safebench.testing.server import Reply, ScriptedServer


def transcription(text: Any) -> Reply:
    return Reply(json.dumps({"text": text}).encode())


class TranscribingServer(ScriptedServer):
    """Its calls' bodies are the form's fields; of the file they have `file_name`, `file_type` and `file_sha256`."""

    def __init__(self, answer: Any) -> None:
        super().__init__(answer)
        self._server.RequestHandlerClass = _reading_forms(self._server.RequestHandlerClass, self)


def by_hash(texts: Mapping[str, Reply | str]) -> Any:
    """Answer each recording by its SHA-256; a string is a transcription."""

    def answer(call: Any) -> Reply:
        reply = texts[call.body["file_sha256"]]
        return reply if isinstance(reply, Reply) else transcription(reply)

    return answer


def _reading_forms(handler: Any, server: ScriptedServer) -> Any:
    class Handler(handler):  # type: ignore[misc]
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(server.take(self.path, _fields(headers["content-type"], raw), headers))

    return Handler


def _fields(content_type: str, raw: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    form = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + raw, policy=HTTP)
    for part in form.iter_parts():
        name = part.get_param("name", header="content-disposition")
        data = part.get_payload(decode=True)
        if part.get_filename():
            fields |= {"file_name": part.get_filename(), "file_type": part.get_content_type()}
            fields["file_sha256"] = hashlib.sha256(data).hexdigest()
        else:
            fields[name] = data.decode()
    return fields
