from __future__ import annotations

import sys

import pytest
from callers import create_local_app as create_app  # type: ignore[import-not-found]  # pytest finds it beside this file
from fastapi.testclient import TestClient
from test_observe import detect, failing  # type: ignore[import-not-found]  # as above

from serving.observe import tracing
from serving.settings import Settings

pytest.importorskip("opentelemetry.sdk.trace")
SECRET = "zebra-quartz"


def test_without_the_setting_nothing_is_traced() -> None:
    assert not any(tracing.telemetry(False, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}).values())


def test_without_a_collector_it_is_refused() -> None:
    with pytest.raises(ValueError, match="OTEL_EXPORTER_OTLP_ENDPOINT is not set"):
        create_app({"default": detect}, {}, Settings(otel=True))


def test_without_its_packages_it_says_which_extra_brings_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ValueError, match=r"npsight\[otel\]"):
        tracing.telemetry(True, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"})


def test_a_trace_names_the_route_and_nothing_that_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    provider, exported = tracing.provider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exported))
    monkeypatch.setattr(tracing, "provider", lambda: provider)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")  # only the one above
    app = create_app({"default": detect, "failing": failing}, {}, Settings(otel=True))
    with TestClient(app, raise_server_exceptions=False) as client:
        for policy in ("default", "failing", "unknown"):
            body = {"posts": [{"id": "1", "text": SECRET}], "policy": policy}
            client.post(f"/v1/classify?q={SECRET}", json=body)
        client.get("/healthz")
    spans = exported.get_finished_spans()
    servers = [(span.name, dict(span.attributes or {})) for span in spans if span.parent is None]
    assert [(name, told["http.response.status_code"]) for name, told in servers] == [
        ("POST /v1/classify", 200),
        ("POST /v1/classify", 500),
        ("POST /v1/classify", 422),
    ]
    assert SECRET not in "".join(span.to_json() for span in spans)
