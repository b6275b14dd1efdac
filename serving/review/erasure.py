"""Erase one post or one author: every text and id of theirs, what people wrote about it, and the details in the chain.

What stays are facts that name nobody: that some post was judged so, and that somebody decided its case.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, exists, select, update

from serving import audit
from serving.review.campaigns import show_instead
from serving.review.pseudonyms import author_hashes
from serving.review.purge import newest_text
from serving.store.engine import lock
from serving.store.tables import AUDIT, CASES, DECISIONS, JUDGED, NOTES, SALTS, SHADOWED, TEXTS

ERASED = ""
"""What stands in place of an erased post's id; no post on the wire can have it."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How much it was: verdicts, cases they belonged to, and records of the chain that lost their details."""

    verdicts: int
    cases: int
    records: int


def erase_author(connection: Connection, author: str, *, actor: str) -> Erased:
    """Erase all posts of an author, under whatever secret the author's id was hashed."""
    return _erase(connection, JUDGED.c.author.in_(author_hashes(connection, author)), actor)


def erase_post(connection: Connection, post_id: str, *, platform: str | None = None, actor: str) -> Erased:
    """Erase a post by the platform's id, on one platform if so said; it may have been judged more than once."""
    theirs = JUDGED.c.post_id == post_id
    shadowed = SHADOWED.c.post_id == post_id
    if platform is not None:
        theirs, shadowed = theirs & (JUDGED.c.platform == platform), shadowed & (SHADOWED.c.platform == platform)
    connection.execute(update(SHADOWED).where(shadowed).values(post_id=ERASED))  # also what was never flagged
    return _erase(connection, theirs, actor)


def _erase(connection: Connection, theirs: ColumnElement[bool], actor: str) -> Erased:
    """Erase verdicts within a transaction of `writing`; nothing found, nothing recorded."""
    rows = connection.execute(select(JUDGED.c.id, JUDGED.c.case_id, JUDGED.c.post_id).where(theirs)).all()
    if not rows:
        return Erased(0, 0, 0)
    ids = [row.id for row in rows]
    cases = sorted({row.case_id for row in rows if row.case_id is not None})
    for start in range(0, len(rows), 1000):  # databases bound how many values a question may have
        _forget(connection, rows[start : start + 1000])
    for case_id in cases:
        _forget_in_case(connection, case_id, set(ids))
    return Erased(len(ids), len(cases), _forget_in_chain(connection, ids, cases, actor))


def _forget(connection: Connection, rows: Sequence[tuple[int, int | None, str]]) -> None:
    ids, posts = [row[0] for row in rows], [row[2] for row in rows]
    connection.execute(delete(TEXTS).where(TEXTS.c.judged_id.in_(ids)))
    of_them = SHADOWED.c.judged_id.in_(ids) | SHADOWED.c.post_id.in_(posts)
    connection.execute(update(SHADOWED).where(of_them).values(post_id=ERASED))
    connection.execute(update(JUDGED).where(JUDGED.c.id.in_(ids)).values(post_id=ERASED, author=None))


def _forget_in_case(connection: Connection, case_id: int, ids: Set[int]) -> None:
    """Delete what people wrote about the case, which may quote any copy, and show another copy if theirs was shown."""
    decisions = select(DECISIONS.c.id).where(DECISIONS.c.case_id == case_id)
    connection.execute(delete(NOTES).where(NOTES.c.decision_id.in_(decisions)))
    shown = connection.scalar(select(CASES.c.shown).where(CASES.c.id == case_id))
    if shown is None or shown in ids:
        show_instead(connection, case_id, newest_text(connection, case_id))


def _forget_in_chain(connection: Connection, ids: Sequence[int], cases: Sequence[int], actor: str) -> int:
    """Erase the details of what was decided of their posts alone, and record all of it."""
    lock(connection, audit.CHAIN)
    erased = [
        audit.erase(connection, "case", str(case_id), actor=actor)
        for case_id in cases
        if _has_details(connection, case_id) and not _is_shared(connection, case_id)
    ]
    details = {"records": [], "verdicts": len(ids), "cases": list(cases)}
    audit.append(connection, audit.Event(actor, audit.ERASE, "verdict", str(min(ids)), details))
    return sum(erased)


def _has_details(connection: Connection, case_id: int) -> bool:
    of_case = (AUDIT.c.subject_kind == "case") & (AUDIT.c.subject_id == str(case_id)) & (AUDIT.c.action != audit.ERASE)
    return bool(connection.scalar(select(exists().where(of_case, SALTS.c.sequence == AUDIT.c.sequence))))


def _is_shared(connection: Connection, case_id: int) -> bool:
    others = exists().where(JUDGED.c.case_id == case_id, JUDGED.c.post_id != ERASED)
    return bool(connection.scalar(select(others)))
