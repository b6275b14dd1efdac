from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from models.reference import Reference, load_reference, save_reference
from models.verdict import INTENTS, Decision, Intent, Post, Verdict
from npsight import app
from serving.batch import Tally
from serving.observe.drift import REST, compare, psi, share_of, shift
from serving.observe.drift_verbs import report
from serving.observe.facts import Measure
from serving.observe.references import drift_now, made_from
from serving.observe.tallies import Tallies
from serving.spans_of_time import span_of_time

NOW = datetime(2026, 12, 20, 9, 30, tzinfo=UTC)
REFERENCE = Reference("posts.jsonl", "2026-12-01", "2026.12.1", "default@1", 1000, {})


def judged(number: int, **options: object) -> Verdict:
    """Give a verdict of a stream in which nine of ten posts are English and score 0.01."""
    calm = Verdict(
        id=str(number),
        decision=Decision.ALLOW,
        advert_probability=0.01 if number % 10 else 0.9,
        intents={intent: float(intent is Intent.OTHER) for intent in INTENTS},
        lang="en" if number % 10 else "de",
        release="2026.12.1",
        policy="default@1",
    )
    return replace(calm, **options)  # type: ignore[arg-type]


def pass_through(engine: Engine, verdicts: Sequence[Verdict], *, days_ago: int) -> None:
    tallies = Tallies()
    tallies.add([Post("1", "a text")] * len(verdicts), verdicts, now=NOW - timedelta(days=days_ago))
    tallies.flush(engine)


def test_psi_of_known_shares_is_what_the_formula_gives() -> None:
    wanted = (0.5 - 0.25) * math.log(0.5 / 0.25) + (0.5 - 0.75) * math.log(0.5 / 0.75)
    assert psi({"a": 500_000, "b": 500_000}, {"a": 250_000, "b": 750_000}) == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize(
    ("before", "now", "word"),
    [
        ({"a": 5000, "b": 5000}, {"a": 500, "b": 500}, "steady"),
        ({"a": 5000, "b": 5000}, {"a": 3500, "b": 6500}, "steady"),
        ({"a": 5000, "b": 5000}, {"a": 3100, "b": 6900}, "worth a look"),
        ({"a": 5000, "b": 5000}, {"a": 1000, "b": 9000}, "drifted"),
        ({"a": 5000}, {"b": 5000}, "drifted"),
        ({str(n): 10 for n in range(20)}, {str(n): n % 3 for n in range(20)}, "no more than chance"),
        ({}, {"a": 1}, "nothing to compare"),
        ({"a": 1}, {}, "nothing to compare"),
    ],
)
def test_a_shift_is_said_in_a_word(before: Mapping[str, int], now: Mapping[str, int], word: str) -> None:
    assert shift("lang", before, now).word == word


def test_rare_values_are_one() -> None:
    before = {"en": 10_000} | {f"x{number}": 10 for number in range(50)}
    found = shift("lang", before, {"en": 10_000, "x1": 30, "x2": 30})
    assert {value for value, _, _ in found.moved} == {"en", REST}


@pytest.mark.parametrize(
    ("count", "posts", "low", "high"), [(0, 100, 0.0, 0.0370), (10, 100, 0.0552, 0.1744), (100, 100, 0.9630, 1.0)]
)
def test_shares_have_wilsons_interval(count: int, posts: int, low: float, high: float) -> None:
    found = share_of(count, posts)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_a_share_of_no_posts_says_nothing() -> None:
    assert (share_of(0, 0).low, share_of(0, 0).high) == (0, 1)


def test_live_posts_like_the_reference_are_steady_and_others_are_not(engine: Engine) -> None:
    counts: dict[str, dict[str, int]] = {
        Measure.LANG: {"en": 900, "de": 100},
        Measure.PROBABILITY: {"-5": 900, "2": 100},
    }
    reference = replace(REFERENCE, counts=counts)
    pass_through(engine, [judged(number) for number in range(2000)], days_ago=1)
    pass_through(engine, [judged(number, lang="pl") for number in range(9000)], days_ago=30)
    with engine.connect() as connection:
        now = drift_now(connection, reference, now=NOW)
        before = drift_now(connection, reference, since=timedelta(days=60), now=NOW)
    assert now is not None
    assert before is not None
    assert {each.measure: each.word for each in now.shifts}[Measure.LANG] == "steady"
    assert {each.measure: each.word for each in now.shifts}[Measure.PROBABILITY] == "steady"
    assert {each.measure: each.word for each in before.shifts}[Measure.LANG] == "drifted"
    assert now.notes == []


def test_without_a_reference_the_first_week_is_one_once_it_is_over(engine: Engine) -> None:
    pass_through(engine, [judged(number) for number in range(2000)], days_ago=9)
    with engine.connect() as connection:
        assert drift_now(connection, None, now=NOW) is None  # nothing came after that week
        assert drift_now(connection, None, now=NOW - timedelta(days=5)) is None  # it is not over
    pass_through(engine, [judged(number, lang="pl") for number in range(2000)], days_ago=0)
    with engine.connect() as connection:
        found = drift_now(connection, None, now=NOW)
    assert found is not None
    assert (found.reference.posts, found.live.posts) == (2000, 2000)
    assert {each.measure: each.word for each in found.shifts}[Measure.LANG] == "drifted"


def test_an_empty_store_has_nothing_to_compare(engine: Engine) -> None:
    with engine.connect() as connection:
        assert drift_now(connection, REFERENCE, now=NOW) is None


@pytest.mark.parametrize(
    ("options", "said"),
    [({"release": "next"}, "of release 2026.12.1"), ({"policy": "default@2"}, "another prevalence"), ({}, "only 10")],
)
def test_what_makes_a_comparison_doubtful_is_said(options: dict[str, str], said: str) -> None:
    live = replace(REFERENCE, posts=10, **options)  # type: ignore[arg-type]
    assert said in " ".join(compare(REFERENCE, live).notes)


def test_a_reference_of_a_file_counts_what_live_tallies_count(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_text("".join(json.dumps({"id": n, "text": f"text {n}"}) + "\n" for n in range(1200)), encoding="utf-8")

    def detect(posts: Sequence[Post]) -> list[Verdict]:
        return [judged(int(post.id)) for post in posts]

    reference = made_from(detect, str(file), text_column="text", id_column="id", tally=Tally())
    save_reference(reference, tmp_path / "reference.json")
    assert load_reference(tmp_path / "reference.json") == reference
    assert "text 7" not in (tmp_path / "reference.json").read_text(encoding="utf-8")
    pass_through(engine, [judged(number) for number in range(1200)], days_ago=0)
    with engine.connect() as connection:
        found = drift_now(connection, reference, now=NOW)
    assert found is not None
    assert {each.measure: each.psi for each in found.shifts}[Measure.LANG] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[]", "found list"),
        ("{}", "wanted a reference"),
        (json.dumps({**dict.fromkeys(Reference.__slots__, ""), "posts": 1, "counts": {"lang": {"en": -1}}}), "whole"),
        (json.dumps({**dict.fromkeys(Reference.__slots__, ""), "posts": True, "counts": {}}), "whole"),
    ],
)
def test_a_file_that_is_no_reference_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "reference.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        load_reference(path)


@pytest.mark.parametrize(("words", "hours"), [("7d", 168), ("12h", 12), (" 90d ", 2160)])
def test_spans_are_days_or_hours(words: str, hours: int) -> None:
    assert span_of_time(words) == timedelta(hours=hours)


@pytest.mark.parametrize("words", ["", "7", "0d", "-1d", "7 days", "99999d", "9999999d", "\u0669d"])
def test_other_spans_are_none(words: str) -> None:
    assert span_of_time(words) is None


def test_a_report_since_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="wanted days or hours"):
        report("a week", release=None, policy="default", as_json=False)


def test_the_report_says_in_words_and_in_json_what_moved(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: dict[str, dict[str, int]] = {
        Measure.LANG: {"en": 900, "de": 100},
        Measure.PROBABILITY: {"-5": 900, "2": 100},
    }
    save_reference(replace(REFERENCE, counts=counts), tmp_path / "reference.json")
    monkeypatch.setenv("NPSIGHT_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("NPSIGHT_REFERENCE", str(tmp_path / "reference.json"))
    assert "nothing to compare" in CliRunner().invoke(app, ["drift", "report"]).output
    tallies = Tallies()
    tallies.add([Post("1", "a text")] * 100, [judged(number, lang="pl") for number in range(100)])
    tallies.flush(engine)
    told = CliRunner().invoke(app, ["drift", "report"]).output
    assert "drifted" in told
    assert "pl 0.0% -> 100.0%" in told
    found = json.loads(CliRunner().invoke(app, ["drift", "report", "--json"]).output)
    assert {each["measure"]: each["word"] for each in found["shifts"]}[Measure.LANG] == "drifted"
    assert found["notes"] == ["only 100 posts: read nothing into small numbers"]
