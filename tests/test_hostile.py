"""What nobody means well sends over a real connection: each time the service refuses, and goes on serving others."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import logging
import resource
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from real_server import (  # type: ignore[import-not-found]  # pytest finds it beside this file
    listening,
    request,
    say,
    statuses,
)
from sqlalchemy import Engine

from models.verdict import INTENTS, Decision, Post, Verdict
from serving import protocol
from serving.app import create_app
from serving.settings import Settings
from serving.store.engine import open_engine
from serving.store.upgrade import upgrade

SECRET = "zebra-quartz"
BODY = json.dumps({"posts": [{"id": "1", "text": SECRET}]}).encode()
GOOD = request("POST", "/v1/classify", BODY)


def detect(posts: Sequence[Post]) -> list[Verdict]:
    return [Verdict(post.id, Decision.ALLOW, 0.0, dict.fromkeys(INTENTS, 0.0)) for post in posts]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('hostile') / 'npsight.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def port(engine: Engine) -> Iterator[int]:
    settings = Settings(body_seconds=0.5, queue_posts=300, requests_per_minute=100_000)
    with listening(create_app({"default": detect}, {"release": "r"}, settings, engine=engine), settings) as port:
        yield port


@pytest.fixture(autouse=True)
def unharmed(port: int, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """See after each test that others are still served, and that nothing unforeseen was logged."""
    with caplog.at_level(logging.WARNING):
        yield
    assert statuses(say(port, GOOD)) == [200]
    assert "Traceback" not in caplog.text
    assert SECRET not in caplog.text
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


def test_ten_megabytes_are_refused_and_not_kept(port: int) -> None:
    head = request("POST", "/v1/classify", Content_Length=10_000_000)
    assert statuses(say(port, head, *[b"x" * 1_000_000] * 10)) in ([413], [])  # nothing, when we were cut off sending
    assert statuses(say(port, head)) == [413]


def test_ten_megabytes_in_chunks_without_a_length_are_refused(port: int) -> None:
    head = request("POST", "/v1/classify", Transfer_Encoding="chunked")
    answer = say(port, head, *[b"100000\r\n" + b" " * 0x100000 + b"\r\n"] * 10, b"0\r\n\r\n")
    assert statuses(answer) in ([413], [])
    assert statuses(say(port, head, b"200000\r\n" + b" " * 0x200000 + b"\r\n0\r\n\r\n")) == [413]


def test_a_body_that_trickles_is_refused_when_its_time_is_up_however_lively(port: int) -> None:
    began = time.monotonic()
    head = request("POST", "/v1/classify", Content_Length=len(BODY))
    answer = say(port, head, *[b" "] * 30, pause=0.05)
    assert statuses(answer) in ([408], [])
    assert time.monotonic() - began < 20
    answer = say(port, head, BODY[:-1])
    assert statuses(answer) == [408]
    assert b"urn:npsight:problem:body-too-slow" in answer
    assert b"0.5 seconds" in answer


def test_a_body_in_many_pieces_within_its_time_is_taken(port: int) -> None:
    assert statuses(say(port, *[GOOD[at : at + 40] for at in range(0, len(GOOD), 40)], pause=0.001)) == [200]


@pytest.mark.parametrize("beginning", [b"", b"G", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_that_never_ends_is_cut_off_however_lively(
    port: int, beginning: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "LOOK_SECONDS", 0.4)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(beginning)
        connection.settimeout(0.05)
        for _ in range(400):  # 20 seconds, of which one or two are needed
            try:
                connection.sendall(b"a" if beginning else b"")
                if connection.recv(100) == b"":
                    return
            except TimeoutError:
                continue
            except OSError:
                return
    pytest.fail("the connection is still open")


def test_a_connection_that_asks_again_and_again_is_not_cut_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "LOOK_SECONDS", 1)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.connect()
    first = connection.sock
    for _ in range(10):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b'{"status":"alive"}'
        time.sleep(0.3)
    assert connection.sock is first
    connection.close()


def test_a_client_that_closes_its_half_is_answered_or_cut_off_and_nothing_hangs(port: int) -> None:
    assert statuses(say(port, GOOD, end=True)) in ([200], [])
    assert statuses(say(port, GOOD[:-10], end=True)) in ([400], [])
    assert say(port, end=True) == b""


def test_a_client_that_leaves_at_once_breaks_nothing(port: int) -> None:
    for cut in (1, 20, 150, len(GOOD) - 1, len(GOOD)):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, no goodbye
            connection.sendall(GOOD[:cut])


SMUGGLED = b"GET /v1/release HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + SMUGGLED),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", b"0\r\n\r\n" + SMUGGLED),
        (b"Content-Length: 2\r\nContent-Length: 50\r\n", b"{}" + SMUGGLED),
        (b"Content-Length: 2, 50\r\n", b"{}" + SMUGGLED),
        (b"Content-Length: +2\r\n", b"{}" + SMUGGLED),
        (b"Content-Length: -1\r\n", b"{}" + SMUGGLED),
        (b"Content-Length: 0x2\r\n", b"{}" + SMUGGLED),
        (b"Content-Length: 2\r\n Transfer-Encoding: chunked\r\n", b"{}" + SMUGGLED),
        (b"Content-Length : 2\r\n", b"{}" + SMUGGLED),
        (b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n" + SMUGGLED),
        (b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n" + SMUGGLED),
        (b"Transfer-Encoding:\x0bchunked\r\n", b"0\r\n\r\n" + SMUGGLED),
        (b"Transfer-Encoding: chunked\r\n", b"-1\r\n\r\n" + SMUGGLED),
        (b"Transfer-Encoding: chunked\r\n", b"0x0\r\n\r\n" + SMUGGLED),
        (b"Transfer-Encoding: chunked\r\n", b"fffffffffffffffffff\r\n\r\n" + SMUGGLED),
        (b"X: a\r\nHost: elsewhere\r\nHost: 127.0.0.1\r\n", SMUGGLED),
        (b"X: a\nContent-Length: 50\n", SMUGGLED),
        (b"X\0: a\r\n", SMUGGLED),
    ],
)
def test_a_request_that_two_servers_would_read_as_different_ones_gives_no_second_answer(
    port: int, head: bytes, body: bytes
) -> None:
    content = b"POST /v1/classify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" + head + b"\r\n"
    answer = say(port, content + body)
    assert b'"release"' not in answer
    assert all(400 <= status < 500 for status in statuses(answer)), answer


@pytest.mark.parametrize(
    "path",
    [
        *(
            "//v1/release",
            "/v1//release",
            "/v1/../v1/release",
            "/v1/%2e%2e/v1/release",
            "/v1/release/",
            "/v1/release%00",
        ),
        *("/%2e%2e/%2e%2e/etc/passwd", "/..;/v1/release", "/v1%2frelease/..", "/V1/RELEASE", "/healthz/../v1/release"),
        *("/healthz%2f..%2fv1%2frelease", "/v1/release;a=b", "/v1/release%0d%0aX-Evil:%20yes", "/%ff%fe", "/%", "/%zz"),
        *("/readyz/", "/docs/../openapi.json", "/" + "a" * 8000, "/" + "%2e%2e/" * 1000, "*", "healthz"),
        *("http://elsewhere.example/v1/release", "//elsewhere.example/healthz", "/console/../../etc/passwd"),
    ],
)
def test_a_crooked_path_leads_nowhere(port: int, path: str) -> None:
    answer = say(port, request("GET", path, X_Forwarded_For="203.0.113.9"))  # so that it comes from no friend
    signs_in = statuses(answer)[0] == 303 and b"location: /console/sign-in?" in answer.lower()
    assert signs_in or statuses(answer)[0] in {400, 401, 404}, answer
    assert b"root:" not in answer
    assert b"\r\nx-evil" not in answer.lower()


def test_a_head_of_any_size_is_refused(port: int) -> None:
    assert statuses(say(port, request("GET", "/healthz", X="a" * 200_000))) in ([400], [])
    assert statuses(say(port, request("GET", "/" + "a" * 200_000))) in ([400], [])
    many = "\r\n".join(f"X-{number}: a" for number in range(20_000))
    assert statuses(say(port, request("GET", "/healthz", X=f"a\r\n{many}"))) in ([400], [])


@pytest.mark.parametrize("name", ["X-Request-Id", "Origin", "Traceparent", "Idempotency-Key", "X-Reviewer", "Cookie"])
@pytest.mark.parametrize(
    "value", ["a\r\nX-Evil: yes", "a\nX-Evil: yes", "a\rX-Evil: yes", "a\0", "\u2028x", "%0d%0aX-Evil: yes"]
)
def test_nothing_that_is_said_back_becomes_a_header(port: int, name: str, value: str) -> None:
    head, _, _ = say(port, request("POST", "/v1/classify", BODY, **{name: value})).lower().partition(b"\r\n\r\n")
    assert b"x-evil:" not in head.replace(b"%0d%0ax-evil:", b"")


def nested(depth: int) -> bytes:
    return b'{"posts": ' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (nested(100_000), {}, 400),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, {}, 400),
        (b'{"posts": NaN}', {}, 400),
        (b'{"posts": [{"id": "1", "text": "\\ud800"}]}', {}, 400),
        (b'{"posts": [{"id": "1", "text": "\xed\xa0\x80"}]}', {}, 400),
        (b'{"posts": [{"id": "1", "text": "a"}], "posts": []}', {}, 422),
        (b'{"posts": [{"id": "1", "id": 7, "text": "a"}]}', {}, 422),
        (b"\xef\xbb\xbf" + BODY, {}, 400),
        (b"\0" * 1000, {}, 400),
        (b"1" * 1_999_999, {}, 400),
        (BODY, {"Content_Type": "application/xml"}, 415),
        (BODY, {"Content_Type": "application/json\0"}, 400),
        (BODY, {"Content_Type": "multipart/form-data; boundary=x"}, 415),
        (gzip.compress(b" " * 50_000_000), {"Content_Encoding": "gzip"}, 415),
        (gzip.compress(BODY), {"Content_Encoding": "gzip, identity"}, 415),
        (BODY, {"Content_Encoding": "br"}, 415),
        (BODY, {"Content_Encoding": "identity"}, 200),
        (BODY, {"Expect": "100-continue"}, 200),
        (BODY, {"Upgrade": "websocket", "Connection": "Upgrade, close"}, 200),
        (BODY, {"Upgrade": "h2c", "Connection": "Upgrade, close"}, 200),
        (BODY, {"X_HTTP_Method_Override": "DELETE"}, 200),
    ],
)
def test_a_body_that_is_a_trap_is_refused(port: int, body: bytes, headers: dict[str, str], status: int) -> None:
    answer = say(port, request("POST", "/v1/classify", body, **headers))
    assert statuses(answer)[-1] == status, answer[:300]
    assert SECRET.encode() not in answer


@pytest.mark.parametrize(
    "words", [b"\0" * 100, b"\x16\x03\x01\x02\0\1", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /\r\n\r\n"]
)
def test_what_is_no_http_is_refused(port: int, words: bytes) -> None:
    assert all(400 <= status < 500 for status in statuses(say(port, words, end=True)))


def test_a_thousand_clients_at_once_are_all_answered(engine: Engine) -> None:
    settings = Settings(queue_posts=300, deadline_seconds=300, body_seconds=300)  # however slow the machine
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))

    async def ask(port: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GOOD)
        answer = await reader.read()
        writer.close()
        status: int = statuses(answer)[0]
        return status

    async def ask_all(port: int) -> list[int]:
        return await asyncio.gather(*(ask(port) for _ in range(1000)))

    with listening(create_app({"default": detect}, {}, settings, engine=engine), settings) as port:
        answered = asyncio.run(ask_all(port))
    assert len(answered) == 1000
    assert set(answered) <= {200, 429}
    assert answered.count(200) >= 300  # as many as may wait


def test_the_files_of_the_service_are_not_served(port: int) -> None:
    for path in {*Path(__file__).parent.parent.glob("*")} - {Path(__file__).parent.parent / "docs"}:
        assert statuses(say(port, request("GET", f"/{path.name}"))) == [404]
