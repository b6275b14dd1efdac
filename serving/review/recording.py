"""Keep verdicts for the review queue before they are answered, many requests in one transaction.

Whoever comes while a transaction runs goes into the next. When the store does not take them, the answer says so on each
verdict, a count goes up, and only one transaction every few seconds tries again: no other request waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from anyio import fail_after
from anyio.to_thread import run_sync
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from models.detector import Detector
from models.verdict import Detect, Post, Verdict
from serving.review.judged import Case, is_flag, keep_requests

log = logging.getLogger("npsight.serving")
WAIT_SECONDS = 3.0  # for the store; a request waits for two transactions at most
CASE_SECONDS = 0.02  # more for each verdict: masking and marking take a tenth of it on an idle machine
RETRY_SECONDS = 2.0  # between two attempts while the store is down
FAULT_SECONDS = 60  # a fault that no later verdict could mend or confirm is said for so long
CASES_AT_ONCE = 256  # most rows in one transaction, which nobody else can write beside
CASES_WAITING = 10_000  # beyond them the store is too slow, which is as good as down


@dataclass(eq=False, slots=True)
class Request:
    """What one request brings, and whether it was kept."""

    cases: Sequence[Case]
    kept: asyncio.Future[bool]


class Recorder:
    """The way into the review queue, and what could not go there."""

    def __init__(
        self,
        engine: Engine,
        *,
        audit_rate: float = 0,
        campaign_days: int = 30,
        wait_seconds: float = WAIT_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
        draw: random.Random | None = None,
    ) -> None:
        self.engine = engine
        self.audit_rate, self.campaign_days = audit_rate, campaign_days
        self.wait_seconds, self.retry_seconds = wait_seconds, retry_seconds
        self.queued, self.not_queued = 0, 0  # verdicts since the start
        self._draw = draw or random.Random()
        self._waiting: list[Request] = []
        self._worker: asyncio.Task[None] | None = None
        self._fault, self._failed_at = "", float("-inf")

    @property
    def fault(self) -> str:
        """Say why verdicts are not kept; empty when they are, or when none was lost for a minute."""
        return self._fault if time.monotonic() - self._failed_at < FAULT_SECONDS else ""

    async def record(
        self, detect: Detect, posts: Sequence[Post], verdicts: Sequence[Verdict], caller: str
    ) -> list[bool | None]:
        """Keep each flag and each verdict drawn; None says that nothing was to be kept, False that it could not be.

        False may rarely stand on a verdict that is there all the same: the store had it and could not say so in time.
        """
        chosen = list(self._choose(detect, posts, verdicts, caller))
        cases = [case for case in chosen if case]
        kept = bool(cases) and await self._queue(cases)
        self.queued += len(cases) * kept
        self.not_queued += len(cases) * (not kept)
        return [None if case is None else kept for case in chosen]

    async def drain(self, seconds: float) -> None:
        """Wait until everything that came is written or given up, or for so many seconds."""
        deadline = time.monotonic() + seconds
        while (self._waiting or self._worker) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

    def _choose(
        self, detect: Detect, posts: Sequence[Post], verdicts: Sequence[Verdict], caller: str
    ) -> Iterator[Case | None]:
        now = datetime.now(UTC)
        prevalence = detect.policy.prevalence if isinstance(detect, Detector) else None
        for post, verdict in zip(posts, verdicts, strict=True):
            drawn = self._draw.random() < self.audit_rate
            weight = 1 / self.audit_rate if drawn else None
            yield Case(post, verdict, caller, now, prevalence, weight) if drawn or is_flag(verdict) else None

    async def _queue(self, cases: Sequence[Case]) -> bool:
        if self._down() or sum(len(each.cases) for each in self._waiting) >= CASES_WAITING:
            return False
        request = Request(cases, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), context=Context())  # of no request, nor its id in our log
        return await request.kept

    def _down(self) -> bool:
        """Say whether to give up at once: the store failed just now, or somebody else is finding out."""
        recent = time.monotonic() - self._failed_at < self.retry_seconds
        return bool(self._fault) and (recent or self._worker is not None)

    async def _work(self) -> None:
        try:
            while requests := list(self._take()):
                for request, kept in zip(requests, await self._write(requests), strict=True):
                    _settle(request, kept)
                if self._fault:  # who came meanwhile must not wait for the same again
                    for request in self._take_all():
                        _settle(request, False)
        finally:  # not by a callback: a request that came before it was called would find no worker
            self._worker = None

    async def _write(self, requests: Sequence[Request]) -> list[bool]:
        given_up = threading.Event()
        cases = [request.cases for request in requests]
        write = partial(keep_requests, self.engine, cases, days=self.campaign_days)
        try:
            with fail_after(self.wait_seconds + CASE_SECONDS * sum(map(len, cases))):
                kept = await run_sync(
                    partial(write, lock_seconds=self.wait_seconds, given_up=given_up), abandon_on_cancel=True
                )
        except Exception as error:  # whatever it is, verdicts are answered
            given_up.set()
            self._fail(error)
            return [False] * len(requests)
        if self._fault:
            log.info("verdicts are queued again; %d were not since the start", self.not_queued)
        self._fault = ""
        return kept

    def _fail(self, error: Exception) -> None:
        # Only what the connection says is written out: other errors may quote what they were given.
        said = f": {error.orig}" if isinstance(error, OperationalError) else ""
        if not self._fault:
            log.error("verdicts are not queued (%s%s)", type(error).__name__, said)
        self._fault = f"The store does not take verdicts ({type(error).__name__})"
        self._failed_at = time.monotonic()

    def _take(self) -> Iterator[Request]:
        """Take the requests that have waited longest, as many as one transaction holds; the first in any case."""
        room = CASES_AT_ONCE
        while self._waiting and (room == CASES_AT_ONCE or len(self._waiting[0].cases) <= room):
            request = self._waiting.pop(0)
            room -= len(request.cases)
            yield request

    def _take_all(self) -> list[Request]:
        waiting, self._waiting = self._waiting, []
        return waiting


def _settle(request: Request, kept: bool) -> None:
    if not request.kept.done():  # its client may have hung up
        request.kept.set_result(kept)
