"""The way of every request's posts: judged with others, kept for review, counted, offered to the challenger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.verdict import Post, Verdict
from serving.batching import Batcher
from serving.live import Snapshot
from serving.observe.observer import Observer
from serving.review.recording import Recorder
from serving.shadow import Shadow


@dataclass(frozen=True, slots=True)
class Answering:
    """What a request passes through; each part knows nothing of the others."""

    batcher: Batcher
    recorder: Recorder
    observer: Observer
    shadow: Shadow

    async def answer(
        self, snapshot: Snapshot, policy: str, posts: Sequence[Post], caller: str
    ) -> tuple[list[Verdict], list[bool | None]]:
        """Give the verdicts, and whether each was kept (None: it was not to be)."""
        detect = snapshot.detects[policy]
        verdicts = await self.batcher.judge(detect, posts)
        queued = await self.recorder.record(detect, posts, verdicts, caller)
        self.observer.judged(posts, verdicts)
        self.shadow.offer(snapshot, policy, posts, verdicts, caller)
        return verdicts, queued
