"""A challenger judges beside the live release: nobody who calls can tell, and what it said is kept."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from callers import from_here  # type: ignore[import-not-found]  # pytest finds it beside this file
from changing_place import Place  # type: ignore[import-not-found]  # pytest finds it beside this file
from fastapi.testclient import TestClient
from sqlalchemy import Engine, insert, select

from models.detector import Detector
from models.verdict import INTENTS, Decision, Detect, Intent, Post, Verdict
from serving.app import live_app
from serving.challenging import Challenging
from serving.live import Challenger, Snapshot
from serving.loading import Loader
from serving.settings import Settings
from serving.shadow import Shadow
from serving.shadow_file import FILE, Wanted, write_wanted
from serving.shadow_rows import MEASURE, Outcome
from serving.store.engine import open_engine, writing
from serving.store.tables import JUDGED, SHADOWED, TALLIES

SECRET = "zebra-quartz"
SLOW = 0.2


def says(release: str, probability: float) -> Detect:
    """Build a detector that says the same of every post."""

    def detect(posts: Sequence[Post]) -> list[Verdict]:
        intents = {intent: probability if intent == Intent.SELL else (1 - probability) / 7 for intent in INTENTS}
        decision = Decision.REVIEW if probability >= 0.5 else Decision.ALLOW
        return [
            Verdict(post.id, decision, probability, intents, lang="en", release=release, policy="default@1")
            for post in posts
        ]

    return detect


def fails(posts: Sequence[Post]) -> list[Verdict]:
    raise RuntimeError(SECRET)


def forgets(posts: Sequence[Post]) -> list[Verdict]:
    return says("2", 0.9)(posts)[1:]


def mixes(posts: Sequence[Post]) -> list[Verdict]:
    return [replace(verdict, id="another") for verdict in says("2", 0.9)(posts)]


def is_slow(posts: Sequence[Post]) -> list[Verdict]:
    time.sleep(SLOW)
    return says("2", 0.9)(posts)


def snapshot(detect: Detect | None, share: float = 1) -> Snapshot:
    challenger = Challenger("2", share, {"default": detect}) if detect else None
    return Snapshot({"default": says("1", 0.1)}, {"version": "1"}, challenger)


def posts(count: int) -> list[Post]:
    return [Post(f"p{number}", f"{SECRET} {number}", platform="x" * 150) for number in range(count)]


def idle() -> bool:
    return False


def offered(shadow: Shadow, detect: Detect, count: int, until: Callable[[], bool], share: float = 1) -> None:
    """Run the shadow, offer it posts one after another, and stop it when a condition holds."""

    async def run() -> None:
        state = snapshot(detect, share)
        async with shadow.running():
            for post in posts(count):
                shadow.offer(state, "default", [post], state.detects["default"]([post]), "key1")
            deadline = time.monotonic() + 60
            while not until():
                assert time.monotonic() < deadline
                await asyncio.sleep(0.01)

    asyncio.run(run())


def rows(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(select(SHADOWED).order_by(SHADOWED.c.id)))


def told(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        found = connection.execute(select(TALLIES.c.value, TALLIES.c.count).where(TALLIES.c.measure == MEASURE))
        return {row["value"]: row["count"] for row in found.mappings()}


def test_what_the_challenger_says_is_kept_beside_the_live_verdict(engine: Engine) -> None:
    shadow = Shadow(engine, busy=idle, flush_seconds=0.1)
    offered(shadow, says("2", 0.9), 10, lambda: shadow.counts[Outcome.JUDGED] == 10)
    found = rows(engine)
    assert [row.post_id for row in found] == [f"p{number}" for number in range(10)]
    first = found[0]
    assert (first.release, first.decision, first.advert_probability) == ("1", "allow", 0.1)
    assert (first.challenger, first.challenger_decision, first.challenger_probability) == ("2", "review", 0.9)
    assert (first.lang, first.policy, first.platform, first.judged_id) == ("en", "default@1", "x" * 100, None)


def test_a_row_names_the_recorded_verdict_of_the_same_caller_and_release(engine: Engine) -> None:
    facts = {
        **{"time": datetime.now(UTC), "post_id": "p0", "decision": "allow", "advert_probability": 0.1},
        **{"intent": "other", "span_kinds": "", "substances": "[]", "warnings": "[]", "lexicon": "x"},
    }
    with writing(engine) as connection:
        for caller, release in (("key1", "0"), ("key1", "1"), ("key2", "1")):
            values = facts | {"caller": caller, "release": release, "policy": "default@1"}
            connection.execute(insert(JUDGED).values(values))
    shadow = Shadow(engine, busy=idle, flush_seconds=0.1)
    offered(shadow, says("2", 0.9), 2, lambda: shadow.counts[Outcome.JUDGED] == 2)
    with engine.connect() as connection:
        ours = JUDGED.c.id == rows(engine)[0].judged_id
        assert connection.execute(select(JUDGED.c.caller, JUDGED.c.release).where(ours)).one() == ("key1", "1")
    assert rows(engine)[1].judged_id is None


def test_a_share_of_the_posts_is_drawn(engine: Engine) -> None:
    shadow = Shadow(engine, busy=idle, draw=random.Random(5))
    offered(shadow, says("2", 0.9), 400, lambda: not shadow._waiting, share=0.25)
    assert 60 < sum(shadow.counts.values()) < 140


@pytest.mark.parametrize("detect", [fails, forgets, mixes])
def test_a_challenger_that_fails_is_counted_and_quoted_nowhere(
    engine: Engine, detect: Detect, caplog: pytest.LogCaptureFixture
) -> None:
    shadow = Shadow(engine, busy=idle, flush_seconds=0.1)
    offered(shadow, detect, 9, lambda: shadow.counts[Outcome.FAILED] == 9)
    assert rows(engine) == []
    assert told(engine) == {"failed 2": 9}
    assert len(caplog.records) == 1  # not once a post
    assert SECRET not in caplog.text


def test_beyond_the_bound_posts_are_skipped_and_counted(engine: Engine) -> None:
    shadow = Shadow(engine, busy=idle, most_waiting=5, flush_seconds=0.1)
    offered(shadow, is_slow, 200, lambda: shadow.counts[Outcome.JUDGED] >= 4)
    assert shadow.counts[Outcome.SKIPPED] >= 190
    assert sum(shadow.counts.values()) == 200
    assert told(engine) == {"skipped 2": shadow.counts[Outcome.SKIPPED]}
    assert len(rows(engine)) == shadow.counts[Outcome.JUDGED]


def test_no_post_is_judged_while_requests_wait_but_one_now_and_then(engine: Engine) -> None:
    groups: list[int] = []

    def noted(found: Sequence[Post]) -> list[Verdict]:
        groups.append(len(found))
        return says("2", 0.9)(found)

    waiting = Shadow(engine, busy=lambda: True, starved_seconds=1000)
    offered(waiting, noted, 8, lambda: len(waiting._waiting) == 8)
    assert (groups, waiting.counts[Outcome.SKIPPED]) == ([], 8)
    starved = Shadow(engine, busy=lambda: True, starved_seconds=0.05)
    offered(starved, noted, 3, lambda: len(groups) == 3)
    assert groups == [1, 1, 1]


def test_what_a_silent_store_does_not_take_is_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'gone.db'}")  # a file without tables
    shadow = Shadow(engine, busy=idle, flush_seconds=0.05)
    offered(shadow, says("2", 0.9), 3, lambda: shadow.counts[Outcome.UNWRITTEN] == 3)
    assert "were not written: OperationalError" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("detect", [says("2", 0.9), fails, is_slow])
def test_callers_get_the_same_answer_with_and_without_a_challenger(engine: Engine, detect: Detect) -> None:
    body = {"posts": [{"id": f"p{number}", "text": f"post {number}"} for number in range(40)]}
    answers = []
    for state in (snapshot(None), snapshot(detect)):
        with TestClient(from_here(live_app(state, Settings(deadline_seconds=60), engine=engine))) as client:
            deadline = time.monotonic() + 60
            while client.get("/readyz").status_code != 200:
                assert time.monotonic() < deadline
            answer = client.post("/v1/classify", json=body)
            answers.append((answer.status_code, answer.content, sorted(answer.headers)))
    assert answers[0] == answers[1]
    assert answers[0][0] == 200


# What is wanted and loaded ------------------------------------------------------------------------------------------


def challenged(loader: Loader) -> tuple[str, float] | None:
    assert loader()[1] == []
    challenger = loader.snapshot.challenger
    return (challenger.version, challenger.share) if challenger else None


def test_a_challenger_is_started_changed_and_stopped_without_a_restart(place: Place) -> None:
    loader = Loader(place.settings())
    before = loader.snapshot.detects["default"]
    assert challenged(loader) is None
    write_wanted(place.registry.folder, Wanted("2026.1.2", 0.5))
    assert challenged(loader) == ("2026.1.2", 0.5)
    assert loader.snapshot.challenger
    detect = loader.snapshot.challenger.detects["default"]
    write_wanted(place.registry.folder, Wanted("2026.1.2", 0.25))
    assert challenged(loader) == ("2026.1.2", 0.25)
    assert isinstance(detect, Detector)
    assert detect.reads_as(loader.snapshot.challenger.detects["default"])  # type: ignore[arg-type]  # ours are detectors
    write_wanted(place.registry.folder, Wanted("", 0))
    assert challenged(loader) is None
    assert loader.snapshot.detects["default"] is before


def test_the_settings_start_a_challenger_and_the_file_goes_before_them(place: Place) -> None:
    settings = place.settings(shadow_version="2026.1.2")
    loader = Loader(settings)
    assert challenged(loader) == ("2026.1.2", 0.1)
    write_wanted(place.registry.folder, Wanted("", 0))
    assert challenged(loader) is None
    (place.registry.folder / FILE).unlink()
    assert challenged(loader) == ("2026.1.2", 0.1)
    folder = place.registry.folder / "2026.1.2"
    assert challenged(Loader(place.settings(shadow_release=folder, shadow_share=1))) == ("2026.1.2", 1)


def test_a_challenger_judges_under_the_live_policies_and_terms(place: Place) -> None:
    place.write_policy(version=7)
    version = place.add("wibble")
    loader = Loader(place.settings(shadow_version="2026.1.2"))
    assert loader.snapshot.challenger
    (verdict,) = loader.snapshot.challenger.detects["strict"]([Post("a", "fresh wibble")])
    assert (verdict.release, verdict.policy, verdict.lexicon.partition("+")[2]) == ("2026.1.2", "strict@7", version)
    place.write_policy(version=8)
    assert challenged(loader)
    assert loader.snapshot.challenger.detects["strict"]([Post("a", "fresh wibble")])[0].policy == "strict@8"


def test_a_challenger_that_is_promoted_is_none_any_more(place: Place) -> None:
    loader = Loader(place.settings(shadow_version="2026.1.2"))
    place.registry.promote("2026.1.2")
    assert challenged(loader) is None
    assert loader.snapshot.release["version"] == "2026.1.2"
    place.registry.roll_back()
    assert challenged(loader) == ("2026.1.2", 0.1)


@pytest.mark.parametrize(
    "content",
    [
        '{"version": "9", "share": 0.1}',
        '{"version": "../registry/2026.1.2", "share": 0.1}',
        '{"version": "..", "share": 0.1}',
        '{"version": "2026.1.2", "share": 2}',
        '{"version": "2026.1.2", "share": NaN}',
        '{"version": "2026.1.2", "share": true}',
        '{"version": "2026.1.2"}',
        "[]",
        "{" + SECRET,
    ],
)
def test_a_wrong_or_missing_challenger_is_said_and_stops_nothing(place: Place, content: str) -> None:
    (place.registry.folder / FILE).write_text(content, encoding="utf-8")
    loader = Loader(place.settings())
    snapshot, (fault, *more) = loader()
    assert fault.startswith(("shadow.json: ", "the challenger: "))
    assert more == []
    assert SECRET not in fault
    assert snapshot.challenger is None
    assert snapshot.detects["default"]([Post("a", "hello")])[0].release == "2026.1.1"
    write_wanted(place.registry.folder, Wanted("2026.1.2", 0.5))
    assert challenged(loader) == ("2026.1.2", 0.5)


def test_a_lexicon_that_cannot_take_the_terms_costs_the_challenger_only(place: Place) -> None:
    challenging = Challenging(place.settings(shadow_version="2026.1.2"))
    assert challenging.under("2026.1.1", {}, [SECRET]) is None  # type: ignore[list-item]  # what no reader gives
    assert challenging.faults == ["the challenger: failed: AttributeError"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shadow_release": "a", "shadow_version": "b", "registry": "c"}, "both set"),
        ({"shadow_version": "b"}, "without a registry"),
        ({"shadow_share": 1.5}, "less than or equal to 1"),
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Settings(**options)


def test_the_snapshot_says_whether_the_disk_has_moved_on(place: Place) -> None:
    place.write_policy(version=7)
    loader = Loader(place.settings())
    assert loader.current()
    for change in (
        lambda: place.write_policy(version=8),
        lambda: place.add("wibble"),
        lambda: place.registry.promote("2026.1.2"),
        lambda: write_wanted(place.registry.folder, Wanted("2026.1.1", 0.5)),
        lambda: place.strict.with_name("new.json").write_text("{}", encoding="utf-8"),
    ):
        change()
        assert not loader.current()
        loader()
        assert loader.current()


def test_offers_from_many_threads_lose_no_post(engine: Engine) -> None:
    shadow, state = Shadow(engine, busy=idle, most_waiting=50), snapshot(says("2", 0.9))

    def offer() -> None:
        for post in posts(100):
            shadow.offer(state, "default", [post], state.detects["default"]([post]), "key1")

    threads = [threading.Thread(target=offer) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert shadow.counts[Outcome.SKIPPED] + len(shadow._waiting) == 400


def test_the_log_names_the_challenger(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    settings = place.settings(watch_seconds=0.05, shadow_version="2026.1.2")
    loader = Loader(settings)
    with caplog.at_level(logging.INFO), TestClient(from_here(live_app(loader.snapshot, settings, loader))) as client:
        client.get("/healthz")
        deadline = time.monotonic() + 20
        while "challenger 2026.1.2 on 0.1" not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert "challenger" not in json.dumps(client.get("/v1/release").json())
