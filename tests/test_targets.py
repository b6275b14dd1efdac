from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from callers import create_local_app as create_app  # type: ignore[import-not-found]  # pytest finds it beside this file
from fastapi.testclient import TestClient

from models.release import Release
from models.verdict import INTENTS, Decision, Intent, Post, Verdict
from models.wire import verdict_to_json
from serving.settings import Settings
from training.evaluation.answers import Answer, TargetError, judge_with, read_answer
from training.evaluation.service_target import (
    LONGEST_WAIT,
    MAX_CHARACTERS,
    MAX_POSTS,
    TRIES,
    http_target,
    requests_of,
    seconds_to_wait,
)
from training.evaluation.targets import function_target, open_target


def verdict(id_: str, intent: Intent = Intent.SELL, *, flag: bool = True, probability: float = 0.75) -> Verdict:
    decision = Decision.REVIEW if flag else Decision.ALLOW
    return Verdict(id_, decision, probability, {each: float(each is intent) for each in INTENTS})


def detect(posts: Sequence[Post]) -> list[Verdict]:
    return [verdict(post.id, flag="sale" in post.text) for post in posts]


POSTS = [Post("a", "for sale"), Post("b", "good morning")]


# answers


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (True, Answer(True)),
        (np.bool_(False), Answer(False)),
        (0.5, Answer(True, None, 0.5)),
        (0.49, Answer(False, None, 0.49)),
        (np.float32(0.75), Answer(True, None, 0.75)),
        ("advert", Answer(True)),
        ("not_advert", Answer(False)),
        ("recruit", Answer(True, Intent.RECRUIT)),
        (Intent.SEEK, Answer(False, Intent.SEEK)),
        (verdict("a"), Answer(True, Intent.SELL, 0.75)),
        (Answer(True), Answer(True)),
        ({"flag": False, "probability": 0.9, "intent": "sell"}, Answer(False, Intent.SELL, 0.9)),
        ({"flag": True, "intent": None}, Answer(True)),
        ({"probability": 0.2, "intent": "sell"}, Answer(False, Intent.SELL, 0.2)),
        ({"probability": 1}, Answer(True, None, 1.0)),
        ({"intent": "promote"}, Answer(True, Intent.PROMOTE)),
    ],
)
def test_every_form_of_answer_is_read(value: object, answer: Answer) -> None:
    assert read_answer(value) == answer


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1, r"found 1 \(int\)"),
        (None, r"found None \(NoneType\)"),
        ([0.2, 0.8], r"found \[0.2, 0.8\] \(list\)"),
        ({}, r"found \{\} \(dict\)"),
        ({"flag": None}, "found"),
        ({"flagged": True, "probability": 0.9}, "found"),
        (1.5, "probability 1.5, wanted a number from 0 to 1"),
        (float("nan"), "probability nan"),
        ("buy", "label 'buy', wanted one of advert, not_advert, sell"),
        ({"flag": "yes"}, "flag 'yes', wanted True or False"),
        ({"flag": 1}, "flag 1, wanted True or False"),
        ({"probability": True}, "probability True"),
        ({"flag": True, "intent": 3}, "label 3"),
    ],
)
def test_any_other_answer_is_named(value: object, said: str) -> None:
    with pytest.raises(TargetError, match=said):
        read_answer(value)


def test_the_threshold_is_inclusive() -> None:
    assert [read_answer(value, threshold=0.7).flag for value in (0.69, 0.7, {"probability": 0.69})] == [
        False,
        True,
        False,
    ]


def test_the_intent_of_a_verdict_is_the_likeliest_on_the_side_of_its_flag() -> None:
    likely = dict.fromkeys(INTENTS, 0.0) | {Intent.SEEK: 0.6, Intent.PROMOTE: 0.3}
    flagged = Verdict("a", Decision.REVIEW, 0.3, likely)
    assert read_answer(flagged) == Answer(True, Intent.PROMOTE, 0.3)


# a Python function


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Write a module into the current folder; give its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(source: str) -> str:
        (tmp_path / "own_detector.py").write_text(source, encoding="utf-8")
        return "own_detector"

    yield write
    sys.modules.pop("own_detector", None)


def test_a_function_in_the_current_folder_is_asked_with_texts(module: Callable[[str], str]) -> None:
    name = module("def judge(texts):\n    return [0.4 if 'sale' in text else 0.1 for text in texts]\n")
    target = open_target(f"{name}:judge", threshold=0.3)
    assert target.name == "own_detector:judge"
    assert target.judge(POSTS) == [Answer(True, None, 0.4), Answer(False, None, 0.1)]


@pytest.mark.parametrize("returned", ["(True for _ in texts)", "numpy.array([True] * len(texts))"])
def test_a_function_may_give_what_can_be_listed(module: Callable[[str], str], returned: str) -> None:
    name = module(f"import numpy\ndef judge(texts):\n    return {returned}\n")
    assert function_target(f"{name}:judge").judge(POSTS) == [Answer(True), Answer(True)]


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("[True]", "found 1 answers for 2 texts"),
        ("None", r"found None \(NoneType\), wanted a list"),
        ("'advert'", r"found 'advert' \(str\), wanted a list"),
        ("{'a': True, 'b': True}", r"\(dict\), wanted a list"),
        ("[True, object]", r"\(type\), wanted True or False"),
    ],
)
def test_what_a_function_gives_wrong_is_said(module: Callable[[str], str], returned: str, said: str) -> None:
    name = module(f"def judge(texts):\n    return {returned}\n")
    with pytest.raises(TargetError, match=f"own_detector:judge: .*{said}"):
        function_target(f"{name}:judge").judge(POSTS)


@pytest.mark.parametrize(
    ("source", "function", "said"),
    [
        ("import no_such_package\n", "judge", "cannot be imported .No module named 'no_such_package'"),
        ("judge = 3\n", "judge", "found no function 'judge' in .*own_detector.py"),
        ("", "judge", "found no function 'judge' in .*own_detector.py"),
    ],
)
def test_a_function_that_is_not_there_is_said(
    module: Callable[[str], str], source: str, function: str, said: str
) -> None:
    name = module(source)
    with pytest.raises(TargetError, match=said):
        open_target(f"{name}:{function}")


@pytest.mark.parametrize("words", ["models/no_such", "just words", "a.b:", ":judge", "ftp://host"])
def test_what_is_no_target_is_refused(words: str) -> None:
    with pytest.raises(TargetError, match=r"wanted a release folder, http://\.\.\. or package.module:function"):
        open_target(words)


# a release


def test_a_release_folder_answers_as_its_detector_does(tiny_release: Release) -> None:
    target = open_target(str(tiny_release.folder), threads=1)
    assert target.name == "npsight 2026.1.1"
    answers = target.judge(POSTS)
    assert [answer.intent is not None and 0 < (answer.probability or 0) < 1 for answer in answers] == [True, True]


def test_any_detector_of_ours_can_answer() -> None:
    assert judge_with(detect)(POSTS) == [Answer(True, Intent.SELL, 0.75), Answer(False, Intent.SEEK, 0.75)]


# our API


Reply = tuple[int, dict[str, str], bytes]
"""A status, headers and a body."""


@dataclass
class Service:
    """A real server on this machine; it gives the replies that it was told, the last one for ever."""

    replies: list[Reply]
    asked: list[dict[str, Any]] = field(default_factory=list)
    address: str = ""

    def reply(self, body: dict[str, Any]) -> Reply:
        self.asked.append(body)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@pytest.fixture
def serve() -> Iterator[Callable[..., Service]]:
    servers: list[ThreadingHTTPServer] = []

    def start(*replies: Reply) -> Service:
        service = Service(list(replies))

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/classify"
                status, headers, sent = service.reply(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(sent))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        service.address = f"http://127.0.0.1:{server.server_port}"
        return service

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def verdicts(*listed: Verdict | dict[str, Any]) -> bytes:
    sent = [verdict_to_json(each) if isinstance(each, Verdict) else each for each in listed]
    return json.dumps({"verdicts": sent}).encode()


GOOD: Reply = (200, {}, verdicts(verdict("a"), verdict("b", Intent.SEEK, flag=False)))
BUSY: Reply = (503, {"Retry-After": "0"}, b"")


def test_the_service_is_sent_ids_and_texts_and_its_verdicts_are_read(serve: Callable[..., Service]) -> None:
    service = serve(GOOD)
    target = open_target(service.address + "/")
    assert target.judge([Post("a", "für zwölf", lang="de"), POSTS[1]]) == [
        Answer(True, Intent.SELL, 0.75),
        Answer(False, Intent.SEEK, 0.75),
    ]
    assert target.name == service.address
    assert service.asked == [{"posts": [{"id": "a", "text": "für zwölf"}, {"id": "b", "text": "good morning"}]}]


def test_a_busy_service_is_asked_again(serve: Callable[..., Service]) -> None:
    service = serve(BUSY, (429, {"Retry-After": "0"}, b""), GOOD)
    assert len(open_target(service.address).judge(POSTS)) == 2
    assert len(service.asked) == 3


def test_a_service_that_stays_busy_is_given_up(serve: Callable[..., Service]) -> None:
    service = serve(BUSY)
    with pytest.raises(TargetError, match=r"http://127.0.0.1:\d+: answered 503 .Service Unavailable"):
        open_target(service.address).judge(POSTS)
    assert len(service.asked) == TRIES


@pytest.mark.parametrize(
    ("header", "tried", "seconds"),
    [
        (None, 1, 1),
        (None, 3, 4),
        ("7", 1, 7),
        ("999999", 1, LONGEST_WAIT),
        (formatdate(0, usegmt=True), 1, 0),
        ("in a while", 2, 2),
    ],
)
def test_the_wait_is_what_the_service_asks_for_within_bounds(header: str | None, tried: int, seconds: float) -> None:
    assert seconds_to_wait(header, tried) == seconds


PROBLEM = {"title": "The request is not valid", "errors": [{"pointer": "#/posts", "detail": "has 2 posts"}]}


@pytest.mark.parametrize(
    ("status", "sent", "said"),
    [
        (422, json.dumps(PROBLEM).encode(), r"answered 422 \(The request is not valid: #/posts has 2 posts\)"),
        (500, b'{"title": "The service failed"}', r"answered 500 \(The service failed\)"),
        (404, b"<html>", r"answered 404 \(Not Found\)"),
        (302, b"", r"answered 302 \(Found\)"),
        (200, b"<html>", "wrong shape, wanted .*, found '<html>'"),
        (200, b"[]", r"wrong shape, wanted .*, found \[\]"),
        (200, b'{"verdicts": {}}', "wrong shape"),
        (200, b'{"verdicts": ["a", "b"]}', "wrong shape"),
        (200, verdicts(verdict("a")), "found 1 verdicts for 2 posts"),
        (200, verdicts(verdict("a"), {"id": "b"}), "wrong shape: no verdict: KeyError.'decision'"),
        (200, verdicts(verdict("a"), verdict_to_json(verdict("b")) | {"spans": ["x"]}), "wrong shape"),
        (200, verdicts(verdict("b"), verdict("a")), "in another order"),
    ],
)
def test_what_a_service_answers_wrong_is_said(
    serve: Callable[..., Service], status: int, sent: bytes, said: str
) -> None:
    with pytest.raises(TargetError, match=f"http://127.0.0.1:[0-9]+: .*{said}"):
        open_target(serve((status, {}, sent)).address).judge(POSTS)


def test_an_address_where_nothing_listens_is_said() -> None:
    with pytest.raises(TargetError, match=r"http://127\.0\.0\.1:1: not reachable \(ConnectError"):
        open_target("http://127.0.0.1:1").judge(POSTS)


def test_what_is_no_address_is_said() -> None:
    with pytest.raises(TargetError, match="http://host:port: no address"):
        open_target("http://host:port")


def test_a_password_in_the_address_is_not_named() -> None:
    assert open_target("https://user:secret@example.org/npsight/").name == "https://example.org/npsight"


def test_requests_stay_within_the_limits_that_the_service_ships_with() -> None:
    settings = Settings()
    assert (settings.max_posts, settings.max_characters) == (MAX_POSTS, MAX_CHARACTERS)
    assert [len(batch) for batch in requests_of([Post("a", "x")] * (2 * MAX_POSTS + 1))] == [MAX_POSTS, MAX_POSTS, 1]
    long = Post("a", "x" * (MAX_CHARACTERS // 2))
    assert [len(batch) for batch in requests_of([long] * 5)] == [2, 2, 1]
    assert [len(batch) for batch in requests_of([Post("a", "x" * (MAX_CHARACTERS + 1)), POSTS[0]])] == [1, 1]
    assert list(requests_of([])) == []


@pytest.mark.parametrize("key", [None, "nps_a_b"])
def test_the_key_of_the_environment_is_shown_to_the_service(key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if key:
        monkeypatch.setenv("NPSIGHT_API_KEY", key)
    shown: list[str | None] = []

    def remember(request: httpx.Request) -> httpx.Response:
        shown.append(request.headers.get("authorization"))
        return httpx.Response(401)

    with pytest.raises(TargetError, match="answered 401"):
        http_target("http://x", transport=httpx.MockTransport(remember)).judge(POSTS[:1])
    assert shown == [key and f"Bearer {key}"]


def test_our_own_service_takes_a_full_request() -> None:
    client = TestClient(create_app({"default": detect}, {"release": "2026.1.1"}, Settings()))

    def forward(request: httpx.Request) -> httpx.Response:
        answer = client.request(
            request.method, request.url.path, content=request.content, headers=dict(request.headers)
        )
        return httpx.Response(answer.status_code, content=answer.content)

    posts = [Post(f"p{number}", "for sale\u2028" if number % 2 else "\U0001f600") for number in range(MAX_POSTS + 1)]
    answers = http_target("http://testserver", transport=httpx.MockTransport(forward)).judge(posts)
    assert [answer.flag for answer in answers] == [bool(number % 2) for number in range(MAX_POSTS + 1)]
    with pytest.raises(TargetError, match=r"answered 422 .*#/posts/0/text is empty or only white space"):
        http_target("http://testserver", transport=httpx.MockTransport(forward)).judge([Post("a", " ")])
