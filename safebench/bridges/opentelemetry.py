"""`--to otel[:ENDPOINT]`: the calls of a run as spans, by the conventions for generative AI, sent by OTLP over HTTP.

Each item that a call was made for is a trace: the item, its stages (ask, probe, judge), and their calls. Without a call
an item has no times, and so no span. A span of the run itself, which items link to, has the counts of all outcomes. Ids
follow from the run, so that a run exported again brings the same spans.
Source of the names: open-telemetry/semantic-conventions-genai, docs/gen-ai/client-inference.md and gen-ai-events.md.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from safebench.datasets.shards import batched
from safebench.errors import BadInput
from safebench.models.endpoints import without_keys
from safebench.models.prices import token_count
from safebench.plugins import Exporter, Exporting, PluginOptions
from safebench.serialisation import compact
from safebench.types import ExportedCall, ExportedItem

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import SpanContext

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
TRACES = "/v1/traces"
AT_ONCE = 500  # spans in one message
TIMEOUT = 10.0  # s, for one message with its retries
STAGES = {"target": "ask", "probe": "probe", "jury": "judge"}  # by the role of a call
OPERATIONS = {"chat": "chat", "completion": "text_completion", "moderation": "moderation"}  # by the form of a request
PROVIDERS = {"gemini": "gcp.gemini", "plain": "openai"}  # by family of endpoints, where its name is another
PARAMETERS = {  # of a request -> where the conventions have it
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "seed": "gen_ai.request.seed",
}

Attributes = dict[str, Any]


class OpenTelemetry(Exporter):
    name = "otel"
    summary = "spans of items, stages and calls to an OpenTelemetry collector, by OTLP over HTTP"
    needs = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
    extra = "otel"

    class Options(PluginOptions):
        argument: str = ""  # the collector's address, http(s)://HOST:4318; else OTEL_EXPORTER_OTLP_ENDPOINT
        service: str = "safebench"

    def check(self) -> None:
        """An empty message shows whether somebody is there."""
        self._send([])

    def export(self, exporting: Exporting) -> str:
        count = sum(map(self._send, batched(spans(exporting, self.options.service), AT_ONCE)))
        again = "a run exported again brings the same ids"
        return f"exported: {count} spans of service {self.options.service!r} to {self._where} ({again})"

    @property
    def _address(self) -> str:
        named = next(filter(None, (self.options.argument, *map(os.environ.get, ENDPOINTS))), "")
        parts = urlsplit(named)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            example = "--to otel:http://localhost:4318, or OTEL_EXPORTER_OTLP_ENDPOINT"
            raise BadInput(f"OpenTelemetry's collector {without_keys(named)!r} is no http(s) address: {example}")
        whole = named == os.environ.get(ENDPOINTS[0]) or parts.path.endswith(TRACES)
        return named if whole else named.rstrip("/") + TRACES

    @property
    def _where(self) -> str:
        return without_keys(self._address)

    def _send(self, some: Sequence[ReadableSpan]) -> int:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=self._address, timeout=TIMEOUT)  # headers, with keys: by its own variables
        try:
            return send(some, exporter, self._where)
        finally:
            exporter.shutdown()


def send(some: Sequence[ReadableSpan], exporter: SpanExporter, where: str) -> int:
    """How many were sent. Raises BadInput where they did not arrive; those before them will be the same again."""
    from opentelemetry.sdk.trace.export import SpanExportResult

    if exporter.export(some) is not SpanExportResult.SUCCESS:
        raise BadInput(
            f"OpenTelemetry: nothing took the spans at {where}: see that a collector listens there for OTLP over HTTP"
            " and takes the key in OTEL_EXPORTER_OTLP_HEADERS, then export again"
        )
    return len(some)


# --- the spans


def spans(exporting: Exporting, service: str) -> Iterator[ReadableSpan]:
    """All spans of a run; those of an item end with the item itself, those of the run with the run."""
    make = partial(_span, _resource(service))
    items = exporting.items()
    root = _context(exporting.run)
    times: list[float] = []
    for number, group in groupby(exporting.calls(), key=lambda call: call.item):
        calls = list(group)
        times += [min(call.started for call in calls), max(call.ended for call in calls)]
        times = [min(times), max(times)]
        item = next((one for one in items if one.number == number), None) if number else None  # both in one order
        yield from _item_spans(make, exporting, item, calls, root)
    if times:
        yield make("safebench.run", root, None, times, _of_run(exporting))


def _item_spans(
    make: Any, exporting: Exporting, item: ExportedItem | None, calls: Sequence[ExportedCall], root: SpanContext
) -> Iterator[ReadableSpan]:
    """Calls by stage, and the item above them; calls of no item belong to the run."""
    above = _context(exporting.run, str(item.number)) if item else root
    for stage, group in groupby(sorted(calls, key=_stage), key=_stage):
        held = list(group)
        here = _context(exporting.run, str(item.number if item else 0), stage, trace=above)
        for call in held:
            yield _call_span(make, call, here)
        yield make(f"safebench.{stage}", here, above, _ends(held), {"safebench.stage": stage})
    if item:
        attributes = _of_item(item) | {"safebench.run.id": exporting.run}
        yield make("safebench.item", above, None, _ends(calls), attributes, item=item, root=root)


def _stage(call: ExportedCall) -> str:
    return STAGES.get(call.purpose.role, call.purpose.role)


def _ends(calls: Sequence[ExportedCall]) -> tuple[float, float]:
    return min(call.started for call in calls), max(call.ended for call in calls)


def _call_span(make: Any, call: ExportedCall, above: SpanContext) -> ReadableSpan:
    attributes = call_attributes(call)
    name = f"{attributes['gen_ai.operation.name']} {attributes['gen_ai.request.model']}"
    here = _context(call.key, trace=above)
    return make(name, here, above, (call.started, call.ended), attributes, failed=call.response.status == "failed")


def _span(
    resource: Resource,
    name: str,
    here: SpanContext,
    above: SpanContext | None,
    times: Sequence[float],
    attributes: Attributes,
    *,
    failed: bool | None = None,
    item: ExportedItem | None = None,
    root: SpanContext | None = None,
) -> ReadableSpan:
    """`failed`: of a call; None for what is none."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import Link, SpanKind, Status, StatusCode

    start, end = (round(time * 1e9) for time in times)
    return ReadableSpan(
        name,
        context=here,
        parent=above,
        resource=resource,
        attributes=_known(attributes),
        events=_events(item, end),
        links=[Link(root)] if root else [],
        kind=SpanKind.INTERNAL if failed is None else SpanKind.CLIENT,
        status=Status(StatusCode.ERROR) if failed else Status(StatusCode.UNSET),
        start_time=start,
        end_time=end,
        instrumentation_scope=InstrumentationScope("safebench"),
    )


def _resource(service: str) -> Resource:
    from opentelemetry.sdk.resources import Resource

    return Resource({"service.name": service})


def _context(*of: str, trace: SpanContext | None = None) -> SpanContext:
    """Ids that are the same whenever it is exported: those of a trace of its own, or of a span within one."""
    from opentelemetry.trace import SpanContext, TraceFlags

    digest = hashlib.sha256("\0".join(of).encode("utf-8", "replace")).digest()
    trace_id = trace.trace_id if trace else int.from_bytes(digest[:16])
    return SpanContext(trace_id or 1, int.from_bytes(digest[16:24]) or 1, False, TraceFlags(TraceFlags.SAMPLED))


def _events(item: ExportedItem | None, end: int) -> list[Any]:
    """What came of an item, as the conventions have the result of an evaluation."""
    from opentelemetry.sdk.trace import Event

    if item is None or item.outcome is None:
        return []
    result = {
        "gen_ai.evaluation.name": "safebench.outcome",
        "gen_ai.evaluation.score.label": item.outcome.value,
        "gen_ai.evaluation.score.value": item.rating,
        "gen_ai.evaluation.explanation": item.reason,
    }
    return [Event("gen_ai.evaluation.result", _known(result), end)]


def _known(attributes: Attributes) -> Attributes:
    return {key: value for key, value in attributes.items() if value is not None}


# --- their attributes


def call_attributes(call: ExportedCall) -> Attributes:
    """Of a call, by the conventions; what they have no name for stands under `safebench.`."""
    response, target = call.response, call.target
    parameters = target.get("parameters", {})
    server = urlsplit(str(target.get("base_url") or ""))
    usage = {name: token_count(response.usage, f"{name}_tokens") for name in ("prompt", "completion")}
    known: Attributes = {
        "gen_ai.operation.name": OPERATIONS.get(call.form, call.form),
        "gen_ai.provider.name": _provider(target),
        "gen_ai.request.model": str(target.get("argument") or target.get("target") or "unknown"),
        "gen_ai.response.model": response.model,
        "gen_ai.response.finish_reasons": [response.finish] if response.finish else None,
        "gen_ai.usage.input_tokens": usage["prompt"],
        "gen_ai.usage.output_tokens": usage["completion"],
        "server.address": server.hostname,
        "server.port": (server.port or {"https": 443}.get(server.scheme, 80)) if server.hostname else None,
        "error.type": response.failure.type if response.failure else None,
        "safebench.role": call.purpose.role,
        "safebench.juror": call.purpose.juror,
        "safebench.round": call.purpose.round if call.purpose.role == "jury" else None,
        "safebench.status": response.status,
        "safebench.attempts": len(response.attempts) or 1,
    }
    sent = [(there, parameters.get(here)) for here, there in PARAMETERS.items()]
    known |= {there: value for there, value in sent if isinstance(value, int | float)}
    return known | _texts(call)


def _provider(target: Mapping[str, Any]) -> str:
    """The family of the endpoint, or the kind of target where it is none."""
    family = str(target.get("endpoint") or "").split(" ")[0]
    if family == "openai" and ".azure.com" in str(target.get("base_url")):
        return "azure.ai.openai"
    return PROVIDERS.get(family, family) or str(target.get("target") or "unknown")


def _texts(call: ExportedCall) -> Attributes:
    """What was sent and answered, where texts go out."""
    if not call.messages:
        return {}
    sent = [{"role": message["role"], "parts": [_part(part) for part in message["parts"]]} for message in call.messages]
    parts = [{"type": "text", "content": call.response.text}] if call.response.text else []
    parts += [_part(media.reference()) for media in call.response.media]
    answered = [{"role": "assistant", "parts": parts, "finish_reason": call.response.finish or "error"}]
    return {"gen_ai.input.messages": compact(sent), "gen_ai.output.messages": compact(answered)}


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    """A text, or which file of the run it was: never its bytes."""
    if "text" in part:
        return {"type": "text", "content": part["text"]}
    return {"type": "file", "modality": part["medium"], "mime_type": part["mime"], "file_id": part["sha256"]}


def _of_item(item: ExportedItem) -> Attributes:
    return {
        "safebench.query.id": item.query_id,
        "safebench.intent": item.intent.value,
        "safebench.scenario": item.scenario,
        "safebench.condition": item.condition,
        "safebench.repeat": item.repeat,
        "safebench.outcome": item.outcome.value if item.outcome else None,
        "safebench.decided": item.outcome.decided if item.outcome else None,
        "safebench.rating": item.rating,
        "safebench.fidelity": item.fidelity,
        "safebench.query.text": item.query,
    }


def _of_run(exporting: Exporting) -> Attributes:
    """Counts and what has to be known to read them, but no rates: a span has no room for what they rest on."""
    run = exporting.summary.run
    counted: Attributes = {
        "safebench.run.id": exporting.run,
        "safebench.run.name": run.name,
        "safebench.target": run.target,
        "safebench.notice": run.notice,
        "safebench.pending": run.pending,
        "safebench.version": str(run.resolved.get("safebench", "")),
    }
    for cell in exporting.summary.conditions:
        counted[f"safebench.concludable.{cell.condition}"] = cell.evidence.concludable
        counted[f"safebench.not_concludable.{cell.condition}"] = "; ".join(cell.evidence.reasons) or None
        for intent, counts in cell.counts.items():
            for outcome, n in counts.items():
                counted[f"safebench.items.{cell.condition}.{intent.value}.{outcome.value}"] = n or None
    return counted
