"""The dashboard: what passed through, what people decided of it, and what that says of the detector."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from serving import access
from serving.console import dashboard_view as view
from serving.console.drift_view import drift_view
from serving.console.pages import page
from serving.console.parts import Parts
from serving.console.sessions import asked
from serving.headers import CONSOLE
from serving.keys import Scope
from serving.review.figures import figures
from serving.review.reviewed import reviewed
from serving.settings import Settings

PERIODS = (("7", "7 days"), ("28", "4 weeks"), ("91", "13 weeks"))


def routes(parts: Parts) -> APIRouter:
    """Build the page."""
    router = APIRouter(dependencies=[access.needs(Scope.REVIEW)])

    @router.get(f"{CONSOLE}/dashboard")
    async def dashboard(request: Request, days: str = "28") -> Response:
        """Show figures of the last days."""
        days = days if days in dict(PERIODS) else "28"

        def read() -> dict[str, Any]:
            with parts.engine.connect() as connection:
                return gathered(connection, parts.settings, days=int(days), now=datetime.now(UTC))

        return page(request, "dashboard.html", days=days, periods=PERIODS, **await asked(read))

    return router


def gathered(connection: Connection, settings: Settings, *, days: int, now: datetime) -> dict[str, Any]:
    """Read all that the page shows."""
    since = now - timedelta(days=days - 1)
    rows = reviewed(connection, since=since)
    return {
        "backlog": view.backlog(connection, now),
        "figures": view.figure_tiles(figures(rows)),
        "passed": view.passed(connection, since=since, now=now),
        "decided": view.decided(connection, since=since, now=now),
        "slices": view.by_language(rows),
        "rises": view.rises(connection, now),
        "drift": drift_view(connection, settings, now),
    }
