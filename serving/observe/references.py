"""Where the two sides of a comparison come from: a file, a release, or the tallies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, func, select

from models.reference import Reference, load_reference
from models.registry import Registry
from models.release import DEFAULT_RELEASE, REFERENCE
from models.verdict import Detect
from serving.batch import Tally, score_posts
from serving.observe.drift import KEPT, Drift, compare
from serving.observe.facts import Measure, facts
from serving.observe.tallies import read
from serving.settings import Settings
from serving.store.tables import TALLIES, hour_text

FIRST = timedelta(days=7)  # a week holds each day once
LAST = timedelta(days=7)


def reference_file(settings: Settings) -> Path | None:
    """Find the reference that the settings name, else the one in the release that they serve."""
    if settings.reference:
        return settings.reference
    if settings.registry:
        registry = Registry(settings.registry)
        folder = registry.folder / registry.live_version()
    else:
        folder = settings.release or DEFAULT_RELEASE
    return folder / REFERENCE if (folder / REFERENCE).is_file() else None


def made_from(detect: Detect, file: str, *, text_column: str, id_column: str, tally: Tally) -> Reference:
    """Judge a file of posts and count what the live tallies count."""
    counts: dict[str, Counter[str]] = {measure: Counter() for measure in KEPT}
    release = policy = ""
    for _, verdict in score_posts(detect, file, tally=tally, text_column=text_column, id_column=id_column):
        release, policy = verdict.release, verdict.policy
        for fact in facts(verdict):
            if fact.measure in counts:
                counts[fact.measure][fact.value] += 1
    if not tally.scored:
        raise ValueError(f"{file}: holds no post that can be judged")
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return Reference(Path(file).name, made, release, policy, tally.scored, {k: dict(v) for k, v in counts.items()})


def live_posts(
    connection: Connection, *, release: str, policy: str, since: datetime, until: datetime | None = None
) -> Reference:
    """Count what one release judged under the policies of one name between two times."""
    rows = read(connection, since=since, until=until, measures=[*KEPT, Measure.POSTS])
    ours = [row for row in rows if row.release == release and row.policy.partition("@")[0] == policy]
    counts = _summed((row.measure, row.value, row.count) for row in ours)
    posts = sum(counts.pop(Measure.POSTS, {}).values())
    labels = sorted({row.policy for row in ours})
    source = f"live posts from {hour_text(since)} on" + (f" to {hour_text(until)}" if until else "")
    return Reference(source, hour_text(until or datetime.now(UTC)), release, ", ".join(labels) or policy, posts, counts)


def drift_now(
    connection: Connection,
    reference: Reference | None,
    *,
    policy: str = "default",
    release: str | None = None,
    since: timedelta = LAST,
    now: datetime | None = None,
) -> Drift | None:
    """Compare the last days with the reference, else with the first week; None before there is anything to compare."""
    now = now or datetime.now(UTC)
    release = release or newest_release(connection)
    if release is None:
        return None
    start = now - since
    if reference is None:
        first = _first_hour(connection, release)
        if first is None or first + FIRST > now:
            return None
        start = max(start, first + FIRST)
        reference = live_posts(connection, release=release, policy=policy, since=first, until=first + FIRST)
    live = live_posts(connection, release=release, policy=policy, since=start)
    return compare(reference, live) if live.posts and reference.posts else None


def newest_release(connection: Connection) -> str | None:
    """Name the release that judged last."""
    newest = select(TALLIES.c.release).order_by(TALLIES.c.hour.desc(), TALLIES.c.release.desc()).limit(1)
    found: str | None = connection.scalar(newest)
    return found


def loaded(settings: Settings) -> Reference | None:
    """Read the reference of the settings, if there is one."""
    file = reference_file(settings)
    return load_reference(file) if file else None


def _first_hour(connection: Connection, release: str) -> datetime | None:
    first = connection.scalar(select(func.min(TALLIES.c.hour)).where(TALLIES.c.release == release))
    return datetime.strptime(f"{first}+0000", "%Y-%m-%dT%H%z") if first else None


def _summed(rows: Iterable[tuple[str, str, int]]) -> dict[str, Mapping[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for measure, value, count in rows:
        counts.setdefault(measure, Counter())[value] += count
    return {measure: dict(values) for measure, values in counts.items()}
