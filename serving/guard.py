"""What stands around the routes: a limit on bodies, and an answer to what nobody foresaw."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.problems import Problem, respond

log = logging.getLogger("npsight.serving")


class BodyLimit:
    """Refuse a body over the limit, by what it says of its length or else by what arrives, and one that dawdles."""

    def __init__(self, app: ASGIApp, *, max_bytes: int, seconds: float) -> None:
        self.app = app
        self.max_bytes, self.seconds = max_bytes, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the bytes as they come, since a length may be missing or a lie."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        too_large = Problem("body-too-large", f"A body may have {self.max_bytes} bytes.")
        if _declared(scope) > self.max_bytes:
            await respond(too_large)(scope, receive, send)
            return
        end = asyncio.get_running_loop().time() + self.seconds
        arrived, whole = 0, False

        async def count() -> Message:
            nonlocal arrived, whole
            if whole:  # what comes now is the client's leaving, which may take as long as the answer
                return await receive()
            try:
                async with asyncio.timeout_at(end):
                    message = await receive()
            except TimeoutError:
                said = f"The body did not arrive within {self.seconds:g} seconds."
                raise Problem("body-too-slow", said, headers={"Connection": "close"}) from None
            arrived += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if arrived > self.max_bytes:
                raise too_large
            return message

        await self.app(scope, count, send)


def _declared(scope: Scope) -> int:
    said = Headers(scope=scope).get("content-length", "")
    return int(said) if said.isdecimal() and len(said) < 20 else 0  # nonsense is left to the count


class Guard:
    """Answer an unforeseen exception with a bare 500; log where it rose, never what it said: it may quote a post."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name the failure by a number that the client and the log share."""
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        if _ambiguous(scope):
            said = "The request has both Content-Length and Transfer-Encoding."
            await respond(Problem("ambiguous-length", said, headers={"Connection": "close"}))(scope, receive, send)
            return
        try:
            await self.app(scope, receive, watch)
        except Exception as error:
            instance = uuid4().urn
            log.error("%s: %s at %s", instance, type(error).__name__, _where(error))
            if started or scope["type"] != "http":
                raise RuntimeError(f"broken off, see {instance}") from None
            problem = Problem("internal-error", "The log has more under this instance.", instance=instance)
            await respond(problem)(scope, receive, send)


def _ambiguous(scope: Scope) -> bool:
    """Say whether a proxy may have read another end of the body than we: what follows might be a request in hiding."""
    headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
    return "content-length" in headers and "transfer-encoding" in headers


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-5:]  # the last calls tell; the rest is the framework's
    return " > ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in frames)


class _JsonRequest(Request):
    async def json(self) -> Any:
        try:
            return from_json(await self.body(), allow_inf_nan=False)
        except ValueError as error:  # the parser says what and where, and quotes nothing
            raise Problem("invalid-json", str(error)) from None


class JsonRoute(APIRoute):
    """A route whose body is JSON and nothing else: no guessing, no NaN, no lone surrogate, no bottomless nesting."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Check the media type before the body is read, then read it with the strict parser."""
        handle = super().get_route_handler()

        async def check(request: Request) -> Response:
            media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if self.body_field is not None and media_type != "application/json":
                raise Problem("wrong-media-type", "Send the body as application/json, in UTF-8.")
            if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
                # A small packed body may unpack to any size.
                headers = {"Accept-Encoding": "identity"}
                raise Problem("wrong-media-type", "Send the body without a Content-Encoding.", headers=headers)
            return await handle(_JsonRequest(request.scope, request.receive))

        return check
