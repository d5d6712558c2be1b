"""A tracer for one process: OTLP where the standard variables ask for it, and a local store.

The local store is a file of JSON lines, one a span, which `narrows trace --spans` reads without
any collector. A span that cannot be written is dropped: telemetry never stops an answer.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from narrows.errors import BadFederation, NarrowsError
from narrows.telemetry.names import Attribute, Step

EXPORT_DELAY_MS = 200
MOST_BYTES = 64_000_000
"""A local store of this size is set aside, and the one before it is gone."""
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


class Telemetry:
    """One process's tracer; `close` writes out what is pending."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer: Tracer = provider.get_tracer("narrows")

    @contextmanager
    def step(
        self, step: Step, *, parent: Span | None = None, holder: str | None = None
    ) -> Iterator[Span]:
        """A span around one step. An error sets its status and reason, and goes on up."""
        context = None if parent is None else set_span_in_context(parent)
        with self._tracer.start_as_current_span(
            step.value, context=context, record_exception=False, set_status_on_exception=False
        ) as span:
            if holder is not None:
                span.set_attribute(Attribute.HOLDER, holder)
            try:
                yield span
            except NarrowsError as error:
                # The text of an error may name columns; its reason is from a closed list.
                span.set_attribute(Attribute.ERROR_REASON, error.reason)
                span.set_status(Status(StatusCode.ERROR))
                raise
            except BaseException:
                span.set_status(Status(StatusCode.ERROR))
                raise

    def close(self) -> None:
        """Nothing, after pending spans are written."""
        self._provider.shutdown()


def start_telemetry(service: str, folder: Path | None) -> Telemetry:
    """The tracer of a process; `folder` is where the local store `spans.jsonl` is kept.

    Source: the environment variables of the OpenTelemetry specification.
    """
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    if folder is not None:
        exporter = SpanFile(folder / "spans.jsonl", service)
        provider.add_span_processor(
            BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_DELAY_MS)
        )
    if wants_otlp(os.environ):
        # Imported only when asked for: it takes a quarter of a second.
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Telemetry(provider)


def wants_otlp(environment: Mapping[str, str]) -> bool:
    """Whether the standard variables ask for spans by OTLP.

    Raises: BadFederation where they ask for another protocol than gRPC, which alone is spoken.
    Source: OpenTelemetry specification, "OTLP Exporter" and "Environment Variable Specification".
    """
    traces, every = "OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"
    if environment.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        return False
    if not any(environment.get(f"{prefix}ENDPOINT") for prefix in (traces, every)):
        return False
    protocols = (environment.get(f"{prefix}PROTOCOL") for prefix in (traces, every))
    if next((one for one in protocols if one), "grpc") != "grpc":
        raise BadFederation(
            "the environment asks for OTLP over HTTP", hint="set its protocol to `grpc`"
        )
    return True


def trace_id_of(span: Span) -> str:
    """The 32 hexadecimal digits of the span's trace id."""
    return f"{span.get_span_context().trace_id:032x}"


def traceparent_of(span: Span) -> str:
    """The W3C `traceparent` that carries the span to another process."""
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier, set_span_in_context(span))
    return carrier.get("traceparent", "")


def parent_from(traceparent: str) -> Span | None:
    """The remote parent that a `traceparent` names, or None where it is absent or malformed."""
    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return None
    trace_id, span_id = int(found[1], 16), int(found[2], 16)
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(1))
    return NonRecordingSpan(context) if context.is_valid else None


def read_steps(paths: Iterable[Path], since_us: int) -> dict[tuple[str, str], list[float]]:
    """Durations in seconds by service and span, of spans that started at or after `since_us`."""
    found: dict[tuple[str, str], list[float]] = {}
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            span = json.loads(line)
            if span["start_us"] >= since_us:
                lasted = (span["end_us"] - span["start_us"]) / 1_000_000
                found.setdefault((span["service"], span["name"]), []).append(lasted)
    return found


class SpanFile(SpanExporter):
    """Writes spans as JSON lines: trace, span, parent, name, service, start_us, end_us, ok."""

    def __init__(self, path: Path, service: str) -> None:
        self._path = path
        self._service = service

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Success or failure; a failure drops the spans."""
        lines = [json.dumps(self._line(span), sort_keys=True) for span in spans]
        try:
            if self._path.exists() and self._path.stat().st_size > MOST_BYTES:
                self._path.replace(self._path.with_name(f"{self._path.name}.old"))
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "a", encoding="utf-8") as file:
                file.write("".join(f"{line}\n" for line in lines))
        except OSError:
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def _line(self, span: ReadableSpan) -> dict[str, object]:
        context = span.get_span_context()
        return {
            "trace": f"{context.trace_id:032x}" if context else "",
            "span": f"{context.span_id:016x}" if context else "",
            "parent": f"{span.parent.span_id:016x}" if span.parent else None,
            "name": span.name,
            "service": self._service,
            "start_us": (span.start_time or 0) // 1000,
            "end_us": (span.end_time or 0) // 1000,
            "ok": span.status.status_code is not StatusCode.ERROR,
            "attributes": dict(span.attributes or {}),
        }


def read_spans(path: Path, trace_id: str) -> list[dict[str, object]]:
    """The spans of one trace in one local store, in order of their start."""
    if not path.exists():
        return []
    found = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            if trace_id in line:
                span = json.loads(line)
                if span["trace"] == trace_id:
                    found.append(span)
    return sorted(found, key=lambda span: (span["start_us"], span["end_us"]))
