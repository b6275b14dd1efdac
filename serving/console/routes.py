"""The console as one router, and its place in the app: `install` is all that the app knows of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from serving.console import (
    case_pages,
    dashboard,
    lexicon_page,
    policy_page,
    queue_pages,
    releases_page,
    sign_in,
    try_page,
)
from serving.console.fields import CHECKED
from serving.console.pages import ENTRIES, STATIC_FOLDER
from serving.console.parts import Parts
from serving.console.visitors import SIGN_IN
from serving.headers import CONSOLE

PAGES: Sequence[Callable[[Parts], APIRouter]] = (
    sign_in.routes,
    queue_pages.routes,
    case_pages.routes,
    dashboard.routes,
    try_page.routes,
    lexicon_page.routes,
    releases_page.routes,
    policy_page.routes,
)
"""Each gives the routes of one subject, with whole paths; the navigation shows those of `ENTRIES` that are there."""


def install(app: FastAPI, parts: Parts) -> None:
    """Put the pages into the app, with what they load and the way in."""
    pages = [routes(parts) for routes in PAGES]
    paths = {getattr(route, "path", "") for router in pages for route in router.routes}
    app.state.console_entries = entries = [entry for entry in ENTRIES if entry.path in paths]
    router = APIRouter(include_in_schema=False, dependencies=[CHECKED])
    for each in pages:
        router.include_router(each)

    @router.get(CONSOLE)
    @router.get(f"{CONSOLE}/")
    async def begin() -> Response:
        """Open the first page."""
        return RedirectResponse(entries[0].path if entries else SIGN_IN, 303)

    app.include_router(router)
    app.mount(f"{CONSOLE}/static", Files(directory=STATIC_FOLDER))


class Files(StaticFiles):
    """Files whose address changes with their content: a browser asks once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Let the browser keep it for a year."""
        response = await super().get_response(path, scope)
        if response.status_code == 200 and b"v=" in scope["query_string"]:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
