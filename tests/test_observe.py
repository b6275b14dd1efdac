"""What the service tells its operator: metrics, access lines and request ids, and never a word of a post."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from callers import create_local_app as create_app  # type: ignore[import-not-found]  # pytest finds it beside this file
from callers import from_here
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from models.verdict import INTENTS, Decision, Intent, Kind, NpsClass, Post, Span, Status, Substance, Verdict
from serving import keys
from serving.app import create_app as create_app_directly
from serving.keyring import HELD_SECONDS
from serving.observe.facts import Measure
from serving.observe.logs import LogFormat, formatter
from serving.observe.metrics import FOLDER, shared_by
from serving.observe.notes import CURRENT, Notes
from serving.observe.tallies import read
from serving.settings import Settings
from serving.store.engine import open_engine, writing

ROOT = Path(__file__).parent.parent
SECRET = "zebra-quartz"
SUBSTANCE = Substance("2-MMC", NpsClass.CATHINONES, Status.CONFIRMED)


def detect(posts: Sequence[Post]) -> list[Verdict]:
    return [
        Verdict(
            id=post.id,
            decision=Decision.REVIEW if "gram" in post.text else Decision.ALLOW,
            advert_probability=0.9 if "gram" in post.text else 0.01,
            intents={intent: float(intent is Intent.SELL) for intent in INTENTS},
            spans=[Span(0, 5, Kind.SUBSTANCE, "2-MMC", source="lexicon")],
            substances=[SUBSTANCE],
            release="2026.12.1",
            policy="default@1",
        )
        for post in posts
    ]


def failing(posts: Sequence[Post]) -> list[Verdict]:
    raise ValueError(f"cannot score {posts[0].text}")


def app_of(engine: Engine, **options: Any) -> Any:
    told = {"version": "2026.12.1"}
    return create_app({"default": detect, "failing": failing}, told, Settings(**options), engine=engine)


@pytest.fixture
def client(engine: Engine) -> Iterator[TestClient]:
    with TestClient(app_of(engine), raise_server_exceptions=False) as client:
        yield client


def ask(client: TestClient, *texts: str, policy: str = "default", **headers: str) -> Any:
    body = {"posts": [{"id": f"p{n}", "text": text} for n, text in enumerate(texts)], "policy": policy}
    return client.post("/v1/classify", json=body, headers=headers)


def numbers(client: TestClient, **headers: str) -> dict[tuple[str, ...], float]:
    """Give each sample by its name and the values of its labels, in the order of the labels' names."""
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.text)
    return {
        (each.name, *(value for _, value in sorted(each.labels.items()))): each.value
        for family in families
        for each in family.samples
    }


def test_what_is_judged_and_answered_is_counted(client: TestClient) -> None:
    assert ask(client, "2-MMC 10 a gram", "good morning").status_code == 200
    found = numbers(client)
    assert found["npsight_http_requests_total", "POST", "/v1/classify", "200"] == 1
    assert found["npsight_http_request_duration_seconds_count", "/v1/classify"] == 1
    assert found["npsight_posts_judged_total",] == 2
    assert found["npsight_verdicts_total", "review", "default", "2026.12.1"] == 1
    assert found["npsight_verdicts_total", "allow", "default", "2026.12.1"] == 1
    assert found["npsight_verdicts_by_intent_total", "sell"] == 2
    assert found["npsight_posts_naming_class_total", "cathinones"] == 2
    assert found["npsight_run_posts_sum",] == 2
    assert found["npsight_run_duration_seconds_count",] == 1
    assert found["npsight_store_up",] == 1
    assert found["npsight_posts_waiting",] == 0
    assert found["npsight_release_info", "2026.12.1"] == 1


def test_refusals_are_counted_by_their_type(client: TestClient) -> None:
    ask(client, "")
    ask(client, "one", policy="nobody-has-this")
    ask(client, "one", policy="failing")
    found = numbers(client)
    assert found["npsight_refusals_total", "invalid-request"] == 2
    assert found["npsight_refusals_total", "internal-error"] == 1
    assert found["npsight_http_requests_total", "POST", "/v1/classify", "500"] == 1


def test_nothing_that_a_caller_makes_up_becomes_a_label(client: TestClient) -> None:
    for number in range(50):
        client.get(f"/made-up/{number}")
        client.request(f"VERB{number}", "/v1/classify")
        ask(client, "one", policy=f"policy{number}")
    named = {word for name in numbers(client) for word in name}
    assert not [word for word in named if re.search("made-up|VERB|policy[0-9]", word)]
    assert "other" in named


def test_metrics_need_a_key_of_any_scope_once_there_is_one(engine: Engine) -> None:
    with writing(engine) as connection:
        _, secret = keys.create(connection, "scraper", [keys.Scope.REVIEW], expires=None, actor="test")
    with TestClient(app_of(engine)) as client:
        assert client.get("/metrics").status_code == 401
        assert numbers(client, Authorization=f"Bearer {secret}")
    with TestClient(app_of(engine, metrics_open=True)) as client:
        numbers(client)
        assert client.get("/v1/release").status_code == 401


def test_open_metrics_answer_under_whatever_name(engine: Engine) -> None:
    with TestClient(app_of(engine, metrics_open=True, trusted_hosts="npsight.example.org")) as client:
        assert client.get("/metrics").status_code == 200
        assert client.get("/v1/release").status_code == 400


@pytest.mark.parametrize("given", ["a", "4bf92f35-77b3.Z_9", "x" * 64])
def test_a_request_keeps_the_id_that_it_came_with(client: TestClient, given: str) -> None:
    assert ask(client, "one", **{"X-Request-Id": given}).headers["x-request-id"] == given
    refused = ask(client, "", **{"X-Request-Id": given})
    assert (refused.headers["x-request-id"], refused.json()["request_id"]) == (given, given)


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "<script>", "a;b", "'--", "é".encode().decode("latin-1")])
def test_any_other_id_is_replaced(client: TestClient, given: str) -> None:
    answer = client.get("/healthz", headers=[(b"X-Request-Id", given.encode("latin-1"))])
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


def test_two_ids_are_none(client: TestClient) -> None:
    answer = client.get("/healthz", headers=[("X-Request-Id", "a"), ("X-Request-Id", "b")])
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


def test_one_line_a_request_says_how_it_went_and_nothing_of_the_posts(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        ask(client, f"{SECRET} gram", SECRET, **{"X-Request-Id": "r1"})
        ask(client, SECRET, policy="failing")
        client.get(f"/{SECRET}%0aINFO forged?{SECRET}")
        client.get("/healthz")
    lines = [record for record in caplog.records if record.name == "npsight.access"]
    told = [tuple(getattr(each, name) for name in ("method", "route", "status", "posts", "key")) for each in lines]
    assert told == [
        ("POST", "/v1/classify", 200, 2, "local"),
        ("POST", "/v1/classify", 500, 0, "local"),
        ("GET", "other", 404, 0, "local"),
    ]
    ours = [each.getMessage() for each in caplog.records if each.name.startswith("npsight")]  # the client logs too
    assert not [line for line in ours if SECRET in line]


@pytest.mark.parametrize("form", LogFormat)
def test_no_record_can_begin_a_line_of_its_own(form: LogFormat) -> None:
    record = logging.makeLogRecord({"msg": "one\ntwo\r\x1b[2Jthree\u2028four", "levelname": "INFO", "name": "npsight"})
    written = formatter(form).format(record)
    assert len(written.splitlines()) == 1
    assert "\x1b" not in written


def test_a_json_line_holds_the_fields_and_the_requests_id() -> None:
    from serving.observe.logs import Named

    record = logging.makeLogRecord(
        {"msg": "a %s", "args": ("b",), "levelname": "INFO", "name": "npsight", "route": "/x"}
    )
    token = CURRENT.set(Notes("r1"))
    Named().filter(record)
    CURRENT.reset(token)
    written = json.loads(formatter(LogFormat.JSON).format(record))
    assert {key: written[key] for key in ("level", "logger", "message", "route", "request_id")} == {
        **{"level": "INFO", "logger": "npsight", "message": "a b"},
        **{"route": "/x", "request_id": "r1"},
    }
    assert written["time"].endswith("+00:00")


def test_tallies_are_written_when_the_service_stops(engine: Engine) -> None:
    with TestClient(app_of(engine)) as client:
        ask(client, "2-MMC 10 a gram", "good morning")
    with engine.connect() as connection:
        rows = read(connection, since=datetime.now(UTC) - timedelta(hours=1))
    found = {(row.measure, row.value): row.count for row in rows}
    assert found[Measure.POSTS, ""] == 2
    assert found[Measure.TERM, "2-mmc"] == 2
    assert found[Measure.DECISION, "review"] == 1


WORKER = """
import sys, time
from serving.observe.metrics import Metrics
metrics = Metrics()
metrics.answered("/v1/classify", "POST", 200, 0.1)
metrics.waiting.set(7)
metrics.store_up.set(int(sys.argv[1]))
print("counted", flush=True)
sys.stdin.read()
"""


def test_whoever_is_asked_adds_up_all_workers_and_forgets_the_state_of_dead_ones(tmp_path: Path) -> None:
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}

    def told() -> str:
        script = "from serving.observe.metrics import Metrics; print(Metrics().text().decode())"
        return subprocess.run(
            [sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True
        ).stdout

    pipe, run = subprocess.PIPE, [sys.executable, "-c", WORKER]
    workers = [subprocess.Popen([*run, up], env=environment, stdin=pipe, stdout=pipe) for up in ("1", "0")]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"counted\n"
        both = told()
        workers[1].kill()
        workers[1].wait()
        one = told()
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    count = 'npsight_http_requests_total{method="POST",route="/v1/classify",status="200"} 2.0'
    assert count in both
    assert "npsight_posts_waiting 14.0" in both
    assert "npsight_store_up 0.0" in both
    assert count in one  # what it did is not undone
    assert "npsight_posts_waiting 7.0" in one
    assert "npsight_store_up 1.0" in one


def test_several_workers_share_a_folder_that_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    with shared_by(1):
        assert FOLDER not in os.environ
    with shared_by(2):
        folder = Path(os.environ[FOLDER])
        assert folder.is_dir()
    assert not folder.exists()
    assert FOLDER not in os.environ


def test_a_store_that_falls_silent_is_told_and_stops_nothing(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'npsight.db'}")
    app = create_app_directly({"default": detect}, {"version": "1"}, Settings(), engine=engine)
    with TestClient(from_here(app)) as client:
        assert numbers(client)["npsight_store_up",] == 1
        with writing(engine) as connection:
            for table in ("tallies", "api_keys"):
                connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {table}_gone")
        time.sleep(HELD_SECONDS + 0.1)  # the keys are read anew only then
        assert ask(client, "one").status_code == 200
        found = numbers(client)
        assert found["npsight_store_up",] == 0
        assert found["npsight_tally_rows_waiting",] > 0
        assert found["npsight_posts_judged_total",] == 1
