"""What a reviewer decides of a case: checked, appended, put in force and recorded in the audit chain, all or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from models.verdict import ADVERT_INTENTS, INTENTS, Decision, Kind
from serving import audit
from serving.problems import Fault, Problem, invalid_request
from serving.review.case import Mark
from serving.review.queue import ESCALATED, OPEN, SETTLED, claimed, line, unknown
from serving.review.standing import Standing, standing
from serving.store.tables import CASES, DECISIONS, JUDGED, NOTES, TEXTS

MAX_NOTE = 2000
MAX_MARKS = 200  # more than a post of ten thousand characters has words that matter
MAX_REVIEWER = 100
ASIDE_MINUTES = 240  # an unsure case comes back the same day, and to somebody else's eyes before


class Choice(StrEnum):
    """What may be said of a case."""

    ADVERT = "advert"
    NOT_ADVERT = "not_advert"
    UNSURE = "unsure"
    ESCALATE = "escalate"
    UNDO = "undo"


class Source(StrEnum):
    """By which way a decision came."""

    CONSOLE = "console"
    API = "api"
    FEEDBACK = "feedback"


class Appeal(StrEnum):
    """What an appeal came to: the earlier decision was right, or it was wrong."""

    UPHELD = "upheld"
    OVERTURNED = "overturned"


STATE_AFTER = {
    Choice.ADVERT: SETTLED,
    Choice.NOT_ADVERT: SETTLED,
    Choice.UNSURE: OPEN,
    Choice.ESCALATE: ESCALATED,
}
INTENTS_OF = {Choice.ADVERT: ADVERT_INTENTS, Choice.NOT_ADVERT: frozenset(INTENTS) - ADVERT_INTENTS}


@dataclass(frozen=True, slots=True)
class Saying:
    """What one reviewer says of a case."""

    decision: Choice
    intent: str | None = None
    spans: Sequence[Mark] | None = None  # None: as they were found; empty: there are none
    note: str | None = None
    appeal: Appeal | None = None


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
    if saying.decision is Choice.UNDO:
        undone = _takes_back(before, reviewer, admin)
    else:
        undone = None
    if faults := list(_faults(connection, found, saying, before)):
        raise invalid_request(faults)
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


def _faults(connection: Connection, found: Row[Any], saying: Saying, before: Standing | None) -> Iterator[Fault]:
    """Say what does not fit together."""
    undo = saying.decision is Choice.UNDO
    if undo and (saying.intent is not None or saying.spans is not None or saying.appeal):
        yield Fault("#/decision", "undo takes back what was said, and says nothing of intent, spans or appeal")
        return
    if saying.intent is not None and saying.intent not in INTENTS_OF.get(saying.decision, INTENTS):
        wanted = ", ".join(each for each in INTENTS if each in INTENTS_OF.get(saying.decision, INTENTS))
        yield Fault("#/intent", f"does not fit {saying.decision}: wanted one of {wanted}")
    if saying.note is not None and len(saying.note) > MAX_NOTE:
        yield Fault("#/note", f"has {len(saying.note)} characters, a note may have {MAX_NOTE}")
    if saying.spans is not None:
        yield from _span_faults(saying.spans, _text(connection, found.shown))
    if saying.appeal:
        yield from _appeal_faults(connection, found, saying, before)


def _span_faults(spans: Sequence[Mark], text: str | None) -> Iterator[Fault]:
    if text is None:
        yield Fault("#/spans", "cannot be corrected: the text is not kept any more")
        return
    if len(spans) > MAX_MARKS:
        yield Fault("#/spans", f"are {len(spans)}, wanted {MAX_MARKS} at most")
        return
    for place, mark in enumerate(spans):
        if not 0 <= mark.start < mark.end <= len(text):
            yield Fault(f"#/spans/{place}", f"is outside the text of {len(text)} code points, or empty")
        if mark.kind not in set(Kind):
            yield Fault(f"#/spans/{place}/kind", f"is no kind of span: wanted one of {', '.join(Kind)}")


def _appeal_faults(connection: Connection, found: Row[Any], saying: Saying, before: Standing | None) -> Iterator[Fault]:
    """Hold the outcome against what was appealed: a person's decision, else what the policy advised."""
    if saying.decision not in INTENTS_OF:
        yield Fault("#/appeal", "has an outcome only with advert or not_advert")
        return
    earlier = before.decision if before else _advised(connection, found.shown)
    same = earlier == saying.decision
    if earlier in INTENTS_OF and same != (saying.appeal is Appeal.UPHELD):
        yield Fault("#/appeal", f"is {saying.appeal}, but the earlier decision was {earlier}")


def _advised(connection: Connection, shown: int | None) -> Choice | None:
    advised = connection.scalar(select(JUDGED.c.decision).where(JUDGED.c.id == shown))
    if advised is None:
        return None
    return Choice.NOT_ADVERT if advised == Decision.ALLOW else Choice.ADVERT


def _text(connection: Connection, shown: int | None) -> str | None:
    return connection.scalar(select(TEXTS.c.text).where(TEXTS.c.judged_id == shown))


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
    row = {"case_id": found.id, "time": now, "reviewer": reviewer[:MAX_REVIEWER], "source": source, "spans": spans}
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
