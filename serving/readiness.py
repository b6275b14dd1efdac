"""Whether the model answers: known by asking it once."""

from __future__ import annotations

import logging
from functools import partial

from anyio.to_thread import run_sync

from serving.batching import Batcher
from serving.live import Live, warm_up

log = logging.getLogger("npsight.serving")


class Readiness:
    """Why the service is not ready; an empty reason says that it is."""

    def __init__(self, live: Live, batcher: Batcher) -> None:
        self._live, self._batcher = live, batcher
        self._reason = "The model is warming up."

    @property
    def reason(self) -> str:
        """Say why requests should go elsewhere; what is merely not in force yet is no such reason."""
        return "The service is stopping." if self._batcher.closed else self._reason

    async def warm_up(self) -> None:
        """Let every policy's detector judge one post of ours, beside the running service."""
        for policy, detect in list(self._live.snapshot.detects.items()):
            try:
                await run_sync(partial(warm_up, detect), abandon_on_cancel=True)
            except Exception as error:  # whatever it is, the service must live to say so
                log.exception("the warm-up under policy %s failed", policy)
                self._reason = f"The warm-up under policy {policy} failed: {type(error).__name__}."
                return
        self._reason = ""
