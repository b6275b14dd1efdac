"""What a challenger said, as rows of the table `shadowed`, and how many posts it did not get to see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, Engine, func, insert, select

from serving.observe import tallies
from serving.observe.tallies import Key
from serving.store.engine import writing
from serving.store.tables import JUDGED, SHADOWED, hour_text

MEASURE = "shadow"  # in the table of tallies; the value is an outcome and the challenger
RECORDED_WITHIN = timedelta(hours=1)  # a post's row in `judged` is written before its answer; ids may come again later


class Outcome(StrEnum):
    """What became of a post that was drawn for the challenger."""

    JUDGED = "judged"
    SKIPPED = "skipped"  # too many waited
    FAILED = "failed"  # the challenger raised
    UNWRITTEN = "unwritten"  # the store did not take it


Untold = Mapping[tuple[str, str, Outcome], int]
"""Posts by live release, challenger and outcome."""


@dataclass(frozen=True, slots=True)
class Row:
    """Two verdicts on one post, and who asked for the first."""

    time: datetime
    post_id: str
    caller: str
    platform: str | None
    lang: str | None
    policy: str
    release: str
    decision: str
    advert_probability: float
    challenger: str
    challenger_decision: str
    challenger_probability: float


def write(engine: Engine, rows: Sequence[Row], untold: Untold, *, now: datetime) -> None:
    """Write rows, each with the row in `judged` of the same verdict where that was recorded, and the counts."""
    with writing(engine) as connection:
        if rows:
            known = _recorded(connection, rows)
            connection.execute(insert(SHADOWED), [_values(row, known) for row in rows])
        if untold:
            tallies.write(connection, _counts(untold, hour_text(now)))


def _recorded(connection: Connection, rows: Iterable[Row]) -> dict[tuple[str, ...], int]:
    rows = list(rows)
    since = min(row.time for row in rows) - RECORDED_WITHIN
    same = (JUDGED.c.post_id, JUDGED.c.caller, JUDGED.c.release, JUDGED.c.policy)
    found = (
        select(*same, func.max(JUDGED.c.id))
        .where(JUDGED.c.post_id.in_({row.post_id for row in rows}), JUDGED.c.time >= since)
        .group_by(*same)
    )
    return {tuple(key): number for *key, number in connection.execute(found)}


def _values(row: Row, known: Mapping[tuple[str, ...], int]) -> dict[str, object]:
    values = asdict(row)
    key = (row.post_id, values.pop("caller"), row.release, row.policy)
    return values | {"judged_id": known.get(key)}


def _counts(untold: Untold, hour: str) -> dict[Key, int]:
    return {
        Key(hour, release, "", MEASURE, f"{outcome} {challenger}"): count
        for (release, challenger, outcome), count in untold.items()
    }
