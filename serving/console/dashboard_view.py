"""Figures put into tiles, charts and tables, each with what is missing where it cannot be known."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, select

from models.verdict import Decision
from serving.console import words
from serving.console.charts import Columns, Range, columns, share
from serving.review.figures import Figures, precision
from serving.review.intervals import Figure
from serving.review.queue import OPEN, SETTLED, counts
from serving.review.reviewed import Reviewed, slices
from serving.review.trends import Rise, rising, volumes
from serving.store.tables import CASES, DECISIONS

ADVISED = {Decision.ALLOW: "let through", Decision.REVIEW: "to review", Decision.ACT: "acted on"}
DECIDED = {"advert": "advert", "not_advert": "not an advert", "unsure": "unsure", "escalate": "escalated"}
LEAST_IN_A_SLICE = 5  # decided flags; of fewer, the interval is nearly everything
MOST_SLICES = 12


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits."""

    open: int
    escalated: int
    oldest: str
    langs: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure: its number with its interval, from what it comes, or what is missing."""

    title: str
    said: str
    range: Range | None
    hint: str


@dataclass(frozen=True, slots=True)
class Rising:
    """Words on the rise of one kind."""

    title: str
    rises: Sequence[Rise]


def backlog(connection: Connection, now: datetime) -> Backlog:
    """Count what waits, by language."""
    states = counts(connection)
    oldest = connection.scalar(select(func.min(CASES.c.opened)).where(CASES.c.state == OPEN))
    number = func.count().label("number")
    query = select(CASES.c.lang, number).where(CASES.c.state != SETTLED).group_by(CASES.c.lang).order_by(number.desc())
    langs = [(words.language(row.lang), int(row.number)) for row in connection.execute(query.limit(MOST_SLICES))]
    return Backlog(states["open"], states["escalated"], words.ago(oldest, now) if oldest else "", langs)


def figure_tiles(known: Figures) -> list[Tile]:
    """Say how good the flags are, how much is missed and how much there is."""
    decided = f"{known.flagged_decided:,} of {known.flagged:,} flagged posts are decided"
    sample = f"{known.drawn_decided:,} of {known.drawn:,} posts drawn at random are decided"
    missing = (
        f"Decide cases of posts that were let through; {sample}."
        if known.drawn
        else "No post was drawn at random in this time. While NPSIGHT_AUDIT_RATE is 0, this cannot be known."
    )
    return [
        _tile(
            "Precision: flags that are adverts",
            known.precision,
            f"{decided}.",
            "Decide some cases to know it. " + decided + ".",
        ),
        _tile("Recall: adverts that were flagged", known.recall, f"Estimate: {sample}.", missing),
        _tile("Prevalence: posts that are adverts", known.prevalence, f"Estimate: {sample}.", missing, digits=2),
    ]


def _tile(title: str, figure: Figure | None, hint: str, missing: str, *, digits: int = 0) -> Tile:
    if figure is None:
        return Tile(title, "not known", None, missing)
    placed = share(title, figure.estimate, figure.low, figure.high, digits=digits)
    return Tile(title, f"{100 * figure.estimate:.{digits}f} %", placed, hint)


def passed(connection: Connection, *, since: datetime, now: datetime) -> Columns:
    """Draw what the policies advised, day by day."""
    days = {
        _day(each.start): {
            ADVISED[Decision(value)]: count for value, count in each.counts.items() if value in set(Decision)
        }
        for each in volumes(connection, "decision", since=since, now=now)
    }
    return columns("Posts judged, a day", list(ADVISED.values()), days)


def decided(connection: Connection, *, since: datetime, now: datetime) -> Columns:
    """Draw what reviewers said, day by day; what they took back is left out."""
    undone = select(DECISIONS.c.undoes).where(DECISIONS.c.undoes.is_not(None))
    query = select(DECISIONS.c.time, DECISIONS.c.decision).where(
        DECISIONS.c.time >= since, DECISIONS.c.decision.in_(DECIDED), DECISIONS.c.id.not_in(undone)
    )
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for time, decision in connection.execute(query):
        found[_day(time)][DECIDED[decision]] += 1
    span = (now.astimezone(UTC).date() - since.astimezone(UTC).date()).days
    days = [_day(since + timedelta(days=day)) for day in range(span + 1)]
    return columns("Decisions of reviewers, a day", list(DECIDED.values()), {day: found[day] for day in days})


def by_language(rows: Reviewed) -> list[tuple[str, int, Range]]:
    """Give the precision of flags by language, where enough of them are decided."""
    listed = []
    for lang, part in slices(rows, "lang"):
        figure = precision(part)
        if figure is not None and figure.n >= LEAST_IN_A_SLICE:
            name = words.language(None if lang == "unknown" else lang)
            listed.append((name, figure.n, share(name, figure.estimate, figure.low, figure.high)))
    return listed[:MOST_SLICES]


def rises(connection: Connection, now: datetime) -> list[Rising]:
    """List substances and words on the rise."""
    return [
        Rising("Substances", rising(connection, "substance", now=now, most=10)),
        Rising("Slang and names as written", rising(connection, "term", now=now, most=10)),
    ]


def _day(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return f"{moment.day} {moment:%b}"
