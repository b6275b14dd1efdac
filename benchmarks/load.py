"""The service under load: `python benchmarks/load.py [--scenario NAME ...] [--release FOLDER] [--seconds 5]`.

Without a scenario it measures what gathering brings, at each number of `--clients`. The scenarios are in scenarios.py:
capacity, sustained, overload, hot-swap, worker-kill, database-stop, restart; `all` is every one. Ten minutes at 80 % of
capacity: `--scenario sustained --seconds 600`. Client and server share the machine, so a capacity is a lower bound.

Two services of one release run beside each other, one that gathers what waits and one that judges a request a run.
At each number of clients they are driven in turn, because machines are shared and noisy: read the ratios. Every client
sends a post, waits for its verdict and sends the next. The posts are the authored demo posts.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from driving import open_files  # type: ignore[import-not-found]  # beside this file
from scenarios import SCENARIOS, Rig  # type: ignore[import-not-found]  # beside this file

from models.release import DEFAULT_RELEASE

ROOT = Path(__file__).parent.parent
POSTS = ROOT / "data_cards" / "npsight_posts" / "demo.jsonl"
PORT = 18240
WARM_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Figures:
    """One service under so many clients; times in milliseconds, of answered requests."""

    posts_per_s: float
    p50: float
    p95: float
    p99: float
    refused: int


@contextmanager
def service(release: Path, port: int, batch_posts: int) -> Iterator[str]:
    """Serve a release in a process of its own and give its address."""
    settings = {"BATCH_POSTS": batch_posts, "PORT": port, "RELEASE": release, "DEADLINE_SECONDS": 60}
    environment = os.environ | {f"NPSIGHT_{name}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "npsight", "serve"]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_ready(f"http://127.0.0.1:{port}/readyz", process)
        yield f"http://127.0.0.1:{port}/v1/classify"
    finally:
        process.terminate()
        process.wait()


def wait_ready(address: str, process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    """Wait until a service says that it is ready."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(address).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"{address}: not ready after {seconds} s")


async def drive(address: str, texts: Sequence[str], clients: int, seconds: float) -> Figures:
    """Keep so many clients busy for so many seconds; what is answered in the first one only warms up."""
    turns = itertools.cycle(texts)
    began = time.perf_counter() + WARM_SECONDS
    times: list[float] = []
    refused = 0

    async def client_of(client: httpx.AsyncClient) -> None:
        nonlocal refused
        while (sent := time.perf_counter()) < began + seconds:
            answer = await client.post(address, json={"posts": [{"id": "1", "text": next(turns)}]})
            if answer.status_code != 200:
                refused += 1
            elif began <= sent:
                times.append(time.perf_counter() - sent)

    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(limits=limits, timeout=120) as client, asyncio.TaskGroup() as tasks:
        for _ in range(clients):
            tasks.create_task(client_of(client))
    took = time.perf_counter() - began
    p50, p95, p99 = (1000 * float(np.percentile(times or [float("nan")], share)) for share in (50, 95, 99))
    return Figures(len(times) / took, p50, p95, p99, refused)


def measure(release: Path, clients: Sequence[int], seconds: float) -> list[dict[str, Any]]:
    """Drive both services in turn at each number of clients, and print as it goes."""
    texts = [json.loads(line)["text"] for line in POSTS.read_text(encoding="utf-8").splitlines()]
    found = []
    with service(release, PORT, 64) as gathering, service(release, PORT + 1, 1) as alone:
        print(
            f"{'clients':>7} {'gathering':>10} {'posts/s':>8} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'refused':>8}"
        )
        for count in clients:
            both = [asyncio.run(drive(address, texts, count, seconds)) for address in (gathering, alone)]
            for name, each in zip(("on", "off"), both, strict=True):
                print(
                    f"{count:7} {name:>10} {each.posts_per_s:8.1f} {each.p50:8.0f} {each.p95:8.0f} {each.p99:8.0f} "
                    f"{each.refused:8}"
                )
            on, off = both
            ratios = {name: getattr(on, name) / getattr(off, name) for name in ("posts_per_s", "p50", "p95", "p99")}
            print(f"{'':7} {'on / off':>10} " + " ".join(f"{ratio:8.2f}" for ratio in ratios.values()), flush=True)
            found.append({"clients": count, "on": asdict(on), "off": asdict(off), "ratios": ratios})
    return found


def play(names: Sequence[str], rig: Rig) -> dict[str, Any]:
    """Play scenarios one after the other, and print each one's figures as a table."""
    open_files()
    found = {}
    for name in SCENARIOS if "all" in names else names:
        found[name] = figures = SCENARIOS[name](rig)
        print(f"\n{name}: {(SCENARIOS[name].__doc__ or '').strip()}")
        for row, value in figures.items():
            print(f"  {row:<28} {value if not isinstance(value, dict) else json.dumps(value)}", flush=True)
    return found


def main() -> None:
    """Measure, print, and write the figures if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", type=Path, default=DEFAULT_RELEASE)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--scenario", nargs="+", choices=["all", *SCENARIOS], default=[])
    parser.add_argument("--capacity", type=float, default=0, help="posts a second, when an earlier run found it")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path)
    words = parser.parse_args()
    before = os.getloadavg()[0]
    figures: Any
    if words.scenario:
        figures = play(words.scenario, Rig(words.release.resolve(), words.seconds, words.workers, words.capacity))
    else:
        figures = measure(words.release.resolve(), words.clients, words.seconds)
    load = {"before": before, "after": os.getloadavg()[0], "cores": os.cpu_count()}
    print(f"load average {load['before']:.1f} before, {load['after']:.1f} after, {load['cores']} cores")
    if words.out:
        words.out.write_text(json.dumps({"load": load, "figures": figures}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
