"""Find what was judged, so that an appeal finds its case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from serving.review.case import Copy, copies
from serving.review.queue import CaseLine, line
from serving.review.standing import Standing, standing
from serving.store.tables import JUDGED


@dataclass(frozen=True, slots=True)
class Appealed:
    """A post that was judged, its case, and the decision in force."""

    post: Copy
    case: CaseLine | None
    standing: Standing | None


def appealed(
    connection: Connection, *, post_id: str | None, author: str | None, platform: str | None = None, now: datetime
) -> list[Appealed]:
    """Find posts by the platform's id or by an author's hash, newest first."""
    wanted = JUDGED.c.post_id == post_id if post_id is not None else JUDGED.c.author == author
    if platform is not None:
        wanted &= JUDGED.c.platform == platform
    return [_appealed(connection, copy, now) for copy in copies(connection, wanted)]


def _appealed(connection: Connection, copy: Copy, now: datetime) -> Appealed:
    case_id = connection.scalar(select(JUDGED.c.case_id).where(JUDGED.c.id == copy.id))
    if case_id is None:
        return Appealed(copy, None, None)
    return Appealed(copy, line(connection, case_id, now=now), standing(connection, case_id))
