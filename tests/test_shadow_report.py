"""The report of a challenger, on rows that are known."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert
from typer.testing import CliRunner

import npsight
from serving.keep import moment_before
from serving.shadow_report import report
from serving.store.engine import writing
from serving.store.tables import CASES, DECISIONS, JUDGED, SHADOWED, TALLIES, TEXTS

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
SINCE = NOW - timedelta(days=7)
NASTY = "<script>alert(1)</script> [bold]'; DROP TABLE shadowed;--"


def put(connection: Connection, post_id: str, before: float, now: float, **values: Any) -> None:
    """Insert one comparison; from 0.5 on a post is flagged."""
    row = {
        **{"time": NOW, "post_id": post_id, "platform": None, "lang": "en", "policy": "default@1"},
        **{"release": "1", "decision": _decision(before), "advert_probability": before},
        **{"challenger": "2", "challenger_decision": _decision(now), "challenger_probability": now},
    }
    connection.execute(insert(SHADOWED).values(row | values))


def _decision(probability: float) -> str:
    return "act" if probability >= 0.9 else "review" if probability >= 0.5 else "allow"


def judged(connection: Connection, decision: str | None, text: str | None = None) -> int:
    """Insert a recorded verdict whose case was decided, and give its number."""
    counts = {"copies": 1, "severity": 1, "harm": 1.0, "uncertainty": 0.0}
    opened = insert(CASES).values(state="open", opened=NOW, newest=NOW, **counts).returning(CASES.c.id)
    case = connection.execute(opened).scalar_one()
    facts = {"span_kinds": "", "substances": "[]", "warnings": "[]", "lexicon": "x", "caller": "k", "intent": "sell"}
    versions = {"release": "1", "policy": "default@1", "decision": "review", "advert_probability": 0.5}
    row = {"case_id": case, "time": NOW, "post_id": "x", **facts, **versions}
    number: int = connection.execute(insert(JUDGED).values(row).returning(JUDGED.c.id)).scalar_one()
    if decision:
        made = {"case_id": case, "time": NOW, "reviewer": "r", "source": "api", "copies": 1}
        connection.execute(insert(DECISIONS).values(decision=decision, **made))
    if text:
        connection.execute(insert(TEXTS).values(judged_id=number, text=text, verdict="{}"))
    return number


@pytest.fixture
def filled(engine: Engine) -> Engine:
    with writing(engine) as connection:
        for number in range(90):
            put(connection, f"calm{number}", 0.1, 0.2)
        put(connection, "same", 0.6, 0.7, lang="de", platform="forum")
        put(connection, "other band", 0.6, 0.95, lang="de", platform="forum")
        put(connection, "gained", 0.2, 0.8, lang=None, judged_id=judged(connection, "advert", NASTY))
        put(connection, "gained wrongly", 0.2, 0.6, judged_id=judged(connection, "not_advert"))
        put(connection, "gained unsure", 0.3, 0.6, judged_id=judged(connection, "unsure"))
        put(connection, NASTY, 0.45, 0.55, policy="strict@2")
        put(connection, "lost", 0.7, 0.1, judged_id=judged(connection, "not_advert", "kept"))
        put(connection, "lost wrongly", 0.55, 0.45, judged_id=judged(connection, "advert"))
        put(connection, "old", 0.1, 0.9, time=NOW - timedelta(days=8))
        put(connection, "another pair", 0.1, 0.9, challenger="0", time=NOW - timedelta(hours=1))
        for value, release in (("skipped 2", "1"), ("failed 2", "1"), ("skipped 0", "1"), ("skipped 2", "0")):
            key = {"hour": "2026-11-30T09", "release": release, "policy": "", "measure": "shadow", "value": value}
            connection.execute(insert(TALLIES).values(**key, count=7))
        put(connection, "last", 0.1, 0.1)
    return engine


def test_the_report_counts_agreement_gains_losses_and_who_was_right(filled: Engine) -> None:
    with filled.connect() as connection:
        found = report(connection, since=SINCE, examples=2)
    whole = found.whole
    assert (found.release, found.challenger, whole.posts, found.other_pairs) == ("1", "2", 99, 1)
    assert whole.agreement.estimate == pytest.approx(92 / 99)
    assert whole.agreement.low < 92 / 99 < whole.agreement.high
    assert (whole.gained, whole.lost) == (4, 2)
    moved = 90 * 0.1 + 0.1 + 0.35 + 0.6 + 0.4 + 0.3 + 0.1
    assert whole.shift == pytest.approx((moved - 0.6 - 0.1) / 99)
    assert whole.distance == pytest.approx((moved + 0.6 + 0.1) / 99)
    assert (found.gained.posts, found.gained.decided, found.gained.right) == (4, 2, 1)
    assert (found.lost.posts, found.lost.decided, found.lost.right) == (2, 2, 1)
    assert [(each.post_id, each.reviewed, each.text) for each in found.gained.examples] == [
        ("gained", "advert", NASTY),
        ("gained wrongly", "not_advert", None),
    ]
    assert [each.post_id for each in found.lost.examples] == ["lost", "lost wrongly"]
    assert found.not_compared == {"skipped": 7, "failed": 7}


def test_slices_sum_to_the_whole_and_name_what_has_no_value(filled: Engine) -> None:
    with filled.connect() as connection:
        found = report(connection, since=SINCE)
    by = {(each.by, each.value): each for each in found.slices}
    assert by["platform", "forum"].posts == 2
    assert by["platform", "forum"].agreement.estimate == 0.5
    assert by["policy", "strict@2"].gained == 1
    assert by["decision", "review"].lost == 2
    assert by["lang", "(none)"].gained == 1
    for name in ("policy", "lang", "platform", "decision"):
        assert sum(each.posts for each in found.slices if each.by == name) == 99


def test_another_challenger_can_be_asked_for_and_none_is_said(filled: Engine) -> None:
    with filled.connect() as connection:
        assert report(connection, since=SINCE, challenger="0").whole.posts == 1
        with pytest.raises(ValueError, match="no post was compared with 9 since 2026-11-24 12:00 UTC: none was drawn"):
            report(connection, since=SINCE, challenger="9")
        with pytest.raises(ValueError, match="no post was compared since"):
            report(connection, since=NOW + timedelta(days=1))


def test_only_skipped_posts_are_said_as_such(engine: Engine) -> None:
    key = {"hour": "2026-11-30T09", "release": "1", "policy": "", "measure": "shadow", "value": "skipped 2"}
    with writing(engine) as connection:
        connection.execute(insert(TALLIES).values(**key, count=7))
        with pytest.raises(ValueError, match="no post was compared with 2 since 2026-11-24 12:00 UTC: 7 skipped"):
            report(connection, since=SINCE, challenger="2")


def run(engine: Engine, monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.setenv("NPSIGHT_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    result = CliRunner().invoke(npsight.app, ["shadow", "report", "--since", "2026-11-24", *words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_verb_writes_json_and_tables_that_take_texts_as_they_are(
    filled: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = json.loads(run(filled, monkeypatch, "--json"))
    assert said["whole"]["posts"] == 99
    assert said["gained"]["examples"][0]["text"] == NASTY
    shown = run(filled, monkeypatch)
    assert "2 beside 1, 2026-12-01 12:00" in shown
    assert "flags gained: 4, 1 of 2 right" in shown
    assert "not compared: 7 skipped, 7 failed" in shown
    assert "[bold]" in shown.replace("\n", "")
    assert "(not kept)" in shown


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("12h", NOW - timedelta(hours=12)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T10:00+01:00", datetime(2026, 11, 1, 9, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_a_span_back_or_a_date(words: str, moment: datetime) -> None:
    assert moment_before(words, NOW) == moment


@pytest.mark.parametrize("words", ["", "7", "d", "-7d", "soon", "999999d"])
def test_another_time_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="wanted 7d, 12h or a date"):
        moment_before(words, NOW)
