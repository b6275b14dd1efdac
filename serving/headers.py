"""What every answer tells a browser, and the names that the service goes by."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.problems import Problem, respond

STRICT = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# /docs is FastAPI's own page: it loads Swagger UI from this network and starts it by a script in the page.
DOCS = (
    "default-src 'none'; script-src 'unsafe-inline' https://cdn.jsdelivr.net; connect-src 'self'; "
    "style-src 'unsafe-inline' https://cdn.jsdelivr.net; img-src data: https://fastapi.tiangolo.com; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A page of the console loads what this process serves and nothing else: no script or style stands in a page.
PAGES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
CONSOLE = "/console"
DOCS_PATHS = frozenset({"/docs", "/docs/oauth2-redirect"})
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""What balancers call: without a key, and under whatever name."""


class SecurityHeaders:
    """Add the headers to every answer; a route that sets its own keeps it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the answer to begin."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = MutableHeaders(scope=message)
                given.setdefault("X-Content-Type-Options", "nosniff")
                given.setdefault("X-Frame-Options", "DENY")  # for browsers that do not know frame-ancestors
                # Under no-referrer a browser says `Origin: null` of our own forms, like those of others.
                given.setdefault("Referrer-Policy", "same-origin" if is_console(scope["path"]) else "no-referrer")
                given.setdefault("Content-Security-Policy", _policy(scope["path"]))
                given.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, add)


class TrustedHosts:
    """Refuse a Host header that is none of ours: a page elsewhere, or a proxy set up wrongly, sent the browser here."""

    def __init__(self, app: ASGIApp, *, names: Sequence[str]) -> None:
        self.app = app
        self.names = frozenset(name.lower() for name in names if not name.startswith("*."))
        self.endings = tuple(name[1:].lower() for name in names if name.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at the name, whatever the port."""
        name = host_name(scope)
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or self._ours(name):
            await self.app(scope, receive, send)
        else:
            await respond(Problem("unknown-host", "NPSIGHT_TRUSTED_HOSTS has the names."))(scope, receive, send)

    def _ours(self, name: str) -> bool:
        return name in self.names or (bool(self.endings) and name.endswith(self.endings))


def is_console(path: str) -> bool:
    """Say whether a path is the console's."""
    return path == CONSOLE or path.startswith(f"{CONSOLE}/")


def _policy(path: str) -> str:
    if is_console(path):
        return PAGES
    return DOCS if path in DOCS_PATHS else STRICT


def host_name(scope: Scope) -> str:
    """Give the name of the Host header without its port, empty when it is missing or there are several."""
    if scope["type"] == "lifespan" or len(values := Headers(scope=scope).getlist("host")) != 1:
        return ""
    name = values[0].lower()
    return name.partition("]")[0].lstrip("[") if name.startswith("[") else name.partition(":")[0]
