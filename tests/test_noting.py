"""What came into force is in the audit chain once, whoever changed it and however many workers saw it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path

from changing_place import Place  # type: ignore[import-not-found]  # pytest finds it beside this file
from sqlalchemy import Engine

from models.policy import load_policy, policy_to_json
from serving import audit, changes
from serving.audit_check import verify
from serving.live import Live
from serving.loading import Loader
from serving.noting import Noting
from serving.shadow_file import Wanted
from serving.store.engine import open_engine
from serving.store.upgrade import upgrade

START = [("in_force", "policy:default", "default@1"), ("in_force", "release", "2026.1.1")]


class Worker:
    """One worker's eyes: its loader, what it has in force, and its notes."""

    def __init__(self, place: Place, engine: Engine) -> None:
        self.loader = Loader(place.settings())
        self.live = Live(self.loader.snapshot)
        self.noting = Noting(engine, self.live)

    def look(self) -> None:
        self.live.snapshot, faults = self.loader()
        assert faults == []

    def note(self) -> None:
        self.noting.note(self.live.snapshot)


def recorded(engine: Engine) -> list[tuple[str, str, str]]:
    with engine.connect() as connection:
        assert verify(connection).faults == []
        found = list(audit.records(connection))
    return [(each.action, each.subject_id, json.loads(each.details or "")["now"]["version"]) for each in found]


def both(*workers: Worker) -> None:
    """Let workers look and note at the same time."""

    def work(worker: Worker) -> None:
        worker.look()
        worker.note()

    threads = [threading.Thread(target=work, args=[worker]) for worker in workers]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def test_the_start_and_changes_by_hand_are_recorded_once_by_two_workers(place: Place, engine: Engine) -> None:
    workers = Worker(place, engine), Worker(place, engine)
    both(*workers)
    assert recorded(engine) == START
    place.write_policy(version=7)
    both(*workers)
    overlay = place.add("wibble")
    both(*workers)
    place.registry.promote("2026.1.2")
    both(*workers)
    place.strict.unlink()
    both(*workers)  # an editor may be about to put it back
    assert ("in_force", "policy:strict", "") not in recorded(engine)
    both(*workers)
    both(*workers)
    assert recorded(engine)[2:] == [
        ("in_force", "policy:strict", "strict@7"),
        ("in_force", "lexicon", overlay),
        ("in_force", "release", "2026.1.2"),
        ("in_force", "policy:strict", ""),
    ]


def test_what_a_verb_recorded_is_not_recorded_again(place: Place, engine: Engine) -> None:
    workers = Worker(place, engine), Worker(place, engine)
    both(*workers)
    words = {"substance": "2-MMC", "nps_class": "cathinones", "kind": "slang", "lang": "en", "ambiguity": "low"}
    policy = policy_to_json(load_policy(place.registry.folder / "2026.1.1" / "policy.json"))
    content = json.dumps(policy | {"name": "strict", "version": 0}).encode()
    for change in (
        lambda: changes.add_term(engine, place.terms, "wibble", **words, actor="a"),
        lambda: changes.put_policy(engine, place.strict.parent, content, "a"),
        lambda: changes.start_shadow(engine, place.registry, Wanted("2026.1.2", 1), "a"),
        lambda: changes.stop_shadow(engine, place.registry, "a"),
        lambda: changes.promote(engine, place.registry, "2026.1.2", "a"),
        lambda: changes.roll_back(engine, place.registry, "a"),
        lambda: changes.remove_policy(engine, place.strict.parent, "strict", "a"),
    ):
        change()
        both(*workers)
        both(*workers)
    actions = [action for action, _, _ in recorded(engine)[len(START) :]]
    assert actions == [
        *("add_term", "put_policy", "start_shadow", "stop_shadow", "promote", "roll_back", "remove_policy"),
    ]


def test_a_change_that_was_not_recorded_is_recorded_by_the_service(place: Place, engine: Engine) -> None:
    worker = Worker(place, engine)
    worker.note()
    assert not changes.promote(None, place.registry, "2026.1.2", "cli:a").recorded
    both(worker)
    assert recorded(engine)[-1] == ("in_force", "release", "2026.1.2")


def test_what_changed_while_no_service_ran_is_recorded_at_the_next_start(place: Place, engine: Engine) -> None:
    place.write_policy(version=7)
    Worker(place, engine).note()
    place.strict.unlink()
    place.registry.promote("2026.1.2")
    Worker(place, engine).note()
    assert recorded(engine)[-2:] == [("in_force", "policy:strict", ""), ("in_force", "release", "2026.1.2")]


def test_a_worker_that_is_behind_records_nothing_old(place: Place, engine: Engine) -> None:
    slow, quick = Worker(place, engine), Worker(place, engine)
    both(slow, quick)
    changes.promote(engine, place.registry, "2026.1.2", "a")
    slow.look()
    changes.roll_back(engine, place.registry, "a")
    slow.note()
    both(quick)
    both(slow)
    assert [action for action, _, _ in recorded(engine)[len(START) :]] == ["promote", "roll_back"]


def test_while_the_store_is_down_the_service_goes_on_and_records_later(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "late" / "npsight.db"
    engine = open_engine(f"sqlite:///{path}")
    path.unlink()
    path.parent.rmdir()
    live = Live(Loader(place.settings()).snapshot)
    noting = Noting(engine, live, every=0.01, retry_seconds=0.05)

    async def watch() -> None:
        async with noting.running():
            await asyncio.sleep(0.3)
            assert noting._noted is None
            path.parent.mkdir()
            deadline = time.monotonic() + 20
            while noting._noted is None:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.02)

    asyncio.run(watch())
    upgrade(engine)
    assert recorded(engine) == START
    engine.dispose()
