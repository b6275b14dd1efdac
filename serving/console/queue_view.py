"""What the pages show of the queue: lines and filters as words, without a word of any post."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from models.verdict import NpsClass, Status, Substance
from serving.console import words
from serving.console.visitors import Visitor
from serving.review.queue import ESCALATED, OPEN, SETTLED, CaseLine
from serving.review.standing import standing
from serving.store.tables import CASES

STATES = ((OPEN, "open"), (ESCALATED, "escalated"), (SETTLED, "settled"))
SEVERE = ((9, "severe"), (7, "high"), (5, "raised"), (0, "moderate"))
"""From which weight of `serving.review.severity` which word."""
MOST_OFFERED = 200  # choices in a filter; platforms are words of callers, and nobody scrolls further


@dataclass(frozen=True, slots=True)
class Line:
    """A case in the list."""

    id: int
    summary: str
    severity: str
    severity_words: str
    probability: str
    copies: str
    lang: str
    platform: str
    age: str
    holder: str
    mine: bool
    aside: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters offer, and how long the oldest open case waits."""

    langs: Sequence[tuple[str, str]]
    platforms: Sequence[tuple[str, str]]
    oldest: str


def line_view(line: CaseLine, reviewer: str, now: datetime) -> Line:
    """Put one case into words."""
    return Line(
        id=line.id,
        summary=summary_of(line),
        severity=severity_class(line.severity),
        severity_words=f"{severity_class(line.severity)} harm",
        probability=probability(line.advert_probability),
        copies=words.copies_since(line.copies, line.opened, now),
        lang=words.language(line.lang),
        platform=line.platform or "",
        age=words.ago(line.opened, now),
        holder=words.person(line.claimed_by) if line.claimed_by else "",
        mine=line.claimed_by == reviewer,
        aside=line.aside_until is not None,
    )


def summary_of(line: CaseLine) -> str:
    """Sum up a case; when its shown copy is erased, nothing of it is known."""
    if line.intent is None:
        return "A post that was erased"
    return words.summary(line.intent, substances_of(line.substances), line.span_kinds)


def substances_of(stored: Sequence[dict[str, str]]) -> list[Substance]:
    """Read substances as they are stored."""
    return [Substance(each["name"], NpsClass(each["nps_class"]), Status(each["status"])) for each in stored]


def severity_class(weight: int) -> str:
    """Name a weight in a word."""
    return next(word for least, word in SEVERE if weight >= least)


def probability(value: float | None) -> str:
    """Write a probability as a whole percentage that never claims to be sure."""
    if value is None:
        return "unknown"
    return "over 99 %" if value > 0.99 else "under 1 %" if value < 0.01 else f"{value:.0%}".replace("%", " %")


def choices(connection: Connection, now: datetime) -> Choices:
    """Read what is there to filter by."""
    waiting = CASES.c.state != SETTLED
    langs, platforms = (
        [each for each in connection.scalars(select(column).where(waiting).distinct().limit(MOST_OFFERED)) if each]
        for column in (CASES.c.lang, CASES.c.platform)
    )
    oldest = connection.scalar(select(func.min(CASES.c.opened)).where(CASES.c.state == OPEN))
    named = sorted(((code, words.language(code)) for code in langs), key=lambda pair: pair[1])
    return Choices(named, [(each, each) for each in sorted(platforms)], words.ago(oldest, now) if oldest else "")


@dataclass(frozen=True, slots=True)
class Done:
    """The decision that was just made, for the note with `undo` in it."""

    case_id: int
    words: str
    copies: int
    can_undo: bool


def done_view(connection: Connection, case_id: int | None, visitor: Visitor) -> Done | None:
    """Look up what this reviewer decided last of a case; the address names only the case."""
    if case_id is None:
        return None
    said = standing(connection, case_id)
    if said is None:
        return Done(case_id, "no decision in force, it was taken back", 1, can_undo=False)
    mine = said.reviewer == visitor.reviewer
    return Done(case_id, words.DECISION_WORDS[said.decision], said.copies, can_undo=mine)
