"""Traces by OpenTelemetry, where they are switched on: FastAPI makes them, the variables OTEL_* say where they go.

They name routes and times. What a caller writes after a `?` is left out, and log records are not sent at all: those
carry validation errors, and with them the text of posts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from serving.observe.requests import PROBES

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
OFF: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


def telemetry(on: bool, environment: Mapping[str, str] = os.environ) -> TelemetryConfig:
    """Give FastAPI its settings; `ValueError` says what is missing: nobody should look for traces that go nowhere."""
    if not on:
        return OFF
    if not any(environment.get(name) for name in ENDPOINTS):
        raise ValueError(
            f"otel is on and {ENDPOINTS[0]} is not set: wanted the address of a collector (OTLP over HTTP)"
        )
    return {**OFF, "tracing": True, "auto_configure": True, "tracer_provider": provider(), "exclude": is_probe}


def provider() -> Any:
    """Make what hands spans on, or say which extra is missing."""
    try:
        import opentelemetry.exporter.otlp.proto.http  # noqa: F401  # FastAPI would only warn, and go on without
        from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
    except ModuleNotFoundError:
        raise ValueError("otel is on and its packages are missing: pip install 'npsight[otel]'") from None

    class NoQuery(SpanProcessor):
        """Overwrite the query before anything reads the span."""

        def on_start(self, span: Span, parent_context: Any = None) -> None:
            """Leave a word in its place, so that it is seen that there was one."""
            if span.attributes and "url.query" in span.attributes:
                span.set_attribute("url.query", "left out")

    made = TracerProvider()
    made.add_span_processor(NoQuery())
    return made


def is_probe(scope: Mapping[str, Any]) -> bool:
    """Tell what is asked every few seconds and is not worth a trace."""
    return scope.get("path") in PROBES
