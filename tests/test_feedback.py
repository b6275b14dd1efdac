"""Review and feedback over HTTP on both databases: who may, what comes back, and that nothing is done twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from callers import create_local_app  # type: ignore[import-not-found]  # pytest finds it beside this file
from cases import at_once, put  # type: ignore[import-not-found]
from fastapi.testclient import TestClient
from sqlalchemy import Engine, func, select

from models.verdict import INTENTS, Decision, Post, Verdict
from serving import keys
from serving.access import Access, Caller
from serving.app import create_app
from serving.audit_check import verify
from serving.keys import Scope
from serving.problems import PROBLEM_JSON
from serving.rates import Rates
from serving.review.judged import OUTSIDE
from serving.settings import Settings
from serving.store.engine import open_engine, writing
from serving.store.tables import CASES, DECISIONS, JUDGED, TEXTS

NASTY = "<script>alert(1)</script>'); DROP TABLE decisions; -- \u202e \" \\ %s {x}"


def detect(posts: Sequence[Post]) -> list[Verdict]:
    return [Verdict(post.id, Decision.ALLOW, 0.1, dict.fromkeys(INTENTS, 0.1), release="r1") for post in posts]


def client_of(engine: Engine) -> TestClient:
    return TestClient(create_local_app({"default": detect}, {}, Settings(), engine=engine))


def key_of(engine: Engine, *scopes: Scope) -> dict[str, str]:
    with writing(engine) as connection:
        _, shown = keys.create(connection, "test", scopes, expires=None, actor="test")
    return {"Authorization": f"Bearer {shown}"}


def kind_of(response: Any) -> tuple[int, str]:
    assert response.headers["content-type"] == PROBLEM_JSON, response.text
    return response.status_code, response.json()["type"].rpartition(":")[2]


def feed(client: TestClient, *items: dict[str, Any], key: str = "k1", **headers: str) -> Any:
    return client.post("/v1/feedback", json={"decisions": list(items)}, headers={"Idempotency-Key": key, **headers})


def count(engine: Engine, column: Any) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count(column))) or 0


def test_a_case_is_claimed_decided_and_taken_back_by_named_reviewers(engine: Engine) -> None:
    number, ann, ben = put(engine), {"X-Reviewer": "Ann B"}, {"X-Reviewer": "Ben"}
    with client_of(engine) as client:
        held = client.post("/v1/review/claims", json={}, headers=ann).json()["case"]
        assert (held["id"], held["claimed_by"]) == (number, "local/Ann B")
        assert client.post("/v1/review/claims", json={}, headers=ben).json() == {"case": None}
        said = {"decision": "advert", "intent": "sell", "spans": [{"start": 0, "end": 5, "kind": "substance"}]}
        to = f"/v1/review/cases/{number}/decisions"
        assert kind_of(client.post(to, json=said, headers=ben)) == (409, "claimed")
        assert kind_of(client.delete(f"/v1/review/claims/{number}", headers=ben)) == (409, "claimed")
        made = client.post(to, json=said | {"note": NASTY}, headers=ann)
        assert (made.status_code, made.json()["state"]) == (201, "settled")
        found = client.get(f"/v1/review/cases/{number}").json()
        assert (found["standing"]["note"], found["standing"]["reviewer"]) == (NASTY, "local/Ann B")
        assert (found["text"], found["verdict"]["spans"][0]["text"]) == (
            "2-MMC in stock, 25 a gram, write to me",
            "2-MMC",
        )
        assert client.post(to, json={"decision": "undo"}, headers=ann).json()["state"] == "open"
        assert client.delete(f"/v1/review/claims/{number}", headers=ann).status_code == 204
    with engine.connect() as connection:
        assert not verify(connection).faults


def test_lists_are_paged_and_an_appeal_finds_its_case_by_the_posts_id(engine: Engine) -> None:
    cases = [put(engine, post_id=f"their {number}") for number in range(3)]
    with client_of(engine) as client:
        first = client.get("/v1/review/cases", params={"limit": 2}).json()
        rest = client.get("/v1/review/cases", params={"limit": 2, "after": first["next"]}).json()
        assert [line["id"] for line in first["cases"] + rest["cases"]] == cases
        assert rest["next"] is None
        found = client.get("/v1/review/appeals", params={"post_id": "their 1"}).json()["found"]
        assert [(each["case"]["id"], each["post"]["post_id"]) for each in found] == [(cases[1], "their 1")]
        assert len(client.get("/v1/review/appeals", params={"author": "1:aaaa"}).json()["found"]) == 3
        assert client.get("/v1/review/appeals", params={"post_id": NASTY}).json() == {"found": []}


REFUSED: list[tuple[str, str, Any, dict[str, str], int]] = [
    ("GET", "/v1/review/cases?state=closed", None, {}, 422),
    ("GET", "/v1/review/cases?limit=0", None, {}, 422),
    ("GET", "/v1/review/cases?after=zorple", None, {}, 422),
    ("GET", "/v1/review/cases?lang=%00", None, {}, 422),
    ("GET", "/v1/review/appeals", None, {}, 422),
    ("GET", "/v1/review/appeals?post_id=%00", None, {}, 422),
    ("GET", "/v1/review/cases/99", None, {}, 404),
    ("GET", f"/v1/review/cases/{10**30}", None, {}, 422),
    ("GET", "/v1/review/cases/1%20OR%201=1", None, {}, 422),
    ("DELETE", "/v1/review/claims/99", None, {}, 404),
    ("POST", "/v1/review/claims", {"case": 99}, {}, 404),
    ("POST", "/v1/review/claims", {"case": True}, {}, 422),
    ("POST", "/v1/review/claims", {"minutes": 10**6}, {}, 422),
    ("POST", "/v1/review/claims", {}, {"X-Reviewer": "a" * 61}, 422),
    ("POST", "/v1/review/claims", {}, {"X-Reviewer": "a\tb"}, 422),
    ("POST", "/v1/review/cases/99/decisions", {"decision": "advert"}, {}, 404),
    ("POST", "/v1/review/cases/1/decisions", {"decision": "zorple"}, {}, 422),
    ("POST", "/v1/review/cases/1/decisions", {"decision": "advert", "note": "a\0b"}, {}, 422),
    ("POST", "/v1/review/cases/1/decisions", {"decision": "advert", "note": "n" * 2001}, {}, 422),
    (
        "POST",
        "/v1/review/cases/1/decisions",
        {"decision": "advert", "spans": [{"start": 0, "end": 2**70, "kind": "x"}]},
        {},
        422,
    ),
    ("POST", "/v1/feedback", {"decisions": [{"post_id": "a", "decision": "advert"}]}, {}, 422),
    ("POST", "/v1/feedback", {"decisions": [{"post_id": "a", "decision": "undo"}]}, {"Idempotency-Key": "k"}, 422),
    ("POST", "/v1/feedback", {"decisions": []}, {"Idempotency-Key": "k"}, 422),
    (
        "POST",
        "/v1/feedback",
        {"decisions": [{"post_id": "a", "decision": "advert"}]},
        {"Idempotency-Key": "k" * 201},
        422,
    ),
    ("POST", "/v1/feedback", {"decisions": [{"post_id": "a", "decision": "advert"}]}, {"Idempotency-Key": "a b"}, 422),
]


def test_what_is_not_valid_is_a_problem_and_echoes_nothing(engine: Engine) -> None:
    with client_of(engine) as client:
        for method, path, body, headers, status in REFUSED:
            response = client.request(method, path, json=body, headers=headers)
            assert (kind_of(response)[0], "zorple" in response.text) == (status, False), (method, path, body)


@pytest.mark.parametrize("scopes", [(Scope.CLASSIFY,), (Scope.ADMIN,)])
def test_a_key_without_review_gets_nowhere(engine: Engine, scopes: tuple[Scope, ...]) -> None:
    headers = key_of(engine, *scopes)
    with client_of(engine) as client:
        assert kind_of(client.get("/v1/review/cases", headers=headers)) == (403, "forbidden")
        assert kind_of(feed(client, {"post_id": "a", "decision": "advert"}, **headers)) == (403, "forbidden")


def test_feedback_sent_again_gets_the_same_answer_and_does_nothing(engine: Engine) -> None:
    number, item = put(engine, post_id="theirs"), {"post_id": "theirs", "decision": "advert", "note": NASTY}
    with client_of(engine) as client:
        first, again = feed(client, item), feed(client, item)
        assert first.json() == again.json()
        assert first.json()["decisions"] == [
            {"post_id": "theirs", "status": "settled", "case": number, "copies": 1, "detail": None}
        ]
        assert kind_of(feed(client, item | {"decision": "unsure"})) == (422, "idempotency-conflict")
        assert feed(client, item | {"decision": "unsure"}, key="k2").json()["decisions"][0]["status"] == "open"
    assert count(engine, DECISIONS.c.id) == 2


def test_an_idempotency_key_belongs_to_one_caller(engine: Engine) -> None:
    put(engine, post_id="theirs")
    callers = [key_of(engine, Scope.REVIEW) for _ in range(2)]
    with client_of(engine) as client:
        for headers in callers:
            assert feed(client, {"post_id": "theirs", "decision": "advert"}, **headers).status_code == 200
    assert count(engine, DECISIONS.c.id) == 2


def test_of_two_equal_requests_at_once_one_does_it_and_both_are_answered(engine: Engine) -> None:
    put(engine, post_id="theirs")
    with client_of(engine) as client:
        found = at_once(2, lambda _: feed(client, {"post_id": "theirs", "decision": "advert"}))
    assert [response.status_code for response in found] == [200, 200]
    assert found[0].json() == found[1].json()
    assert count(engine, DECISIONS.c.id) == 1


def test_feedback_on_one_copy_leaves_the_campaign_alone_unless_it_says_so(engine: Engine) -> None:
    number = put(engine, copies=4, post_id="theirs")
    with client_of(engine) as client:
        one = feed(client, {"post_id": "theirs", "decision": "not_advert"}).json()["decisions"][0]
        assert (one["status"], one["copies"]) == ("settled", 1)
        left = client.get(f"/v1/review/cases/{number}").json()
        assert (left["line"]["state"], left["line"]["copies"], left["shown"]["post_id"]) == ("open", 3, "theirs.2")
        assert client.get(f"/v1/review/cases/{one['case']}").json()["standing"]["source"] == "feedback"
        every = {"post_id": "theirs.3", "decision": "advert", "campaign": True}
        answer = feed(client, every, key="k2").json()["decisions"][0]
        assert (answer["case"], answer["copies"]) == (number, 3)


def test_a_decision_that_does_not_fit_is_told_and_moves_no_copy(engine: Engine) -> None:
    number = put(engine, copies=2, post_id="theirs")
    wrong = {"post_id": "theirs", "decision": "advert", "intent": "other"}
    with client_of(engine) as client:
        answers = feed(client, wrong, {"post_id": "nobody's", "decision": "advert"}).json()["decisions"]
        assert [each["status"] for each in answers] == ["refused", "unknown-post"]
        assert answers[0]["detail"].startswith("intent does not fit advert")
        assert client.get(f"/v1/review/cases/{number}").json()["line"]["copies"] == 2
    assert (count(engine, DECISIONS.c.id), count(engine, CASES.c.id)) == (0, 1)


def test_a_post_that_was_never_judged_is_judged_masked_and_settled(engine: Engine) -> None:
    item = {"post_id": "new", "decision": "advert", "text": "ask @zorple_example for the blue ones", "author": "me"}
    with client_of(engine) as client:
        answer = feed(client, item, other := item | {"post_id": "other", "text": "bread needs patience"}).json()
        assert [each["status"] for each in answer["decisions"]] == ["settled", "settled"]
        assert feed(client, item, other).json() == answer
        found = client.get(f"/v1/review/cases/{answer['decisions'][0]['case']}").json()
    assert found["text"].startswith("ask @")
    assert "zorple" not in found["text"]
    assert (found["shown"]["release"], found["shown"]["advert_probability"]) == ("r1", 0.1)
    assert (count(engine, JUDGED.c.id), count(engine, TEXTS.c.judged_id)) == (2, 2)
    with engine.connect() as connection:
        assert set(connection.scalars(select(JUDGED.c.weight))) == {OUTSIDE}


def test_without_the_store_review_and_feedback_answer_503_and_verdicts_go_on() -> None:
    engine = open_engine("postgresql://nobody@127.0.0.1:1/none")
    app = create_app({"default": detect}, {}, Settings(), engine=engine)
    # `Access` would ask the store for keys first; the type of the list hides that it holds classes
    app.user_middleware = [each for each in app.user_middleware if not issubclass(cast(type, each.cls), Access)]
    app.add_middleware(_Known)
    posts = {"posts": [{"id": "1", "text": "hello"}]}
    with TestClient(app) as client:
        assert kind_of(client.get("/v1/review/cases")) == (503, "store-unavailable")
        assert kind_of(client.post("/v1/review/claims", json={})) == (503, "store-unavailable")
        refused = feed(client, {"post_id": "a", "decision": "advert"})
        assert (kind_of(refused), refused.headers["retry-after"]) == ((503, "store-unavailable"), "5")
        assert client.post("/v1/classify", json=posts).status_code == 200


class _Known:
    """Let everybody through, as `Access` does with keys that it holds in memory."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        state = {"caller": Caller("k1", frozenset(Scope), "key:k1"), "limits": Rates(Settings()), "lefts": []}
        scope.setdefault("state", {}).update(state)
        await self.app(scope, receive, send)
