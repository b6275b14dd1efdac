"""Sign in, sign out, and the look of the pages."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from serving.access import holder
from serving.console.fields import fields
from serving.console.pages import THEME_COOKIE, THEMES, go, own_path, page
from serving.console.parts import Parts
from serving.console.visitors import SESSION_COOKIE, SIGN_IN, VISIT_COOKIE, give, keep_session, visitor_of
from serving.headers import CONSOLE
from serving.keys import Scope
from serving.problems import Problem

MAX_NAME = 60  # as `X-Reviewer` has it
A_YEAR = 365 * 24 * 3600


def routes(parts: Parts) -> APIRouter:
    """Build the door."""
    router = APIRouter()

    @router.get(SIGN_IN)
    async def door(request: Request) -> Response:
        return page(request, "sign_in.html", next=own_path(request.query_params.get("next", "")), fault="", name="")

    @router.post(SIGN_IN)
    async def enter(request: Request) -> Response:
        await request.state.limits.take("sign-ins", visitor_of(request).caller.counted_as)
        form = await fields(request)
        name, after = form.word("name"), own_path(form.get("next", ""))
        try:
            token = await _session(parts, form.word("key"), name)
        except Problem as problem:
            if problem.status_code == 503:
                raise
            shown = {"next": after, "fault": problem.detail, "name": name[:MAX_NAME]}
            return page(request, "sign_in.html", status=problem.status_code, **shown)
        response = go(after)
        keep_session(response, request, token)
        response.delete_cookie(VISIT_COOKIE, path=CONSOLE)  # whoever knew it before knows nothing of the session
        return response

    @router.post(f"{CONSOLE}/sign-out")
    async def leave(request: Request) -> Response:
        if session := visitor_of(request).session:
            await parts.visitors.sessions.end(session)
        response = go(SIGN_IN)
        response.delete_cookie(SESSION_COOKIE, path=CONSOLE)
        return response

    @router.post(f"{CONSOLE}/look")
    async def look(request: Request) -> Response:
        form = await fields(request)
        response = go(own_path(form.get("next", "")))
        if (theme := form.get("theme")) in THEMES:
            give(response, request, THEME_COOKIE, theme, seconds=A_YEAR)
        return response

    return router


async def _session(parts: Parts, key: str, name: str) -> str:
    """Check the key and the name, and begin a session."""
    known = await parts.keyring.keys()
    if known is None:
        raise Problem("store-unavailable", f"{parts.keyring.fault}, so nobody can sign in.", retry_after=5)
    if not (0 < len(name) <= MAX_NAME and name.isprintable()):
        raise Problem("invalid-request", f"Your name: wanted 1 to {MAX_NAME} printable characters.")
    caller = holder(parts.keyring, key, known)
    if not caller.scopes & {Scope.REVIEW, Scope.ADMIN}:
        raise Problem("forbidden", "This key may not review: it needs the scope review or admin.")
    return await parts.visitors.sessions.start(caller.id, name, now=datetime.now(UTC))
