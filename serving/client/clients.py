"""The two clients: each only does the steps of a call, one of them waiting, the other awaiting."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeVar

import anyio
import httpx

from models.verdict import Post
from serving.client import calls
from serving.client.calls import Judged
from serving.client.exchange import Answer, Limits, Patience, Send, Steps, Wait

T = TypeVar("T")
LIMITS, PATIENCE = Limits(), Patience()  # as the service is shipped


class Client:
    """Calls a service and waits. Threads may share one; use it in `with`, or `close` it."""

    def __init__(
        self,
        address: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        limits: Limits = LIMITS,
        patience: Patience = PATIENCE,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.limits, self.patience = limits, patience
        self._http = httpx.Client(**_options(address, key), transport=transport)

    def classify(self, posts: Sequence[Post], *, policy: str = "default") -> list[Judged]:
        """Judge posts in order, in as many requests as the limits ask for."""
        return self._do(calls.classify(posts, policy, self.limits, self.patience))

    def feedback(self, decisions: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None) -> list[Any]:
        """Send decisions taken elsewhere; give the key yourself to repeat the call after your process died."""
        return self._do(calls.feedback(decisions, idempotency_key, self.patience))

    def release(self) -> dict[str, Any]:
        """Ask which release answers."""
        return self._do(calls.release(self.patience))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _do(self, steps: Steps[T]) -> T:
        got: Answer | Exception | None = None
        try:
            while True:
                step, got = steps.send(got), None
                if isinstance(step, Wait):
                    time.sleep(step.seconds)
                else:
                    got = self._send(step)
        except StopIteration as end:
            result: T = end.value
            return result

    def _send(self, step: Send) -> Answer | Exception:
        end = time.monotonic() + step.seconds
        try:
            with self._http.stream(**_request(step)) as response:
                parts = []
                for part in response.iter_bytes():
                    parts.append(part)
                    if time.monotonic() > end:  # httpx bounds the wait for each part, not for all of them
                        return httpx.ReadTimeout("the answer came too slowly")
                return Answer(response.status_code, response.headers, b"".join(parts))
        except _UNSENT:
            raise
        except httpx.RequestError as error:
            return error


class AsyncClient:
    """Calls a service and lets others run meanwhile; use it in `async with`, or `aclose` it."""

    def __init__(
        self,
        address: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        limits: Limits = LIMITS,
        patience: Patience = PATIENCE,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.limits, self.patience = limits, patience
        self._http = httpx.AsyncClient(**_options(address, key), transport=transport)

    async def classify(self, posts: Sequence[Post], *, policy: str = "default") -> list[Judged]:
        """Judge posts in order, in as many requests as the limits ask for."""
        return await self._do(calls.classify(posts, policy, self.limits, self.patience))

    async def feedback(
        self, decisions: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> list[Any]:
        """Send decisions taken elsewhere; give the key yourself to repeat the call after your process died."""
        return await self._do(calls.feedback(decisions, idempotency_key, self.patience))

    async def release(self) -> dict[str, Any]:
        """Ask which release answers."""
        return await self._do(calls.release(self.patience))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _do(self, steps: Steps[T]) -> T:
        got: Answer | Exception | None = None
        try:
            while True:
                step, got = steps.send(got), None
                if isinstance(step, Wait):
                    await anyio.sleep(step.seconds)
                else:
                    got = await self._send(step)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _send(self, step: Send) -> Answer | Exception:
        try:
            with anyio.fail_after(step.seconds):
                async with self._http.stream(**_request(step)) as response:
                    return Answer(response.status_code, response.headers, await response.aread())
        except _UNSENT:
            raise
        except (httpx.RequestError, TimeoutError) as error:
            return error


_UNSENT = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
"""The caller's own mistakes, which no other try mends."""


def _options(address: str, key: str | None) -> dict[str, Any]:
    key = os.environ.get("NPSIGHT_API_KEY", "") if key is None else key
    if not (key.isascii() and all(" " < sign < "\x7f" for sign in key)):  # never quoted: it is a secret
        raise ValueError("the key has characters that no key has: a line end, perhaps, from the file it was read from")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return {"base_url": address.rstrip("/") + "/", "headers": {"Accept": "application/json", **headers}}


def _request(step: Send) -> dict[str, Any]:
    ask = step.ask
    return {
        "method": ask.method,
        "url": ask.path,
        "content": ask.content,
        "headers": dict(ask.headers),
        "timeout": httpx.Timeout(step.seconds),
    }
