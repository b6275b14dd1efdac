"""The queue of cases: in which order they wait, and who holds which. A lease keeps two reviewers off one case.

The most urgent comes first (`urgency`). A case that somebody was unsure about is set aside: it waits behind all others
for a while (`claimed_until` without `claimed_by`), and is next when nothing else waits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, case, func, or_, select, update

from serving.problems import Fault, Problem, invalid_request
from serving.review.urgency import URGENCY
from serving.store.tables import CASES, JUDGED

OPEN, SETTLED, ESCALATED = "open", "settled", "escalated"
STATES = (OPEN, ESCALATED, SETTLED)
LEASE_MINUTES = 15  # long enough to read a hard case twice, short enough that a closed laptop blocks nobody for long
ATTEMPTS = 100  # others who may take the next case before us, one after the other


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case as a list shows it: no text. What the shown copy says is `None` once that copy is erased."""

    id: int
    state: str
    opened: datetime
    newest: datetime
    settled: datetime | None
    copies: int
    severity: int
    harm: float
    uncertainty: float
    lang: str | None
    platform: str | None
    claimed_by: str | None
    claimed_until: datetime | None
    aside_until: datetime | None
    advised: str | None
    advert_probability: float | None
    intent: str | None
    span_kinds: tuple[str, ...]
    substances: tuple[dict[str, str], ...]
    warnings: tuple[str, ...]
    policy: str | None
    cursor: str  # what `after` takes to go on behind this line


def waiting(
    connection: Connection,
    *,
    limit: int = 50,
    after: str | None = None,
    lang: str | None = None,
    platform: str | None = None,
    state: str = OPEN,
    now: datetime,
) -> list[CaseLine]:
    """List cases of one state in the order in which they should be done, from behind the cursor `after`."""
    aside = _aside(now)
    query = _lines(now).where(CASES.c.state == state).order_by(aside, URGENCY.desc(), CASES.c.id).limit(limit)
    if lang is not None:
        query = query.where(CASES.c.lang == lang)
    if platform is not None:
        query = query.where(CASES.c.platform == platform)
    if after is not None:
        query = query.where(_behind(after, aside))
    return [_line(row, now) for row in connection.execute(query)]


def counts(connection: Connection) -> dict[str, int]:
    """Count the cases of each state."""
    found = connection.execute(select(CASES.c.state, func.count()).group_by(CASES.c.state))
    return dict.fromkeys(STATES, 0) | {str(row[0]): int(row[1]) for row in found}


def line(connection: Connection, case_id: int, *, now: datetime) -> CaseLine:
    """Give one case as a list shows it."""
    row = connection.execute(_lines(now).where(CASES.c.id == case_id)).first()
    if row is None:
        raise unknown()
    return _line(row, now)


def claim(
    connection: Connection, case_id: int, reviewer: str, *, minutes: float = LEASE_MINUTES, now: datetime
) -> CaseLine:
    """Take one case, or hold it for longer; `claimed` when somebody else has it."""
    mine = _free(now) | (CASES.c.claimed_by == reviewer)
    if not _take(connection, case_id, reviewer, mine, now + timedelta(minutes=minutes)):
        raise claimed(line(connection, case_id, now=now))
    return line(connection, case_id, now=now)


def claim_next(
    connection: Connection,
    reviewer: str,
    *,
    lang: str | None = None,
    platform: str | None = None,
    admin: bool = False,
    minutes: float = LEASE_MINUTES,
    now: datetime,
) -> CaseLine | None:
    """Take the most urgent case that nobody holds; `None` when none waits. Escalated ones go to admins, and first.

    Never one that this reviewer holds already: where a team shares a name, that could be somebody else's.
    """
    wanted = CASES.c.state.in_([OPEN, ESCALATED] if admin else [OPEN]) & _free(now)
    if lang is not None:
        wanted &= CASES.c.lang == lang
    if platform is not None:
        wanted &= CASES.c.platform == platform
    first = select(CASES.c.id).where(wanted).order_by(CASES.c.state == OPEN, _aside(now), URGENCY.desc(), CASES.c.id)
    for _ in range(ATTEMPTS):  # each turn that fails, somebody else got a case
        case_id = connection.scalar(first.limit(1))
        if case_id is None:
            break
        if _take(connection, case_id, reviewer, wanted, now + timedelta(minutes=minutes)):
            return line(connection, case_id, now=now)
    return None


def release(connection: Connection, case_id: int, reviewer: str, *, now: datetime) -> None:
    """Give a case back; one that nobody holds is left as it is, `claimed` when it is somebody else's."""
    mine = (CASES.c.id == case_id) & (CASES.c.claimed_by == reviewer)
    if connection.execute(update(CASES).where(mine).values(claimed_by=None, claimed_until=None)).rowcount:
        return
    found = line(connection, case_id, now=now)
    if found.claimed_by is not None:
        raise claimed(found)


def unknown() -> Problem:
    """Say that there is no such case."""
    return Problem("unknown-case", "There is no case of this number.")


def claimed(held: CaseLine) -> Problem:
    """Say who holds a case, and until when."""
    until = f" until {held.claimed_until:%Y-%m-%d %H:%M} UTC" if held.claimed_until else ""
    return Problem("claimed", f"{held.claimed_by or 'Somebody else'} holds this case{until}.")


def _take(connection: Connection, case_id: int, reviewer: str, allowed: ColumnElement[bool], until: datetime) -> bool:
    """Put the name down if it is still allowed: one statement, so that of two only one can succeed."""
    taken = update(CASES).where(CASES.c.id == case_id, allowed).values(claimed_by=reviewer, claimed_until=until)
    return connection.execute(taken).rowcount == 1


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(CASES.c.claimed_by.is_(None), CASES.c.claimed_until < now)


def _aside(now: datetime) -> ColumnElement[int]:
    return case((CASES.c.claimed_by.is_(None) & (CASES.c.claimed_until > now), 1), else_=0)


def _lines(now: datetime) -> Select[Any]:
    shown = (
        JUDGED.c.decision.label("advised"),
        *(
            JUDGED.c[name]
            for name in ("advert_probability", "intent", "span_kinds", "substances", "warnings", "policy")
        ),
    )
    kept = (column for column in CASES.c if column.name not in ("shown", "signature"))
    columns = (*kept, URGENCY.label("urgency"), _aside(now).label("aside"), *shown)
    return select(*columns).join_from(CASES, JUDGED, CASES.c.shown == JUDGED.c.id, isouter=True)


def _line(row: Row[Any], now: datetime) -> CaseLine:
    values = dict(row._mapping)
    aside, urgency = values.pop("aside"), values.pop("urgency")
    held = values["claimed_by"] is not None and values["claimed_until"] > now
    until = values["claimed_until"]
    values |= {
        "claimed_by": values["claimed_by"] if held else None,
        "claimed_until": until if held else None,
        "aside_until": until if aside else None,
        "span_kinds": tuple((values["span_kinds"] or "").split()),
        "substances": tuple(json.loads(values["substances"] or "[]")),
        "warnings": tuple(json.loads(values["warnings"] or "[]")),
        "cursor": f"{aside}_{urgency!r}_{values['id']}",
    }
    return CaseLine(**values)


def _behind(cursor: str, aside: ColumnElement[int]) -> ColumnElement[bool]:
    """Read a cursor: what stands behind it in the order."""
    try:
        words = cursor.split("_")
        group, urgency, case_id = int(words[0]), float(words[1]), int(words[2])
    except (ValueError, IndexError):
        raise _no_cursor() from None
    if len(words) != 3 or not isfinite(urgency) or not 0 <= case_id < 2**63 or group not in (0, 1):
        raise _no_cursor()
    key = URGENCY
    later = (key < urgency) | ((key == urgency) & (CASES.c.id > case_id))
    return (aside > group) | ((aside == group) & later)


def _no_cursor() -> Problem:
    return invalid_request([Fault("#", "query parameter after: is no cursor of this list")])
