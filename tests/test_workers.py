"""The service as processes: every worker takes up a change, and none drops what it accepted when it stops."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from changing_place import Place  # type: ignore[import-not-found]  # pytest finds it beside this file
from sqlalchemy import Engine, func, select

from models.overlay import retire_term
from serving import changes
from serving.audit import records
from serving.audit_check import verify
from serving.in_force import KIND
from serving.shadow_file import Wanted
from serving.store.engine import open_engine
from serving.store.tables import SHADOWED
from serving.store.upgrade import upgrade

ROOT = Path(__file__).parent.parent
NEW = "fresh batch landed wibble dm for prices crypto only"
OLD = "fresh batch landed 2-MMC dm for prices crypto only"


class Service:
    """A service in processes of its own."""

    def __init__(self, place: Place, **settings: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        given = {"port": self.url.rpartition(":")[2], "threads": 1, "registry": place.registry.folder}
        given |= {"policies": place.strict.parent, "terms": place.terms, **settings}
        environment = os.environ | {f"NPSIGHT_{name.upper()}": str(value) for name, value in given.items()}
        self.log = place.folder / "log.txt"
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "npsight", "serve"],
                cwd=ROOT,
                env=environment | {"PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )

    def ask(self, text: str, count: int = 1, **options: Any) -> httpx.Response:
        """Ask over a new connection, which any worker may take."""
        body = {"posts": [{"id": f"p{number}", "text": text} for number in range(count)]}
        return httpx.post(f"{self.url}/v1/classify", json=body | options, timeout=60)

    def logged(self) -> str:
        return str(self.log.read_text(encoding="utf-8"))

    def workers_that_said(self, words: str) -> set[str]:
        return set(re.findall(rf"^\S+ \S+ (\d+) \w+ .*{re.escape(words)}", self.logged(), re.MULTILINE))


@contextmanager
def serving(place: Place, **settings: Any) -> Iterator[Service]:
    service = Service(place, **settings)
    try:
        eventually(lambda: answers(service), seconds=120)
        yield service
    finally:
        service.process.terminate()
        service.process.wait(60)


def answers(service: Service) -> bool:
    assert service.process.poll() is None, service.logged()
    try:
        return httpx.get(f"{service.url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def eventually(condition: Callable[[], object], seconds: float) -> float:
    """Wait for a condition and say how long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds
        time.sleep(0.05)
    return time.monotonic() - began


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200
    return [each["name"] for each in answer.json()["verdicts"][0]["substances"]]


def test_every_worker_takes_up_terms_policies_and_releases_within_seconds(place: Place) -> None:
    with serving(place, workers=2, watch_seconds=0.5) as service:
        eventually(lambda: len(service.workers_that_said("watching for changes")) == 2, seconds=120)
        assert names(service.ask(OLD)) == ["2-MMC"]
        retire_term(place.terms, "2-MMC")
        version = place.add("wibble")
        took = eventually(lambda: len(service.workers_that_said(version)) == 2, seconds=30)
        for _ in range(20):
            assert names(service.ask(OLD)) == []
            assert names(service.ask(NEW)) == ["2-MMC"]
        place.write_policy(version=7)
        took = max(took, eventually(lambda: len(service.workers_that_said("strict@7")) == 2, seconds=30))
        place.registry.promote("2026.1.2")
        took = max(took, eventually(lambda: len(service.workers_that_said("release 2026.1.2")) == 2, seconds=30))
        for _ in range(20):
            (verdict,) = service.ask(NEW, policy="strict").json()["verdicts"]
            assert (verdict["release"], verdict["policy"]) == ("2026.1.2", "strict@7")
            assert verdict["lexicon"].endswith(f"+{version}")
        assert took < 5


def test_every_worker_follows_a_challenger_and_the_chain_holds_each_change_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{place.folder / 'npsight.db'}"
    monkeypatch.setenv("NPSIGHT_DATABASE_URL", url)
    engine = open_engine(url)
    upgrade(engine)
    with serving(place, workers=2, watch_seconds=0.5) as service:
        eventually(lambda: len(service.workers_that_said("watching for changes")) == 2, seconds=120)
        changes.start_shadow(engine, place.registry, Wanted("2026.1.2", 1), "a")
        eventually(lambda: len(service.workers_that_said("challenger 2026.1.2 on 1")) == 2, seconds=30)
        service.ask(OLD, count=12)
        eventually(lambda: counted(engine) == 12, seconds=60)
        changes.stop_shadow(engine, place.registry, "a")
        place.write_policy(version=7)  # by hand
        eventually(lambda: len(service.workers_that_said("strict@7")) == 2, seconds=30)
        eventually(lambda: len(recorded(engine)) == 5, seconds=30)
        service.ask(OLD, count=12)
        changes.promote(engine, place.registry, "2026.1.2", "a")
        eventually(lambda: len(service.workers_that_said("release 2026.1.2")) == 2, seconds=30)
        time.sleep(2)  # for a worker that would record it once more
    assert counted(engine) == 12  # nothing was judged after the stop
    assert recorded(engine) == [
        ("in_force", "policy:default"),
        ("in_force", "release"),
        ("start_shadow", "shadow"),
        ("stop_shadow", "shadow"),
        ("in_force", "policy:strict"),
        ("promote", "release"),
    ]
    engine.dispose()


def counted(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(SHADOWED)) or 0


def recorded(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        assert verify(connection).faults == []
        return [(each.action, each.subject_id) for each in records(connection) if each.subject_kind == KIND]


def test_what_was_accepted_is_answered_after_the_signal_to_stop(place: Place) -> None:
    with serving(place, deadline_seconds=60, shutdown_seconds=60, batch_posts=8) as service:
        answered: list[httpx.Response] = []
        asking = threading.Thread(target=lambda: answered.append(service.ask(f"{OLD} " * 12, 256)))
        asking.start()
        time.sleep(1)
        service.process.terminate()
        time.sleep(0.3)
        if asking.is_alive():  # it is still being judged, so the service still says why it takes no more
            refused = service.ask(NEW)
            assert (refused.status_code, refused.json()["type"]) == (503, "urn:npsight:problem:not-ready")
            assert "retry-after" in refused.headers
        asking.join(60)
        assert service.process.wait(60) is not None
        assert [each.status_code for each in answered] == [200]
        assert len(answered[0].json()["verdicts"]) == 256


def test_metrics_and_tallies_are_of_all_workers_together(place: Place) -> None:
    with serving(place, workers=2, log_format="json") as service:
        for _ in range(20):
            assert service.ask(NEW).status_code == 200
        for _ in range(5):  # whichever worker is asked, the answer is the same
            metrics = httpx.get(f"{service.url}/metrics").text
            assert "npsight_posts_judged_total 20.0" in metrics
            assert 'npsight_http_requests_total{method="POST",route="/v1/classify",status="200"} 20.0' in metrics
    lines = [json.loads(line) for line in service.logged().splitlines() if line.startswith("{")]
    access = [line for line in lines if line["logger"] == "npsight.access" and line["route"] == "/v1/classify"]
    assert len({line["request_id"] for line in access}) == 20
    assert len({line["process"] for line in access}) == 2
