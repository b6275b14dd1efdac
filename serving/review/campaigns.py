"""Near copies of one post are one case: a thousand of them are settled by one decision.

A case is found again by the copy that it shows. What differs from that one only in numbers and contacts is a copy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from models import neardup
from serving.review.severity import expected_harm, growth, uncertainty
from serving.store.engine import lock
from serving.store.tables import BANDS, CASES, JUDGED

GROWING = 0x6E70735F636173  # the number of the advisory lock under which copies find their cases: "nps_cas"
MOST_CANDIDATES = 200  # newest first: a band that very many cases share tells them apart no more


@dataclass(frozen=True, slots=True)
class Mark:
    """By which near copies know one another; without bands there is nothing to compare, and a post stays alone."""

    signature: bytes
    bands: Sequence[str]


@dataclass(frozen=True, slots=True)
class Copy:
    """One judged post on its way to its case."""

    mark: Mark
    decision: str
    advert_probability: float
    severity: int
    lang: str | None
    platform: str | None


def marks(texts: Sequence[str]) -> list[Mark]:
    """Mark each masked text."""
    signatures = neardup.signature(texts)
    hashes, nothing = neardup.bands(signatures), neardup.empty(signatures)
    return [
        Mark(signature.astype("<u8").tobytes(), () if alone else tuple(f"{int(each):016x}" for each in folded))
        for signature, folded, alone in zip(signatures, hashes, nothing, strict=True)
    ]


def place(connection: Connection, copies: Sequence[Copy], *, now: datetime, days: int) -> list[int]:
    """Give each copy the number of its case, found or opened, and let the cases grow.

    Who opens a case shows its first copy by `show` before the transaction ends.
    """
    lock(connection, GROWING)  # two workers with copies of one post must not open two cases
    known: dict[tuple[bytes, str], int] = {}
    joined: dict[int, list[Copy]] = defaultdict(list)
    placed = []
    for copy in copies:
        same = copy.mark.signature, copy.decision
        case_id = known.get(same) if copy.mark.bands else None
        if case_id is None:
            case_id = _find(connection, copy, since=now - timedelta(days=days)) or _open(connection, copy, now)
            known[same] = case_id
        joined[case_id].append(copy)
        placed.append(case_id)
    for case_id, ours in joined.items():
        _grow(connection, case_id, ours, now)
    return placed


def show(connection: Connection, first: Mapping[int, int]) -> None:
    """Show a copy in each case that shows none yet: case to `judged.id`."""
    for case_id, judged_id in first.items():
        unshown = (CASES.c.id == case_id) & CASES.c.shown.is_(None)
        connection.execute(update(CASES).where(unshown).values(shown=judged_id))


def show_instead(connection: Connection, case_id: int, copy: tuple[int, str] | None) -> None:
    """Show another copy, by its `judged.id` and masked text, or none, of which nothing can be found any more."""
    connection.execute(delete(BANDS).where(BANDS.c.case_id == case_id))
    mark = marks([copy[1]])[0] if copy else None
    values = {"shown": copy[0] if copy else None, "signature": mark.signature if mark else None}
    connection.execute(update(CASES).where(CASES.c.id == case_id).values(values))
    if mark:
        _band(connection, case_id, mark)


def _find(connection: Connection, copy: Copy, *, since: datetime) -> int | None:
    """Find the newest case whose shown copy is a near copy.

    One that was settled answers for what the policy decides as it did then; anything else a person should see.
    """
    if not copy.mark.bands:
        return None
    meets = or_(*(and_(BANDS.c.band == band, BANDS.c.hash == hashed) for band, hashed in enumerate(copy.mark.bands)))
    query = (
        select(CASES.c.id, CASES.c.signature, CASES.c.state, JUDGED.c.decision)
        .join_from(CASES, JUDGED, JUDGED.c.id == CASES.c.shown, isouter=True)
        .where(CASES.c.id.in_(select(BANDS.c.case_id).where(meets)), CASES.c.opened >= since)
        .order_by(CASES.c.id.desc())
        .limit(MOST_CANDIDATES)
    )
    rows = [row for row in connection.execute(query) if row.signature is not None]
    if not rows:
        return None
    alike = neardup.similarity(
        np.stack([np.frombuffer(row.signature, "<u8") for row in rows]), np.frombuffer(copy.mark.signature, "<u8")
    )
    for row, share in zip(rows, alike.tolist(), strict=True):
        if share >= neardup.THRESHOLD and (row.state != "settled" or row.decision == copy.decision):
            return int(row.id)
    return None


def _open(connection: Connection, copy: Copy, now: datetime) -> int:
    opened = insert(CASES).values(
        state="open",
        opened=now,
        newest=now,
        copies=0,
        severity=0,
        harm=0.0,
        uncertainty=uncertainty(copy.advert_probability),
        lang=copy.lang,
        platform=copy.platform,
        signature=copy.mark.signature,
    )
    case_id = int(connection.execute(opened.returning(CASES.c.id)).scalar_one())
    _band(connection, case_id, copy.mark)
    return case_id


def _band(connection: Connection, case_id: int, mark: Mark) -> None:
    rows = [{"case_id": case_id, "band": band, "hash": hashed} for band, hashed in enumerate(mark.bands)]
    if rows:
        connection.execute(insert(BANDS), rows)


def _grow(connection: Connection, case_id: int, copies: Sequence[Copy], now: datetime) -> None:
    """Count copies in; the most harmful one says what the case is worth."""
    case = connection.execute(select(CASES.c.copies, CASES.c.harm).where(CASES.c.id == case_id)).one()
    of_one = max(
        case.harm / growth(case.copies), *(expected_harm(each.severity, each.advert_probability) for each in copies)
    )
    worst = max(each.severity for each in copies)
    grown = {
        "copies": case.copies + len(copies),
        "newest": now,
        "harm": of_one * growth(case.copies + len(copies)),
    }
    connection.execute(update(CASES).where(CASES.c.id == case_id).values(grown))
    milder = (CASES.c.id == case_id) & (CASES.c.severity < worst)
    connection.execute(update(CASES).where(milder).values(severity=worst))
