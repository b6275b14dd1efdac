"""The dashboard: what it draws, and what it says where nothing is known."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from authored import POSTS  # type: ignore[import-not-found]  # pytest finds it beside this file
from callers import from_here  # type: ignore[import-not-found]  # likewise
from console_store import console, fill  # type: ignore[import-not-found]  # likewise
from fastapi.testclient import TestClient
from sqlalchemy import Engine, insert

from serving.console.charts import ceiling, columns, share, short
from serving.review.decisions import decide
from serving.store.engine import writing
from serving.store.tables import TALLIES


def dashboard(engine: Engine, **query: str) -> str:
    with TestClient(from_here(console(engine)), base_url="http://localhost:8000") as client:
        answer = client.get("/console/dashboard", params=query)
    assert answer.status_code == 200
    return str(answer.text)


def test_an_empty_store_says_what_would_fill_it(engine: Engine) -> None:
    page = dashboard(engine)
    assert page.count("not known") == 3
    assert "While NPSIGHT_AUDIT_RATE is 0, this cannot be known" in page
    assert "No post was judged in this time" in page
    assert "Nothing to compare with" in page
    assert "Nobody decided a case in this time" in page
    assert "<rect" not in page


def test_decisions_tallies_and_rises_are_drawn_with_their_numbers(engine: Engine) -> None:
    now = datetime.now(UTC)
    cases = fill(engine, [each for each in POSTS if each.lang == "en"])
    with writing(engine) as connection:
        for at, case in enumerate(cases[:6]):
            choice = "advert" if at < 5 else "not_advert"
            decide(connection, case, reviewer="k1/Ada", source="console", decision=choice, now=now)
        for days, posts, word in ((10, 5000, 5), (1, 2000, 60)):
            hour = (now - timedelta(days=days)).strftime("%Y-%m-%dT%H")
            row = {"hour": hour, "release": "r", "policy": "default@4"}
            rows = [("posts", "", posts), ("decision", "allow", posts - 9), ("decision", "review", 9)]
            for measure, value, count in [*rows, ("term", "<b>snow</b> globes", word)]:
                connection.execute(insert(TALLIES).values(**row, measure=measure, value=value, count=count))
    page = dashboard(engine)
    assert re.search(r"<th scope=\"row\"><bdi>&lt;b&gt;snow&lt;/b&gt; globes</bdi></th>", page)
    assert "English" in page
    assert page.count('role="img"') == 2
    assert "6,982 let through, 18 to review, 0 acted on" in page
    assert "5 advert, 1 not an advert, 0 unsure, 0 escalated" in page
    assert page.count("<style") + page.count(' style="') == 0


def test_drift_is_measured_against_the_first_week(engine: Engine) -> None:
    now = datetime.now(UTC)
    with writing(engine) as connection:
        for days, english, german in ((12, 900, 100), (2, 300, 700)):
            row = {"hour": (now - timedelta(days=days)).strftime("%Y-%m-%dT%H"), "release": "r", "policy": "default@4"}
            for measure, value, count in (("posts", "", 1000), ("lang", "en", english), ("lang", "de", german)):
                connection.execute(insert(TALLIES).values(**row, measure=measure, value=value, count=count))
    page = dashboard(engine)
    assert '<span class="tag bad">drifted</span>' in page
    assert "German 10.0% to 70.0%" in page


def test_a_reference_that_cannot_be_read_is_said(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "reference.json"
    file.write_text("{", encoding="utf-8")
    with TestClient(from_here(console(engine, reference=file)), base_url="http://localhost:8000") as client:
        assert "cannot be read" in client.get("/console/dashboard").text


@pytest.mark.parametrize("days", ["7", "28", "91", "0", "<script>", "9" * 30])
def test_any_period_gives_a_page(engine: Engine, days: str) -> None:
    assert "<h1>Dashboard</h1>" in dashboard(engine, days=days)


@pytest.mark.parametrize(("most", "end"), [(0, 2), (1, 2), (3, 4), (7, 10), (11, 20), (401, 1000), (10**9, 10**9)])
def test_an_axis_ends_at_a_round_number(most: int, end: int) -> None:
    assert ceiling(most) == end


@pytest.mark.parametrize(("count", "said"), [(0, "0"), (999, "999"), (1500, "1.5k"), (2_000_000, "2M")])
def test_counts_are_short_beside_an_axis(count: int, said: str) -> None:
    assert short(count) == said


def test_columns_stack_from_the_ground_and_stay_in_their_picture() -> None:
    chart = columns("T", ["a", "b"], {"1 May": {"a": 3, "b": 1}, "2 May": {}, "3 May": {"b": 2}})
    assert [bar.title for bar in chart.bars] == ["1 May: 3 a", "1 May: 1 b", "3 May: 2 b"]
    assert chart.bars[1].y + chart.bars[1].height == pytest.approx(chart.bars[0].y)
    assert all(bar.x >= 0 and bar.x + bar.width <= chart.width and bar.y >= 0 for bar in chart.bars)
    assert chart.description == "1 May to 3 May: 3 a, 3 b. Most on 1 May: 4."


def test_a_share_says_its_range() -> None:
    placed = share("x", 0.9, 0.85, 0.95)
    assert (placed.at, placed.low, placed.high, placed.said) == (90.0, 85.0, 10.0, "85 to 95 %")
