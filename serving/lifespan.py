"""What runs beside the requests, and how the service stops: what was accepted is answered before the doors close."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType

import anyio

from serving.batching import Batcher
from serving.live import Live
from serving.readiness import Readiness
from serving.review.recording import Recorder

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@asynccontextmanager
async def running(
    readiness: Readiness, live: Live, batcher: Batcher, recorder: Recorder, seconds: float
) -> AsyncIterator[None]:
    """Warm up and watch while the service runs; at its end answer what was accepted, within so many seconds."""
    batcher.open()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(readiness.warm_up)
        tasks.start_soon(live.watch)
        with answering_first(batcher, recorder, seconds):
            yield
        await drain(batcher, recorder, seconds)
        tasks.cancel_scope.cancel()


async def drain(batcher: Batcher, recorder: Recorder, seconds: float) -> None:
    """Answer what was accepted, and write what of it is to be kept, within so many seconds."""
    until = time.monotonic() + seconds
    await batcher.drain(seconds)
    await recorder.drain(max(until - time.monotonic(), 0))


@contextmanager
def answering_first(batcher: Batcher, recorder: Recorder, seconds: float) -> Iterator[None]:
    """Put the drain before what a stop signal does: until it is over, new requests are told to go elsewhere.

    The server's own handler closes the socket at once, and who is connected would see no answer. A second signal goes
    straight to it. Only the main thread may handle signals; elsewhere, as in a test, somebody else stops the service.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop, before = asyncio.get_running_loop(), {each: signal.getsignal(each) for each in SIGNALS}
    draining: set[asyncio.Task[None]] = set()

    def go_on(number: int, frame: FrameType | None = None) -> None:
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    async def drain_and_go_on(number: int) -> None:
        await drain(batcher, recorder, seconds)
        go_on(number)

    def stop(number: int, frame: FrameType | None) -> None:
        if batcher.closed:
            go_on(number, frame)
            return
        batcher.close()
        loop.call_soon_threadsafe(lambda: draining.add(loop.create_task(drain_and_go_on(number))))

    for each in SIGNALS:
        if callable(before[each]):
            signal.signal(each, stop)
    try:
        yield
    finally:
        for each in SIGNALS:
            if signal.getsignal(each) is stop:
                signal.signal(each, before[each])
