"""Whether the model answers: known by asking it once."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

import anyio
from anyio.to_thread import run_sync

from models.verdict import Detect, Post

log = logging.getLogger("npsight.serving")
# No language is stated, so that guessing it is warmed up too.
WARM_UP = Post(id="warm-up", text="Good morning from the whole team, the meeting is at ten.")


class Readiness:
    """Why the service is not ready yet; an empty reason says that it is."""

    def __init__(self, detects: Mapping[str, Detect]) -> None:
        self.detects = detects
        self.reason = "The model is warming up."

    @asynccontextmanager
    async def lifespan(self, _: object) -> AsyncIterator[None]:
        """Warm up beside the running service, so that liveness is answered meanwhile."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.warm_up)
            yield
            tasks.cancel_scope.cancel()

    async def warm_up(self) -> None:
        """Let every policy's detector judge one post of ours."""
        for policy, detect in list(self.detects.items()):
            try:
                verdicts = await run_sync(partial(detect, [WARM_UP]), abandon_on_cancel=True)
                if [verdict.id for verdict in verdicts] != [WARM_UP.id]:
                    raise ValueError("the answer is not one verdict for the one post")
            except Exception as error:  # whatever it is, the service must live to say so
                log.exception("the warm-up under policy %s failed", policy)
                self.reason = f"The warm-up under policy {policy} failed: {type(error).__name__}."
                return
        self.reason = ""
