"""Pages from templates: what each of them knows, and the files beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from serving.console.visitors import VISIT_COOKIE, Visitor, cookies_of, give
from serving.headers import CONSOLE

HERE = Path(__file__).parent
STATIC_FOLDER = HERE / "static"
THEME_COOKIE = "npsight_theme"
THEMES = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True)
class Entry:
    """One place of the navigation."""

    path: str
    title: str


ENTRIES = (
    Entry(f"{CONSOLE}/queue", "Queue"),
    Entry(f"{CONSOLE}/try", "Try it"),
    Entry(f"{CONSOLE}/lexicon", "Lexicon"),
    Entry(f"{CONSOLE}/releases", "Releases and policy"),
    Entry(f"{CONSOLE}/dashboard", "Dashboard"),
)
"""In the order of the day; a page shows those that this service has."""


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a template with what every page knows: the visitor, where one is, the form token, the look."""
    visitor = getattr(request.state, "visitor", None)
    shown = {
        "visitor": visitor,
        "token": visitor.token if visitor else "",
        "entries": request.app.state.console_entries,
        "here": request.url.path,
        "back": back_of(request),
        "theme": theme_of(request),
        "themes": THEMES,
    }
    response = HTMLResponse(_templates().get_template(template).render(shown | values), status)
    if isinstance(visitor, Visitor) and not visitor.session and cookies_of(request.scope).get(VISIT_COOKIE) is None:
        give(response, request, VISIT_COOKIE, visitor.secret)
    return response


def go(path: str) -> RedirectResponse:
    """Send the browser to a page after a form, so that a reload does not send the form again."""
    return RedirectResponse(path, 303)


def own_path(path: str, otherwise: str = CONSOLE) -> str:
    """Give a path of the console as it is, and another for whatever leads elsewhere."""
    inside = path == CONSOLE or path.startswith((f"{CONSOLE}/", f"{CONSOLE}?"))
    plain = path.isascii() and path.isprintable() and not set(path) & set('\\ <>"') and "/.." not in path
    return path if inside and plain else otherwise


def back_of(request: Request) -> str:
    """Give the way back to the page that a form of this request stood on; a form's own address is often no page."""
    if request.method == "POST":
        return next((entry.path for entry in ENTRIES if request.url.path.startswith(entry.path)), CONSOLE)
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path


def theme_of(request: Request) -> str:
    """Give the look that was chosen; `auto` follows the device."""
    chosen = cookies_of(request.scope).get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


@cache
def asset(name: str) -> str:
    """Give the address of a file beside the pages; it changes with the file, so that browsers may keep it for good."""
    digest = hashlib.sha256((STATIC_FOLDER / name).read_bytes()).hexdigest()[:12]
    return f"{CONSOLE}/static/{name}?v={digest}"


def when(moment: datetime | None) -> Markup:
    """Write a time in UTC to the minute, with all of it in its title."""
    if moment is None:
        return Markup("&ndash;")
    exact = moment.astimezone(UTC)
    iso = exact.isoformat(timespec="seconds")
    return Markup('<time datetime="{0}" title="{0}">{1} UTC</time>').format(iso, exact.strftime("%Y-%m-%d %H:%M"))


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share as a percentage; one that is not known is a dash."""
    return "–" if share is None else f"{share * 100:.{digits}f} %"


def grouped(number: float | None) -> str:
    """Write a count with its thousands apart."""
    return "–" if number is None else f"{number:,.0f}"


FILTERS: Mapping[str, Any] = {"when": when, "percent": percent, "grouped": grouped}


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    environment.globals["asset"] = asset
    return environment
