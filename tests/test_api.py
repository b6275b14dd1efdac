from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import httpx
import pytest
from callers import create_local_app as create_app  # type: ignore[import-not-found]  # pytest finds it beside this file
from fastapi.testclient import TestClient

from models.verdict import INTENTS, Decision, Intent, Post, Verdict
from serving.live import WARM_UP
from serving.problems import PROBLEM_JSON
from serving.settings import Settings

SECRET = "zebra-quartz"  # stands in every text sent below, and must stand in no answer and no log
RELEASE = {"release": "2026.12.1", "languages": ["en", "nl"]}


def detect(posts: Sequence[Post]) -> list[Verdict]:
    return [
        Verdict(
            id=post.id,
            decision=Decision.REVIEW if "gram" in post.text else Decision.ALLOW,
            advert_probability=0.9 if "gram" in post.text else 0.01,
            intents={intent: float(intent is Intent.SELL) for intent in INTENTS},
            policy="default@1",
        )
        for post in posts
    ]


def failing(posts: Sequence[Post]) -> list[Verdict]:
    raise ValueError(f"cannot score {posts[0].text}")


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app({"default": detect, "failing": failing}, RELEASE, Settings())) as client:
        yield client


def posts(*texts: str, **others: Any) -> dict[str, Any]:
    return {"posts": [{"id": f"p{n}", "text": text, **others} for n, text in enumerate(texts)]}


def post_raw(client: TestClient, body: bytes, content_type: str = "application/json") -> httpx.Response:
    return client.post("/v1/classify", content=body, headers={"content-type": content_type})  # type: ignore[return-value]


def assert_problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == PROBLEM_JSON
    document: dict[str, Any] = response.json()
    assert document["status"] == status
    assert {"type", "title", "status"} <= document.keys()
    assert SECRET not in response.text
    assert "Traceback" not in response.text
    return document


def test_posts_come_back_as_verdicts_in_their_order(client: TestClient) -> None:
    response = client.post("/v1/classify", json=posts("10 a gram", "good morning \U0001f600"))
    assert response.status_code == 200
    verdicts = response.json()["verdicts"]
    assert [(verdict["id"], verdict["decision"]) for verdict in verdicts] == [("p0", "review"), ("p1", "allow")]


def test_the_post_reaches_the_detector_whole() -> None:
    seen: list[Post] = []

    def remember(batch: Sequence[Post]) -> list[Verdict]:
        seen.extend(batch)
        return detect(batch)

    body = {"id": "1", "text": " a\u200bb ", "lang": "nl", "author": "h1", "platform": "x", "country": "NL"}
    client = TestClient(create_app({"default": remember}, RELEASE))
    assert client.post("/v1/classify", json={"posts": [body | {"created_at": "2026-01-02"}]}).status_code == 200
    assert seen == [Post(**body, created_at="2026-01-02")]


def test_the_policy_named_is_the_one_that_judges(client: TestClient) -> None:
    strict = TestClient(create_app({"default": failing, "strict": detect}, RELEASE))
    assert strict.post("/v1/classify", json=posts("x") | {"policy": "strict"}).status_code == 200


def test_the_limits_are_inclusive(client: TestClient) -> None:
    assert client.post("/v1/classify", json=posts(*["x"] * 256)).status_code == 200
    assert client.post("/v1/classify", json=posts(*["x" * 10_000] * 20)).status_code == 200


GOOD = {"id": "p", "text": SECRET}


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        (posts(""), "#/posts/0/text", "empty"),
        (posts(SECRET, " \n\t\u3000"), "#/posts/1/text", "white space"),
        (posts(SECRET + "\0"), "#/posts/0/text", "NUL"),
        ({"posts": [{"id": "p"}]}, "#/posts/0/text", "required"),
        ({"posts": [{"text": SECRET}]}, "#/posts/0/id", "required"),
        ({"posts": [GOOD | {"text": None}]}, "#/posts/0/text", "string"),
        ({"posts": [GOOD | {"text": [SECRET]}]}, "#/posts/0/text", "string"),
        ({"posts": [GOOD | {"id": 7}]}, "#/posts/0/id", "string"),
        ({"posts": [GOOD | {"id": ""}]}, "#/posts/0/id", "at least 1"),
        ({"posts": [GOOD | {"id": SECRET * 20}]}, "#/posts/0/id", "at most 200"),
        ({"posts": [GOOD, GOOD]}, "#/posts/1/id", "repeats the id of post 0"),
        ({"posts": [GOOD | {"lang": SECRET}]}, "#/posts/0/lang", "language tag"),
        ({"posts": [GOOD | {"country": "nl"}]}, "#/posts/0/country", "ISO 3166-1"),
        ({"posts": [GOOD | {"country": "NLD"}]}, "#/posts/0/country", "ISO 3166-1"),
        ({"posts": [GOOD | {"created_at": f"last {SECRET}"}]}, "#/posts/0/created_at", "ISO 8601"),
        ({"posts": [GOOD | {"created_at": 1700000000}]}, "#/posts/0/created_at", "string"),
        ({"posts": [GOOD | {"created_at": "2026-01-02\x0010:00"}]}, "#/posts/0/created_at", "NUL"),
        ({"posts": [GOOD | {SECRET: 1}]}, "#/posts/0", "unknown field"),
        ({"posts": [GOOD], SECRET: {}}, "#", "unknown field"),
        ({"posts": [SECRET]}, "#/posts/0", "dictionary"),
        ({"posts": GOOD}, "#/posts", "list"),
        ({"posts": []}, "#/posts", "at least 1"),
        ({"posts": None}, "#/posts", "list"),
        ({}, "#/posts", "required"),
        ([GOOD], "#", "dictionary"),
        (SECRET, "#", "dictionary"),
        (None, "#", "dictionary"),
        (posts(*[SECRET] * 257), "#/posts", "has 257 posts, a request may have 256"),
        ({"posts": [[]] * 5000}, "#/posts", "more than 4096"),
        (posts("ok", SECRET.ljust(10_001, "x")), "#/posts/1/text", "has 10001 characters"),
        (posts(*[SECRET.ljust(9_999, "x")] * 21), "#/posts", "have 209979 characters in all"),
        (posts(SECRET) | {"policy": SECRET}, "#/policy", "not a policy held here: default, failing"),
        (posts(SECRET) | {"policy": None}, "#/policy", "string"),
    ],
)
def test_a_request_that_is_not_valid_says_where_and_why(
    client: TestClient, body: Any, pointer: str, detail: str
) -> None:
    document = assert_problem(post_raw(client, json.dumps(body).encode()), 422)
    assert document["type"] == "urn:npsight:problem:invalid-request"
    assert [fault["pointer"] for fault in document["errors"]] == [pointer]
    assert detail in document["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"posts": [' + SECRET.encode(), "column"),
        (b"{'posts': 1}", "key must be a string"),
        (b'{"posts": [{"id": "1", "text": "\xff\xfe"}]}', "unicode"),
        (b'{"posts": [{"id": "1", "text": "\\ud800"}]}', "hex escape"),
        (b'{"posts": [{"id": "1", "text": "\\udc00 x"}]}', "surrogate"),
        (b'{"posts": [{"id": "1", "text": "a\0"}]}', "control character"),
        (b'{"posts": NaN}', "expected value"),
        (b'{"posts": -Infinity}', ""),
        (b'{"posts": ' + b"[" * 100_000, "recursion"),
        (b'{"a":' * 100_000, "recursion"),
        (b'{"posts": []}' + SECRET.encode(), "trailing"),
        (json.dumps(posts(SECRET)).encode("utf-16"), ""),
        (b" ", "EOF"),
    ],
)
def test_a_body_that_is_not_json_is_refused(client: TestClient, body: bytes, detail: str) -> None:
    document = assert_problem(post_raw(client, body), 400)
    assert document["type"] == "urn:npsight:problem:invalid-json"
    assert detail in document["detail"]


@pytest.mark.parametrize("number", ["1" * 5000, "1e999", "-0"])
def test_a_number_for_a_text_is_refused_however_large(client: TestClient, number: str) -> None:
    response = post_raw(client, b'{"posts": [{"id": "1", "text": %s}]}' % number.encode())
    assert response.status_code in (400, 422)
    assert_problem(response, response.status_code)


def test_a_missing_body_is_a_fault_of_the_whole(client: TestClient) -> None:
    assert assert_problem(post_raw(client, b""), 422)["errors"][0]["pointer"] == "#"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonl"])
def test_another_media_type_is_refused(client: TestClient, content_type: str) -> None:
    document = assert_problem(post_raw(client, json.dumps(posts(SECRET)).encode(), content_type), 415)
    assert "application/json" in document["title"]


def test_a_charset_beside_the_media_type_is_taken(client: TestClient) -> None:
    body = json.dumps(posts("x")).encode()
    assert post_raw(client, body, "Application/JSON; charset=utf-8").status_code == 200


def test_many_faults_are_counted_and_the_first_listed(client: TestClient) -> None:
    document = assert_problem(client.post("/v1/classify", json=posts(*[""] * 100)), 422)
    assert len(document["errors"]) == 20
    assert document["detail"] == "100 faults found, of which the first 20 are listed."


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/v1/{SECRET}", 404),
        ("GET", "/v1/classify", 405),
        ("DELETE", "/v1/classify", 405),
        ("POST", "/v1/release", 405),
        ("BREW", "/healthz", 405),
    ],
)
def test_a_wrong_route_or_method_is_a_problem(client: TestClient, method: str, path: str, status: int) -> None:
    response = client.request(method, path)
    assert assert_problem(response, status)["type"] == "about:blank"
    assert ("allow" in response.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/v1/classify", "/healthz"])
def test_a_body_over_the_limit_is_refused_by_its_length(client: TestClient, path: str) -> None:
    response = client.request("POST", path, content=b"x" * 2_000_001)
    assert assert_problem(response, 413)["detail"] == "A body may have 2000000 bytes."


@pytest.mark.parametrize("declared", [None, "10", "9" * 30, "-1", "many"])
def test_a_body_over_the_limit_is_refused_by_its_bytes(declared: str | None) -> None:
    app = create_app({"default": detect}, RELEASE, Settings(max_body_bytes=1000))
    sent: list[Any] = []
    received = 0

    async def receive() -> dict[str, Any]:
        nonlocal received
        received += 1
        return {"type": "http.request", "body": b" " * 400, "more_body": True}  # without end

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    headers += [(b"content-length", declared.encode())] if declared else []
    scope = {"type": "http", "method": "POST", "path": "/v1/classify", "query_string": b"", "headers": headers}
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 413
    assert dict(sent[0]["headers"])[b"content-type"] == PROBLEM_JSON.encode()
    assert received == 3


def test_a_client_that_leaves_in_the_middle_breaks_nothing() -> None:
    async def leave() -> int:
        async def body() -> AsyncIterator[bytes]:
            yield b'{"posts": ['
            raise ConnectionResetError

        transport = httpx.ASGITransport(create_app({"default": detect}, RELEASE))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            headers = {"content-type": "application/json"}
            return (await client.post("/v1/classify", content=body(), headers=headers)).status_code

    assert asyncio.run(leave()) == 400


def test_a_failure_of_the_model_tells_nothing_but_a_number_that_the_log_shares(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        response = client.post("/v1/classify", json=posts(SECRET) | {"policy": "failing"})
    document = assert_problem(response, 500)
    assert "ValueError" not in response.text
    assert document["instance"] in caplog.text
    assert "ValueError at" in caplog.text
    assert SECRET not in caplog.text


def test_the_loop_answers_while_the_model_thinks() -> None:
    go = threading.Event()

    def slow(batch: Sequence[Post]) -> list[Verdict]:
        assert go.wait(10)
        return detect(batch)

    async def ask() -> tuple[int, int]:
        transport = httpx.ASGITransport(create_app({"default": slow}, RELEASE))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            scoring = asyncio.create_task(client.post("/v1/classify", json=posts("x")))
            await asyncio.sleep(0.05)
            alive = (await client.get("/healthz")).status_code
            assert not scoring.done()
            go.set()
            return alive, (await scoring).status_code

    assert asyncio.run(ask()) == (200, 200)


def test_no_more_threads_than_set_score_at_once() -> None:
    running, most = 0, 0
    lock = threading.Lock()

    def count(batch: Sequence[Post]) -> list[Verdict]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return detect(batch)

    async def ask() -> None:
        app = create_app({"default": count}, RELEASE, Settings(runs_at_once=2, batch_posts=1))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            await asyncio.gather(*(client.post("/v1/classify", json=posts("x")) for _ in range(8)))

    asyncio.run(ask())
    assert most == 2


def test_release_and_health_answer(client: TestClient) -> None:
    assert client.get("/v1/release").json() == RELEASE
    assert client.get("/healthz").json() == {"status": "alive"}


def ready_after(client: TestClient, status: int, reason: str = "") -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        response = client.get("/readyz")
        if response.status_code == status and reason in response.text:
            return True
        time.sleep(0.01)
    return False


def test_the_service_is_ready_only_when_the_model_has_answered() -> None:
    go = threading.Event()

    def slow(batch: Sequence[Post]) -> list[Verdict]:
        assert list(batch) == [WARM_UP]
        assert go.wait(10)
        return detect(batch)

    with TestClient(create_app({"default": slow}, RELEASE)) as client:
        assert client.get("/healthz").status_code == 200
        assert "warming up" in assert_problem(client.get("/readyz"), 503)["detail"]
        go.set()
        assert ready_after(client, 200)


@pytest.mark.parametrize("broken", [failing, lambda batch: []])
def test_a_failing_warm_up_keeps_the_service_unready_and_says_why(broken: Any) -> None:
    with TestClient(create_app({"default": detect, "broken": broken}, RELEASE)) as client:
        assert ready_after(client, 503, "policy broken failed: ValueError")
        assert client.post("/v1/classify", json=posts("x")).status_code == 200
        assert client.get("/readyz").status_code == 503


def test_the_service_stops_while_the_model_is_still_warming_up() -> None:
    go = threading.Event()

    def slow(batch: Sequence[Post]) -> list[Verdict]:
        go.wait(10)
        return detect(batch)

    started = time.monotonic()
    with TestClient(create_app({"default": slow}, RELEASE)):
        pass
    go.set()
    assert time.monotonic() - started < 5


def test_a_service_that_was_stopped_can_be_started_again() -> None:
    app = create_app({"default": detect}, RELEASE)
    for _ in range(2):
        with TestClient(app) as client:
            assert ready_after(client, 200)
            assert client.post("/v1/classify", json=posts("x")).status_code == 200
    document = assert_problem(TestClient(app).post("/v1/classify", json=posts("x")), 503)
    assert document["type"] == "urn:npsight:problem:not-ready"


def test_many_verdicts_are_written_as_few_are(client: TestClient) -> None:
    text = "10 a gram \U0001f600"
    (one,) = client.post("/v1/classify", json=posts(text)).json()["verdicts"]
    many = client.post("/v1/classify", json=posts(*[text] * 256)).json()["verdicts"]
    assert many == [one | {"id": f"p{number}"} for number in range(256)]


def test_a_service_without_a_default_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="no detector for the policy 'default', only for: strict"):
        create_app({"strict": detect}, RELEASE)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPSIGHT_MAX_POSTS", "2")
    client = TestClient(create_app({"default": detect}, RELEASE))
    assert client.post("/v1/classify", json=posts("a", "b", "c")).status_code == 422


def test_openapi_documents_problems_and_examples(client: TestClient) -> None:
    classify = client.get("/openapi.json").json()["paths"]["/v1/classify"]["post"]
    assert {"200", "400", "413", "415", "422", "429", "503"} <= classify["responses"].keys()
    assert classify["responses"]["503"]["description"] == "The service is not ready / The service was not fast enough"
    assert list(classify["responses"]["422"]["content"]) == [PROBLEM_JSON]
    assert "256 posts a request" in classify["description"]


def test_the_example_of_openapi_is_accepted(client: TestClient) -> None:
    example = client.get("/openapi.json").json()["components"]["schemas"]["ClassifyRequest"]["examples"][0]
    assert client.post("/v1/classify", json=example).status_code == 200
