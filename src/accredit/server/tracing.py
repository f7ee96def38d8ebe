"""Traces for OpenTelemetry: off unless ACCREDIT_TRACING says so, and then by the SDK of the extra `otel`.

    with tracing.span("gate", door="embed"):
        ...

Attributes hold words of ours: doors, route classes, methods, statuses, and the id of the request, never what somebody sent. What an
exception says is left out too: a text may hold what the request held. A trace begins here: a caller's `traceparent` is not taken, so
that nobody outside decides what is recorded. Where spans go is told to the SDK by its own variables, `OTEL_EXPORTER_OTLP_ENDPOINT`
above all.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from accredit import __version__
from accredit.errors import FailureError

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

_tracer: "Tracer | None" = None
_NOTHING: AbstractContextManager[None] = nullcontext()


def span(name: str, **attributes: str | int) -> "AbstractContextManager[Span | None]":
    """A span around a block, under the one that is open; nothing where tracing is off. attributes: under `accredit.`."""
    if _tracer is None:
        return _NOTHING
    return _tracer.start_as_current_span(
        name,
        attributes={f"accredit.{key}": value for key, value in attributes.items()},
        record_exception=False,
        set_status_on_exception=False,
    )


def span_within(name: str) -> "AbstractContextManager[Span | None]":
    """The same where a span is open; nothing else: background work that goes on for ever would fill traces of its own."""
    if _tracer is None:
        return _NOTHING
    from opentelemetry.trace import get_current_span

    return span(name) if get_current_span().is_recording() else _NOTHING


@contextmanager
def traced_by(provider: "TracerProvider") -> Iterator[None]:
    """Within the block spans go to this provider."""
    global _tracer
    _tracer = provider.get_tracer("accredit", __version__)
    try:
        yield
    finally:
        _tracer = None


@contextmanager
def tracing(*, on: bool) -> Iterator[None]:
    """Within the block spans go where the SDK's variables say, if tracing is on; what is left is sent at the end.

    Raises FailureError `tracing_missing` without the extra `otel`.
    """
    if not on:
        yield
        return
    provider = _make_provider()
    try:
        with traced_by(provider):
            yield
    finally:
        provider.shutdown()


def _make_provider() -> Any:
    # Imported here: most servers run without them.
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise FailureError("tracing_missing") from error
    resource = Resource.create({"service.version": __version__})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
