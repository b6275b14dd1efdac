"""What passed through over time, and which words are on the rise, from the hourly tallies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, func, or_, select

from serving.review.intervals import wilson
from serving.store.tables import TALLIES, hour_text

RECENT, BEFORE = timedelta(days=7), timedelta(days=28)
LEAST = 5  # posts with the word in the recent days; fewer are chance, whatever the ratio
Period = Literal["hour", "day"]
LENGTH = {"hour": 13, "day": 10}  # characters of `2026-12-01T09` that name it
STEP = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Volume:
    """How many posts of each value there were in an hour or a day that begins at `start`, in UTC."""

    start: datetime
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Rise:
    """A word that more posts hold than before; `ratio` is of shares of all posts, None where it was never seen before.

    `low` is the lower end of the ratio's 95 % interval: at least so many times as common.
    """

    value: str
    recent: int
    before: int
    ratio: float | None
    low: float


def volumes(
    connection: Connection,
    measure: str,
    *,
    since: datetime,
    now: datetime,
    by: Period = "day",
    policy: str | None = None,
) -> list[Volume]:
    """Count a measure, such as `decision`, over time; hours and days without posts are there, and empty."""
    start = func.substr(TALLIES.c.hour, 1, LENGTH[by])
    first = _floor(since, by)
    query = (
        select(start, TALLIES.c.value, func.sum(TALLIES.c.count))
        .where(TALLIES.c.measure == measure, TALLIES.c.hour >= hour_text(first), *_under(policy))
        .group_by(start, TALLIES.c.value)
    )
    counts: dict[str, dict[str, int]] = {}
    for name, value, count in connection.execute(query):
        counts.setdefault(name, {})[value] = int(count)
    steps = int((_floor(now, by) - first) / STEP[by]) + 1
    starts = [first + step * STEP[by] for step in range(steps)]
    return [Volume(each, counts.get(hour_text(each)[: LENGTH[by]], {})) for each in starts]


def rising(
    connection: Connection, measure: Literal["substance", "term", "class"], *, now: datetime, most: int = 20
) -> list[Rise]:
    """List what more posts name in the last 7 days than in the 28 before, the surest rise first.

    Shares of all posts are compared, so that a busier week, or a service that began only lately, makes no trend.
    """
    recent, before = _counts(connection, measure, now)
    posts = [sum(each.values()) for each in _counts(connection, "posts", now)]
    if not all(posts):
        return []  # nothing to compare with
    rises = [
        _rise(value, count, before.get(value, 0), posts) for value, count in recent.items() if _shown(value, count)
    ]
    rises.sort(key=lambda rise: (-rise.low, -rise.recent, rise.value))
    return [rise for rise in rises if rise.low > 1][:most]


def _rise(value: str, recent: int, before: int, posts: Sequence[int]) -> Rise:
    """Compare two Poisson rates: given their sum, the recent count is binomial (Przyborowski and Wilenski, 1940).

    Half a post more before corrects for whole counts; without it, a word never seen before would look surer than it is.
    """
    exposure = posts[1] / posts[0]
    low, _ = wilson(recent / (recent + before + 0.5), recent + before + 0.5)
    ratio = recent / before * exposure if before else None
    return Rise(value, recent, before, ratio, low / (1 - low) * exposure)


def _counts(connection: Connection, measure: str, now: datetime) -> tuple[dict[str, int], dict[str, int]]:
    """Sum a measure by value over the recent days and over those before."""
    split, start = hour_text(now - RECENT), hour_text(now - RECENT - BEFORE)
    found = []
    for first, end in ((split, None), (start, split)):
        query = select(TALLIES.c.value, func.sum(TALLIES.c.count)).where(
            TALLIES.c.measure == measure, TALLIES.c.hour >= first, *([TALLIES.c.hour < end] if end else [])
        )
        found.append({value: int(count) for value, count in connection.execute(query.group_by(TALLIES.c.value))})
    return found[0], found[1]


def _shown(value: str, count: int) -> bool:
    """Leave out what is rare, and what stands for several, such as `(other)`."""
    return count >= LEAST and not value.startswith("(")


def _under(policy: str | None) -> list[ColumnElement[Any]]:
    """Choose every version of a policy."""
    if policy is None:
        return []
    return [or_(TALLIES.c.policy == policy, TALLIES.c.policy.startswith(f"{policy}@", autoescape=True))]


def _floor(moment: datetime, by: Period) -> datetime:
    whole = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return whole.replace(hour=0) if by == "day" else whole
