"""The console's door and its forms: who comes in, what a browser is told, and what another site cannot do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, text, update

from models.verdict import INTENTS, Decision, Post, Verdict
from serving import keys
from serving.app import create_app
from serving.console.pages import own_path
from serving.console.trying import Asked, blanked
from serving.keyring import Keyring
from serving.keys import Scope
from serving.review.meaning import UNCHECKED
from serving.settings import Settings
from serving.store.engine import writing
from serving.store.tables import SESSIONS

BASE = "https://console.example.org"
SESSION, VISIT = "npsight_session", "npsight_visit"
SCRIPT = "<script>alert('x')</script>\"' onmouseover=alert(1) \u202edesrever"


def detect(posts: Sequence[Post]) -> list[Verdict]:
    return [
        Verdict(post.id, Decision.ALLOW, 0.25, dict.fromkeys(INTENTS, 0.125), reasons=[post.text]) for post in posts
    ]


def make_key(engine: Engine, *scopes: Scope, expires: datetime | None = None) -> str:
    with writing(engine) as connection:
        return keys.create(connection, "team", scopes, expires=expires, actor="test")[1]


@pytest.fixture
def client(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr("serving.app.Keyring", partial(Keyring, held_seconds=0))  # a new key is known at once
    monkeypatch.setattr("serving.keyring.WAIT_SECONDS", 60)  # no test waits for a store that is away
    app = create_app({"default": detect}, {"version": "1"}, Settings(host="0.0.0.0"), engine=engine)
    with TestClient(app, base_url=BASE, follow_redirects=False) as client:
        yield client


def token(page: str) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{64})"', page)
    assert found, "the page has no form token"
    return found[1]


def sign_in(client: TestClient, key: str, **options: Any) -> Any:
    page = client.get("/console/sign-in").text
    form = {"token": token(page), "name": "Sample Reviewer", "key": key, "next": "/console/try"}
    return client.post("/console/sign-in", data=form | options)


def test_who_is_not_signed_in_is_sent_to_the_door_and_back(client: TestClient) -> None:
    answer = client.get("/console/lexicon?q=a b")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console/sign-in?next=%2Fconsole%2Flexicon%3Fq%3Da%2520b"
    assert 'value="/console/lexicon?q=a%20b"' in client.get(answer.headers["location"]).text


def test_a_key_opens_the_console_and_its_cookie_is_for_nobody_else(engine: Engine, client: TestClient) -> None:
    answer = sign_in(client, make_key(engine, Scope.REVIEW))
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/try")
    (cookie,) = [each for each in answer.headers.get_list("set-cookie") if each.startswith(f"{SESSION}=")]
    for flag in ("HttpOnly", "SameSite=strict", "Secure", "Path=/console", "Max-Age=43200"):
        assert flag in cookie
    page = client.get("/console/try")
    assert page.status_code == 200
    assert "Sample Reviewer" in page.text


def test_only_a_hash_of_the_session_is_stored(engine: Engine, client: TestClient) -> None:
    sign_in(client, make_key(engine, Scope.REVIEW))
    with engine.connect() as connection:
        (row,) = connection.execute(select(SESSIONS)).all()
    assert client.cookies[SESSION] not in str(row)
    assert row.expires - row.created == timedelta(hours=12)


def test_a_cookie_over_plain_http_is_not_marked_secure(engine: Engine, client: TestClient) -> None:
    client.base_url = "http://console.example.org"
    answer = sign_in(client, make_key(engine, Scope.REVIEW))
    assert answer.status_code == 303
    assert "Secure" not in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("key", "status", "said"),
    [
        ("", 401, "not known here"),
        ("nps_aaaaaaaaaaaa_" + "A" * 43, 401, "not known here"),
        ("' OR 1=1 --", 401, "not known here"),
        (SCRIPT, 401, "not known here"),
        ("classify", 403, "it needs the scope review or admin"),
        ("expired", 401, "expired"),
    ],
)
def test_a_key_that_opens_nothing(engine: Engine, client: TestClient, key: str, status: int, said: str) -> None:
    past = datetime.now(UTC) - timedelta(hours=1)
    made = {"classify": make_key(engine, Scope.CLASSIFY), "expired": make_key(engine, Scope.REVIEW, expires=past)}
    answer = sign_in(client, made.get(key, key))
    assert answer.status_code == status
    assert said in answer.text
    assert SESSION not in client.cookies


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\u0007b", "two\nlines"])
def test_a_name_that_is_none_is_refused(engine: Engine, client: TestClient, name: str) -> None:
    assert sign_in(client, make_key(engine, Scope.REVIEW), name=name).status_code == 422


def test_signing_out_ends_the_session_also_for_who_kept_the_cookie(engine: Engine, client: TestClient) -> None:
    sign_in(client, make_key(engine, Scope.REVIEW))
    kept, page = client.cookies[SESSION], client.get("/console/try").text
    assert client.post("/console/sign-out", data={"token": token(page)}).status_code == 303
    client.cookies.clear()
    assert client.get("/console/try", headers={"Cookie": f"{SESSION}={kept}"}).status_code == 303


def test_an_expired_session_is_none(engine: Engine, client: TestClient) -> None:
    sign_in(client, make_key(engine, Scope.REVIEW))
    with writing(engine) as connection:
        connection.execute(update(SESSIONS).values(expires=datetime.now(UTC) - timedelta(seconds=1)))
    assert client.get("/console/try").headers["location"].startswith("/console/sign-in")


def test_a_revoked_key_ends_its_sessions(engine: Engine, client: TestClient) -> None:
    key = make_key(engine, Scope.REVIEW)
    sign_in(client, key)
    assert client.get("/console/try").status_code == 200
    with writing(engine) as connection:
        keys.revoke(connection, key.split("_")[1], actor="test")
    assert client.get("/console/try").status_code == 303


@pytest.mark.parametrize("cookie", ["", "x", "x" * 5000, "a;b=c", "' OR ''='", "é"])
def test_a_forged_cookie_opens_nothing(engine: Engine, client: TestClient, cookie: str) -> None:
    make_key(engine, Scope.REVIEW)
    sent = {"Cookie": f"{SESSION}={cookie}".encode()}
    assert client.get("/console/try", headers=sent).status_code == 303  # type: ignore[arg-type]  # bytes are taken too


def test_the_cookie_opens_no_route_of_the_api_and_a_key_no_page(engine: Engine, client: TestClient) -> None:
    key = make_key(engine, Scope.REVIEW, Scope.CLASSIFY)
    assert client.get("/console/try", headers={"Authorization": f"Bearer {key}"}).status_code == 303
    sign_in(client, key)
    cookie = {"Cookie": f"{SESSION}={client.cookies[SESSION]}"}
    assert client.get("/v1/release", headers=cookie).status_code == 401


@pytest.mark.parametrize(
    ("sent", "headers"),
    [
        ("", {}),
        ("0" * 64, {}),
        ("ü", {}),
        ("right", {"Sec-Fetch-Site": "cross-site"}),
        ("right", {"Sec-Fetch-Site": "same-site"}),
        ("right", {"Origin": "https://elsewhere.example.org"}),
        ("right", {"Origin": "null"}),
    ],
)
def test_a_form_that_is_not_ours_changes_nothing(
    engine: Engine, client: TestClient, sent: str, headers: dict[str, str]
) -> None:
    sign_in(client, make_key(engine, Scope.REVIEW))
    right = token(client.get("/console/try").text)
    answer = client.post("/console/sign-out", data={"token": right if sent == "right" else sent}, headers=headers)
    assert answer.status_code == 403
    assert "<h1>" in answer.text
    assert client.get("/console/try").status_code == 200


def test_the_token_of_another_session_is_refused(engine: Engine, client: TestClient) -> None:
    key = make_key(engine, Scope.REVIEW)
    sign_in(client, key)
    first = token(client.get("/console/try").text)
    client.cookies.clear()
    sign_in(client, key)
    assert token(client.get("/console/try").text) != first
    assert client.post("/console/try", data={"token": first, "text": "hello"}).status_code == 403


def test_a_form_of_our_own_page_is_taken(engine: Engine, client: TestClient) -> None:
    sign_in(client, make_key(engine, Scope.REVIEW))
    right = token(client.get("/console/try").text)
    for headers in ({"Origin": BASE}, {"Sec-Fetch-Site": "same-origin"}, {"X-Form-Token": right}):
        form = {"text": "hello", **({} if "X-Form-Token" in headers else {"token": right})}
        assert client.post("/console/try", data=form, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("/console/queue?x=1", "/console/queue?x=1"),
        ("/console", "/console"),
        ("https://elsewhere.example.org/console", "/console"),
        ("//elsewhere.example.org/console", "/console"),
        ("/console/../v1/release", "/console"),
        ("/console\\@elsewhere.example.org", "/console"),
        ("/consoles", "/console"),
        ("/console/\r\nSet-Cookie: a=b", "/console"),
        ("javascript:alert(1)", "/console"),
        ("", "/console"),
    ],
)
def test_no_sign_in_leads_elsewhere(path: str, leads: str) -> None:
    assert own_path(path) == leads


def test_pages_run_no_script_of_others(client: TestClient) -> None:
    answer = client.get("/console/sign-in")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-frame-options"] == "DENY"
    assert not re.search(r"<script(?![^>]* src=)|\sstyle=|\son\w+=", answer.text)


def test_what_a_post_says_is_inert(engine: Engine, client: TestClient) -> None:
    sign_in(client, make_key(engine, Scope.REVIEW))
    right = token(client.get("/console/try").text)
    answer = client.post("/console/try", data={"token": right, "text": SCRIPT})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert" in answer.text
    assert "25.0 %" in answer.text
    assert f"Of 100 posts like this, 25 are adverts; {UNCHECKED}." in answer.text


@pytest.mark.parametrize(
    "form", [{"text": ""}, {"text": "x" * 10_001}, {"policy": "none"}, {"country": "<b>"}, {"lang": "'; --"}]
)
def test_a_trial_that_cannot_be_judged_says_why(engine: Engine, client: TestClient, form: dict[str, str]) -> None:
    sign_in(client, make_key(engine, Scope.REVIEW))
    right = token(client.get("/console/try").text)
    answer = client.post("/console/try", data={"token": right, "text": "hello"} | form)
    assert answer.status_code == 422
    assert "Not judged" in answer.text


def test_what_is_left_out_keeps_every_other_place() -> None:
    assert blanked("abcdef", frozenset({(1, 3), (5, 99)})) == "a  de "


def test_a_trial_names_what_is_wrong_with_it() -> None:
    assert set(Asked(text=" ", policy="p", country="x").faults(["default"], longest=9)) == {"text", "policy", "country"}


def test_errors_are_pages(engine: Engine, client: TestClient) -> None:
    sign_in(client, make_key(engine, Scope.REVIEW))
    right = token(client.get("/console/try").text)
    missing = client.get("/console/<script>")
    assert missing.status_code == 404
    assert missing.headers["content-type"].startswith("text/html")
    assert "<script>" not in missing.text.replace("<script src", "")
    assert client.post("/console/try", data={"token": right, "x": "y" * 2_000_001}).status_code == 413
    assert client.post("/console/try", json={"token": right}).status_code == 415
    assert client.put("/console/try", data={"token": right}).status_code == 405


def test_admin_work_is_refused_to_reviewers_and_shown_as_locked(engine: Engine, client: TestClient) -> None:
    sign_in(client, make_key(engine, Scope.REVIEW))
    page = client.get("/console/lexicon").text
    assert "fieldset" in page
    assert "disabled" in page
    form = {"token": token(page), "surface": "zorple"}
    for path in (
        "lexicon/add",
        "lexicon/retire",
        "releases/promote",
        "releases/roll-back",
        "releases/policies/default",
    ):
        assert client.post(f"/console/{path}", data=form).status_code == 403


def test_the_door_is_tried_so_often_and_no_more(engine: Engine, client: TestClient) -> None:
    make_key(engine, Scope.REVIEW)
    answers = [sign_in(client, "nps_wrong").status_code for _ in range(21)]
    assert answers[:20] == [401] * 20
    assert answers[20] == 429


def test_a_store_that_is_down_is_said_on_a_page(engine: Engine, client: TestClient) -> None:
    sign_in(client, make_key(engine, Scope.REVIEW))
    with writing(engine) as connection:
        connection.execute(text("ALTER TABLE sessions RENAME TO gone"))
    answer = client.get("/console/try")
    assert answer.status_code == 503
    assert "Posts are judged on as before" in answer.text


def test_the_look_is_kept(engine: Engine, client: TestClient) -> None:
    sign_in(client, make_key(engine, Scope.REVIEW))
    page = client.get("/console/try").text
    client.post("/console/look", data={"token": token(page), "theme": "dark", "next": "/console/try"})
    assert 'data-theme="dark"' in client.get("/console/try").text
    client.post("/console/look", data={"token": token(page), "theme": "<b>", "next": "//elsewhere"})
    assert 'data-theme="dark"' in client.get("/console/try").text
