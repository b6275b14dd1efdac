"""The service as a program on the same machine meets it: no test client says by itself where it calls from."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.app import create_app


def from_here(app: ASGIApp) -> ASGIApp:
    """Wrap an app so that every request comes from this machine and names it."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope = {**scope, "client": ("127.0.0.1", 50000), "headers": [*headers, (b"host", b"localhost:8000")]}
        await app(scope, receive, send)

    return call


def create_local_app(*args: Any, **kwargs: Any) -> ASGIApp:
    """Build the service and call it from this machine."""
    return from_here(create_app(*args, **kwargs))
