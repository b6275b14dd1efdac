"""Counts by the hour: gathered in memory, added to the table `tallies` every few seconds and when the service stops.

A count is lost only when the process is killed between two writes, or when the store is silent for so long that memory
would fill; `lost` says how many posts that were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import NamedTuple

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from models.verdict import Post, Verdict
from serving.observe.facts import Fact, Measure, author_of, facts
from serving.observe.repeated import Repeated
from serving.store.engine import writing
from serving.store.tables import TALLIES, hour_text

OTHER = "(other)"
MOST_VALUES = 500  # different values of one measure in one hour and process; the rest is one value, `OTHER`
MOST_ROWS = 20_000  # that wait for the store: about 5 MB
WIDE = 100  # characters that the columns hold; a longer name would keep all else from being written
FOLDED = frozenset({Measure.TERM, Measure.SUBSTANCE, Measure.LANG})
"""What becomes one value first when too much waits."""


class Key(NamedTuple):
    """What one row counts."""

    hour: str
    release: str
    policy: str
    measure: str
    value: str


@dataclass(frozen=True, slots=True)
class Tally:
    """One row of the table."""

    hour: str
    release: str
    policy: str
    measure: str
    value: str
    count: int


class Tallies:
    """What waits to be written. Any thread may add."""

    def __init__(self, *, most_values: int = MOST_VALUES, most_rows: int = MOST_ROWS) -> None:
        self.lost = 0  # posts whose counts were given up
        self._most_values, self._most_rows = most_values, most_rows
        self._waiting: Counter[Key] = Counter()
        self._values: dict[tuple[str, ...], set[str]] = {}
        self._hour = ""
        self._repeated = Repeated()
        self._lock = Lock()

    def add(self, posts: Iterable[Post], verdicts: Iterable[Verdict], *, now: datetime | None = None) -> None:
        """Count verdicts beside their posts."""
        hour = hour_text(now or datetime.now(UTC))
        with self._lock:
            if hour != self._hour:
                self._hour, self._values = hour, {}
            for post, verdict in zip(posts, verdicts, strict=True):
                for fact in facts(verdict):
                    self._add(hour, post, verdict, fact)
            self._make_room()

    def waiting(self) -> int:
        """Give how many rows wait to be written."""
        return len(self._waiting)

    def flush(self, engine: Engine) -> None:
        """Write what waits in one transaction; what the store does not take waits on."""
        with self._lock:
            taken, self._waiting = self._waiting, Counter()
        if not taken:
            return
        try:
            with writing(engine) as connection:
                write(connection, taken)
        except BaseException:
            with self._lock:
                self._waiting.update(taken)
                self._make_room()
            raise

    def _add(self, hour: str, post: Post, verdict: Verdict, fact: Fact) -> None:
        times = self._repeated.count(fact.value, author_of(post), day=hour[:10]) if fact.guarded else 1
        if times:
            self._waiting[self._key(hour, verdict, fact)] += times

    def _key(self, hour: str, verdict: Verdict, fact: Fact) -> Key:
        release, policy = verdict.release[:WIDE], verdict.policy[:WIDE]
        place = (release, policy, fact.measure)
        values = self._values.setdefault(place, set())
        full = len(values) >= self._most_values and fact.value not in values
        value = OTHER if full else fact.value[:WIDE]
        values.add(value)
        return Key(hour, release, policy, fact.measure, value)

    def _make_room(self) -> None:
        """Keep less of what waits: words become `OTHER`, then the oldest hours go."""
        if len(self._waiting) <= self._most_rows:
            return
        folded: Counter[Key] = Counter()
        for key, count in self._waiting.items():
            folded[key._replace(value=OTHER) if key.measure in FOLDED else key] += count
        hours = sorted({key.hour for key in folded})
        while len(folded) > self._most_rows and len(hours) > 1:
            oldest = hours.pop(0)
            gone = {key: count for key, count in folded.items() if key.hour == oldest}
            self.lost += sum(count for key, count in gone.items() if key.measure == Measure.POSTS)
            folded = Counter({key: count for key, count in folded.items() if key.hour != oldest})
        self._waiting = folded


def write(connection: Connection, counts: Mapping[Key, int]) -> None:
    """Add counts to the table; in order, so that two workers never wait for each other's rows."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    added = make(TALLIES)
    statement = added.on_conflict_do_update(
        index_elements=list(TALLIES.primary_key.columns), set_={"count": TALLIES.c.count + added.excluded.count}
    )
    connection.execute(statement, [{**key._asdict(), "count": counts[key]} for key in sorted(counts)])


def read(
    connection: Connection, *, since: datetime, until: datetime | None = None, measures: Collection[str] = ()
) -> Sequence[Tally]:
    """Give the rows from the hour of `since` on, before the hour of `until`, oldest first; no measures means all."""
    wanted = select(TALLIES).where(TALLIES.c.hour >= hour_text(since)).order_by(*TALLIES.primary_key.columns)
    if until is not None:
        wanted = wanted.where(TALLIES.c.hour < hour_text(until))
    if measures:
        wanted = wanted.where(TALLIES.c.measure.in_([str(each) for each in measures]))
    return [Tally(*row) for row in connection.execute(wanted)]
