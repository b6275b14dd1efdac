"""What a challenger would change: flags gained and lost beside the live release, and what reviewers said of those."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select

from models.verdict import Decision
from serving.review.intervals import Figure, wilson
from serving.review.standing import standing_decisions
from serving.shadow_rows import MEASURE, Outcome
from serving.store.tables import JUDGED, SHADOWED, TALLIES, TEXTS, hour_text

FLAGGED = SHADOWED.c.decision != Decision.ALLOW
FLAGGED_NOW = SHADOWED.c.challenger_decision != Decision.ALLOW
GAINED, LOST = ~FLAGGED & FLAGGED_NOW, FLAGGED & ~FLAGGED_NOW
RIGHT = {"gained": "advert", "lost": "not_advert"}
"""What a reviewer's decision must be for the change to be right."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Posts that have one thing in common: how often the two releases decide alike, and where they part."""

    by: str
    value: str
    posts: int
    agreement: Figure
    gained: int
    lost: int
    shift: float  # mean of the challenger's probability less the live one's
    distance: float  # mean of how far the two lie apart


@dataclass(frozen=True, slots=True)
class Example:
    """One post that only one of the two releases flags."""

    post_id: str
    time: datetime
    lang: str | None
    platform: str | None
    policy: str
    decision: str
    probability: float
    challenger_decision: str
    challenger_probability: float
    reviewed: str | None  # the decision of its case that is in force
    text: str | None  # masked, where it is kept


@dataclass(frozen=True, slots=True)
class Changes:
    """Flags gained or lost; of those that reviewers decided, how many times the challenger was right."""

    posts: int
    decided: int
    right: int
    examples: Sequence[Example]


@dataclass(frozen=True, slots=True)
class Report:
    """Two releases on the same posts under the same policies."""

    release: str
    challenger: str
    since: datetime
    first: datetime
    last: datetime
    whole: Slice
    gained: Changes
    lost: Changes
    slices: Sequence[Slice]
    not_compared: dict[str, int]  # posts that were drawn and why there is no row of them
    other_pairs: int  # rows of the same time that compare other releases


def report(connection: Connection, *, since: datetime, challenger: str | None = None, examples: int = 5) -> Report:
    """Compare the newest pair of releases since a time, or the newest with this challenger."""
    chosen = SHADOWED.c.time >= since
    of_challenger = chosen & (SHADOWED.c.challenger == challenger) if challenger else chosen
    newest = select(SHADOWED.c.release, SHADOWED.c.challenger).where(of_challenger).order_by(SHADOWED.c.id.desc())
    pair = connection.execute(newest.limit(1)).first()
    if pair is None:
        raise ValueError(_nothing(connection, since, challenger))
    ours = chosen & (SHADOWED.c.release == pair.release) & (SHADOWED.c.challenger == pair.challenger)
    rows = connection.execute(_grouped(ours)).all()
    posts = connection.scalar(select(func.count()).where(chosen)) or 0
    first, last = connection.execute(select(func.min(SHADOWED.c.time), func.max(SHADOWED.c.time)).where(ours)).one()
    whole = _slice("all", "", rows)
    return Report(
        release=pair.release,
        challenger=pair.challenger,
        since=since,
        first=first,
        last=last,
        whole=whole,
        gained=_changes(connection, "gained", whole.gained, ours & GAINED, examples),
        lost=_changes(connection, "lost", whole.lost, ours & LOST, examples),
        slices=[each for by in ("policy", "lang", "platform", "decision") for each in _sliced(by, rows)],
        not_compared=_not_compared(connection, since, pair.challenger, pair.release),
        other_pairs=posts - whole.posts,
    )


def _grouped(ours: ColumnElement[bool]) -> Any:
    """Select what every slice can be summed from: one row a combination, however many posts there are."""
    shift = SHADOWED.c.challenger_probability - SHADOWED.c.advert_probability
    by = (SHADOWED.c.policy, SHADOWED.c.lang, SHADOWED.c.platform, SHADOWED.c.decision, SHADOWED.c.challenger_decision)
    sums = (func.count().label("posts"), func.sum(shift).label("shift"), func.sum(func.abs(shift)).label("distance"))
    return select(*by, *sums).where(ours).group_by(*by)


def _sliced(by: str, rows: Iterable[Row[Any]]) -> Iterator[Slice]:
    """Give the slices by one column, largest first; one slice alone would say the whole again."""
    values: dict[str, list[Row[Any]]] = {}
    for row in rows:
        values.setdefault(getattr(row, by) or "(none)", []).append(row)
    if len(values) > 1:
        slices = [_slice(by, value, group) for value, group in values.items()]
        yield from sorted(slices, key=lambda each: (-each.posts, each.value))


def _slice(by: str, value: str, rows: Sequence[Row[Any]]) -> Slice:
    def count(wanted: Callable[[bool, bool], bool]) -> int:
        flags = ((row.decision != Decision.ALLOW, row.challenger_decision != Decision.ALLOW, row.posts) for row in rows)
        return sum(posts for before, now, posts in flags if wanted(before, now))

    posts = sum(row.posts for row in rows)
    share = sum(row.posts for row in rows if row.decision == row.challenger_decision) / posts
    return Slice(
        by=by,
        value=value,
        posts=posts,
        agreement=Figure(share, *wilson(share, posts), posts),
        gained=count(lambda before, now: now and not before),
        lost=count(lambda before, now: before and not now),
        shift=sum(row.shift for row in rows) / posts,
        distance=sum(row.distance for row in rows) / posts,
    )


def _changes(connection: Connection, kind: str, posts: int, ours: ColumnElement[bool], examples: int) -> Changes:
    standing = standing_decisions().subquery()
    joined = (
        SHADOWED.outerjoin(JUDGED, SHADOWED.c.judged_id == JUDGED.c.id)
        .outerjoin(TEXTS, TEXTS.c.judged_id == JUDGED.c.id)
        .outerjoin(standing, standing.c.case_id == JUDGED.c.case_id)
    )
    by_decision = (
        select(standing.c.decision, func.count()).select_from(joined).where(ours).group_by(standing.c.decision)
    )
    said = {decision: count for decision, count in connection.execute(by_decision) if decision in RIGHT.values()}
    far = func.abs(SHADOWED.c.challenger_probability - SHADOWED.c.advert_probability)
    shown = (
        select(SHADOWED, standing.c.decision.label("reviewed"), TEXTS.c.text)
        .select_from(joined)
        .where(ours)
        .order_by(far.desc(), SHADOWED.c.id)
        .limit(examples)
    )
    return Changes(posts, sum(said.values()), said.get(RIGHT[kind], 0), list(map(_example, connection.execute(shown))))


def _example(row: Row[Any]) -> Example:
    return Example(
        post_id=row.post_id,
        time=row.time,
        lang=row.lang,
        platform=row.platform,
        policy=row.policy,
        decision=row.decision,
        probability=row.advert_probability,
        challenger_decision=row.challenger_decision,
        challenger_probability=row.challenger_probability,
        reviewed=row.reviewed,
        text=row.text,
    )


def _not_compared(
    connection: Connection, since: datetime, challenger: str | None, release: str | None = None
) -> dict[str, int]:
    """Count the posts that were drawn and not compared, by why."""
    query = select(TALLIES.c.value, TALLIES.c.count).where(
        TALLIES.c.measure == MEASURE, TALLIES.c.hour >= hour_text(since)
    )
    if release:
        query = query.where(TALLIES.c.release == release)
    counts: Counter[str] = Counter()
    for value, count in connection.execute(query):
        outcome, _, whose = value.partition(" ")
        if challenger in (None, whose):
            counts[outcome] += count
    return {outcome: counts[outcome] for outcome in Outcome if counts[outcome]}


def _nothing(connection: Connection, since: datetime, challenger: str | None) -> str:
    counts = _not_compared(connection, since, challenger)
    why = ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "none was drawn"
    beside = f" with {challenger}" if challenger else ""
    return f"no post was compared{beside} since {since:%Y-%m-%d %H:%M} UTC: {why}"
