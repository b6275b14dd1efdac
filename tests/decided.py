"""Decisions for tests, put straight into the table."""

from __future__ import annotations

from cases import NOW  # type: ignore[import-not-found]  # pytest finds it beside this file
from sqlalchemy import Connection, func, insert, select

from serving.store.tables import DECISIONS


def decide(connection: Connection, case: int, decision: str, *, undoes: int | None = None) -> int:
    """Put one decision and give its number."""
    row = {"case_id": case, "time": NOW, "reviewer": "k1", "source": "api", "decision": decision, "copies": 1}
    connection.execute(insert(DECISIONS).values(**row, undoes=undoes))
    return int(connection.execute(select(func.max(DECISIONS.c.id))).scalar_one())
