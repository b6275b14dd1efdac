"""What is kept of verdicts, on both databases: before the answer, in one case a campaign, masked, and never unsaid."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from callers import create_local_app  # type: ignore[import-not-found]  # pytest finds it beside this file
from fastapi.testclient import TestClient
from sqlalchemy import Engine, Table, event, func, select, text, update

from models.reasons import quote_all
from models.verdict import INTENTS, Decision, Intent, Kind, NpsClass, Post, Span, Status, Substance, Verdict
from serving.review import judged
from serving.review.judged import Case, GivenUpError, keep
from serving.review.recording import Recorder
from serving.settings import Settings
from serving.store.engine import open_engine, writing
from serving.store.tables import BANDS, CASES, JUDGED, TEXTS

ADVERT = "Fresh batch of 2-MMC landed today, vacuum sealed packs, write to @zorple_example for the menu"
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
MEPHEDRONE = Substance("mephedrone", NpsClass.CATHINONES, Status.CONFIRMED)


def verdict(post: Post, decision: str = "review", probability: float = 0.9, **options: Any) -> Verdict:
    rest = (1 - probability) / (len(INTENTS) - 1)
    intents = {intent: probability if intent is Intent.SELL else rest for intent in INTENTS}
    return Verdict(post.id, Decision(decision), probability, intents, release="r1", policy="default@1", **options)


def judge(posts: Sequence[Post]) -> list[Verdict]:
    """Flag what offers something; the decision is the text's first word where it is one."""
    first = [post.text.split()[0].lower() for post in posts]
    words = ["allow" if word == "tomatoes" else word if word in ("allow", "act") else "review" for word in first]
    return [verdict(post, word) for post, word in zip(posts, words, strict=True)]


def kept(engine: Engine, *posts: Post, time: datetime = NOON, **options: Any) -> list[int]:
    cases = [Case(post, verdict(post, **options), "k1", time, 0.003, None) for post in posts]
    return keep(engine, cases, days=30, lock_seconds=2, given_up=threading.Event())


def count(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def rows(engine: Engine, table: Table) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key)))


@contextmanager
def client(engine: Engine, **settings: Any) -> Iterator[TestClient]:
    with TestClient(create_local_app({"default": judge}, {}, Settings(**settings), engine=engine)) as opened:
        yield opened


def ask(opened: TestClient, *texts: str, **fields: Any) -> list[bool | None]:
    posts = [{"id": f"p{number}", "text": each, **fields} for number, each in enumerate(texts)]
    answer = opened.post("/v1/classify", json={"posts": posts})
    assert answer.status_code == 200
    return [each["queued"] for each in answer.json()["verdicts"]]


def test_a_flag_is_kept_before_it_is_answered_and_what_is_allowed_is_not(engine: Engine) -> None:
    with client(engine) as opened:
        assert ask(opened, ADVERT, "Tomatoes grow well", "act " + ADVERT) == [True, None, True]
    assert [(row.post_id, row.decision, row.weight) for row in rows(engine, JUDGED)] == [
        ("p0", "review", None),
        ("p2", "act", None),
    ]
    assert count(engine, TEXTS) == 2


def test_facts_are_stored_whole_and_the_author_only_as_a_keyed_hash(engine: Engine) -> None:
    post = Post("p1", ADVERT, author="author-77", platform="forum", country="NL")
    spans = [Span(15, 20, Kind.SUBSTANCE, "2-MMC"), Span(63, 78, Kind.CONTACT, "@zorple_example")]
    kept(engine, post, spans=spans, substances=[MEPHEDRONE], warnings=["long post"], lang="en", lexicon="l1")
    (row,) = rows(engine, JUDGED)
    assert (row.time, row.platform, row.country, row.lang) == (NOON, "forum", "NL", "en")
    assert (row.advert_probability, row.prevalence, row.intent, row.caller) == (0.9, 0.003, "sell", "k1")
    assert (row.span_kinds, json.loads(row.warnings), row.release, row.lexicon, row.policy) == (
        "contact substance",
        ["long post"],
        "r1",
        "l1",
        "default@1",
    )
    assert json.loads(row.substances) == [{"name": "mephedrone", "nps_class": "cathinones", "status": "confirmed"}]
    number, digest = row.author.split(":")
    assert int(number) > 0
    assert len(digest) == 32
    assert "author-77" not in row.author


def test_contacts_are_masked_in_the_text_the_spans_and_the_reasons(engine: Engine) -> None:
    start = ADVERT.index("@")
    spans = [Span(start, start + 15, Kind.CONTACT, "@zorple_example", obfuscated=True)]
    kept(engine, Post("p1", ADVERT), spans=spans, reasons=[f"disguised spelling: {quote_all(['@zorple_example'])[0]}"])
    (row,) = rows(engine, TEXTS)
    stored = json.loads(row.verdict)
    assert len(row.text) == len(ADVERT)
    assert row.text[: start + 1] == ADVERT[: start + 1]
    assert stored["spans"][0]["text"] == row.text[start : start + 15]
    assert stored["reasons"] == [f"disguised spelling: “{row.text[start : start + 15]}”"]
    assert "zorple" not in row.text + row.verdict


def test_a_thousand_near_copies_are_one_case(engine: Engine) -> None:
    copies = [f"{ADVERT} {number}, ask for @seller{number}" for number in range(1000)]
    for start in range(0, 1000, 250):
        posts = [Post(f"p{start + at}", each) for at, each in enumerate(copies[start : start + 250])]
        kept(engine, *posts, substances=[MEPHEDRONE])
    kept(engine, Post("other", "Our choir sings on sunday, mephedrone on the menu, ask the conductor for everything"))
    first, other = rows(engine, CASES)
    assert (first.copies, other.copies) == (1000, 1)
    assert first.shown == rows(engine, JUDGED)[0].id
    assert first.harm == pytest.approx(6 * 0.9 * 10.97, rel=0.01)
    assert count(engine, BANDS) == 32


def test_workers_that_meet_one_campaign_together_open_one_case(engine: Engine) -> None:
    def work(number: int) -> None:
        kept(engine, *(Post(f"w{number}.{at}", ADVERT) for at in range(5)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    (case,) = rows(engine, CASES)
    assert case.copies == 20


def test_the_worst_copy_says_what_the_case_is_worth(engine: Engine) -> None:
    kept(engine, Post("p1", ADVERT), probability=0.4)
    kept(engine, Post("p2", ADVERT), substances=[Substance("protonitazene", NpsClass.OPIOIDS, Status.CONFIRMED)])
    (case,) = rows(engine, CASES)
    assert (case.severity, case.harm, case.uncertainty) == (10, pytest.approx(18), pytest.approx(0.8))


@pytest.mark.parametrize(
    ("state", "decision", "later", "cases"),
    [
        ("open", "act", timedelta(days=1), 1),
        ("escalated", "act", timedelta(days=1), 1),
        ("settled", "review", timedelta(days=1), 1),
        ("settled", "act", timedelta(days=1), 2),
        ("settled", "allow", timedelta(days=1), 2),
        ("open", "review", timedelta(days=31), 2),
        ("settled", "review", timedelta(days=29), 1),
    ],
)
def test_a_later_copy_joins_its_case_unless_it_is_decided_otherwise_or_the_case_is_old(
    engine: Engine, state: str, decision: str, later: timedelta, cases: int
) -> None:
    kept(engine, Post("p1", ADVERT))
    with writing(engine) as connection:
        connection.execute(update(CASES).values(state=state))
    kept(engine, Post("p2", ADVERT), decision=decision, time=NOON + later)
    found = rows(engine, CASES)
    assert len(found) == cases
    assert found[0].state == state


@pytest.mark.parametrize("nothing", ["\u200b\u200d", "\u2060"])
def test_texts_without_anything_to_compare_stay_alone(engine: Engine, nothing: str) -> None:
    kept(engine, Post("p1", nothing), Post("p2", nothing))
    assert count(engine, CASES) == 2


def test_the_random_share_is_drawn_of_all_and_bears_its_weight(engine: Engine) -> None:
    recorder = Recorder(engine, audit_rate=0.25, draw=random.Random(5))
    posts = [Post(f"p{number}", f"tomatoes {number}" if number % 2 else ADVERT) for number in range(400)]
    queued = asyncio.run(recorder.record(judge, posts, judge(posts), "k1"))
    found = rows(engine, JUDGED)
    drawn = [row for row in found if row.weight]
    assert {row.weight for row in drawn} == {4.0}
    assert 70 <= len(drawn) <= 130
    assert {row.decision for row in drawn} == {"allow", "review"}
    assert [row.post_id for row in found] == [post.id for post, each in zip(posts, queued, strict=True) if each]
    assert sum(row.decision == "review" for row in found) == 200
    assert {row.state for row in rows(engine, CASES)} == {"open"}


def test_requests_that_come_together_share_transactions(engine: Engine) -> None:
    commits = []
    event.listen(engine, "commit", lambda _: commits.append(1))
    recorder = Recorder(engine)

    async def together() -> list[list[bool | None]]:
        posts = [[Post(f"p{number}", ADVERT)] for number in range(100)]
        return await asyncio.gather(*(recorder.record(judge, each, judge(each), "k1") for each in posts))

    assert asyncio.run(together()) == [[True]] * 100
    assert count(engine, JUDGED) == 100
    assert len(commits) < 10


NASTY = (
    "'); DROP TABLE judged; --",
    "<script>alert(1)</script> " * 300,
    "%s %(x)s :name {0} \\x00 \u202e \U0001f48a" * 50,
    "x",
)


@pytest.mark.parametrize("text_", NASTY)
def test_nasty_texts_and_names_are_kept_as_they_are(engine: Engine, text_: str) -> None:
    kept(engine, Post(text_[:200], text_, author=text_, platform=text_[:200]), lang="en-" + "x" * 30, lexicon="l" * 300)
    assert rows(engine, JUDGED)[0].post_id == text_[:200]
    assert rows(engine, TEXTS)[0].text == text_


def test_what_does_not_fit_is_said_and_fails_no_other_request(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder(engine)

    async def together() -> list[list[bool | None]]:
        posts = [[Post("p1", ADVERT)], [Post("p2", "lone \ud800 surrogate")], [Post("p3", ADVERT)]]
        return await asyncio.gather(*(recorder.record(judge, each, judge(each), "k1") for each in posts))

    assert asyncio.run(together()) == [[True], [False], [True]]
    assert [row.post_id for row in rows(engine, JUDGED)] == ["p1", "p3"]
    assert (recorder.queued, recorder.not_queued, recorder.fault) == (2, 1, "")
    assert "surrogate" not in caplog.text.replace("surrogates not allowed", "")


def test_a_transaction_that_nobody_waits_for_is_taken_back(engine: Engine) -> None:
    given_up = threading.Event()
    given_up.set()
    post = Post("p1", ADVERT)
    with pytest.raises(GivenUpError):
        keep(engine, [Case(post, verdict(post), "k1", NOON, None, None)], days=30, lock_seconds=2, given_up=given_up)
    assert count(engine, JUDGED) == count(engine, CASES) == 0


def test_a_store_that_does_not_answer_is_said_on_each_verdict_and_later_taken_up_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(engine, retry_seconds=0.2)
    gone = open_engine("postgresql://u:hush@127.0.0.1:1/d")
    tries = []
    before = judged.keep

    def tried(*args: Any, **options: Any) -> Any:
        tries.append(1)
        return before(*args, **options)

    monkeypatch.setattr(judged, "keep", tried)
    post = [Post("p1", ADVERT)]

    async def record() -> list[bool | None]:
        return await recorder.record(judge, post, judge(post), "k1")

    async def story() -> None:
        recorder.engine = gone
        assert await asyncio.gather(*(record() for _ in range(1000))) == [[False]] * 1000
        assert len(tries) == 1
        assert await record() == [False]
        assert recorder.fault == "The store does not take verdicts (OperationalError)"
        recorder.engine = engine
        await asyncio.sleep(0.3)
        assert await record() == [True]

    asyncio.run(story())
    gone.dispose()
    assert (len(tries), recorder.queued, recorder.not_queued, recorder.fault) == (2, 1, 1001, "")
    assert "hush" not in caplog.text


def test_one_who_holds_the_store_for_long_costs_a_bounded_wait(engine: Engine) -> None:
    recorder = Recorder(engine, wait_seconds=0.3)
    post = [Post("p1", ADVERT)]
    kept(engine, *post)
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE judged"))
        assert asyncio.run(recorder.record(judge, post, judge(post), "k1")) == [False]
    assert recorder.not_queued == 1


def test_health_says_what_was_not_queued(engine: Engine) -> None:
    with client(engine) as opened:
        assert ask(opened, ADVERT) == [True]
        assert "not_queued" not in opened.get("/readyz").json()
        with writing(engine) as connection:
            connection.execute(text("ALTER TABLE texts RENAME TO elsewhere"))
        assert ask(opened, ADVERT, "tomatoes") == [False, None]
        said = opened.get("/readyz").json()
    assert said["not_queued"] == 1
    assert said["store"].startswith("The store does not take verdicts (")
