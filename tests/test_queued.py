"""What `queued: true` is worth: the row is there when the process is killed, and a store that is gone is said."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from serving.audit_check import verify
from serving.store.engine import open_engine
from serving.store.tables import DECISIONS, JUDGED
from serving.store.upgrade import upgrade

ROOT = Path(__file__).parent.parent


class Service:
    """`npsight serve` with the shipped release, in a process of its own."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        given = {"port": port, "threads": 1, "audit_rate": 1, **settings}  # all are kept, whatever the release says
        environment = os.environ | {f"NPSIGHT_{name.upper()}": str(value) for name, value in given.items()}
        self.log = folder / "log.txt"
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "npsight", "serve"],
                cwd=ROOT,
                env=environment | {"PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )
        try:
            self._wait()
        except BaseException:
            self.end(signal.SIGKILL)
            raise

    def end(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.wait(60)

    def _wait(self) -> None:
        deadline = time.monotonic() + 400
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        pytest.fail(self.log.read_text(encoding="utf-8"))

    def ask(self, *names: str) -> list[bool | None]:
        posts = [{"id": name, "text": f"Tomatoes grow well in {name}", "author": name} for name in names]
        answer = httpx.post(f"{self.url}/v1/classify", json={"posts": posts}, timeout=60)
        assert answer.status_code == 200
        return [each["queued"] for each in answer.json()["verdicts"]]


def kept(url: str) -> set[str]:
    engine = open_engine(url)
    with engine.connect() as connection:
        found = set(connection.scalars(select(JUDGED.c.post_id)))
    engine.dispose()
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_said_to_be_queued_is_there_whatever_ends_the_process(tmp_path: Path, number: int) -> None:
    url = f"sqlite:///{tmp_path}/npsight.db"
    service = Service(tmp_path, database_url=url)
    try:
        said = [service.ask(f"garden-{at}", f"field-{at}") for at in range(5)]
    finally:
        service.end(number)
    assert said == [[True, True]] * 5
    assert kept(url) == {f"{name}-{at}" for name in ("garden", "field") for at in range(5)}


def test_an_acknowledged_decision_is_there_when_the_process_is_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/npsight.db"
    service = Service(tmp_path, database_url=url)
    try:
        assert service.ask("garden") == [True]
        case = httpx.post(f"{service.url}/v1/review/claims", json={}, timeout=60).json()["case"]["id"]
        decisions = f"{service.url}/v1/review/cases/{case}/decisions"
        said = httpx.post(decisions, json={"decision": "not_advert", "note": "a garden"}, timeout=60)
        assert said.status_code == 201
    finally:
        service.end(signal.SIGKILL)
    engine = open_engine(url)
    with engine.connect() as connection:
        assert list(connection.scalars(select(DECISIONS.c.decision))) == ["not_advert"]
        assert verify(connection).faults == []
    engine.dispose()


@pytest.fixture
def server() -> Iterator[Any]:
    from postgres_server import postgres_server  # type: ignore[import-not-found]  # pytest finds it beside this file

    with postgres_server() as started:
        yield started


def test_while_the_store_is_gone_posts_are_judged_and_said_not_to_be_queued(server: Any, tmp_path: Path) -> None:
    from postgres_server import new_database

    url = new_database(server.socket, "npsight")
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()
    service = Service(tmp_path, database_url=url)
    try:
        assert service.ask("before") == [True]
        server.stop()
        assert service.ask("during-1", "during-2") == [False, False]
        assert service.ask("during-3") == [False]
        said = httpx.get(f"{service.url}/readyz", timeout=60)
        assert said.status_code == 200
        assert said.json()["not_queued"] == 3
        assert "The store does not" in said.json()["store"]
        server.start()
        deadline = time.monotonic() + 60
        while service.ask("after") != [True]:
            assert time.monotonic() < deadline
            time.sleep(0.5)
        assert httpx.get(f"{service.url}/readyz", timeout=60).json()["store"] == "answers"
    finally:
        service.end()
    assert kept(url) == {"before", "after"}
    assert "Tomatoes" not in service.log.read_text(encoding="utf-8")
