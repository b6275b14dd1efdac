"""Everything an operator sees, as one object that the app holds: it counts, it writes the counts, it answers."""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter
from sqlalchemy import Engine

from models.verdict import Post, Verdict
from serving.keyring import Keyring
from serving.live import Live
from serving.observe.metrics import Metrics
from serving.observe.notes import note_posts
from serving.observe.references import drift_now, loaded
from serving.observe.requests import Requests
from serving.observe.tallies import Tallies
from serving.settings import Settings
from serving.store.engine import StoreError

log = logging.getLogger("npsight.serving")
BEAT_SECONDS = 1.0  # between two looks at what has no event of its own, such as the queue's length
FLUSH_SECONDS = 5.0  # between two writes of the tallies
DRIFT_SECONDS = 300.0  # between two looks at the drift of the last week
LAST_SECONDS = 3.0  # for the last write, before the process ends


class Observer:
    """Tell it what happens; `waiting` gives how many posts wait for the network."""

    def __init__(
        self, settings: Settings, engine: Engine, live: Live, keyring: Keyring, *, waiting: Callable[[], int]
    ) -> None:
        self.metrics, self.tallies = Metrics(), Tallies()
        self._settings = settings
        self._engine, self._live, self._keyring, self._waiting = engine, live, keyring, waiting
        self._followed: dict[Counter, tuple[Callable[[], float], float]] = {}
        self._release = ""
        self._silent = False
        self.follow(self.metrics.tallies_lost, lambda: self.tallies.lost)

    def follow(self, counter: Counter, total: Callable[[], float]) -> None:
        """Let a counter rise with a total that another part of the service keeps."""
        self._followed[counter] = (total, 0.0)

    def judged(self, posts: Sequence[Post], verdicts: Sequence[Verdict]) -> None:
        """Count what is about to be answered."""
        note_posts(len(posts))
        self.metrics.judged(verdicts)
        self.tallies.add(posts, verdicts)

    def install(self, app: FastAPI) -> None:
        """Add the route; and stand around all that was put around the app before."""
        app.include_router(self._routes())
        app.add_middleware(Requests, metrics=self.metrics, routes=app.routes)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look and write while the service runs, and write once more at its end."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._beat)
            tasks.start_soon(self._flush_often)
            tasks.start_soon(self._measure_drift)
            yield
            tasks.cancel_scope.cancel()
        self.look()
        with anyio.move_on_after(LAST_SECONDS):
            await self.flush(last=True)

    def look(self) -> None:
        """Take over what others know."""
        metrics = self.metrics
        metrics.waiting.set(self._waiting())
        metrics.store_up.set(not self._keyring.fault)
        metrics.not_in_force.set(len(self._live.faults))
        metrics.tally_rows.set(self.tallies.waiting())
        release = str(self._live.snapshot.release.get("version", ""))
        if release != self._release:
            if self._release:
                metrics.in_force.labels(self._release).set(0)
            metrics.in_force.labels(release).set(1)
            self._release = release
        for counter, (total, before) in self._followed.items():
            counter.inc(max(total() - before, 0))
            self._followed[counter] = (total, total())

    async def flush(self, *, last: bool = False) -> None:
        """Write the tallies; a store that does not answer is said once, and they wait."""
        try:
            await run_sync(partial(self.tallies.flush, self._engine), abandon_on_cancel=last)
            self._silent = False
        except (StoreError, OSError) as error:
            if not self._silent:
                log.warning("the tallies wait for the store: %s", type(error).__name__)
            self._silent = True

    async def _beat(self) -> None:
        while True:
            self.look()
            await anyio.sleep(BEAT_SECONDS)

    async def _flush_often(self) -> None:
        while True:
            await anyio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def _measure_drift(self) -> None:
        while True:
            await anyio.sleep(DRIFT_SECONDS)
            try:
                await run_sync(self.measure_drift)
            except (StoreError, ValueError, OSError) as error:
                log.warning("drift was not measured: %s", type(error).__name__)

    def measure_drift(self) -> None:
        """Compare the last week with the reference; before there is anything to compare, nothing is told."""
        reference = loaded(self._settings)
        with self._engine.connect() as connection:
            drift = drift_now(connection, reference)
        if drift is None:
            return
        for shift in drift.shifts:
            if not math.isnan(shift.psi):
                self.metrics.drift.labels(shift.measure).set(shift.psi)
        self.metrics.unknown_share.labels("reference").set(drift.unknown_before.share)
        self.metrics.unknown_share.labels("live").set(drift.unknown.share)

    def _routes(self) -> APIRouter:
        router = APIRouter(tags=["health"])

        @router.get("/metrics", response_class=Response)
        async def metrics() -> Response:
            """Give the numbers of all workers in Prometheus' text format."""
            self.look()
            return Response(await run_sync(self.metrics.text), media_type=CONTENT_TYPE_LATEST)

        return router
