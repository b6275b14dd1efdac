"""What the scenarios measure with: a service in processes of its own, and clients that count what comes back."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from sqlalchemy import func, select

from models.verdict import Post
from serving.client import ApiError, AsyncClient, ClientError, Patience
from serving.store.engine import open_engine
from serving.store.tables import JUDGED

ROOT = Path(__file__).parent.parent
POSTS = ROOT / "data_cards" / "npsight_posts" / "demo.jsonl"
ONE_TRY = Patience(deadline_seconds=60, try_seconds=60, first_pause=1e9, longest_pause=1e9, draw=lambda low, high: high)
PATIENT = Patience(deadline_seconds=60)


class Service:
    """`npsight serve` with a store, a registry, policies and terms in a folder of its own."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.store = str(settings.get("database_url", f"sqlite:///{folder / 'npsight.db'}"))
        limits = {"requests_per_minute": 10_000_000, "posts_per_minute": 10_000_000}
        given = {"port": self.port, "database_url": self.store, **limits, **settings}
        self.environment = os.environ | {f"NPSIGHT_{name.upper()}": str(value) for name, value in given.items()}
        self.log = folder / f"log-{self.port}.txt"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start, wait until it is ready, and say how long that took."""
        began = time.monotonic()
        with self.log.open("a", encoding="utf-8") as log:
            command = [sys.executable, "-m", "npsight", "serve"]
            environment = self.environment | {"PYTHONPATH": str(ROOT)}
            self.process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
        while time.monotonic() < began + 180 and self.process.poll() is None:
            if self.ready():
                return time.monotonic() - began
            time.sleep(0.05)
        raise TimeoutError(f"{self.url}: not ready; {self.log} says why")

    def ready(self) -> dict[str, Any]:
        """Give what `/readyz` says, and nothing when it is not ready."""
        try:
            answer = httpx.get(f"{self.url}/readyz", timeout=5)
        except httpx.TransportError:
            return {}
        return dict(answer.json()) if answer.status_code == 200 else {}

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(60)

    def workers(self) -> list[psutil.Process]:
        """List the processes that answer: the children that were spawned for it, else the process itself."""
        assert self.process
        parent = psutil.Process(self.process.pid)
        spawned = [child for child in parent.children() if "spawn_main" in " ".join(child.cmdline())]
        return spawned or [parent]

    def megabytes(self) -> float:
        return float(sum(worker.memory_info().rss for worker in self.workers()) / 1e6)


@contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[Service]:
    service = Service(folder, **settings)
    service.start()
    try:
        yield service
    finally:
        service.stop()


@dataclass(slots=True)
class Tally:
    """What came back. A call is done when its client gives up; a try is each time that something was sent."""

    seconds: list[float] = field(default_factory=list)  # of each call that was answered
    calls: Counter[str] = field(default_factory=Counter)  # by how they ended
    tries: Counter[str] = field(default_factory=Counter)
    queued: list[str] = field(default_factory=list)  # ids of posts that the review queue is said to have
    not_queued: int = 0
    releases: set[str] = field(default_factory=set)
    took: float = 0.0

    @property
    def failed(self) -> int:
        """Count the calls that ended in neither a verdict nor a plain 'too much'."""
        return sum(count for how, count in self.calls.items() if how not in ("200", "429"))

    def figures(self) -> dict[str, Any]:
        shares = [1000 * float(np.percentile(self.seconds or [float("nan")], share)) for share in (50, 95, 99)]
        return {
            "posts_per_s": round(len(self.seconds) / max(self.took, 1e-9), 1),
            **{
                name: round(value)
                for name, value in zip(("p50_ms", "p95_ms", "p99_ms"), shares, strict=True)
                if self.seconds
            },
            "calls": dict(sorted(self.calls.items())),
            "tries": dict(sorted(self.tries.items())),
            "failed": self.failed,
            "said_queued": len(self.queued),
            "said_not_queued": self.not_queued,
        }


class Counting(httpx.AsyncHTTPTransport):
    """Counts what comes of each try."""

    def __init__(self, tally: Tally) -> None:
        super().__init__(limits=httpx.Limits(max_connections=None, max_keepalive_connections=200))
        self.tally = tally

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = await super().handle_async_request(request)
        except httpx.TransportError as error:
            self.tally.tries[type(error).__name__] += 1
            raise
        self.tally.tries[str(answer.status_code)] += 1
        return answer


class Driver:
    """Sends the demo posts one by one, each under an id of its own, for as long as it runs."""

    def __init__(self, service: Service, *, patience: Patience = PATIENT) -> None:
        lines = POSTS.read_text(encoding="utf-8").splitlines()
        self._texts = itertools.cycle(json.loads(line)["text"] for line in lines)
        self._numbers = itertools.count()
        self._name = f"{os.getpid()}-{id(self)}"
        self.service, self.patience = service, patience
        self.tally = Tally()

    async def closed(self, clients: int, seconds: float) -> Tally:
        """Keep so many clients busy: each asks again when it is answered."""
        end = time.monotonic() + seconds

        async def one(client: AsyncClient) -> None:
            while time.monotonic() < end:
                await self._ask(client)

        return await self._timed(lambda client: [one(client) for _ in range(clients)])

    async def open(self, rate: float, seconds: float) -> Tally:
        """Ask so often a second, whether or not the ones before were answered, as the world does."""

        async def one(client: AsyncClient, at: float) -> None:
            await asyncio.sleep(at)
            await self._ask(client)

        return await self._timed(lambda client: [one(client, number / rate) for number in range(int(rate * seconds))])

    async def _timed(self, work: Any) -> Tally:
        began = time.monotonic()
        async with AsyncClient(self.service.url, patience=self.patience, transport=Counting(self.tally)) as client:
            await asyncio.gather(*work(client))
        self.tally.took += time.monotonic() - began
        return self.tally

    async def _ask(self, client: AsyncClient) -> None:
        post = Post(f"{self._name}-{next(self._numbers)}", next(self._texts))
        began = time.monotonic()
        try:
            (verdict,) = await client.classify([post])
        except ApiError as error:
            self.tally.calls[str(error.status)] += 1
            return
        except ClientError as error:
            self.tally.calls[type(error).__name__] += 1
            return
        self.tally.calls["200"] += 1
        self.tally.seconds.append(time.monotonic() - began)
        self.tally.releases.add(verdict.release)
        if verdict.queued:
            self.tally.queued.append(post.id)
        self.tally.not_queued += verdict.queued is False


def lost(service: Service, tally: Tally) -> int:
    """Count the posts that were said to be in the review queue and are not in the store."""
    engine = open_engine(service.store)
    found: set[str] = set()
    with engine.connect() as connection:
        for at in range(0, len(tally.queued), 500):
            some = tally.queued[at : at + 500]
            found |= set(connection.scalars(select(JUDGED.c.post_id).where(JUDGED.c.post_id.in_(some))))
    engine.dispose()
    return len(set(tally.queued) - found)


def kept(service: Service) -> int:
    """Count what the store has."""
    engine = open_engine(service.store)
    with engine.connect() as connection:
        count = connection.scalar(select(func.count()).select_from(JUDGED))
    engine.dispose()
    return int(count or 0)


def open_files() -> None:
    """Let this process hold a connection for each client."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 16_384 if hard == resource.RLIM_INFINITY else min(16_384, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
