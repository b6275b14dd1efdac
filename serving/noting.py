"""Record what came into force, however it was changed: by a verb, in the console, or by an editor in a file.

Each worker sees every change; under the chain's lock the first one finds that the chain holds another fact last and
adds the new one, and the others find it there. Who changes a thing by serving/changes.py holds the same lock, so what
is on the disk then is what the chain says, and a worker that is behind waits for its next look.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from anyio import create_task_group
from anyio.to_thread import run_sync
from sqlalchemy import Engine

from serving.audit import CHAIN, append
from serving.in_force import NOTHING, POLICY, Fact, Facts, event, last_recorded
from serving.live import Live, Snapshot
from serving.store.engine import lock, writing
from serving.store.upgrade import prepare

log = logging.getLogger("npsight.serving")
ACTOR = "service"
RETRY_SECONDS = 5.0  # between two attempts while the store is down


class Noting:
    """What this worker has seen recorded."""

    def __init__(self, engine: Engine, live: Live, *, every: float = 1, retry_seconds: float = RETRY_SECONDS) -> None:
        self._engine, self._live, self._every, self._retry_seconds = engine, live, every, retry_seconds
        self._noted: Facts | None = None
        self._prepared = False
        self._again = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch while the service runs."""
        async with create_task_group() as tasks:
            tasks.start_soon(self.watch)
            yield
            tasks.cancel_scope.cancel()

    async def watch(self) -> None:
        """Look again and again whether something new is in force, until cancelled."""
        while True:
            snapshot = self._live.snapshot
            if snapshot.facts and snapshot.facts != self._noted and time.monotonic() >= self._again:
                await self._try(snapshot)
            await asyncio.sleep(self._every)

    async def _try(self, snapshot: Snapshot) -> None:
        try:
            await run_sync(self.note, snapshot, abandon_on_cancel=True)
        except Exception as error:  # whatever it is, the service must go on, and the next attempt may do better
            if not self._again:
                log.error("what is in force is not recorded yet: %s", type(error).__name__)
            self._again = time.monotonic() + self._retry_seconds
        else:
            self._again = 0.0

    def note(self, snapshot: Snapshot) -> None:
        """Record what differs from what the chain holds last."""
        if not self._prepared:
            prepare(self._engine)
            self._prepared = True
        with self._engine.connect() as connection:
            differs = any(self._due(last_recorded(connection), snapshot.facts))
        if differs and not self._record(snapshot):
            return
        self._noted = snapshot.facts

    def _record(self, snapshot: Snapshot) -> bool:
        with writing(self._engine) as connection:
            lock(connection, CHAIN)
            if not snapshot.current():
                return False
            for subject, was, now in list(self._due(last_recorded(connection), snapshot.facts)):
                append(connection, event(ACTOR, "in_force", subject, was, now))
        return True

    def _due(self, known: Facts, facts: Facts) -> Iterator[tuple[str, Fact, Fact]]:
        """Give what came into force in this worker since it last looked, and is not what the chain says."""
        withdrawn = [subject for subject in known if subject.startswith(POLICY) and subject not in facts]
        for subject in sorted([*facts, *withdrawn]):
            was, now = known.get(subject, NOTHING), facts.get(subject, NOTHING)
            seen = self._noted is not None and self._noted.get(subject, NOTHING) == now
            if was != now and not seen:
                yield subject, was, now
