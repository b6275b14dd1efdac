"""Who gets in, who does not, and what is said: on both databases where the store has a part in it."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from models.verdict import INTENTS, Decision, Post, Verdict
from npsight import app as command_line
from serving import keys
from serving.app import create_app
from serving.audit import records
from serving.audit_check import verify
from serving.first_key import first_key
from serving.headers import OPEN_PATHS
from serving.keyring import Keyring
from serving.keys import Scope
from serving.problems import PROBLEM_JSON
from serving.settings import Settings
from serving.store.engine import open_engine, writing
from serving.store.upgrade import upgrade

POST = {"posts": [{"id": "1", "text": "hello"}]}
HERE = ("127.0.0.1", 50000)


def detect(posts: Sequence[Post]) -> list[Verdict]:
    return [Verdict(post.id, Decision.ALLOW, 0.0, dict.fromkeys(INTENTS, 0.0)) for post in posts]


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'npsight.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


def make_key(engine: Engine, *scopes: Scope, expires: datetime | None = None, name: str = "test") -> str:
    with writing(engine) as connection:
        return keys.create(connection, name, scopes or [Scope.CLASSIFY], expires=expires, actor="test")[1]


def revoke(engine: Engine, key: str) -> None:
    with writing(engine) as connection:
        keys.revoke(connection, key.split("_")[1], actor="test")


def client_of(
    engine: Engine, *, client: tuple[str, int] = HERE, host: str = "localhost", **settings: Any
) -> TestClient:
    app = create_app({"default": detect}, {}, Settings(**settings), engine=engine)
    return TestClient(app, base_url=f"http://{host}:8000", client=client)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def assert_refused(response: Any, status: int, kind: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM_JSON
    document: dict[str, Any] = response.json()
    assert document["type"] == f"urn:npsight:problem:{kind}"
    return document


@pytest.mark.parametrize(
    "header", [bearer, lambda key: {"authorization": f"bearer {key}"}, lambda key: {"X-API-Key": key}]
)
def test_a_key_opens_what_its_scopes_allow(engine: Engine, header: Any) -> None:
    client, key = client_of(engine, host="api.example.org", client=("203.0.113.9", 1)), make_key(engine)
    assert client.post("/v1/classify", json=POST, headers=header(key)).status_code == 200


def test_a_key_without_the_scope_is_told_which_one(engine: Engine) -> None:
    response = client_of(engine).post("/v1/classify", json=POST, headers=bearer(make_key(engine, Scope.ADMIN)))
    assert assert_refused(response, 403, "forbidden")["detail"] == "The key lacks the scope classify."
    assert 'error="insufficient_scope", scope="classify"' in response.headers["www-authenticate"]


def forged(key: str) -> str:
    return key[:-1] + ("a" if key[-1] != "a" else "b")


@pytest.mark.parametrize(
    "change",
    [
        forged,
        lambda key: key.replace(key.split("_")[1], "abcdefghijkl"),
        lambda key: key[:-1],
        lambda key: key + "a",
        lambda key: key.upper(),
        lambda key: f" {key}",
        lambda key: f"{key}\u00e9",
        lambda key: "nps_" + "a" * 100_000,
        lambda key: "nps__",
        lambda key: "' OR 1=1 --",
        lambda key: f"nps_{'%' * 12}_{'%' * 43}",
        lambda key: "",
        lambda key: f"{key}, {key}",
    ],
)
def test_what_is_no_key_of_ours_is_refused(sqlite: Engine, change: Any) -> None:
    key = make_key(sqlite)
    shown = change(key)
    headers = [(b"authorization", f"Bearer {shown}".encode("latin-1"))]
    response = client_of(sqlite).post("/v1/classify", json=POST, headers=headers)
    assert_refused(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"] == 'Bearer realm="npsight", error="invalid_token"'
    assert not shown.strip() or shown not in response.text


@pytest.mark.parametrize(
    "names", [("Authorization", "Authorization"), ("Authorization", "X-API-Key"), ("X-API-Key",) * 2]
)
def test_two_keys_in_one_request_are_refused_even_when_both_are_good(sqlite: Engine, names: tuple[str, str]) -> None:
    key = make_key(sqlite)
    headers = [(name, f"Bearer {key}" if name == "Authorization" else key) for name in names]
    assert_refused(client_of(sqlite).post("/v1/classify", json=POST, headers=headers), 401, "unauthenticated")


@pytest.mark.parametrize("value", ["Basic dTpw", "Bearer", "{key}", "Bearer  {key}", "Bearer\t{key}"])
def test_another_scheme_is_refused(sqlite: Engine, value: str) -> None:
    headers = {"Authorization": value.format(key=make_key(sqlite))}
    assert_refused(client_of(sqlite).post("/v1/classify", json=POST, headers=headers), 401, "unauthenticated")


@pytest.mark.parametrize("line", ["\r\nX-API-Key: {key}", "\nAuthorization: Bearer {key}", "\0{key}"])
def test_a_key_cannot_be_smuggled_inside_another_header(sqlite: Engine, line: str) -> None:
    """Servers refuse such bytes; what stands behind one that does not must refuse them too."""
    value = f"Bearer x{line.format(key=make_key(sqlite))}".encode()
    sent: list[Any] = []

    async def ask() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/v1/release", "query_string": b"", "client": HERE}
        headers = [(b"host", b"localhost"), (b"authorization", value)]
        await create_app({"default": detect}, {}, engine=sqlite)({**scope, "headers": headers}, receive, send)

    asyncio.run(ask())
    assert sent[0]["status"] == 401
    assert not any(b"\n" in value or b"\0" in value for _, value in sent[0]["headers"])


@pytest.mark.parametrize("state", ["expired", "revoked"])
def test_a_key_that_no_longer_works_is_refused_and_says_so_to_its_holder_only(engine: Engine, state: str) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    key = make_key(engine, expires=past if state == "expired" else None)
    if state == "revoked":
        revoke(engine, key)
    client = client_of(engine)
    said = [
        assert_refused(client.get("/v1/release", headers=bearer(each)), 401, "unauthenticated")["detail"]
        for each in (key, forged(key))
    ]
    assert said == [f"The key is {state}.", "The key is not known here."]


def test_a_revoked_key_stops_working_within_the_time_promised(engine: Engine) -> None:
    key = make_key(engine)
    client = client_of(engine)
    assert client.get("/v1/release", headers=bearer(key)).status_code == 200
    revoke(engine, key)
    revoked = time.monotonic()
    while client.get("/v1/release", headers=bearer(key)).status_code == 200:
        assert time.monotonic() - revoked < 5
        time.sleep(0.1)


def test_known_keys_go_on_when_the_store_is_gone_and_health_says_so(sqlite: Engine, tmp_path: Path) -> None:
    key = make_key(sqlite)
    app = create_app({"default": detect}, {}, engine=sqlite)
    client = TestClient(app, base_url="http://localhost")
    assert client.get("/v1/release", headers=bearer(key)).status_code == 200
    with sqlite.begin() as connection:
        connection.execute(text("DROP TABLE api_keys"))
    time.sleep(2.6)  # longer than keys are held
    assert client.post("/v1/classify", json=POST, headers=bearer(key)).status_code == 200
    response = client.get("/v1/release", headers=bearer(key.replace(key.split("_")[1], "abcdefghijkl")))
    assert_refused(response, 503, "store-unavailable")
    assert response.headers["retry-after"] == "5"
    assert_refused(client.get("/v1/release", headers=bearer(forged(key))), 401, "unauthenticated")
    with client:
        ready = until_warm(client)
    assert ready == {"status": "ready", "store": "The store does not answer (OperationalError)"}


def until_warm(client: TestClient) -> Any:
    deadline = time.monotonic() + 10
    while (response := client.get("/readyz")).status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.01)
    return response.json()


def test_a_store_that_never_answered_lets_nobody_in(tmp_path: Path) -> None:
    engine = open_engine("postgresql://nobody@127.0.0.1:1/none")
    client = client_of(engine)
    assert_refused(client.get("/v1/release"), 503, "store-unavailable")
    assert client.get("/healthz").status_code == 200
    with client:
        time.sleep(0.2)
        assert "The store does not answer" in assert_refused(client.get("/readyz"), 503, "not-ready")["detail"]
    assert next(first_key(engine)).startswith("the store does not answer, so nobody can call yet")


@pytest.mark.parametrize(
    ("given", "headers", "status"),
    [
        ({}, {}, 200),
        ({"client": ("::1", 1), "host": "[::1]"}, {}, 200),
        ({"host": "127.0.0.1"}, {}, 200),
        ({"client": ("203.0.113.9", 1)}, {}, 401),
        ({"client": ("testclient", 1)}, {}, 401),
        ({"host": "rebound.example.org"}, {}, 401),
        ({"host": "localhost.example.org"}, {}, 401),
        ({}, {"X-Forwarded-For": "203.0.113.9"}, 401),
        ({}, {"Forwarded": "for=127.0.0.1"}, 401),
        ({}, bearer("nps_made_up"), 401),
        ({"settings": {"host": "0.0.0.0"}}, {}, 401),
        ({"settings": {"host": "::"}}, {}, 401),
        ({"settings": {"host": "::1"}}, {}, 200),
        ({"settings": {"host": "localhost"}}, {}, 200),
    ],
)
def test_without_any_key_only_this_machine_is_served(
    sqlite: Engine, given: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    listening = given.get("settings", {}).get("host", "127.0.0.1")
    app = create_app({"default": detect}, {}, Settings(host=listening), engine=sqlite)
    client = TestClient(app, base_url=f"http://{given.get('host', 'localhost')}", client=given.get("client", HERE))
    assert client.get("/v1/release", headers=headers).status_code == status
    assert client.get("/healthz", headers=headers).status_code == 200


def test_once_a_key_was_made_this_machine_needs_one_too_even_when_it_is_revoked(engine: Engine) -> None:
    key = make_key(engine)
    revoke(engine, key)
    response = client_of(engine).get("/v1/release")
    assert_refused(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"] == 'Bearer realm="npsight"'


@pytest.mark.parametrize(
    "path", ["/docs", "/openapi.json", "/v1/release", "/v1/classify", "/nowhere", "/healthz/", "//healthz"]
)
def test_nothing_but_health_is_open(sqlite: Engine, path: str) -> None:
    client = client_of(sqlite, host="api.example.org")
    make_key(sqlite)
    for method in ("GET", "POST", "OPTIONS", "BREW"):
        assert client.request(method, path, follow_redirects=False).status_code == 401


def test_every_route_wants_a_scope_or_is_open(sqlite: Engine) -> None:
    app = create_app({"default": detect}, {}, engine=sqlite)
    paths = app.openapi()["paths"]
    assert paths.keys() >= {"/v1/classify", "/v1/release", *OPEN_PATHS}
    for path, methods in paths.items():
        for described in methods.values():
            assert ("security" in described) == (path not in OPEN_PATHS), path


def test_the_body_of_who_may_not_call_is_not_read(sqlite: Engine) -> None:
    make_key(sqlite)
    client = client_of(sqlite)
    assert client.post("/v1/classify", content=b"x" * 3_000_000).status_code == 401


def test_nothing_of_a_key_is_in_logs_answers_or_the_store(
    engine: Engine, caplog: pytest.LogCaptureFixture, database_url: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        key = make_key(engine, Scope.REVIEW)
        client = client_of(engine)
        said = [client.request(*call, headers=bearer(key)).text for call in (("GET", "/v1/release"), ("GET", "/x"))]
    with engine.connect() as connection:
        kept = str(keys.listed(connection)) + str(list(records(connection)))
    secret = key.split("_", 2)[2]
    assert not any(secret in each for each in (*said, caplog.text, kept))


def test_use_is_noted_with_its_day(engine: Engine) -> None:
    key = make_key(engine)
    for _ in range(2):
        client_of(engine).get("/v1/release", headers=bearer(key))

    async def use() -> None:
        ring = Keyring(engine, held_seconds=0)
        known = await ring.keys()
        assert known
        ring.used(next(iter(known.values())), datetime.now(UTC))
        await ring.keys()

    asyncio.run(use())
    with engine.connect() as connection:
        assert [found.last_used for found in keys.listed(connection)] == [datetime.now(UTC).date()]
    with writing(engine) as connection:
        keys.mark_used(connection, [key.split("_")[1]], date(2020, 1, 1))
    with engine.connect() as connection:
        assert keys.listed(connection)[0].last_used != date(2020, 1, 1)


@pytest.mark.parametrize("name", ["o'brien", "x'); DROP TABLE api_keys;--", '"', "%_\\", "\u5ba1\u67e5", "x" * 100])
def test_a_name_is_kept_as_it_was_written(engine: Engine, name: str) -> None:
    make_key(engine, name=name)
    with engine.connect() as connection:
        assert [key.name for key in keys.listed(connection)] == [name]


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", "a\x1b[31m", "a\0"])
def test_a_name_that_would_spoil_a_list_is_refused(sqlite: Engine, name: str) -> None:
    with pytest.raises(ValueError, match="a key's name"):
        make_key(sqlite, name=name)


def test_a_key_has_one_scope_at_least(sqlite: Engine) -> None:
    with pytest.raises(ValueError, match="has no scope"), writing(sqlite) as connection:
        keys.create(connection, "x", [], expires=None, actor="test")


NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("90d", datetime(2027, 3, 1, tzinfo=UTC)),
        ("12h", datetime(2026, 12, 1, 12, tzinfo=UTC)),
        ("2027-01-02", datetime(2027, 1, 2, tzinfo=UTC)),
        ("never", None),
    ],
)
def test_an_expiry_is_read(words: str, found: datetime | None) -> None:
    assert keys.expiry(words, NOW) == found


@pytest.mark.parametrize("words", ["", "0d", "-1d", "90", "90 d", "9999999d", "2026-01-01", "\u0669d"])
def test_what_is_no_expiry_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="wanted a time to come"):
        keys.expiry(words, NOW)


def test_the_first_run_makes_one_key_and_shows_it_once(engine: Engine) -> None:
    said = "\n".join(first_key(engine))
    assert list(first_key(engine)) == []
    key = re.search(keys.FORM, said)
    assert key
    client = client_of(engine, host="api.example.org")
    assert client.post("/v1/classify", json=POST, headers=bearer(key[0])).status_code == 200
    with engine.connect() as connection:
        assert [(record.actor, record.action) for record in records(connection)] == [("service", "key.create")]


def test_the_verbs_make_list_and_revoke_and_the_chain_records_it(
    engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPSIGHT_DATABASE_URL", database_url)
    run = CliRunner().invoke
    made = run(
        command_line, ["keys", "create", "queue", "--scope", "classify", "--scope", "review", "--expires", "90d"]
    )
    key = made.stdout.strip()
    assert keys.parse(key)
    key_id = key.split("_")[1]
    assert f"{key_id}  active   classify,review" in run(command_line, ["keys", "list"]).output
    assert "within 5 seconds" in run(command_line, ["keys", "revoke", key_id]).output
    assert f"{key_id}  revoked" in run(command_line, ["keys", "list"]).output
    again = run(command_line, ["keys", "revoke", key_id])
    assert (again.exit_code, "not revoked already" in again.output) == (2, True)
    assert run(command_line, ["keys", "create", "x", "--scope", "boss"]).exit_code == 2
    with engine.connect() as connection:
        assert [record.action for record in records(connection)] == ["key.create", "key.revoke"]
        assert not verify(connection).faults


def test_too_many_requests_are_refused_with_the_time_to_wait(sqlite: Engine) -> None:
    first, second = make_key(sqlite), make_key(sqlite)
    client = client_of(sqlite, requests_per_minute=3)
    answers = [client.get("/v1/release", headers=bearer(first)) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"requests";q=3;w=60'
    assert answers[0].headers["ratelimit"].startswith('"requests";r=2;t=')
    assert_refused(answers[3], 429, "rate-limited")
    assert 1 <= int(answers[3].headers["retry-after"]) <= 60
    assert client.get("/v1/release", headers=bearer(second)).status_code == 200
    assert client.get("/healthz").status_code == 200


def test_too_many_posts_are_refused_before_they_are_judged(sqlite: Engine) -> None:
    client = client_of(sqlite, max_posts=2, posts_per_minute=3)
    two = {"posts": [{"id": "1", "text": "x"}, {"id": "2", "text": "x"}]}
    answers = [client.post("/v1/classify", json=body) for body in (two, two, POST, POST)]
    assert [answer.status_code for answer in answers] == [200, 429, 200, 429]
    assert re.search(r'"requests";r=\d+;t=\d+, "posts";r=1;t=\d+', answers[0].headers["ratelimit"])
    assert "3 posts a minute" in assert_refused(answers[1], 429, "rate-limited")["detail"]


def test_addresses_without_keys_are_counted_apart(sqlite: Engine) -> None:
    app = create_app({"default": detect}, {}, Settings(requests_per_minute=1), engine=sqlite)
    clients = [TestClient(app, base_url="http://localhost", client=(name, 1)) for name in ("127.0.0.1", "127.0.0.2")]
    assert [client.get("/v1/release").status_code for client in clients * 2] == [200, 200, 429, 429]


def test_a_storage_of_limits_that_is_gone_limits_nobody(sqlite: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(*_: Any, **__: Any) -> bool:
        raise StorageError(ConnectionError("no way"))

    monkeypatch.setattr(SlidingWindowCounterRateLimiter, "hit", gone)
    response = client_of(sqlite, requests_per_minute=1).post("/v1/classify", json=POST)
    assert (response.status_code, "ratelimit" in response.headers) == (200, False)


def test_what_cannot_be_set_is_refused_at_the_start(sqlite: Engine) -> None:
    with pytest.raises(ValueError, match="the largest request could never pass"):
        Settings(posts_per_minute=10)
    with pytest.raises(ValueError, match="rate_limit_storage"):
        client_of(sqlite, rate_limit_storage="tin-cans://x")


@pytest.mark.parametrize("path", ["/v1/release", "/healthz", "/nowhere", "/docs"])
def test_every_answer_bears_the_headers_that_browsers_heed(sqlite: Engine, path: str) -> None:
    for host in ("localhost", "elsewhere.example.org"):
        headers = client_of(sqlite, host=host).get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert ("script-src" in headers["content-security-policy"]) == (path == "/docs")
        assert "access-control-allow-origin" not in headers


def test_pages_of_named_origins_may_call_and_others_not(sqlite: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    make_key(sqlite)
    monkeypatch.setenv("NPSIGHT_CORS_ORIGINS", "https://console.example.org, https://b.example.org")
    client = client_of(sqlite)
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    ours = client.options("/v1/classify", headers=ask | {"Origin": "https://console.example.org"})
    assert (ours.status_code, ours.headers["access-control-allow-origin"]) == (200, "https://console.example.org")
    others = client.options("/v1/classify", headers=ask | {"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in others.headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("api.example.org", 200),
        ("API.example.org:8443", 200),
        ("x.wild.example", 200),
        ("wild.example", 400),
        ("evil.example", 400),
        ("api.example.org.evil.example", 400),
        ("evilwild.example", 400),
    ],
)
def test_the_service_answers_to_its_own_names_only(sqlite: Engine, host: str, status: int) -> None:
    key = make_key(sqlite)
    client = client_of(sqlite, trusted_hosts="api.example.org,*.wild.example")
    response = client.get("/v1/release", headers=bearer(key) | {"Host": host})
    assert response.status_code == status
    assert client.get("/healthz", headers={"Host": "10.0.0.7"}).status_code == 200


def test_the_store_is_asked_once_for_many_requests(sqlite: Engine) -> None:
    key = make_key(sqlite)
    asked = 0
    ring_read = Keyring._read

    def count(ring: Keyring) -> Any:
        nonlocal asked
        asked += 1
        return ring_read(ring)

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(create_app({"default": detect}, {}, engine=sqlite))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            calls = (client.get("/v1/release", headers=bearer(key)) for _ in range(20))
            return [response.status_code for response in await asyncio.gather(*calls)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Keyring, "_read", count)
        assert asyncio.run(ask()) == [200] * 20
    assert asked == 1


def test_password_and_address_of_the_store_are_in_no_print_of_the_settings() -> None:
    assert "hush" not in repr(Settings(database_url="postgresql://u:hush@h/d"))  # type: ignore[arg-type]
