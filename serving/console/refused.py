"""Errors as pages: whatever answers a browser under /console with a problem document, a person reads it as a page."""

from __future__ import annotations

import json
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.console.pages import page
from serving.console.visitors import SIGN_IN
from serving.headers import is_console
from serving.problems import PROBLEM_JSON

KEPT = ("content-type", "content-length", "www-authenticate")  # which the page has of its own, or has no use for
HELP = {
    401: "What you were doing was not saved. Sign in again; what you typed is still on the page before this one.",
    403: "Nothing was changed.",
    404: "Nothing is here. It may have been moved, erased, or never been.",
    409: "Somebody else was faster. Nothing of yours was saved; look at it as it is now.",
    413: "Nothing was saved. Send less at once.",
    422: "Nothing was saved. Go back and mend what is listed.",
    429: "Nothing was saved. Wait a little, then send it again.",
    500: "This is our fault. The operator finds the cause in the log under the number below.",
    503: "Posts are judged on as before. What needs the store has to wait: the queue, decisions, signing in, "
    "and every change of terms, policies and releases. Nothing that was acknowledged is lost.",
}


class ProblemPages:
    """Turn the problem documents of console paths into pages, and a missing sign-in into the way to it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold back a problem document until it is whole; let everything else pass."""
        if scope["type"] != "http" or not is_console(scope["path"]):
            await self.app(scope, receive, send)
            return
        held: Message = {}
        body = bytearray()

        async def turn(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_problem(message):
                held = message
            elif not held:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    await _answer(scope, held, bytes(body), receive, send)

        await self.app(scope, receive, turn)


def _is_problem(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type", "").startswith(PROBLEM_JSON)


async def _answer(scope: Scope, start: Message, body: bytes, receive: Receive, send: Send) -> None:
    request, status = Request(scope), start["status"]
    if status == 401 and scope["method"] in ("GET", "HEAD"):
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        response = RedirectResponse(f"{SIGN_IN}?next={quote(path, safe='')}", 303)
    else:
        problem = json.loads(body)
        instance = problem.get("instance", "")
        response = page(  # type: ignore[assignment]  # either is a response
            request, "refused.html", status=status, problem=problem, help=HELP.get(status, ""), instance=instance
        )
    for name, value in Headers(raw=start["headers"]).items():
        if name not in KEPT:
            response.headers.setdefault(name, value)
    await response(scope, receive, send)
