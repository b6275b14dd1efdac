"""The client of the API: against the real service, and against a server that fails in every way."""

from __future__ import annotations

import asyncio
import json
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from callers import create_local_app  # type: ignore[import-not-found]  # pytest finds it beside this file

from models.verdict import INTENTS, Decision, Kind, NpsClass, Post, Span, Status, Substance, Verdict
from models.wire import verdict_to_json
from npsight import AsyncClient, Client
from serving.client import AnswerError, ApiError, ClientError, Judged, Limits, Patience, UnreachableError
from serving.client.calls import cut
from serving.client.exchange import Answer, Ask, Send, Wait, exchange, retry_after

ROOT = Path(__file__).parent.parent
SECRET = "zebra-quartz"
QUICK = Patience(deadline_seconds=5, try_seconds=2, first_pause=0.001, longest_pause=0.002)


def judge(post: Post) -> Verdict:
    span = Span(0, 1, Kind.SUBSTANCE, post.text[:1], term="2-MMC", nps_class=NpsClass.CATHINONES, source="lexicon")
    substance = Substance("2-MMC", NpsClass.CATHINONES, Status.CONFIRMED)
    return Verdict(
        post.id, Decision.REVIEW, 0.5, dict.fromkeys(INTENTS, 0.125), [span], [substance], ["why"], "en", [], "r", "l"
    )


def detect(posts: Sequence[Post]) -> list[Verdict]:
    return [judge(post) for post in posts]


def many(count: int, text: str = "x") -> list[Post]:
    return [Post(f"p{number}", text) for number in range(count)]


def answered(posts: Sequence[dict[str, Any]], **more: Any) -> bytes:
    verdicts = [verdict_to_json(judge(Post(post["id"], post["text"]))) | more for post in posts]
    return json.dumps({"verdicts": verdicts}).encode()


Handle = Callable[[BaseHTTPRequestHandler, bytes, int], None]


@contextmanager
def server(handle: Handle) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Run a server whose answers a test writes by hand; gives its address and the headers that came."""
    came: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            came.append({name.lower(): value for name, value in self.headers.items()})
            handle(self, body, len(came))

        def log_message(self, *_: Any) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_address[1]}", came
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


def reply(to: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    to.send_response(status)
    for name, value in headers.items():
        to.send_header(name.replace("_", "-"), value)
    to.send_header("Content-Length", str(len(body)))
    to.end_headers()
    to.wfile.write(body)


def good(to: BaseHTTPRequestHandler, body: bytes) -> None:
    reply(to, 200, answered(json.loads(body)["posts"]))


def refuse(to: BaseHTTPRequestHandler, status: int, kind: str, **headers: str) -> None:
    document = {"type": f"urn:npsight:problem:{kind}", "title": "No", "status": status, "detail": "as said"}
    reply(to, status, json.dumps(document).encode(), **headers)


def hang_up(to: BaseHTTPRequestHandler, last: bytes = b"") -> None:
    to.close_connection = True
    to.wfile.write(last)
    to.connection.close()


def sync_classify(address: str, posts: Sequence[Post], patience: Patience = QUICK) -> list[Judged]:
    with Client(address, key="k", patience=patience) as client:
        return client.classify(posts)


def async_classify(address: str, posts: Sequence[Post], patience: Patience = QUICK) -> list[Judged]:
    async def ask() -> list[Judged]:
        async with AsyncClient(address, key="k", patience=patience) as client:
            return await client.classify(posts)

    return asyncio.run(ask())


Classify = Callable[..., list[Judged]]
both = pytest.mark.parametrize("classify", [sync_classify, async_classify], ids=["sync", "async"])


def test_posts_come_back_as_verdicts_from_the_real_service() -> None:
    async def ask() -> tuple[list[Judged], dict[str, Any]]:
        transport = httpx.ASGITransport(create_local_app({"default": detect}, {"release": "r"}))
        async with AsyncClient("http://test", transport=transport) as client:
            return await client.classify(
                many(600, "\U0001f600 \"' <b> \u0001"), policy="default"
            ), await client.release()

    verdicts, release = asyncio.run(ask())
    assert [verdict.id for verdict in verdicts] == [f"p{number}" for number in range(600)]
    wanted = asdict(judge(Post("p0", "\U0001f600")))
    found = {name: value for name, value in asdict(verdicts[0]).items() if name != "queued"}
    assert json.loads(json.dumps(found)) == json.loads(json.dumps(wanted))
    assert (verdicts[0].substances[0].nps_class, release) == (NpsClass.CATHINONES, {"release": "r"})


def test_what_the_service_refuses_is_raised_with_type_status_and_detail() -> None:
    async def ask() -> None:
        transport = httpx.ASGITransport(create_local_app({"default": detect}, {}))
        async with AsyncClient("http://test", transport=transport) as client:
            await client.classify([Post("1", SECRET * 1000)])

    with pytest.raises(ApiError) as raised:
        asyncio.run(ask())
    error = raised.value
    assert (error.status, error.type) == (422, "urn:npsight:problem:invalid-request")
    assert error.detail == "1 fault found."
    assert error.errors[0]["pointer"] == "#/posts/0/text"
    assert "has 12000 characters" in str(error)
    assert SECRET not in str(error)
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.status, copy.errors, str(copy)) == (error.status, error.errors, str(error))


@pytest.mark.parametrize(
    ("lengths", "limits", "wanted"),
    [
        ([], Limits(), []),
        ([1, 1, 1], Limits(max_posts=2), [2, 1]),
        ([1, 1], Limits(max_posts=2), [2]),
        ([4, 4, 4], Limits(max_characters=8), [2, 1]),
        ([9, 1], Limits(max_characters=8), [1, 1]),
        ([1, 9, 1], Limits(max_characters=8), [1, 1, 1]),
        ([1, 7, 1], Limits(max_characters=8), [2, 1]),
    ],
)
def test_posts_are_cut_into_requests_within_the_limits(lengths: list[int], limits: Limits, wanted: list[int]) -> None:
    posts = [Post(str(place), "x" * length) for place, length in enumerate(lengths)]
    batches = list(cut(posts, limits))
    assert [len(batch) for batch in batches] == wanted
    assert [post for batch in batches for post in batch] == posts


@both
def test_no_posts_are_no_request(classify: Classify) -> None:
    assert classify("http://127.0.0.1:9", []) == []


FAULTS: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {
    "429": lambda to: refuse(to, 429, "overloaded", Retry_After="0"),
    "503": lambda to: refuse(to, 503, "deadline-exceeded"),
    "a page of a proxy": lambda to: reply(to, 502, b"<html>Bad gateway</html>"),
    "408": lambda to: refuse(to, 408, "too-slow"),
    "hung up": hang_up,
    "cut off": lambda to: hang_up(to, b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
    "no HTTP": lambda to: hang_up(to, b"hello\r\n\r\n"),
}


@both
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_another_try_may_cure_is_tried_again(
    classify: Classify, fault: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    with server(lambda to, body, count: fault(to) if count < 3 else good(to, body)) as (address, came):
        assert [verdict.id for verdict in classify(address, many(2))] == ["p0", "p1"]
    assert len(came) == 3


@both
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415, 422, 500, 301])
def test_what_was_refused_for_good_is_not_tried_again(classify: Classify, status: int) -> None:
    with (
        server(lambda to, body, count: refuse(to, status, "x", Location="/elsewhere")) as (address, came),
        pytest.raises(ApiError) as raised,
    ):
        classify(address, many(1))
    assert (raised.value.status, len(came)) == (status, 1)


@both
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[]",
        b'{"verdicts": {}}',
        b'{"verdicts": []}',
        b'{"verdicts": [7]}',
        b'{"verdicts": [{}]}',
        b'{"verdicts": [{"id": "p0", "decision": "burn"}]}',
        answered([{"id": "p7", "text": "x"}]),
        answered([{"id": "p0", "text": "x"}], spans=[7]),
        answered([{"id": "p0", "text": "x"}], intents={}),
        b"[" * 100_000,
    ],
)
def test_an_answer_that_is_none_is_an_error_of_its_own(classify: Classify, body: bytes) -> None:
    with server(lambda to, _, count: reply(to, 200, body)) as (address, _), pytest.raises(AnswerError):
        classify(address, many(1))


@both
def test_what_a_newer_service_says_more_is_passed_over(classify: Classify) -> None:
    body = answered([{"id": "p0", "text": "x"}], queued=False, weather="fair")
    with server(lambda to, _, count: reply(to, 200, body)) as (address, _):
        (verdict,) = classify(address, many(1))
    assert verdict.queued is False
    assert isinstance(verdict, Verdict)


@both
def test_a_failure_half_way_hands_over_what_was_judged_before(classify: Classify) -> None:
    def fail_later(to: BaseHTTPRequestHandler, body: bytes, count: int) -> None:
        good(to, body) if count < 3 else refuse(to, 422, "invalid-request")

    with server(fail_later) as (address, _), pytest.raises(ClientError) as raised:
        classify(address, many(600))
    assert [verdict.id for verdict in raised.value.done] == [f"p{number}" for number in range(512)]


@both
def test_nobody_there_ends_with_the_deadline_and_says_so(classify: Classify) -> None:
    patience = Patience(deadline_seconds=0.3, first_pause=0.01)
    with pytest.raises(UnreachableError, match="ConnectError") as raised:
        classify("http://127.0.0.1:9", many(1), patience)
    assert isinstance(raised.value.__cause__, httpx.ConnectError)


@both
def test_a_service_that_stays_busy_is_given_up_when_the_wait_would_pass_the_deadline(classify: Classify) -> None:
    with (
        server(lambda to, body, count: refuse(to, 429, "rate-limited", Retry_After="60")) as (address, came),
        pytest.raises(ApiError) as raised,
    ):
        classify(address, many(1))
    assert (raised.value.status, raised.value.type, len(came)) == (429, "urn:npsight:problem:rate-limited", 1)


@both
def test_an_answer_that_trickles_without_end_is_given_up(classify: Classify) -> None:
    def trickle(to: BaseHTTPRequestHandler, body: bytes, count: int) -> None:
        to.send_response(200)
        to.end_headers()
        try:
            for _ in range(200):
                to.wfile.write(b" ")
                to.wfile.flush()
                time.sleep(0.02)
        except OSError:
            pass

    patience = Patience(deadline_seconds=0.5, try_seconds=0.2, first_pause=0.01)
    with server(trickle) as (address, _), pytest.raises(UnreachableError):
        classify(address, many(1), patience)


@both
@pytest.mark.parametrize("address", ["ftp://example.org", "no address"])
def test_an_address_that_is_none_is_said_at_once(classify: Classify, address: str) -> None:
    with pytest.raises(httpx.UnsupportedProtocol):
        classify(address, many(1))


@pytest.mark.parametrize("key", [f"{SECRET}\n", f"{SECRET}\r\nX-Evil: 1", f"{SECRET} x", f"{SECRET}\u00e9"])
def test_a_key_that_is_none_is_refused_and_not_quoted(key: str) -> None:
    with pytest.raises(ValueError, match="the key has characters") as raised:
        Client(key=key)
    assert SECRET not in str(raised.value)


def test_the_key_comes_from_the_environment_and_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPSIGHT_API_KEY", SECRET)
    with server(lambda to, body, count: good(to, body)) as (address, came), Client(address) as client:
        client.classify(many(1))
        assert SECRET not in repr(client) + repr(vars(client))
    assert came[0]["authorization"] == f"Bearer {SECRET}"


def test_feedback_keeps_its_idempotency_key_over_the_tries_and_has_one_a_request() -> None:
    def settle(to: BaseHTTPRequestHandler, body: bytes, count: int) -> None:
        if count == 1:
            hang_up(to)
            return
        settled = [{"status": "settled"} for _ in json.loads(body)["decisions"]]
        reply(to, 200, json.dumps({"decisions": settled}).encode())

    decisions = [{"post_id": str(number), "decision": "advert"} for number in range(150)]
    with server(settle) as (address, came), Client(address, patience=QUICK) as client:
        assert len(client.feedback(decisions)) == 150
        client.feedback(decisions[:1], idempotency_key="mine")
    first, again, second, mine = [each["idempotency-key"] for each in came]
    assert first == again
    assert first != second
    assert mine == "mine-0"


def steps_of(gots: Sequence[Answer | Exception], patience: Patience) -> list[float]:
    """List the pauses of one request to which these came back."""
    steps, pauses = exchange(Ask("GET", ""), patience), []
    step = next(steps)
    for got in gots:
        assert isinstance(step, Send)
        step = steps.send(got)
        assert isinstance(step, Wait)
        pauses.append(step.seconds)
        step = next(steps)
    return pauses


def test_pauses_double_up_to_the_longest_and_come_on_top_of_what_was_asked() -> None:
    patience = Patience(deadline_seconds=1e6, first_pause=1, longest_pause=5, draw=lambda low, high: high)
    gone, asked = httpx.ConnectError(""), Answer(429, {"retry-after": "7"}, b"")
    assert steps_of([gone, gone, gone, gone, asked], patience) == [1, 2, 4, 5, 12]
    assert steps_of([gone] * 2000, patience)[-1] == 5


def test_pauses_are_drawn_by_chance_from_nothing_up() -> None:
    drawn = []
    patience = Patience(deadline_seconds=1e6, draw=lambda low, high: drawn.append((low, high)) or 0.0)  # type: ignore[func-returns-value]
    assert steps_of([httpx.ReadTimeout("")] * 3, patience) == [0, 0, 0]
    assert drawn == [(0, 0.5), (0, 1), (0, 2)]


@pytest.mark.parametrize(
    ("header", "wanted"),
    [("3", 3), ("", 0), ("soon", 0), ("-4", 0), ("1.5", 0), ("\u0663", 0), ("9" * 5000, 999_999_999), ("Mon, 99", 0)],
)
def test_retry_after_is_read_in_seconds(header: str, wanted: float) -> None:
    assert retry_after(header) == wanted


def test_retry_after_is_read_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 90 < retry_after(later) <= 100
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


def test_the_client_loads_nothing_of_the_service() -> None:
    heavy = ("fastapi", "starlette", "sqlalchemy", "uvicorn", "pydantic", "onnxruntime", "torch")
    script = f"import sys; from npsight import Client; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT)
    assert found.stdout.strip() == "[]"


def test_the_example_of_the_documentation_runs() -> None:
    document = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
    (example,) = [part.partition("```")[0] for part in document.split("```python\n")[1:2]]
    with server(lambda to, body, count: good(to, body)) as (address, _):
        exec(example.replace("https://npsight.example.org", address), {})
