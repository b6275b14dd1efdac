"""Volumes over time and words on the rise, from the hourly tallies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, insert

from serving.review.trends import Rise, Volume, rising, volumes
from serving.store.engine import writing
from serving.store.tables import TALLIES

NOW = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)


def tally(
    engine: Engine,
    counts: Mapping[str, int],
    *,
    measure: str,
    ago: timedelta,
    policy: str = "default@1",
    release: str = "1",
) -> None:
    hour = f"{NOW - ago:%Y-%m-%dT%H}"
    with writing(engine) as connection:
        for value, count in counts.items():
            row = {
                "hour": hour,
                "release": release,
                "policy": policy,
                "measure": measure,
                "value": value,
                "count": count,
            }
            connection.execute(insert(TALLIES).values(row))


def rises(engine: Engine, measure: str = "term") -> list[Rise]:
    with engine.connect() as connection:
        return rising(connection, measure, now=NOW)  # type: ignore[arg-type]


def days(number: int) -> timedelta:
    return timedelta(days=number)


def equal_traffic(engine: Engine, *, recent: int = 7_000, before: int = 28_000) -> None:
    tally(engine, {"": recent}, measure="posts", ago=days(2))
    tally(engine, {"": before}, measure="posts", ago=days(20))


def test_volumes_are_counted_by_day_with_empty_days_between(engine: Engine) -> None:
    tally(engine, {"allow": 90, "review": 10}, measure="decision", ago=days(3))
    tally(engine, {"allow": 5}, measure="decision", ago=days(3) + timedelta(hours=1), release="2")
    tally(engine, {"review": 2}, measure="decision", ago=timedelta(0), policy="strict@1")
    tally(engine, {"allow": 7}, measure="decision", ago=days(9))
    with engine.connect() as connection:
        found = volumes(connection, "decision", since=NOW - days(3), now=NOW)
        strict = volumes(connection, "decision", since=NOW - days(3), now=NOW, policy="strict")
    first = datetime(2026, 11, 28, tzinfo=UTC)
    counts: list[dict[str, int]] = [{"allow": 95, "review": 10}, {}, {}, {"review": 2}]
    assert found == [Volume(first + days(place), each) for place, each in enumerate(counts)]
    assert [volume.counts for volume in strict] == [{}, {}, {}, {"review": 2}]


def test_volumes_are_counted_by_hour(engine: Engine) -> None:
    tally(engine, {"sell": 3}, measure="intent", ago=timedelta(hours=2))
    with engine.connect() as connection:
        found = volumes(connection, "intent", since=NOW - timedelta(hours=2), now=NOW, by="hour")
    assert [(volume.start.hour, volume.counts) for volume in found] == [(7, {"sell": 3}), (8, {}), (9, {})]


def test_the_surest_rise_is_first_and_what_is_rare_or_steady_is_not_there(engine: Engine) -> None:
    equal_traffic(engine)
    recent = {"blue zebra": 80, "moon tea": 9, "one to three": 3, "steady": 100, "falling": 10, "(other)": 900}
    tally(engine, recent, measure="term", ago=days(1))
    tally(engine, {"blue zebra": 20, "one to three": 1, "steady": 400, "falling": 400}, measure="term", ago=days(10))
    found = rises(engine)
    assert [rise.value for rise in found] == ["blue zebra", "moon tea"]
    assert (found[0].recent, found[0].before, found[0].ratio) == (80, 20, 16.0)
    assert 9 < found[0].low < 11
    assert (found[1].before, found[1].ratio) == (0, None)
    assert 7 < found[1].low < 9  # exactly, by the binomial: 7.9


def test_a_busier_week_is_no_trend(engine: Engine) -> None:
    equal_traffic(engine, recent=28_000)  # four times as many a day
    tally(engine, {"2-MMC": 100}, measure="substance", ago=days(1))
    tally(engine, {"2-MMC": 100}, measure="substance", ago=days(10))
    assert rises(engine, "substance") == []


def test_a_service_that_began_lately_compares_by_posts_not_by_days(engine: Engine) -> None:
    tally(engine, {"": 7_000}, measure="posts", ago=days(2))
    tally(engine, {"": 1_000}, measure="posts", ago=days(8))
    tally(engine, {"ketamine": 70}, measure="substance", ago=days(2))
    tally(engine, {"ketamine": 10}, measure="substance", ago=days(8))
    assert rises(engine, "substance") == []


def test_in_the_first_week_there_is_nothing_to_compare_with(engine: Engine) -> None:
    assert rises(engine) == []
    tally(engine, {"": 700}, measure="posts", ago=days(2))
    tally(engine, {"blue zebra": 50}, measure="term", ago=days(1))
    assert rises(engine) == []


def test_what_is_older_than_five_weeks_or_of_another_measure_does_not_count(engine: Engine) -> None:
    equal_traffic(engine)
    tally(engine, {"moon tea": 20}, measure="term", ago=days(1))
    tally(engine, {"moon tea": 500}, measure="term", ago=days(36))
    tally(engine, {"moon tea": 500}, measure="substance", ago=days(10))
    assert [(rise.value, rise.before) for rise in rises(engine)] == [("moon tea", 0)]
