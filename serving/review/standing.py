"""Which decision of a case is in force: the last one that was not taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from serving.store.tables import DECISIONS

UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Standing:
    """The decision in force of one case."""

    id: int
    case_id: int
    time: datetime
    reviewer: str
    source: str
    decision: str
    intent: str | None
    spans: str | None  # JSON, as stored
    appeal: str | None
    copies: int


def standing_decisions() -> Select[Any]:
    """Select one row a case that has a decision in force, with the columns of `decisions` but `undoes`.

    Join it by `case_id` as `standing_decisions().subquery()`. Numbers of decisions only grow: the largest is last.
    """
    undone = select(DECISIONS.c.undoes).where(DECISIONS.c.undoes.is_not(None))
    kept = (DECISIONS.c.decision != UNDO) & DECISIONS.c.id.not_in(undone)
    last = select(func.max(DECISIONS.c.id)).where(kept).group_by(DECISIONS.c.case_id)
    return select(*(column for column in DECISIONS.c if column.name != "undoes")).where(DECISIONS.c.id.in_(last))


def standing(connection: Connection, case_id: int) -> Standing | None:
    """Give the decision in force of one case."""
    undone = select(DECISIONS.c.undoes).where(DECISIONS.c.case_id == case_id, DECISIONS.c.undoes.is_not(None))
    of_case = (DECISIONS.c.case_id == case_id) & (DECISIONS.c.decision != UNDO) & DECISIONS.c.id.not_in(undone)
    columns = (column for column in DECISIONS.c if column.name != "undoes")
    row = connection.execute(select(*columns).where(of_case).order_by(DECISIONS.c.id.desc()).limit(1)).first()
    return Standing(**row._mapping) if row else None
