"""What may be said of a case, and what of it does not fit together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select

from models.verdict import ADVERT_INTENTS, INTENTS, Decision, Kind
from serving.problems import Fault
from serving.review.case import Mark
from serving.review.standing import Standing
from serving.store.tables import JUDGED, TEXTS

MAX_NOTE = 2000
MAX_MARKS = 200  # more than a post of ten thousand characters has words that matter


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


INTENTS_OF = {Choice.ADVERT: ADVERT_INTENTS, Choice.NOT_ADVERT: frozenset(INTENTS) - ADVERT_INTENTS}


@dataclass(frozen=True, slots=True)
class Saying:
    """What one reviewer says of a case."""

    decision: Choice
    intent: str | None = None
    spans: Sequence[Mark] | None = None  # None: nothing was said of those found; empty: there are none
    note: str | None = None
    appeal: Appeal | None = None


def faults(connection: Connection, shown: int | None, saying: Saying, before: Standing | None) -> Iterator[Fault]:
    """Say what does not fit together; `shown` is the row of the copy that was looked at."""
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
        yield from _span_faults(saying.spans, _text(connection, shown))
    if saying.appeal:
        yield from _appeal_faults(connection, shown, saying, before)


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


def _appeal_faults(
    connection: Connection, shown: int | None, saying: Saying, before: Standing | None
) -> Iterator[Fault]:
    """Hold the outcome against what was appealed: a person's decision, else what the policy advised."""
    if saying.decision not in INTENTS_OF:
        yield Fault("#/appeal", "has an outcome only with advert or not_advert")
        return
    earlier = before.decision if before else _advised(connection, shown)
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
