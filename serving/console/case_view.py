"""What the page of one case shows, put into words; the text only when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from models.reasons import CLASS_WORDS
from models.verdict import INTENTS, Intent, Kind, Span
from serving.console import words
from serving.console.marks import Piece, pieces, title
from serving.console.queue_view import Line, line_view, substances_of, summary_of
from serving.console.visitors import Visitor
from serving.review.case import Case, Copy, History, Mark, Said
from serving.review.meaning import experience, meaning
from serving.review.nearest import nearest
from serving.review.queue import line
from serving.review.saying import Choice
from serving.review.standing import standing

LIKELY = 2  # percent; less is the tail that every verdict has


@dataclass(frozen=True, slots=True)
class MarkView:
    """A mark with its tick; `value` is what the form sends."""

    value: str
    text: str
    title: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the page's smaller lists; each shows what it has."""

    words: str
    by: str = ""
    when: datetime | None = None
    note: str = ""
    percent: int = 0
    id: int = 0
    taken_back: bool = False


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case in words. `pieces` is `None` when the text is not kept, and `veil` looks like the text but is not it."""

    line: Line
    state: str
    since: str
    country: str
    lang_code: str
    advised: str
    copies: int
    lease: str
    meaning: str
    pieces: Sequence[Piece] | None
    veil: str
    marks: Sequence[MarkView]
    reasons: Sequence[str]
    warnings: Sequence[str]
    intents: Sequence[Listed]
    substances: Sequence[tuple[str, str, str]]
    history: str
    authors: int
    decisions: Sequence[Listed]
    can_undo: bool
    nearest: Sequence[Listed]
    copy_list: Sequence[Copy]
    shown: Copy | None


def case_view(
    connection: Connection, case: Case, *, visitor: Visitor, kept: Sequence[Mark] | None, now: datetime
) -> CaseView:
    """Put a case into words; `kept` are the marks as ticked in a form that comes back, else as decided or found."""
    said, reviewer = case.standing, visitor.reviewer
    spans = _spans(case, said.spans if said else None)
    ticked = _spans(case, kept) if kept is not None else spans
    verdict, shown = case.verdict, case.shown
    oldest = min((copy.time for copy in case.copies), default=case.line.opened)
    return CaseView(
        line=line_view(case.line, reviewer, now),
        state=case.line.state,
        since=words.copies_since(case.line.copies, min(oldest, case.line.opened), now),
        country=(shown.country or "") if shown else "",
        lang_code=case.line.lang if case.line.lang and re.fullmatch("[a-zA-Z-]{2,20}", case.line.lang) else "",
        advised=words.ADVISED.get(case.line.advised or "", "unknown"),
        copies=case.line.copies,
        lease=lease_words(case.line.claimed_by, case.line.claimed_until, reviewer, now),
        meaning=_meaning(connection, case),
        pieces=None if case.text is None else pieces(case.text, spans),
        veil=veil(case.text or ""),
        marks=_marks(case.text or "", spans, ticked),
        reasons=verdict.reasons if verdict else (),
        warnings=case.line.warnings,
        intents=_intents(case),
        substances=[
            (each.name, CLASS_WORDS[each.nps_class], each.status.value) for each in substances_of(case.line.substances)
        ],
        history=_history(case.history),
        authors=case.authors,
        decisions=[_said(each) for each in case.decisions],
        can_undo=said is not None and (visitor.may("admin") or said.reviewer == reviewer),
        nearest=_nearest(connection, case.line.id, now),
        copy_list=case.copies,
        shown=shown,
    )


def lease_words(holder: str | None, until: datetime | None, reviewer: str, now: datetime) -> str:
    """Say who holds a case and for how long."""
    if holder is None or until is None:
        return "Nobody holds this case. Take it before you decide, so that nobody does the same work."
    if holder == reviewer:
        return f"Yours until {until:%H:%M} UTC; held on while this page is open."
    return (
        f"{words.person(holder)} holds this case until {until:%H:%M} UTC. You can read it, and decide when it is free."
    )


def veil(text: str) -> str:
    """Give something of the text's shape without one of its letters: what is not sent cannot be seen."""
    return re.sub(r"\w", "n", text)


def _spans(case: Case, marks: Sequence[Mark] | None) -> list[Span]:
    """Give the spans as somebody corrected them, else as they were found; one that was found keeps its source."""
    found = list(case.verdict.spans) if case.verdict and case.text is not None else []
    if marks is None or case.text is None:
        return found
    known = {(span.start, span.end, span.kind.value): span for span in found}
    return [
        known.get((mark.start, mark.end, mark.kind))
        or Span(mark.start, mark.end, Kind(mark.kind), case.text[mark.start : mark.end], source="reviewer")
        for mark in marks
    ]


def _marks(text: str, spans: Sequence[Span], ticked: Sequence[Span]) -> list[MarkView]:
    rows = dict.fromkeys([*spans, *ticked])
    return [
        MarkView(f"{span.start}:{span.end}:{span.kind.value}", text[span.start : span.end], title(span), span in ticked)
        for span in sorted(rows, key=lambda span: span.start)
    ]


def _intents(case: Case) -> list[Listed]:
    """List the likely intents; the long tail says nothing."""
    if case.verdict is None:
        return []
    shares = [(intent, round(100 * case.verdict.intents[intent])) for intent in INTENTS]
    likely = sorted((pair for pair in shares if pair[1] >= LIKELY), key=lambda pair: -pair[1])
    return [Listed(words.INTENT_WORDS[intent], percent=share) for intent, share in likely]


def _history(history: History | None) -> str:
    if history is None:
        return ""
    cases = "this case only" if history.cases <= 1 else f"{history.cases} cases"
    decided = [f"{count} {words.DECISION_WORDS[decision]}" for decision, count in sorted(history.decisions.items())]
    flagged = f"{history.flagged} flagged {'post' if history.flagged == 1 else 'posts'}"
    return f"{flagged} in {cases}; decided: {', '.join(decided) if decided else 'none yet'}."


def _said(said: Said) -> Listed:
    phrase = words.DECISION_WORDS[said.decision]
    phrase += f" ({words.INTENT_WORDS[Intent(said.intent)]})" if said.intent else ""
    phrase += f", appeal {said.appeal}" if said.appeal else ""
    phrase += ", marks corrected" if said.spans is not None else ""
    by = f"by {words.person(said.reviewer)}" + ("" if said.source == "console" else f" ({said.source})")
    return Listed(phrase, by, said.time, said.note or "", id=said.id, taken_back=said.undone)


def _nearest(connection: Connection, case_id: int, now: datetime) -> list[Listed]:
    found = []
    for near in nearest(connection, case_id):
        decision = standing(connection, near.case_id)
        said = words.DECISION_WORDS[Choice(decision.decision)] if decision else "settled"
        summary = summary_of(line(connection, near.case_id, now=now))
        found.append(Listed(summary, by=said, percent=round(100 * near.likeness), id=near.case_id))
    return found


def _meaning(connection: Connection, case: Case) -> str:
    """Say what the probability means, held against the team's own decisions where there are enough."""
    if case.line.advert_probability is None:
        return ""
    return meaning(case.line.advert_probability, experience(connection))
