"""How many texts a reviewer was shown in an hour: looking at this all day wears people down, and nobody counts alone.

Texts are blurred until somebody asks for them; that lasts for their session, and so does a nudge that was put away for
its hour. Both are cookies: what is lost with them is a click.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request, Response
from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from serving.console.visitors import cookies_of, give, visitor_of
from serving.store.tables import EXPOSURES, hour_text

TEXTS_COOKIE = "npsight_texts"
RESTED_COOKIE = "npsight_rested"


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a page says of it: how many texts this hour, and whether to suggest a pause."""

    shown: int
    nudge: bool


def count_shown(connection: Connection, reviewer: str, *, now: datetime) -> int:
    """Count one text that was shown, and give this hour's number; two pages at once both count."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = insert(EXPOSURES).values(reviewer=reviewer, hour=hour_text(now), shown=0)
    connection.execute(row.on_conflict_do_nothing())
    connection.execute(update(EXPOSURES).where(_mine(reviewer, now)).values(shown=EXPOSURES.c.shown + 1))
    return shown(connection, reviewer, now=now)


def shown(connection: Connection, reviewer: str, *, now: datetime) -> int:
    """Give how many texts this reviewer was shown in this hour."""
    return int(connection.scalar(select(EXPOSURES.c.shown).where(_mine(reviewer, now))) or 0)


def exposure(request: Request, count: int, pause_after: int, *, now: datetime) -> Exposure:
    """Say whether it is time for a pause, unless that was said and put away this hour."""
    rested = cookies_of(request.scope).get(RESTED_COOKIE) == hour_text(now)
    return Exposure(count, count >= pause_after and not rested)


def shows_texts(request: Request) -> bool:
    """Say whether this session asked for texts."""
    return cookies_of(request.scope).get(TEXTS_COOKIE) == _session_mark(request)


def remember_texts(request: Request, response: Response, show: bool) -> None:
    """Keep for this session whether texts are shown."""
    give(response, request, TEXTS_COOKIE, _session_mark(request) if show else "blurred")


def put_nudge_away(request: Request, response: Response) -> None:
    """Keep quiet for the rest of this hour."""
    give(response, request, RESTED_COOKIE, hour_text(datetime.now(UTC)))


def _session_mark(request: Request) -> str:
    """Tie the choice to one session, so that the next person at this browser begins with blurred texts."""
    return hashlib.sha256(b"texts " + visitor_of(request).secret.encode()).hexdigest()[:16]


def _mine(reviewer: str, now: datetime) -> ColumnElement[bool]:
    return (EXPOSURES.c.reviewer == reviewer) & (EXPOSURES.c.hour == hour_text(now))
