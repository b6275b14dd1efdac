"""Gather the posts of concurrent requests into few runs of the network.

Nobody waits for a fuller batch: while one run is busy the next one's posts gather by themselves. A large request is cut
into parts, so that a run never holds more than its share and a request given up half-way costs no more than that.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from anyio.to_thread import run_sync

from models.verdict import Detect, Post, Verdict
from serving.problems import Problem
from serving.runs import Asked, judge_together

LONGEST_RETRY = 60  # seconds; a client told more would rather ask another server
IN_TIME = 0.3  # of the deadline may be spent waiting: under overload, refusing takes its share of the cores too
SMOOTHING = 0.2  # how much the newest run says of the rate: about the last ten runs count


@dataclass(eq=False, slots=True)
class Request:
    """One request: its detector from start to end, and the verdicts that are there so far."""

    detect: Detect
    answer: asyncio.Future[list[Verdict] | Exception]
    parts: list[Part] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Part:
    """Posts of one request that are judged in one run."""

    request: Request
    posts: Sequence[Post]
    verdicts: list[Verdict] | None = None


class Batcher:
    """The queue before the network, and the workers that empty it; they live only while something waits."""

    def __init__(
        self, *, batch_posts: int = 64, runs_at_once: int = 1, queue_posts: int = 2048, deadline_seconds: float = 10
    ) -> None:
        self.batch_posts, self.runs_at_once = batch_posts, runs_at_once
        self.queue_posts, self.deadline_seconds = queue_posts, deadline_seconds
        self.closed = False
        self.on_run: Callable[[int, float], object] | None = None  # is told of each run: how many posts, how long
        self._waiting: dict[Part, None] = {}  # in order of arrival; a part given up is taken out at once
        self._posts_waiting = 0
        self._accepted: set[Request] = set()
        self._workers: set[asyncio.Task[None]] = set()
        self._judged = self._took = 0.0  # posts and seconds of the newest runs

    async def judge(self, detect: Detect, posts: Sequence[Post]) -> list[Verdict]:
        """Judge posts in order; `Problem` says that there is no room, no time or no service any more."""
        self._refuse(len(posts))
        request = Request(detect, asyncio.get_running_loop().create_future())
        request.parts = [Part(request, posts[at : at + self.batch_posts]) for at in self._starts(posts)]
        self._waiting |= dict.fromkeys(request.parts)
        self._posts_waiting += len(posts)
        self._accepted.add(request)
        self._start_workers()
        try:
            async with asyncio.timeout(self.deadline_seconds):
                judged = await request.answer
        except TimeoutError:
            said = f"The posts were not judged within {self.deadline_seconds:g} seconds."
            raise Problem("deadline-exceeded", said, retry_after=self._retry_after()) from None
        finally:  # also when the client has gone: what still waits is not judged
            request.answer.cancel()
            self._accepted.discard(request)
            for part in request.parts:
                self._remove(part)
        if isinstance(judged, Exception):
            raise judged
        return judged

    @property
    def busy(self) -> bool:
        """Say whether somebody waits for an answer. Any thread may ask."""
        return bool(self._accepted)

    @property
    def posts_waiting(self) -> int:
        """Give how many posts wait for a run."""
        return self._posts_waiting

    def open(self) -> None:
        """Accept again: one app may be started more than once, as in tests."""
        self.closed = False

    def close(self) -> None:
        """Accept nothing from now on; what was accepted is still judged."""
        self.closed = True

    async def drain(self, seconds: float) -> None:
        """Close, and wait until everything accepted is answered, or for so many seconds."""
        self.close()
        deadline = time.monotonic() + seconds
        while self._accepted and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

    def _refuse(self, posts: int) -> None:
        if self.closed:
            raise Problem("not-ready", "The service is stopping.", retry_after=1)
        waiting = self._posts_waiting
        if waiting and waiting + posts > (room := self._room()):  # an empty queue takes any request
            said = f"{waiting} posts are waiting, no more than {room} may."
            raise Problem("overloaded", said, retry_after=self._retry_after())

    def _room(self) -> int:
        """Give how many posts may wait: no more than the measured rate gets through before most would be given up.

        Who would be given up at the deadline is better told at once, and its place is free for who can be answered.
        """
        if not self._seconds_a_post:
            return self.queue_posts
        in_time = IN_TIME * self.deadline_seconds * self.runs_at_once / self._seconds_a_post
        return min(self.queue_posts, max(self.batch_posts, int(in_time)))

    def _starts(self, posts: Sequence[Post]) -> range:
        return range(0, max(1, len(posts)), self.batch_posts)

    def _remove(self, part: Part) -> None:
        if part in self._waiting:
            del self._waiting[part]
            self._posts_waiting -= len(part.posts)

    @property
    def _seconds_a_post(self) -> float:
        """Give what is measured; 0 before the first run."""
        return self._took / self._judged if self._judged else 0.0

    def _retry_after(self) -> int:
        """Give the seconds in which what waits now should be judged, by the measured rate."""
        seconds = self._posts_waiting * self._seconds_a_post / self.runs_at_once
        return min(max(1, math.ceil(seconds)), LONGEST_RETRY)

    def _start_workers(self) -> None:
        if len(self._workers) < self.runs_at_once:
            worker = asyncio.create_task(
                self._work(), context=Context()
            )  # it works for many requests, not for this one
            self._workers.add(worker)  # the loop itself holds a task only weakly

    async def _work(self) -> None:
        try:
            while batch := list(self._take()):
                await self._run(batch)
        finally:  # not by a callback: a request that came before it was called would find no worker
            self._workers.discard(cast(asyncio.Task[None], asyncio.current_task()))

    async def _run(self, batch: Sequence[Part]) -> None:
        began = time.perf_counter()
        asked = [Asked(part.request.detect, part.posts) for part in batch]
        judged = await run_sync(partial(judge_together, asked), abandon_on_cancel=True)
        for part, answer in zip(batch, judged, strict=True):
            _settle(part, answer)
        self._measure(sum(len(part.posts) for part in batch), time.perf_counter() - began)

    def _take(self) -> Iterator[Part]:
        """Take the parts that have waited longest, as many as one run holds."""
        room = self.batch_posts
        while self._waiting and (room == self.batch_posts or len(next(iter(self._waiting)).posts) <= room):
            part = next(iter(self._waiting))
            self._remove(part)
            room -= len(part.posts)
            yield part

    def _measure(self, posts: int, seconds: float) -> None:
        """Weigh runs by their posts: one that stalled over a single post says little of a full one."""
        if self.on_run:
            self.on_run(posts, seconds)
        self._judged = self._judged * (1 - SMOOTHING) + max(posts, 1)
        self._took = self._took * (1 - SMOOTHING) + seconds


def _settle(part: Part, judged: list[Verdict] | Exception) -> None:
    """Hand a part's verdicts, or what failed, to its request, unless that was given up meanwhile."""
    answer = part.request.answer
    if answer.done():
        return
    if isinstance(judged, Exception):
        answer.set_result(judged)  # as a result: an exception that nobody fetches would be logged with its words
        return
    part.verdicts = judged
    if all(each.verdicts is not None for each in part.request.parts):
        answer.set_result([verdict for each in part.request.parts for verdict in each.verdicts or ()])
