"""With the real SDK: spans in memory, and sent by OTLP to a collector on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from safebench.bridges.exporting import export
from safebench.cli.main import run_command
from safebench.errors import BadInput
from safebench.testing.contracts import ExporterContract
from safebench.types import ExportedCall, Failure, Purpose, Response

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

from safebench.bridges import opentelemetry as bridge
from tests.collector import Collector, attributes, collecting


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


class TestOpenTelemetry(ExporterContract):
    name = "otel"

    @pytest.fixture
    def options(self, collector: Collector) -> Mapping[str, Any]:
        self.collector = collector
        return {"argument": collector.url}

    def exported(self) -> str:
        return json.dumps(self.collector.spans, sort_keys=True)


def test_items_stages_and_calls_are_spans_in_each_other(
    collector: Collector, small_runs: Mapping[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["export", str(small_runs["whole"]), "--to", f"otel:{collector.url}"]) == 0
    assert f"exported: {len(collector.spans)} spans" in capsys.readouterr().out
    by_name = {span["name"]: span for span in collector.spans.values()}
    call, stage, item, run = (
        by_name[n] for n in ("chat reference", "safebench.ask", "safebench.item", "safebench.run")
    )
    assert sum(span["name"] == "safebench.item" for span in collector.spans.values()) == 12
    same = [span for span in collector.spans.values() if span["traceId"] == call["traceId"]]
    (above,) = [span for span in same if span["spanId"] == call["parentSpanId"]]
    assert above["name"] == stage["name"]
    (top,) = [span for span in same if span["spanId"] == above["parentSpanId"]]
    assert (top["name"], "parentSpanId" in top) == ("safebench.item", False)
    assert item["links"][0]["spanId"] == run["spanId"]
    assert int(top["startTimeUnixNano"]) <= int(call["startTimeUnixNano"]) <= int(call["endTimeUnixNano"])
    (event,) = top["events"]
    assert event["name"] == "gen_ai.evaluation.result"
    assert attributes(event)["gen_ai.evaluation.score.label"] == attributes(top)["safebench.outcome"]
    assert attributes(run)["safebench.items.text.benign.safe"] == "6"
    assert attributes(run)["safebench.concludable.text"] is True


def test_with_texts_a_call_holds_its_messages(collector: Collector, small_runs: Mapping[str, Path]) -> None:
    export(small_runs["whole"], f"otel:{collector.url}", with_texts=True)
    call = next(span for span in collector.spans.values() if span["name"] == "chat reference")
    (sent,) = json.loads(attributes(call)["gen_ai.input.messages"])
    assert sent["role"] == "user"
    assert sent["parts"][0]["type"] == "text"
    (answered,) = json.loads(attributes(call)["gen_ai.output.messages"])
    assert "simulated answer" in answered["parts"][0]["content"]


CALL = ExportedCall(
    "key", 1, Purpose("jury", "second#2", 1),
    {
        "target": "openai", "argument": "gpt-4.1", "base_url": "https://api.openai.com/v1", "endpoint": "openai 1a2b",
        "parameters": {"temperature": 0.5, "max_tokens": 99, "stop": "x"},
    },
    "chat", 100.0, 102.5,
    Response("answered", model="gpt-4.1-2025", finish="stop", usage={"prompt_tokens": 7, "completion_tokens": 9}),
)  # fmt: skip


def test_a_call_has_the_names_of_the_conventions() -> None:
    known = bridge.call_attributes(CALL)
    assert {key: value for key, value in known.items() if value is not None and not key.startswith("safebench.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4.1",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 99,
        "gen_ai.response.model": "gpt-4.1-2025",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 9,
        "server.address": "api.openai.com",
        "server.port": 443,
    }
    names = {value for key, value in vars(gen_ai_attributes).items() if key.startswith("GEN_AI_")}
    assert [key for key in known if key.startswith("gen_ai.") and key not in names] == []


def test_spans_in_memory_say_what_failed() -> None:
    failed = replace(CALL, response=Response("failed", failure=Failure("target", "Timeout", "")))
    make = partial(bridge._span, bridge._resource("mine"))
    memory = InMemorySpanExporter()
    made = [bridge._call_span(make, call, bridge._context("above")) for call in (CALL, failed)]
    assert bridge.send(made, memory, "memory") == 2
    right, wrong = memory.get_finished_spans()
    assert (right.name, right.end_time - right.start_time) == ("chat gpt-4.1", 2_500_000_000)
    assert right.resource.attributes["service.name"] == "mine"
    assert right.status.is_ok
    assert (wrong.status.is_ok, wrong.attributes["error.type"]) == (False, "Timeout")


def test_a_key_goes_along_as_the_environment_says(
    collector: Collector, small_runs: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20secret")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    told = export(small_runs["whole"], "otel")
    assert collector.headers["authorization"] == "Bearer secret"
    assert "secret" not in told + json.dumps(collector.spans)


@pytest.mark.parametrize("status", [401, 404])
def test_what_a_collector_declines_is_one_clear_line(
    status: int, collector: Collector, small_runs: Mapping[str, Path]
) -> None:
    collector.status = status
    with pytest.raises(BadInput, match="nothing took the spans at http"):
        export(small_runs["whole"], f"otel:{collector.url}")
    assert collector.spans == {}


def test_nobody_there_is_one_clear_line(small_runs: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "TIMEOUT", 0.5)
    with pytest.raises(BadInput, match=r"http://127\.0\.0\.1:1/v1/traces"):
        export(small_runs["whole"], "otel:http://someone:password@127.0.0.1:1")


@pytest.mark.parametrize("where", ["", "localhost:4318", "ftp://x"])
def test_a_collector_has_to_be_named(
    where: str, small_runs: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    with pytest.raises(BadInput, match="is no http"):
        export(small_runs["whole"], f"otel:{where}")
