"""A collector of OpenTelemetry on loopback, for what is sent by OTLP over HTTP."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from safebench.testing.server import Call, Reply, ScriptedServer


class Collector:
    """What it took, by span id: spans with the same id are the same span."""

    def __init__(self) -> None:
        self.url = ""
        self.spans: dict[str, dict[str, Any]] = {}
        self.headers: dict[str, str] = {}
        self.status = 200

    def answer(self, call: Call) -> Reply:
        self.headers = dict(call.headers)
        if self.status != 200:
            return Reply(b"{}", self.status)
        assert call.path == "/v1/traces"
        body = gzip.decompress(call.raw) if call.headers.get("content-encoding") == "gzip" else call.raw
        told = MessageToDict(ExportTraceServiceRequest.FromString(body))
        for resource in told.get("resourceSpans", []):
            for scope in resource["scopeSpans"]:
                self.spans |= {span["spanId"]: span for span in scope["spans"]}
        return Reply(b"", 200)


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()
    with ScriptedServer(collector.answer, any_method=True) as server:
        collector.url = server.root
        yield collector


def attributes(span: Mapping[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}
