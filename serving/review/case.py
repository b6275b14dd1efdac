"""One case with all that its reviewer needs: the shown copy, the other copies, what was decided, and by whom."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, distinct, func, select

from models.verdict import Decision, Verdict
from models.wire import verdict_from_json
from serving.review.queue import CaseLine, line
from serving.review.standing import UNDO, standing_decisions
from serving.store.tables import CASES, DECISIONS, JUDGED, NOTES, TEXTS

COPIES_LISTED = 50  # of a campaign of thousands; the count says how many there are


@dataclass(frozen=True, slots=True)
class Copy:
    """One post of a campaign, without its text."""

    id: int
    time: datetime
    post_id: str
    author: str | None
    platform: str | None
    country: str | None
    lang: str | None
    advised: str
    advert_probability: float
    prevalence: float | None
    intent: str
    release: str
    lexicon: str
    policy: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A span as a reviewer corrected it."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Said:
    """One decision of a case, or an undo; `undone` when a later row takes it back."""

    id: int
    time: datetime
    reviewer: str
    source: str
    decision: str
    intent: str | None
    spans: tuple[Mark, ...] | None
    appeal: str | None
    copies: int
    undoes: int | None
    undone: bool
    note: str | None


@dataclass(frozen=True, slots=True)
class History:
    """What is known of the shown copy's author, by the keyed hash that is in use: this case is counted too."""

    author: str
    cases: int
    flagged: int
    decisions: Mapping[str, int]  # cases by the decision in force


@dataclass(frozen=True, slots=True)
class Case:
    """A case. `text` and `verdict` are `None` once retention or erasure has deleted them; `shown` once erased."""

    line: CaseLine
    shown: Copy | None
    text: str | None
    verdict: Verdict | None
    copies: tuple[Copy, ...]  # the newest, `COPIES_LISTED` at most
    authors: int
    decisions: tuple[Said, ...]  # oldest first
    standing: Said | None
    history: History | None


def case(connection: Connection, case_id: int, *, now: datetime) -> Case:
    """Read a case; `unknown-case` when there is none of this number."""
    found = line(connection, case_id, now=now)
    shown_id = connection.scalar(select(CASES.c.shown).where(CASES.c.id == case_id))
    shown = next(iter(copies(connection, JUDGED.c.id == shown_id)), None)
    kept = connection.execute(select(TEXTS.c.text, TEXTS.c.verdict).where(TEXTS.c.judged_id == shown_id)).first()
    said = _said(connection, case_id)
    in_force = [each for each in said if each.decision != UNDO and not each.undone]
    return Case(
        line=found,
        shown=shown,
        text=kept.text if kept else None,
        verdict=verdict_from_json(json.loads(kept.verdict)) if kept else None,
        copies=copies(connection, JUDGED.c.case_id == case_id),
        authors=_authors(connection, case_id),
        decisions=said,
        standing=in_force[-1] if in_force else None,
        history=history(connection, shown.author) if shown and shown.author else None,
    )


def history(connection: Connection, author: str) -> History:
    """Count what is known of an author's hash."""
    posts = select(func.count(distinct(JUDGED.c.case_id)), func.count().filter(JUDGED.c.decision != Decision.ALLOW))
    cases, flagged = connection.execute(posts.where(JUDGED.c.author == author)).one()
    of_author = select(JUDGED.c.case_id).where(JUDGED.c.author == author)
    last = standing_decisions().subquery()
    decided = select(last.c.decision, func.count()).where(last.c.case_id.in_(of_author)).group_by(last.c.decision)
    return History(author, cases, flagged, {str(row[0]): int(row[1]) for row in connection.execute(decided)})


def copies(connection: Connection, which: ColumnElement[bool]) -> tuple[Copy, ...]:
    """Give the newest posts of those wanted."""
    columns = [JUDGED.c[name] for name in Copy.__dataclass_fields__ if name != "advised"]
    newest = select(*columns, JUDGED.c.decision.label("advised")).where(which).order_by(JUDGED.c.id.desc())
    return tuple(Copy(**row._mapping) for row in connection.execute(newest.limit(COPIES_LISTED)))


def _authors(connection: Connection, case_id: int) -> int:
    return connection.scalar(select(func.count(distinct(JUDGED.c.author))).where(JUDGED.c.case_id == case_id)) or 0


def _said(connection: Connection, case_id: int) -> tuple[Said, ...]:
    columns = [column for column in DECISIONS.c if column.name != "case_id"]
    query = select(*columns, NOTES.c.note).join_from(DECISIONS, NOTES, isouter=True)
    rows = connection.execute(query.where(DECISIONS.c.case_id == case_id).order_by(DECISIONS.c.id)).all()
    undone = {row.undoes for row in rows}
    return tuple(_one_said(row, row.id in undone) for row in rows)


def _one_said(row: Any, undone: bool) -> Said:
    values = dict(row._mapping)
    values["spans"] = marks(values["spans"])
    return Said(**values, undone=undone)


def marks(stored: str | None) -> tuple[Mark, ...] | None:
    """Read corrected spans as a decision stores them."""
    return None if stored is None else tuple(Mark(**each) for each in json.loads(stored))
