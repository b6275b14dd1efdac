"""Requests gathered into runs of the network: what stands between a client and the detector."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest
from callers import create_local_app as create_app  # type: ignore[import-not-found]  # pytest finds it beside this file

from models.detector import Detector
from models.verdict import INTENTS, Decision, Intent, Post, Verdict
from serving.batching import Batcher
from serving.problems import PROBLEM_JSON, Problem
from serving.runs import Asked, judge_together
from serving.settings import Settings

CERTAIN = {intent: float(intent is Intent.OTHER) for intent in INTENTS}


def some(count: int, name: str = "p") -> list[Post]:
    return [Post(f"{name}{number}", f"text {number}") for number in range(count)]


class Gate:
    """A `Detect` that waits until it is let go, and remembers each run it was asked for."""

    def __init__(self, *, is_open: bool = False) -> None:
        self.runs: list[list[str]] = []
        self.go = threading.Event()
        self.entered = threading.Event()
        if is_open:
            self.go.set()

    def __call__(self, posts: Sequence[Post]) -> list[Verdict]:
        self.runs.append([post.id for post in posts])
        self.entered.set()
        assert self.go.wait(20)
        if any(post.text == "poison" for post in posts):
            raise ValueError("cannot judge that")
        return [Verdict(post.id, Decision.ALLOW, 0.1, CERTAIN) for post in posts]


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def started(batcher: Batcher, detect: Gate, *requests: list[Post]) -> list[asyncio.Task[list[Verdict]]]:
    return [asyncio.create_task(batcher.judge(detect, posts)) for posts in requests]


def test_what_waits_while_a_run_is_busy_is_judged_in_one_run_and_in_order() -> None:
    async def ask(gate: Gate) -> list[list[Verdict]]:
        batcher = Batcher(batch_posts=64)
        first = started(batcher, gate, some(1, "first"))
        await until(gate.entered.is_set)
        others = started(batcher, gate, *(some(2, name) for name in "abc"))
        await asyncio.sleep(0.05)
        gate.go.set()
        return await asyncio.gather(*first, *others)

    gate = Gate()
    answers = asyncio.run(ask(gate))
    assert gate.runs == [["first0"], ["a0", "a1", "b0", "b1", "c0", "c1"]]
    assert [[verdict.id for verdict in answer] for answer in answers[1:]] == [["a0", "a1"], ["b0", "b1"], ["c0", "c1"]]


def test_a_run_holds_no_more_posts_than_set_and_a_large_request_is_cut() -> None:
    async def ask(gate: Gate) -> list[Verdict]:
        return await Batcher(batch_posts=10).judge(gate, some(25))

    gate = Gate(is_open=True)
    assert [verdict.id for verdict in asyncio.run(ask(gate))] == [post.id for post in some(25)]
    assert [len(posts) for posts in gate.runs] == [10, 10, 5]


def test_no_more_runs_than_set_go_on_together() -> None:
    async def ask(gate: Gate) -> int:
        batcher = Batcher(batch_posts=1, runs_at_once=2)
        asked = started(batcher, gate, *(some(1, name) for name in "abcd"))
        await until(lambda: len(gate.runs) == 2)
        await asyncio.sleep(0.05)
        together = len(gate.runs)
        gate.go.set()
        await asyncio.gather(*asked)
        return together

    assert asyncio.run(ask(Gate())) == 2


def test_a_full_queue_refuses_and_says_when_to_come_back() -> None:
    async def ask(gate: Gate) -> Problem:
        batcher = Batcher(queue_posts=10)
        asked = started(batcher, gate, some(1))
        await until(gate.entered.is_set)
        asked += started(batcher, gate, some(10))
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await batcher.judge(gate, some(1))
        gate.go.set()
        await asyncio.gather(*asked)
        assert len(await batcher.judge(gate, some(10))) == 10  # there is room again
        return refused.value

    problem = asyncio.run(ask(Gate()))
    assert (problem.kind, problem.status_code) == ("overloaded", 429)
    assert problem.headers is not None
    assert int(problem.headers["Retry-After"]) >= 1


def test_the_time_to_come_back_follows_the_measured_rate() -> None:
    async def ask(gate: Gate) -> Problem:
        batcher = Batcher(queue_posts=100)
        asked = started(batcher, gate, some(1))
        await until(gate.entered.is_set)
        await asyncio.sleep(0.2)
        gate.go.set()
        await asyncio.gather(*asked)  # one post took 0.2 s or more
        gate.go.clear()
        asked = started(batcher, gate, some(1))
        await until(lambda: len(gate.runs) == 2)
        asked += started(batcher, gate, some(100))
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await batcher.judge(gate, some(1))
        gate.go.set()
        await asyncio.gather(*asked)
        return refused.value

    headers = asyncio.run(ask(Gate())).headers or {}
    assert int(headers["Retry-After"]) >= 20


def test_an_empty_queue_takes_a_request_of_any_size() -> None:
    async def ask() -> int:
        return len(await Batcher(queue_posts=10).judge(Gate(is_open=True), some(30)))

    assert asyncio.run(ask()) == 30


def test_what_misses_its_deadline_is_given_up_and_not_judged() -> None:
    async def ask(gate: Gate) -> Problem:
        batcher = Batcher(deadline_seconds=0.1)
        first = started(batcher, gate, some(1, "first"))
        await until(gate.entered.is_set)
        with pytest.raises(Problem) as late:
            await batcher.judge(gate, some(1, "late"))
        gate.go.set()
        await asyncio.gather(*first, return_exceptions=True)
        await batcher.judge(gate, some(1, "next"))
        return late.value

    gate = Gate()
    problem = asyncio.run(ask(gate))
    assert (problem.kind, problem.status_code) == ("deadline-exceeded", 503)
    assert "Retry-After" in (problem.headers or {})
    assert gate.runs == [["first0"], ["next0"]]


def test_what_a_client_gives_up_is_not_judged_and_makes_room() -> None:
    async def ask(gate: Gate) -> None:
        batcher = Batcher(queue_posts=2)
        first = started(batcher, gate, some(1, "first"))
        await until(gate.entered.is_set)
        (gone,) = started(batcher, gate, some(2, "gone"))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        others = started(batcher, gate, some(2, "other"))
        await asyncio.sleep(0)
        gate.go.set()
        await asyncio.gather(*first, *others)

    gate = Gate()
    asyncio.run(ask(gate))
    assert gate.runs == [["first0"], ["other0", "other1"]]


def test_only_the_request_that_fails_is_answered_by_its_failure() -> None:
    async def ask(gate: Gate) -> list[list[Verdict] | BaseException]:
        batcher = Batcher()
        asked = started(batcher, gate, some(1))
        await until(gate.entered.is_set)
        asked += started(batcher, gate, some(2, "a"), [Post("bad", "poison")], some(2, "b"))
        await asyncio.sleep(0)
        gate.go.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    gate = Gate()
    _, before, bad, after = asyncio.run(ask(gate))
    assert isinstance(bad, ValueError)
    assert isinstance(before, list)
    assert isinstance(after, list)
    assert [verdict.id for verdict in [*before, *after]] == ["a0", "a1", "b0", "b1"]
    assert gate.runs[1:] == [["a0", "a1", "bad", "b0", "b1"], ["a0", "a1"], ["bad"], ["b0", "b1"]]


def test_an_answer_of_the_wrong_length_is_a_failure() -> None:
    (answer,) = judge_together([Asked(lambda posts: [], some(1))])
    assert str(answer) == "found 0 verdicts, wanted 1"


def test_one_reading_serves_several_policies(tiny_detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []
    reads = Detector.read

    def counted(self: Detector, posts: Sequence[Post]) -> Any:
        runs.append(len(posts))
        return reads(self, posts)

    monkeypatch.setattr(Detector, "read", counted)
    strict = tiny_detector.under(replace(tiny_detector.policy, name="strict", prevalence=0.3))
    posts = [Post("a", "fresh batch landed 2-MMC dm for prices"), Post("b", "tomatoes grow well")]
    one, other = judge_together([Asked(tiny_detector, posts), Asked(strict, posts)])
    assert runs == [4]
    assert isinstance(one, list)
    assert isinstance(other, list)
    assert {verdict.policy for verdict in one} == {tiny_detector.policy.label}
    assert {verdict.policy for verdict in other} == {strict.policy.label}
    assert all(high.advert_probability > low.advert_probability for high, low in zip(other, one, strict=True))


def test_what_was_accepted_is_answered_and_what_comes_later_is_refused() -> None:
    async def stop(gate: Gate) -> tuple[int, Problem]:
        batcher = Batcher(batch_posts=1)
        asked = started(batcher, gate, some(1), some(1, "waiting"))
        await until(gate.entered.is_set)
        draining = asyncio.create_task(batcher.drain(20))
        await asyncio.sleep(0.02)
        with pytest.raises(Problem) as late:
            await batcher.judge(gate, some(1))
        assert not draining.done()
        gate.go.set()
        await draining
        return len(await asyncio.gather(*asked)), late.value

    answered, late = asyncio.run(stop(Gate()))
    assert answered == 2
    assert (late.kind, late.status_code) == ("not-ready", 503)


def test_stopping_does_not_wait_longer_than_set() -> None:
    async def stop(gate: Gate) -> float:
        batcher = Batcher()
        asked = started(batcher, gate, some(1))
        await until(gate.entered.is_set)
        began = time.monotonic()
        await batcher.drain(0.1)
        took = time.monotonic() - began
        gate.go.set()
        await asyncio.gather(*asked)
        return took

    assert asyncio.run(stop(Gate())) < 5


# --- through the API -----------------------------------------------------------------------------------


def serve(detect: Gate, **options: Any) -> httpx.AsyncClient:
    app = create_app({"default": detect}, {}, Settings(**options))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", timeout=30)


def body(count: int, text: str = "good morning") -> dict[str, Any]:
    return {"posts": [{"id": f"p{number}", "text": text} for number in range(count)]}


def test_a_refusal_is_a_problem_with_a_time_to_come_back() -> None:
    async def ask(gate: Gate) -> list[httpx.Response]:
        async with serve(gate, queue_posts=5, deadline_seconds=0.5) as client:
            asked = [asyncio.create_task(client.post("/v1/classify", json=body(1)))]
            await until(gate.entered.is_set)
            asked.append(asyncio.create_task(client.post("/v1/classify", json=body(5))))
            await asyncio.sleep(0.1)
            refused = await client.post("/v1/classify", json=body(1))
            late = await asyncio.gather(*asked)
            gate.go.set()
            return [refused, *late]

    refused, *late = asyncio.run(ask(Gate()))
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:npsight:problem:overloaded")
    assert {(each.status_code, each.json()["type"]) for each in late} == {
        (503, "urn:npsight:problem:deadline-exceeded")
    }
    assert all(int(each.headers["retry-after"]) >= 1 for each in [refused, *late])
    assert all(each.headers["content-type"] == PROBLEM_JSON for each in [refused, *late])


def test_who_hangs_up_is_not_judged() -> None:
    async def ask(gate: Gate) -> None:
        app = create_app({"default": gate}, {}, Settings())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            asked = asyncio.create_task(client.post("/v1/classify", json=body(1)))
            await until(gate.entered.is_set)
            await hang_up(app)
            gate.go.set()
            assert (await asked).status_code == 200

    gate = Gate()
    asyncio.run(ask(gate))
    assert gate.runs == [["p0"]]


async def hang_up(app: Any) -> None:
    """Send a request whole, and leave at once."""
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b'{"posts": [{"id": "gone", "text": "x"}]}', "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        assert message.get("status", 499) == 499

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/classify", "query_string": b"", "headers": headers}
    await app(scope, receive, send)


def test_the_loop_stays_responsive_while_a_big_batch_is_judged(tiny_detector: Detector) -> None:
    text = "fresh batch landed clean gear ready 2-MMC 3-CMC ketamine dm for prices crypto only 5g 60 eur " * 4

    async def ask() -> tuple[int, float, int]:
        app = create_app({"default": tiny_detector}, {}, Settings(deadline_seconds=120))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", timeout=120) as client:
            judging = asyncio.create_task(client.post("/v1/classify", json=body(256, text)))
            slowest, ticks = 0.0, 0
            while not judging.done():
                began = time.perf_counter()
                await asyncio.sleep(0.005)
                slowest, ticks = max(slowest, time.perf_counter() - began), ticks + 1
            return (await judging).status_code, slowest, ticks

    status, slowest, ticks = asyncio.run(ask())
    assert status == 200
    assert ticks > 5
    assert slowest < 2  # judging takes longer on a busy machine; were it done in the loop there would be one tick


def test_no_more_may_wait_than_is_judged_in_time_at_the_measured_rate() -> None:
    def slow(posts: Sequence[Post]) -> list[Verdict]:
        time.sleep(0.02 * len(posts))
        return [Verdict(post.id, Decision.ALLOW, 0.0, dict.fromkeys(INTENTS, 0.0)) for post in posts]

    async def ask() -> list[str]:
        batcher = Batcher(batch_posts=2, queue_posts=10_000, deadline_seconds=1)
        await batcher.judge(slow, [Post("1", "x"), Post("2", "x")])
        asked = [batcher.judge(slow, [Post(str(number), "x")]) for number in range(400)]  # eight seconds of work
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return [getattr(each, "kind", "judged") for each in answers]

    kinds = asyncio.run(ask())
    assert kinds.count("judged") >= 2
    assert kinds.count("overloaded") >= 300
    assert kinds.count("judged") + kinds.count("overloaded") + kinds.count("deadline-exceeded") == 400
