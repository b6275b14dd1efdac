"""One request as an operator sees it: an id, an access line, and the numbers. It stands around everything else."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.headers import OPEN_PATHS
from serving.observe.metrics import OTHER, Metrics
from serving.observe.notes import CURRENT, Notes

log = logging.getLogger("npsight.access")
HEADER = "X-Request-Id"
TAKEN = re.compile(r"[A-Za-z0-9._-]{1,64}")  # what a log, a header and a JSON document hold without escapes
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
PROBES = OPEN_PATHS | {"/metrics"}  # asked every few seconds; what goes well there is logged as DEBUG only
GONE, FAILED = 499, 500  # without an answer: the client hung up, or something broke


class Requests:
    """Give each request an id, and say how it went once it is over."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, routes: Iterable[BaseRoute]) -> None:
        self.app, self.metrics, self.routes = app, metrics, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note what happens below, and tell the client the id."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        notes, began, status = Notes(chosen_id(Headers(scope=scope))), time.perf_counter(), GONE

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = notes.id
            await send(message)

        token = CURRENT.set(notes)
        try:
            await self.app(scope, receive, tell)
        except Exception:
            status = FAILED
            raise
        finally:
            self._say(scope, notes, status, time.perf_counter() - began)
            CURRENT.reset(token)

    def _say(self, scope: Scope, notes: Notes, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else OTHER
        route, caller = template(scope, self.routes), scope.get("state", {}).get("caller")
        self.metrics.answered(route, method, status, seconds)
        if notes.problem:
            self.metrics.refusals.labels(notes.problem).inc()
        level = logging.DEBUG if route in PROBES and status < 400 else logging.INFO
        told = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
        told |= {"posts": notes.posts, "key": caller.id if caller else None, "problem": notes.problem or None}
        said = " ".join(f"{name}={value}" for name, value in told.items() if value is not None)
        log.log(level, said, extra=told)


def chosen_id(headers: Headers) -> str:
    """Take the id that a client or a proxy gives, when it is one of the form we can pass on, else make one."""
    given = headers.getlist(HEADER)
    return given[0] if len(given) == 1 and TAKEN.fullmatch(given[0]) else uuid4().hex


def template(scope: Scope, routes: Iterable[BaseRoute]) -> str:
    """Name the route, never the path: `/v1/cases/{id}`; what no route answers is `other`."""
    if found := getattr(scope.get("route"), "path", ""):
        return str(found)
    for route in routes:  # plain ones and folders, which the router does not tell of
        if isinstance(route, Route) and route.path == scope["path"]:
            return route.path
        if isinstance(route, Mount) and scope["path"].startswith(f"{route.path}/"):
            return f"{route.path}/*"
    return OTHER
