"""One copy of a campaign by itself: found by its post's id, and parted from the rest when it alone was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from serving.review.campaigns import show_instead
from serving.review.severity import expected_harm, growth, uncertainty
from serving.store.tables import CASES, JUDGED, TEXTS


@dataclass(frozen=True, slots=True)
class Found:
    """The newest verdict on a post, its case, and how many verdicts of other posts lie in that case."""

    judged_id: int
    post_id: str
    platform: str | None
    case_id: int | None
    others: int


def newest(connection: Connection, post_id: str, platform: str | None) -> Found | None:
    """Find a post by the platform's id; several verdicts on it may lie in several cases, and the newest counts."""
    wanted = JUDGED.c.post_id == post_id
    if platform is not None:
        wanted &= JUDGED.c.platform == platform
    columns = (JUDGED.c.id, JUDGED.c.platform, JUDGED.c.case_id)
    row = connection.execute(select(*columns).where(wanted).order_by(JUDGED.c.id.desc()).limit(1)).first()
    if row is None:
        return None
    if row.case_id is None:
        return Found(row.id, post_id, row.platform, None, 0)
    other = (JUDGED.c.case_id == row.case_id) & ((JUDGED.c.post_id != post_id) | _elsewhere(row.platform))
    others = connection.scalar(select(func.count()).select_from(JUDGED).where(other)) or 0
    return Found(row.id, post_id, row.platform, row.case_id, others)


def own_case(connection: Connection, found: Found, now: datetime) -> int:
    """Open a case for a verdict that lies in none."""
    return _open(connection, [found.judged_id], None, now)


def part(connection: Connection, found: Found, now: datetime) -> int:
    """Take a post with all verdicts on it out of its campaign into a case of its own, and give that."""
    same = (JUDGED.c.case_id == found.case_id) & (JUDGED.c.post_id == found.post_id) & ~_elsewhere(found.platform)
    ours = list(connection.scalars(select(JUDGED.c.id).where(same).order_by(JUDGED.c.id)))
    campaign = connection.execute(select(*CASES.c).where(CASES.c.id == found.case_id)).one()
    case_id = _open(connection, ours, campaign, now)
    _shrink(connection, campaign, len(ours))
    if campaign.shown in ours:
        show_instead(connection, campaign.id, _another(connection, campaign.id))
    return case_id


def _elsewhere(platform: str | None) -> Any:
    return JUDGED.c.platform.is_not(None) if platform is None else JUDGED.c.platform.is_distinct_from(platform)


def _open(connection: Connection, ours: Sequence[int], campaign: Row[Any] | None, now: datetime) -> int:
    """Open a case that shows the newest of these verdicts; near copies that come later go on to the campaign."""
    shown = connection.execute(select(*JUDGED.c).where(JUDGED.c.id == ours[-1])).one()
    severity = campaign.severity if campaign else 0
    opened = insert(CASES).values(
        state="open",
        opened=campaign.opened if campaign else now,
        newest=shown.time,
        copies=len(ours),
        severity=severity,
        harm=expected_harm(severity, shown.advert_probability, len(ours)),
        uncertainty=uncertainty(shown.advert_probability),
        lang=shown.lang,
        platform=shown.platform,
        shown=shown.id,
    )
    case_id = int(connection.execute(opened.returning(CASES.c.id)).scalar_one())
    connection.execute(update(JUDGED).where(JUDGED.c.id.in_(ours)).values(case_id=case_id))
    return case_id


def _shrink(connection: Connection, campaign: Row[Any], gone: int) -> None:
    left = max(campaign.copies - gone, 1)
    harm = campaign.harm / growth(campaign.copies) * growth(left)
    connection.execute(update(CASES).where(CASES.c.id == campaign.id).values(copies=left, harm=harm))


def _another(connection: Connection, case_id: int) -> tuple[int, str] | None:
    """Choose the oldest copy whose text is kept, as the first one was shown before."""
    query = select(JUDGED.c.id, TEXTS.c.text).join_from(JUDGED, TEXTS).where(JUDGED.c.case_id == case_id)
    row = connection.execute(query.order_by(JUDGED.c.id).limit(1)).first()
    return (row.id, row.text) if row else None
