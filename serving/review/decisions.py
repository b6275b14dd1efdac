"""What a reviewer decides of a case: checked, appended, put in force and recorded in the audit chain, or nothing is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from serving import audit
from serving.problems import Problem, invalid_request
from serving.review.case import Mark
from serving.review.queue import ESCALATED, OPEN, SETTLED, claimed, line, unknown
from serving.review.saying import Appeal, Choice, Saying, Source, faults
from serving.review.standing import Standing, standing
from serving.store.tables import CASES, DECISIONS, NOTES

ASIDE_MINUTES = 240  # an unsure case comes back the same day, and to somebody else's eyes before
STATE_AFTER = {
    Choice.ADVERT: SETTLED,
    Choice.NOT_ADVERT: SETTLED,
    Choice.UNSURE: OPEN,
    Choice.ESCALATE: ESCALATED,
}


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of it: the new row's number, the case's new state, and how many copies it speaks for."""

    id: int
    case_id: int
    decision: str
    state: str
    copies: int
    undoes: int | None = None


def decide(
    connection: Connection,
    case_id: int,
    *,
    reviewer: str,
    source: str,
    decision: str,
    intent: str | None = None,
    spans: Sequence[Mark] | None = None,
    note: str | None = None,
    appeal: str | None = None,
    admin: bool = False,
    now: datetime,
) -> Decided:
    """Decide a case, or take the last decision back (`undo`), within a transaction of `writing`.

    Refused when somebody else holds the case, and when it is settled and this reviewer neither holds it nor answers an
    appeal: then two would have decided unawares. Feedback tells of what was decided elsewhere and is bound by neither.
    Only who took a decision takes it back, or an admin.
    """
    saying = Saying(Choice(decision), intent, spans, note, Appeal(appeal) if appeal else None)
    found = _locked(connection, case_id)
    if Source(source) is not Source.FEEDBACK:
        _refuse_others(connection, found, saying, reviewer, now)
    before = standing(connection, case_id)
    undone = _takes_back(before, reviewer, admin) if saying.decision is Choice.UNDO else None
    if unfit := list(faults(connection, found.shown, saying, before)):
        raise invalid_request(unfit)
    number = _append(connection, found, saying, reviewer, Source(source), undone, now)
    state = _state(connection, case_id, saying)
    _put_in_force(connection, found, saying, state, Source(source), now)
    details = _details(saying, number, Source(source), found.copies, undone)
    audit.append(connection, audit.Event(reviewer, f"case.{saying.decision}", "case", str(case_id), details))
    return Decided(number, case_id, saying.decision, state, found.copies, undone)


def _locked(connection: Connection, case_id: int) -> Row[Any]:
    """Read the case and keep its row until the transaction ends; SQLite keeps the whole file."""
    row = connection.execute(select(*CASES.c).where(CASES.c.id == case_id).with_for_update()).first()
    if row is None:
        raise unknown()
    return row


def _refuse_others(connection: Connection, found: Row[Any], saying: Saying, reviewer: str, now: datetime) -> None:
    held = found.claimed_by is not None and found.claimed_until > now
    if held and found.claimed_by != reviewer:
        raise claimed(line(connection, found.id, now=now))
    deliberate = held or saying.appeal or saying.decision is Choice.UNDO
    if found.state == SETTLED and not deliberate:
        raise Problem("settled", "To decide a settled case again, claim it first, or say what an appeal came to.")


def _takes_back(before: Standing | None, reviewer: str, admin: bool) -> int:
    """Name the decision that an undo takes back."""
    if before is None:
        raise Problem("nothing-to-undo", "No decision of this case is in force.")
    if before.reviewer != reviewer and not admin:
        raise Problem("nothing-to-undo", "The last decision is somebody else's; an admin may take it back.")
    return before.id


def _append(
    connection: Connection,
    found: Row[Any],
    saying: Saying,
    reviewer: str,
    source: Source,
    undone: int | None,
    now: datetime,
) -> int:
    spans = None if saying.spans is None else json.dumps([asdict(mark) for mark in saying.spans])
    row = {"case_id": found.id, "time": now, "reviewer": reviewer, "source": source, "spans": spans}
    row |= {"decision": saying.decision, "intent": saying.intent, "appeal": saying.appeal, "undoes": undone}
    added = connection.execute(insert(DECISIONS).values(**row, copies=found.copies)).inserted_primary_key
    assert added is not None  # an insert of one row has its key
    number = int(added[0])
    if saying.note:
        connection.execute(insert(NOTES).values(decision_id=number, note=saying.note))
    return number


def _state(connection: Connection, case_id: int, saying: Saying) -> str:
    """Give the state that the decision now in force puts the case in."""
    if saying.decision is not Choice.UNDO:
        return STATE_AFTER[saying.decision]
    before = standing(connection, case_id)
    return STATE_AFTER[Choice(before.decision)] if before else OPEN


def _put_in_force(
    connection: Connection, found: Row[Any], saying: Saying, state: str, source: Source, now: datetime
) -> None:
    values: dict[str, Any] = {"state": state, "settled": now if state == SETTLED else None}
    held = found.claimed_by is not None and found.claimed_until > now
    if saying.decision is not Choice.UNDO and not (source is Source.FEEDBACK and held):
        aside = now + timedelta(minutes=ASIDE_MINUTES) if saying.decision is Choice.UNSURE else None
        values |= {"claimed_by": None, "claimed_until": aside}
    connection.execute(update(CASES).where(CASES.c.id == found.id).values(values))


def _details(saying: Saying, number: int, source: Source, copies: int, undone: int | None) -> dict[str, Any]:
    """Say for the audit chain what was decided: no word of a note, which erasure must be able to reach."""
    said: dict[str, Any] = {"decision": number, "source": source, "copies": copies, "intent": saying.intent}
    said |= {"appeal": saying.appeal, "undoes": undone, "note": bool(saying.note)}
    return said | {"spans": None if saying.spans is None else [asdict(mark) for mark in saying.spans]}
