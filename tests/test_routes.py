"""Every route that the service has, also those that come later: found by its own description and by its routers."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import Engine

from models.verdict import INTENTS, Decision, Post, Verdict
from serving import keys
from serving.app import create_app
from serving.description import description
from serving.headers import OPEN_PATHS
from serving.keys import Scope
from serving.problems import PROBLEM_JSON
from serving.settings import Settings
from serving.store.engine import open_engine, writing
from serving.store.upgrade import upgrade

ROOT = Path(__file__).parent.parent
WRITE_ANEW = "docs/openapi.json is not what the routes say: `make openapi` writes it anew"
SCOPES = {
    "/v1/classify": Scope.CLASSIFY,
    "/v1/release": Scope.CLASSIFY,
    "/v1/review": Scope.REVIEW,
    "/v1/feedback": Scope.REVIEW,
}
"""What is promised; another route needs one scope too, whichever it is."""
ANY_KEY = frozenset({"/metrics"})  # figures without names: whoever holds a key may read them
NASTY = (
    *("1", "0", "-1", "9" * 40, "1e9", "x", "' OR 1=1 --", "1; DROP TABLE cases", "<script>alert(1)</script>"),
    *(
        "../../etc/passwd",
        "a\0b",
        "\r\nX-Evil: yes",
        "\U0001f600",
        "\ufeff",
        "%",
        "{{7*7}}",
        "//evil.example",
        "a" * 5000,
    ),
)
MANY = Settings(requests_per_minute=1_000_000, posts_per_minute=100_000_000)


def detect(posts: Sequence[Post]) -> list[Verdict]:
    return [Verdict(post.id, Decision.REVIEW, 0.9, dict.fromkeys(INTENTS, 0.125)) for post in posts]


class Door:
    """A service with a store, and the keys to it: all made at once, since a worker reads keys every few seconds."""

    def __init__(self, folder: Path) -> None:
        self.engine: Engine = open_engine(f"sqlite:///{folder / 'npsight.db'}")
        upgrade(self.engine)
        self.app: FastAPI = create_app({"default": detect}, {"release": "r"}, MANY, engine=self.engine)
        self.all = self.key(*Scope)
        self.single = {scope: self.key(scope) for scope in Scope}
        self.expired = self.key(*Scope, expires=datetime.now(UTC) - timedelta(days=1))
        self.revoked = self.key(*Scope, revoke=True)

    def key(self, *scopes: Scope, expires: datetime | None = None, revoke: bool = False) -> str:
        with writing(self.engine) as connection:
            key, secret = keys.create(connection, "test", scopes, expires=expires, actor="test")
            if revoke:
                keys.revoke(connection, key.id, actor="test")
        return secret


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Door:
    return Door(tmp_path_factory.mktemp("routes"))


@pytest.fixture(scope="module")
def client(door: Door) -> Iterator[TestClient]:
    with TestClient(door.app, raise_server_exceptions=True) as client:
        yield client


def operations(door: Door) -> list[tuple[str, str]]:
    """List the routes of the description with their methods, but for those that stand open."""
    found = [(method.upper(), path) for path, each in door.app.openapi()["paths"].items() for method in each]
    return [(method, filled(path, "1")) for method, path in found if path not in OPEN_PATHS]


def every_route(routes: Sequence[Any]) -> set[tuple[str, str]]:
    """List all routes, also those that stand in no description, such as the console's pages."""
    found: set[tuple[str, str]] = set()
    for route in routes:
        if inner := getattr(route, "original_router", None):
            found |= every_route(inner.routes)
        elif methods := getattr(route, "methods", None):
            found |= {(method, route.path) for method in methods}
    return found


def filled(path: str, value: str) -> str:
    return re.sub(r"\{[^}]*\}", lambda _: quote(value, safe=""), path)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_the_description_in_the_repository_is_that_of_the_routes() -> None:
    assert (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8") == description() + "\n", WRITE_ANEW


def test_the_description_is_the_same_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPSIGHT_MAX_POSTS", "7")
    monkeypatch.setenv("NPSIGHT_DATABASE_URL", "nonsense")
    assert "1 to 256 posts a request" in description()


@pytest.mark.parametrize("shown", ["none", "forged", "expired", "revoked", "of another form", "two"])
def test_no_route_lets_in_who_has_no_key_that_works(door: Door, client: TestClient, shown: str) -> None:
    headers: dict[str, dict[str, str]] = {
        "none": {},
        "forged": bearer(door.all[:-1] + ("a" if door.all[-1] != "a" else "b")),
        "expired": bearer(door.expired),
        "revoked": bearer(door.revoked),
        "of another form": {"Authorization": "Basic YWRtaW46YWRtaW4="},
        "two": bearer(door.all) | {"X-API-Key": door.all},
    }
    assert len(operations(door)) >= 2
    for method, path in operations(door):
        answer = client.request(method, path, headers=headers[shown])
        assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM_JSON), (method, path)
        assert "www-authenticate" in answer.headers


def test_each_route_opens_to_exactly_one_scope(door: Door, client: TestClient) -> None:
    single = {scope: bearer(key) for scope, key in door.single.items()}
    for method, path in operations(door):
        # JSON, since the form of a body is looked at before the scope is.
        body: dict[str, Any] | None = {} if method in ("POST", "PUT") else None
        answers = {
            scope: client.request(method, path, headers=key, json=body).status_code for scope, key in single.items()
        }
        opened = [scope for scope, status in answers.items() if status != 403]
        if path in ANY_KEY:
            assert set(answers.values()) == {200}
            continue
        assert len(opened) == 1, (method, path, answers)
        wanted = next((scope for prefix, scope in SCOPES.items() if path.startswith(prefix)), opened[0])
        assert opened == [wanted], (method, path)


@pytest.mark.parametrize("value", NASTY)
@pytest.mark.parametrize("signed_in", [True, False])
def test_no_page_and_no_route_fails_whatever_stands_in_its_path_and_query(
    door: Door, client: TestClient, value: str, signed_in: bool
) -> None:
    headers = bearer(door.all) if signed_in else {}
    for method, path in sorted(every_route(door.app.routes)):
        if path == "/readyz":
            continue  # 503 until it has warmed up, as described
        query = dict.fromkeys(("q", "id", "post_id", "after", "limit", "policy", "lang", "page", "next"), value)
        for form in (None, {"csrf": value, "note": value, "text": value}):
            answer = client.request(
                method, filled(path, value), params=query, headers=headers, follow_redirects=False, data=form
            )
            assert answer.status_code < 500, (method, path, answer.text[:200])
            assert "<script>alert" not in answer.text, (method, path)
            assert "\n" not in answer.headers.get("location", "")


_folder = tempfile.TemporaryDirectory(prefix="npsight-routes-")
described = Door(Path(_folder.name))
schema = schemathesis.openapi.from_dict(described.app.openapi())
schema.app = described.app


@schema.parametrize()
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_the_api_keeps_to_its_own_description(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(
        headers=bearer(described.all),
        checks=[not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance],
        excluded_checks=[not_a_server_error] if case.path == "/readyz" else [],  # 503 until warmed up, as documented
    )
