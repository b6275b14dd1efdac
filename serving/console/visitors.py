"""Who opens a page of the console: a cookie instead of a key, and a token in every form.

The cookie is for pages only: routes of the API never look at it, and pages never look at a key in a header.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie

from fastapi import Request, Response
from starlette.datastructures import Headers
from starlette.types import Scope

from serving.access import Caller, open_here
from serving.console.sessions import HOURS, Sessions
from serving.headers import CONSOLE
from serving.keyring import Keyring
from serving.keys import Scope as KeyScope
from serving.problems import Problem

SIGN_IN = f"{CONSOLE}/sign-in"
STATIC = f"{CONSOLE}/static/"
SESSION_COOKIE = "npsight_session"
VISIT_COOKIE = "npsight_visit"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page. `secret` is what form tokens are made with: the session's, else that of the visit."""

    caller: Caller
    name: str = ""
    session: str = ""
    secret: str = ""

    @property
    def reviewer(self) -> str:
        """Name them as decisions and the audit chain do: the key's id, and the person who holds it."""
        return f"{self.caller.id}/{self.name}" if self.name else self.caller.id

    @property
    def signed_in(self) -> bool:
        """Say whether they may see more than the door."""
        return bool(self.caller.scopes)

    @property
    def token(self) -> str:
        """Give what a form must carry; no other site can read or guess it."""
        return hmac.new(self.secret.encode(), b"npsight console form", hashlib.sha256).hexdigest()

    def may(self, scope: str) -> bool:
        """Say whether they hold a scope, by its word: `review` or `admin`."""
        return KeyScope(scope) in self.caller.scopes


class Visitors:
    """Find the visitor of a request to the console; `unauthenticated` where a page wants one and there is none."""

    def __init__(self, sessions: Sessions, keyring: Keyring, *, local: bool) -> None:
        self.sessions, self.keyring, self.local = sessions, keyring, local

    async def identify(self, scope: Scope) -> Caller:
        """Give the caller, and leave the visitor in the request's state."""
        cookies = cookies_of(scope)
        visitor = Visitor(nobody(scope), secret=cookies.get(VISIT_COOKIE) or secrets.token_urlsafe(32))
        if not is_open(scope["path"]):
            visitor = await self._known(scope, cookies, visitor)
        scope.setdefault("state", {})["visitor"] = visitor
        return visitor.caller

    async def _known(self, scope: Scope, cookies: dict[str, str], visit: Visitor) -> Visitor:
        known = await self.keyring.keys()
        if known is None:
            raise Problem("store-unavailable", f"{self.keyring.fault}, so nobody can sign in.", retry_after=5)
        if self.local and (caller := open_here(scope, known)):
            return Visitor(caller, secret=visit.secret)
        token, now = cookies.get(SESSION_COOKIE, ""), datetime.now(UTC)
        session = await self.sessions.find(token, now=now) if token else None
        key = known.get(session.key_id) if session else None
        if session is None or key is None or key.state(now) != "active":
            raise Problem("unauthenticated", "Sign in to see this page." if not token else "Your session has ended.")
        return Visitor(Caller(key.id, key.scopes, f"key:{key.id}"), session.reviewer, token, token)


def visitor_of(request: Request) -> Visitor:
    """Give who looks at this page."""
    visitor = getattr(request.state, "visitor", None)
    if not isinstance(visitor, Visitor):
        raise Problem("unauthenticated", "Sign in to see this page.")
    return visitor


def nobody(scope: Scope) -> Caller:
    """Give the caller who has not signed in: their requests are counted, and that is all."""
    return Caller("", frozenset(), f"address:{scope['client'][0] if scope.get('client') else ''}")


def is_open(path: str) -> bool:
    """Say whether a path of the console is shown to everybody: the door, and what makes it look like one."""
    return path == SIGN_IN or path.startswith(STATIC)


def cookies_of(scope: Scope) -> dict[str, str]:
    """Read the cookies; what is no cookie is none."""
    try:
        jar = SimpleCookie("; ".join(Headers(scope=scope).getlist("cookie")))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}


def give(response: Response, request: Request, name: str, value: str, *, seconds: int | None = None) -> None:
    """Set a cookie that no script and no other site can use."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=CONSOLE,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def keep_session(response: Response, request: Request, token: str) -> None:
    """Sign the browser in."""
    give(response, request, SESSION_COOKIE, token, seconds=HOURS * 3600)
