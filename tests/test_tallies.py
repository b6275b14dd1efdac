from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from threading import Thread

import pytest
from sqlalchemy import Engine, create_engine

from models.verdict import INTENTS, Decision, Intent, Kind, NpsClass, Post, Span, Status, Substance, Verdict
from serving.observe.facts import LONG, Measure, bin_edges, facts, score_bin, warning_kind
from serving.observe.repeated import Repeated
from serving.observe.tallies import OTHER, Tallies, read
from serving.store.engine import StoreError

NOW = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
VERDICT = Verdict(
    id="1",
    decision=Decision.REVIEW,
    advert_probability=0.9,
    intents={intent: float(intent is Intent.SELL) for intent in INTENTS},
    lang="en",
    release="2026.12.1",
    policy="default@1",
)


def span(text: str, source: str = "model", **options: object) -> Span:
    return replace(Span(0, len(text), Kind.SLANG, text, source=source), **options)  # type: ignore[arg-type]


def verdict_with(*spans: Span) -> Verdict:
    return replace(VERDICT, spans=spans)


def post(author: str | None = None) -> Post:
    return Post("1", "a text that is stored nowhere", author=author)


def counted(engine: Engine, measure: Measure, *, since: datetime = NOW) -> dict[str, int]:
    with engine.connect() as connection:
        rows = read(connection, since=since, measures=[measure])
    found: Counter[str] = Counter()
    for row in rows:
        found[row.value] += row.count
    return dict(found)


def test_counts_of_two_workers_and_two_writes_add_up(engine: Engine) -> None:
    ours, theirs = Tallies(), Tallies()
    for tallies in (ours, theirs, ours):
        tallies.add([post(), post()], [VERDICT, VERDICT], now=NOW)
        tallies.flush(engine)
    assert counted(engine, Measure.POSTS) == {"": 6}
    assert counted(engine, Measure.DECISION) == {"review": 6}
    assert counted(engine, Measure.PROBABILITY) == {"2": 6}


def test_workers_that_write_the_same_rows_at_once_lose_none(engine: Engine) -> None:
    workers = [Tallies() for _ in range(4)]

    def work(tallies: Tallies) -> None:
        for number in range(10):
            words = [span(f"word {(number * 7 + each) % 20}", "lexicon") for each in range(20)]
            tallies.add([post()], [verdict_with(*words)], now=NOW)
            tallies.flush(engine)

    threads = [Thread(target=work, args=[each]) for each in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(engine, Measure.POSTS) == {"": 40}
    assert counted(engine, Measure.TERM) == {f"word {number}": 40 for number in range(20)}


def test_hours_policies_and_releases_are_kept_apart_and_read_by_time(engine: Engine) -> None:
    tallies = Tallies()
    for hours, verdict in enumerate((VERDICT, replace(VERDICT, policy="strict@2"), replace(VERDICT, release="next"))):
        tallies.add([post()], [verdict], now=NOW + timedelta(hours=hours))
    tallies.flush(engine)
    with engine.connect() as connection:
        rows = read(connection, since=NOW, until=NOW + timedelta(hours=2), measures=[Measure.POSTS])
    assert [(row.hour, row.release, row.policy, row.count) for row in rows] == [
        ("2026-12-01T09", "2026.12.1", "default@1", 1),
        ("2026-12-01T10", "2026.12.1", "strict@2", 1),
    ]


def test_what_the_store_does_not_take_waits_and_is_written_later(engine: Engine) -> None:
    tallies = Tallies()
    tallies.add([post()], [VERDICT], now=NOW)
    with pytest.raises(StoreError):
        tallies.flush(create_engine("sqlite://"))  # no tables there
    tallies.add([post()], [VERDICT], now=NOW)
    tallies.flush(engine)
    assert counted(engine, Measure.POSTS) == {"": 2}
    assert tallies.waiting() == 0


def test_while_the_store_is_silent_words_become_one_and_the_oldest_hours_go_last() -> None:
    tallies = Tallies(most_rows=60)
    for hour in range(30):
        words = [span(f"word {number}", "lexicon") for number in range(20)]
        tallies.add([post()], [verdict_with(*words)], now=NOW + timedelta(hours=hour))
    assert tallies.waiting() <= 60
    assert 0 < tallies.lost < 30


def test_every_post_is_counted_however_many_words_it_holds(engine: Engine) -> None:
    tallies = Tallies(most_values=5)
    tallies.add([post()], [verdict_with(*(span(f"word {number:02}", "lexicon") for number in range(20)))], now=NOW)
    tallies.flush(engine)
    assert counted(engine, Measure.TERM) == {f"word {number:02}": 1 for number in range(5)} | {OTHER: 15}


@pytest.mark.parametrize(
    ("authors", "stored"),
    [
        (["a", "b"], {}),  # two posts
        (["a", "a", "a", "b", "b"], {}),  # two authors
        ([None] * 9, {}),  # nobody knows who wrote them
        (["a", "b", "c"], {"glimmer": 3}),
        (["a", "a", "b", "c", "d"], {"glimmer": 5}),
    ],
)
def test_a_word_that_only_the_model_found_is_counted_once_several_people_wrote_it(
    engine: Engine, authors: Sequence[str | None], stored: dict[str, int]
) -> None:
    tallies = Tallies()
    for author in authors:
        tallies.add([post(author)], [verdict_with(span("Glimmer"))], now=NOW)
        tallies.flush(engine)
    assert counted(engine, Measure.TERM) == stored
    assert counted(engine, Measure.UNKNOWN_TERMS) == {"": len(authors)}


def test_what_one_day_held_back_is_forgotten_on_the_next() -> None:
    repeated = Repeated()
    counts = [repeated.count("glimmer", author, day=day) for author, day in ((1, "a"), (2, "a"), (3, "b"), (4, "b"))]
    assert counts == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (span("Blue  Zebra", "lexicon"), "blue zebra"),
        (span("blue\nzebra\x00'; DROP TABLE tallies; --", "lexicon"), "blue zebra '; drop table tallies; --"),
        (span("z3bra", "lexicon", obfuscated=True, term="2-MMC"), "2-mmc"),
        (span("x" * 41, "lexicon"), LONG),
    ],
)
def test_words_are_written_in_one_form_and_never_long(engine: Engine, found: Span, word: str) -> None:
    tallies = Tallies()
    tallies.add([post()], [verdict_with(found)], now=NOW)
    tallies.flush(engine)
    assert counted(engine, Measure.TERM) == {word: 1}


def test_contacts_and_prices_are_never_counted() -> None:
    contact = Span(0, 5, Kind.CONTACT, "@name", source="rule")
    assert Measure.TERM not in {fact.measure for fact in facts(verdict_with(contact))}


def test_a_substance_named_twice_counts_once() -> None:
    named = Substance("2-MMC", NpsClass.CATHINONES, Status.CONFIRMED)
    other = Substance("3-CMC", NpsClass.CATHINONES, Status.CONFIRMED)
    found = list(facts(replace(VERDICT, substances=[named, named, other])))
    assert [fact.value for fact in found if fact.measure == Measure.CLASS] == ["cathinones"]
    assert [fact.value for fact in found if fact.measure == Measure.SUBSTANCE] == ["2-MMC", "3-CMC"]


@pytest.mark.parametrize(
    ("probability", "name"),
    [(0.0, "-12"), (1e-9, "-12"), (0.003, "-6"), (0.499, "-1"), (0.5, "0"), (0.9, "2"), (1.0, "11"), (1 - 1e-16, "11")],
)
def test_probabilities_lie_in_bins_of_log_odds(probability: float, name: str) -> None:
    low, high = bin_edges(score_bin(probability))
    assert score_bin(probability) == name
    assert low <= probability <= high


def test_bins_cover_everything_without_a_gap() -> None:
    edges = [bin_edges(str(number)) for number in range(-12, 12)]
    assert (edges[0][0], edges[-1][1]) == (0, 1)
    assert all(math.isclose(one[1], other[0]) for one, other in pairwise(edges))


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("language 'xx' is outside the scope (en): not tested there", "language out of scope"),
        ("53% of the text is outside the vocabulary: the probability means little", "unknown vocabulary"),
        ("long post: read in 3 overlapping parts, judged by the likeliest", "long post"),
        ("somebody's own words", "other"),
    ],
)
def test_warnings_are_counted_by_kind(said: str, kind: str) -> None:
    assert warning_kind(said) == kind


@pytest.mark.parametrize(
    ("lang", "value"), [("en", "en"), ("haw", "haw"), (None, "unknown"), ("x" * 300, "other"), ("d\n", "other")]
)
def test_a_language_is_a_code_or_other(lang: str | None, value: str) -> None:
    assert [fact.value for fact in facts(replace(VERDICT, lang=lang)) if fact.measure == Measure.LANG] == [value]


def test_names_wider_than_their_columns_are_cut_and_keep_nothing_else_from_being_written(engine: Engine) -> None:
    tallies = Tallies()
    wide = Substance("x" * 300, NpsClass.OTHER, Status.CANDIDATE)
    tallies.add([post()], [replace(VERDICT, policy="p" * 300, release="r" * 300, substances=[wide])], now=NOW)
    tallies.flush(engine)
    assert counted(engine, Measure.SUBSTANCE) == {"x" * 100: 1}
