"""Who may call: a key for every request but those of balancers, and a scope for every route.

Without any key in the store, a service that listens on this machine only serves this machine only: a first look needs
no set-up. As soon as one key was ever made, also one that is revoked by now, every request needs one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import keys, rates
from serving.headers import OPEN_PATHS, SecurityHeaders, TrustedHosts, host_name, is_console
from serving.keyring import Keyring
from serving.problems import Problem, respond
from serving.rates import Left, Rates
from serving.settings import Settings, is_local

REALM = 'Bearer realm="npsight"'
HOW = "Send a key as `Authorization: Bearer nps_...` or `X-API-Key: nps_...`."
REFUSALS = ("unauthenticated", "forbidden", "rate-limited", "store-unavailable")
"""What may stand before any route, for its description."""
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
BEARER = HTTPBearer(auto_error=False, description="A key of `npsight keys create`.")
API_KEY = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key, where Bearer is taken.")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a key's id, or `local`; what they may do; under which name their requests are counted."""

    id: str
    scopes: frozenset[keys.Scope]
    counted_as: str


Identify = Callable[[Scope], Awaitable[Caller]]
"""Give the caller of a request, or raise `unauthenticated`."""


class Access:
    """Let nobody through who does not show a key. It stands before the body is read."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        keyring: Keyring,
        limits: Rates,
        local: bool,
        open_paths: frozenset[str] = OPEN_PATHS,
        pages: Identify | None = None,
    ) -> None:
        self.app = app
        self.open_paths = open_paths
        self.keyring = keyring
        self.limits = limits
        self.local = local
        self.pages = pages  # who knows the visitors of the console, which has a cookie where others show a key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find the caller, count the request, and tell the routes who it is."""
        if scope["type"] == "lifespan" or (scope["type"] == "http" and scope["path"] in self.open_paths):
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # no route of ours is a websocket
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            identify = self.pages if self.pages and is_console(scope["path"]) else self.identify
            caller = await identify(scope)
            left = await self.limits.take("requests", caller.counted_as)
        except Problem as problem:
            await respond(problem)(scope, receive, send)
            return
        lefts = [left] if left else []
        scope.setdefault("state", {}).update(caller=caller, limits=self.limits, lefts=lefts)
        await self.app(scope, receive, _telling(lefts, send))

    async def identify(self, scope: Scope) -> Caller:
        """Give the caller, or say what is missing."""
        shown = shown_key(Headers(scope=scope))
        known = await self.keyring.keys()
        if known is None:
            raise _unavailable(self.keyring.fault)
        if shown is None:
            if self.local and (caller := open_here(scope, known)):
                return caller
            raise _unauthenticated(HOW)
        return holder(self.keyring, shown, known)


def open_here(scope: Scope, known: Mapping[str, keys.Key]) -> Caller | None:
    """Give the caller on this machine whom a service that only this machine reaches lets in while it has no keys."""
    if known or not _from_here(scope):
        return None
    return Caller("local", frozenset(keys.Scope), f"address:{_address(scope)}")


def holder(keyring: Keyring, shown: str, known: Mapping[str, keys.Key]) -> Caller:
    """Give who holds a key, or say why it lets nobody in."""
    key_id, secret = keys.parse(shown) or ("", "")
    key = known.get(key_id, keys.NOBODY)
    if not keys.matches(key, secret):
        if key_id and key is keys.NOBODY and keyring.fault:  # it may have been made since the store fell silent
            raise _unavailable(keyring.fault)
        raise _unauthenticated("The key is not known here.", error="invalid_token")
    now = datetime.now(UTC)
    if (state := key.state(now)) != "active":  # who shows the whole key may know this much of it
        raise _unauthenticated(f"The key is {state}.", error="invalid_token")
    keyring.used(key, now)
    return Caller(key.id, key.scopes, f"key:{key.id}")


def shown_key(headers: Headers) -> str | None:
    """Take the one key of a request; two of them, or another scheme, are refused and not guessed about."""
    authorization, api_key = headers.getlist("authorization"), headers.getlist("x-api-key")
    if not authorization and not api_key:
        return None
    if len(authorization) + len(api_key) > 1:
        raise _unauthenticated("The request shows more than one key.", error="invalid_request")
    if api_key:
        return api_key[0]
    scheme, _, shown = authorization[0].partition(" ")
    if scheme.lower() != "bearer":
        raise _unauthenticated(HOW, error="invalid_request")
    return shown


def needs(scope: keys.Scope) -> Any:
    """Make the dependency that lets through only callers with this scope."""

    async def check(
        request: Request, _: Annotated[Any, Security(BEARER)], __: Annotated[Any, Security(API_KEY)]
    ) -> None:
        if scope not in caller_of(request).scopes:
            said = f'{REALM}, error="insufficient_scope", scope="{scope}"'
            raise Problem("forbidden", f"The key lacks the scope {scope}.", headers={"WWW-Authenticate": said})

    return Depends(check)


def caller_of(request: Request) -> Caller:
    """Give who asks; without `Access` around the routes there is nobody, and nobody may do anything."""
    caller = getattr(request.state, "caller", None)
    if not isinstance(caller, Caller):
        raise _unauthenticated(HOW)
    return caller


async def take_posts(request: Request, count: int) -> None:
    """Count the posts of a request; `rate-limited` when they are too many."""
    left = await request.state.limits.take("posts", caller_of(request).counted_as, count)
    if left:
        request.state.lefts.append(left)


def install(app: FastAPI, settings: Settings, keyring: Keyring, *, pages: Identify | None = None) -> None:
    """Put access and what goes with it around the app; each one added here stands around those before it."""
    opened = OPEN_PATHS | ({"/metrics"} if settings.metrics_open else set())
    app.add_middleware(
        Access, keyring=keyring, limits=Rates(settings), local=settings.local, open_paths=opened, pages=pages
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-API-Key", "X-Reviewer"],
            expose_headers=["RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"],
        )
    if settings.trusted_hosts:
        app.add_middleware(TrustedHosts, names=settings.trusted_hosts, open_paths=opened)
    app.add_middleware(SecurityHeaders)


def _from_here(scope: Scope) -> bool:
    """Say whether the request comes from this machine and was meant for it.

    A proxy on this machine speaks for others, and a web page can point its own name at this machine: neither is let in.
    """
    headers = Headers(scope=scope)
    return is_local(_address(scope)) and is_local(host_name(scope)) and not any(name in headers for name in FORWARDED)


def _address(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else ""


def _telling(lefts: list[Left], send: Send) -> Callable[[Message], Any]:
    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start" and lefts:
            given = MutableHeaders(scope=message)
            for name, value in rates.headers(lefts).items():
                given.setdefault(name, value)  # a refusal has told it already
        await send(message)

    return tell


def _unauthenticated(detail: str, *, error: str = "") -> Problem:
    said = f'{REALM}, error="{error}"' if error else REALM
    return Problem("unauthenticated", detail, headers={"WWW-Authenticate": said})


def _unavailable(fault: str) -> Problem:
    return Problem("store-unavailable", f"{fault}, so this key cannot be checked.", headers={"Retry-After": "5"})
