"""A challenger: a release that judges a share of the live posts beside the live one, for nobody but the report.

Its verdicts reach no caller and delay none: posts are taken after their answer is made, into a queue of their own with
a bound, and judged by one thread, a few at a time and only while no request waits. Whatever goes wrong here is counted.
"""

from __future__ import annotations

import logging
import os
import random
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from anyio.to_thread import run_sync
from sqlalchemy import Engine

from models.verdict import Post, Verdict
from serving.live import Challenger, Snapshot
from serving.shadow_rows import Outcome, Row, write
from serving.store.engine import StoreError

log = logging.getLogger("npsight.serving")
MOST_WAITING = 512  # posts: 5 MB at their longest
JUDGED_AT_ONCE = 4  # posts: about 50 ms of one core, for which a request that comes meanwhile shares it
STARVED_SECONDS = 5.0  # of requests without a pause, after which one post is judged all the same
POLL_SECONDS = 0.01  # between two looks whether requests still wait
ROWS_AT_ONCE = 100
FLUSH_SECONDS = 2.0  # for which a row waits for others
LAST_SECONDS = 3.0  # for the last rows, before the process ends
# Of `nice`: a third of a core beside a busy thread. Not more: this thread holds Python's lock now and then, and while
# it waits long for its turn with that in hand, nobody answers.
NICENESS = 5


PLATFORM, LANG = (
    100,
    20,
)  # characters that the columns hold; one longer name would keep a hundred rows from being written


class Sampled(NamedTuple):
    """A post with its live verdict, to be judged again."""

    challenger: Challenger
    policy: str
    post: Post
    verdict: Verdict
    caller: str
    time: datetime


class Shadow:
    """What waits for the challenger and the thread that judges it; `busy` says that requests wait."""

    def __init__(
        self,
        engine: Engine,
        *,
        busy: Callable[[], bool],
        draw: random.Random | None = None,
        most_waiting: int = MOST_WAITING,
        starved_seconds: float = STARVED_SECONDS,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        self.counts: Counter[Outcome] = Counter()  # posts since the start
        self._engine, self._busy, self._draw = engine, busy, draw or random.Random()
        self._most_waiting, self._starved_seconds, self._flush_seconds = most_waiting, starved_seconds, flush_seconds
        self._waiting: deque[Sampled] = deque()
        self._untold: Counter[tuple[str, str, Outcome]] = Counter()  # by releases; what the report must know too
        self._changed = threading.Condition()
        self._stopping = False
        self._said: set[str] = set()

    def offer(
        self, snapshot: Snapshot, policy: str, posts: Sequence[Post], verdicts: Sequence[Verdict], caller: str
    ) -> None:
        """Take a share of what was just answered; beyond the bound posts are skipped."""
        challenger = snapshot.challenger
        if challenger is None:
            return
        now = datetime.now(UTC)
        with self._changed:
            for post, verdict in zip(posts, verdicts, strict=True):
                if self._draw.random() >= challenger.share:
                    continue
                sampled = Sampled(challenger, policy, post, verdict, caller, now)
                if len(self._waiting) < self._most_waiting and not self._stopping:
                    self._waiting.append(sampled)
                else:
                    self._count([sampled], Outcome.SKIPPED)
            self._changed.notify()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Judge beside the running service; at its end write what was judged and skip what waits."""
        self._stopping = False
        thread = threading.Thread(target=self._work, name="shadow", daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._stopping = True
                self._changed.notify()
            await run_sync(partial(thread.join, LAST_SECONDS))

    def _work(self) -> None:
        _stand_back()
        rows: list[Row] = []
        flush_at = 0.0
        while True:
            judged = self._judge(self._next())
            if judged and not rows:
                flush_at = time.monotonic() + self._flush_seconds
            rows += judged
            if stopping := self._stopping:
                self._skip_rest()
            if stopping or len(rows) >= ROWS_AT_ONCE or time.monotonic() >= flush_at:
                self._write(rows)
                rows, flush_at = [], time.monotonic() + self._flush_seconds
            if stopping:
                return

    def _next(self) -> list[Sampled]:
        """Wait for posts and for a pause between requests, and take a few; none when nothing came for a while."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping, self._flush_seconds)
        idle = self._pause() if self._waiting else True
        with self._changed:
            most = JUDGED_AT_ONCE if idle else 1
            return self._take(0 if self._stopping else most)

    def _pause(self) -> bool:
        """Wait until no request waits, and say so, or until that has lasted too long."""
        starved = time.monotonic() + self._starved_seconds
        while self._busy() and not self._stopping:
            if time.monotonic() >= starved:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def _take(self, most: int) -> list[Sampled]:
        """Take what has waited longest and is judged alike."""
        taken: list[Sampled] = []
        while self._waiting and len(taken) < most and (not taken or self._waiting[0][:2] == taken[0][:2]):
            taken.append(self._waiting.popleft())
        return taken

    def _skip_rest(self) -> None:
        with self._changed:
            self._count(self._waiting, Outcome.SKIPPED)
            self._waiting.clear()

    def _judge(self, group: Sequence[Sampled]) -> list[Row]:
        if not group:
            return []
        posts = [each.post for each in group]
        try:
            verdicts = group[0].challenger.detects[group[0].policy](posts)
            rows = [_row(*each) for each in zip(group, verdicts, strict=True)]
        except Exception as error:  # whatever a challenger does, the service must not feel it
            self._say("the challenger failed", error)
            self._count(group, Outcome.FAILED)
            return []
        self._count(group, Outcome.JUDGED)
        return rows

    def _write(self, rows: Sequence[Row]) -> None:
        with self._changed:
            told, self._untold = self._untold, Counter()
        if not rows and not told:
            return
        try:
            write(self._engine, rows, told, now=datetime.now(UTC))
        except StoreError as error:
            self._say("the challenger's verdicts were not written", error)
            with self._changed:
                self.counts[Outcome.UNWRITTEN] += len(rows)
                self._untold += told
                self._untold.update((row.release, row.challenger, Outcome.UNWRITTEN) for row in rows)

    def _count(self, group: Sequence[Sampled] | deque[Sampled], outcome: Outcome) -> None:
        with self._changed:
            self.counts[outcome] += len(group)
            if outcome != Outcome.JUDGED:  # the rows themselves tell of those
                self._untold.update((each.verdict.release, each.challenger.version, outcome) for each in group)

    def _say(self, words: str, error: Exception) -> None:
        """Log each kind of fault once: what a post holds might be in its words, and it may come for every post."""
        line = f"{words}: {type(error).__name__}"
        if line not in self._said:
            self._said.add(line)
            log.error("%s", line)


def _row(sampled: Sampled, verdict: Verdict) -> Row:
    live, post = sampled.verdict, sampled.post
    if verdict.id != post.id:
        raise ValueError("the challenger's verdicts are not those of its posts")
    return Row(
        time=sampled.time,
        post_id=post.id,
        caller=sampled.caller,
        platform=post.platform and post.platform[:PLATFORM],
        lang=live.lang and live.lang[:LANG],
        policy=live.policy,
        release=live.release,
        decision=live.decision,
        advert_probability=live.advert_probability,
        challenger=sampled.challenger.version,
        challenger_decision=verdict.decision,
        challenger_probability=verdict.advert_probability,
    )


def _stand_back() -> None:
    """Let other threads go first, where a thread has a priority of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
