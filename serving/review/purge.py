"""Delete what is older than the settings allow. Decisions stay: they hold no text, and only their cases bind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, exists, func, select, tuple_

from serving import audit
from serving.review.campaigns import show_instead
from serving.store.engine import writing
from serving.store.tables import (
    ANSWERED,
    BANDS,
    CASES,
    DECISIONS,
    EXPOSURES,
    JUDGED,
    NOTES,
    SECRETS,
    SESSIONS,
    SHADOWED,
    TALLIES,
    TEXTS,
    hour_text,
)

ROWS_AT_ONCE = 500  # in one transaction, so that verdicts need not wait for a purge
ANSWERED_DAYS = 30  # nobody repeats a request for longer
EXPOSURE_DAYS = 30  # a diary of a person's work is kept no longer than the nudge to pause needs it


@dataclass(frozen=True, slots=True)
class Ages:
    """How many days what is kept may be old."""

    text_days: int
    record_days: int


@dataclass(frozen=True, slots=True)
class Step:
    """Rows of one table that go."""

    name: str
    table: Table
    old: ColumnElement[bool]


def purge(engine: Engine, ages: Ages, *, actor: str, now: datetime, dry_run: bool = False) -> Mapping[str, int]:
    """Delete what is too old, in short transactions, and give how many rows of each kind; one record says the same.

    A dry run deletes nothing and counts what is too old now; cases that only an earlier step empties are not in it.
    """
    counts: dict[str, int] = {}
    for step in steps(ages, now):
        counts[step.name] = _count(engine, step) if dry_run else _delete(engine, step)
        if step.table is TEXTS and not dry_run:
            counts["cases shown anew"] = _show_anew(engine)
    if not dry_run:
        if any(counts.values()):
            details = {"text_days": ages.text_days, "record_days": ages.record_days, "rows": counts}
            with writing(engine) as connection:
                audit.append(connection, audit.Event(actor, "purge", "store", "all", details))
        flush(engine)
    return counts


def steps(ages: Ages, now: datetime) -> Iterator[Step]:
    """List what goes, in an order that no reference forbids."""
    no_text, no_record = (now - timedelta(days=days) for days in (ages.text_days, ages.record_days))
    judged = select(JUDGED.c.id).where(JUDGED.c.time < no_text)
    yield Step("texts", TEXTS, TEXTS.c.judged_id.in_(judged))
    said = select(DECISIONS.c.id).where(DECISIONS.c.time < no_text)
    yield Step("notes", NOTES, NOTES.c.decision_id.in_(said))
    gone = select(JUDGED.c.id).where(JUDGED.c.time < no_record)
    yield Step("shadowed", SHADOWED, (SHADOWED.c.time < no_record) | SHADOWED.c.judged_id.in_(gone))
    yield Step("judged", JUDGED, JUDGED.c.time < no_record)
    bound = exists().where(JUDGED.c.case_id == CASES.c.id) | exists().where(DECISIONS.c.case_id == CASES.c.id)
    empty = ~bound & (CASES.c.newest < no_record)  # an old one: a new one may be waiting for its first copy
    yield Step("bands", BANDS, BANDS.c.case_id.in_(select(CASES.c.id).where(empty)))
    yield Step("cases", CASES, empty)
    yield Step("sessions", SESSIONS, SESSIONS.c.expires < now)
    yield Step("answered", ANSWERED, ANSWERED.c.time < now - timedelta(days=ANSWERED_DAYS))
    yield Step("exposures", EXPOSURES, EXPOSURES.c.hour < hour_text(now - timedelta(days=EXPOSURE_DAYS)))
    yield Step("tallies", TALLIES, TALLIES.c.hour < hour_text(no_record))
    yield Step("secrets", SECRETS, SECRETS.c.retired < no_record)


def flush(engine: Engine) -> None:
    """Bring what was deleted out of SQLite's log too; what somebody is reading stays there until the next time."""
    if engine.dialect.name == "sqlite":
        connection = engine.raw_connection()  # a checkpoint must stand outside of any transaction
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()


def _delete(engine: Engine, step: Step) -> int:
    key = tuple_(*step.table.primary_key)
    some = select(*step.table.primary_key).where(step.old).limit(ROWS_AT_ONCE)
    deleted = 0
    while True:
        with writing(engine) as connection:
            count = connection.execute(delete(step.table).where(key.in_(some))).rowcount
        deleted += count
        if count < ROWS_AT_ONCE:
            return deleted


def _count(engine: Engine, step: Step) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(step.table).where(step.old)).scalar_one()


def _show_anew(engine: Engine) -> int:
    """Show the newest copy that has a text where the shown one has none, or none, by which no copy is found."""
    textless = CASES.c.signature.is_not(None) & ~exists().where(TEXTS.c.judged_id == CASES.c.shown)
    changed = 0
    while True:
        with writing(engine) as connection:
            cases = list(connection.scalars(select(CASES.c.id).where(textless).limit(ROWS_AT_ONCE)))
            for case_id in cases:
                show_instead(connection, case_id, newest_text(connection, case_id))
        changed += len(cases)
        if len(cases) < ROWS_AT_ONCE:
            return changed


def newest_text(connection: Connection, case_id: int) -> tuple[int, str] | None:
    """Give the newest copy of a case whose text is kept: its number, and its masked text."""
    query = (
        select(JUDGED.c.id, TEXTS.c.text)
        .join_from(JUDGED, TEXTS, TEXTS.c.judged_id == JUDGED.c.id)
        .where(JUDGED.c.case_id == case_id)
        .order_by(JUDGED.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return (row.id, row.text) if row else None
