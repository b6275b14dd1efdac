"""What a service does under load when something happens: each scenario drives one and gives its figures."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from driving import ONE_TRY, Driver, Service, lost, serving  # type: ignore[import-not-found]  # beside this file

from models.overlay import add_term, retire_term
from models.registry import Registry
from models.release import POLICY, open_release, save_manifest

Figures = dict[str, Any]
CLIENTS = (2, 8, 32)  # at which the most posts a second are looked for
WARM_SECONDS = 2


@dataclass(slots=True)
class Rig:
    """What the scenarios share; `capacity` is measured once."""

    release: Path
    seconds: float
    workers: int = 1
    capacity: float = 0.0

    def measured(self) -> float:
        if not self.capacity:
            self.capacity = capacity(self)["posts_per_s"]
        return self.capacity


def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="npsight-load-"))


def capacity(rig: Rig) -> Figures:
    """Find the most posts a second that clients which wait for their answers can get."""
    with serving(_folder(), release=rig.release, workers=rig.workers) as service:
        asyncio.run(Driver(service).closed(8, WARM_SECONDS))
        found = {count: asyncio.run(Driver(service).closed(count, rig.seconds)).figures() for count in CLIENTS}
    best = max(found.values(), key=lambda each: float(each["posts_per_s"]))
    rig.capacity = best["posts_per_s"]
    return {**best, "clients": {count: each["posts_per_s"] for count, each in found.items()}}


def sustained(rig: Rig) -> Figures:
    """Ask at 80 % of capacity: no error, and memory flat."""
    rate = 0.8 * rig.measured()
    with serving(_folder(), release=rig.release, workers=rig.workers) as service:
        asyncio.run(Driver(service).open(rate, WARM_SECONDS))
        before = service.megabytes()
        driver = Driver(service)
        tally = asyncio.run(driver.open(rate, rig.seconds))
        after = service.megabytes()
        return {
            **tally.figures(),
            "rate": round(rate, 1),
            "MB_before": round(before),
            "MB_after": round(after),
            "lost": lost(service, tally),
        }


def overload(rig: Rig) -> Figures:
    """Ask at three times capacity without trying again: verdicts and 429s only, and then as before."""
    rate = 3 * rig.measured()
    with serving(_folder(), release=rig.release, workers=rig.workers) as service:
        asyncio.run(Driver(service).open(0.5 * rig.measured(), WARM_SECONDS))
        tally = asyncio.run(Driver(service, patience=ONE_TRY).open(rate, rig.seconds))
        after = asyncio.run(Driver(service, patience=ONE_TRY).open(0.5 * rig.measured(), max(3, rig.seconds / 4)))
        return {**tally.figures(), "rate": round(rate, 1), "lost": lost(service, tally), "afterwards": after.figures()}


def hot_swap(rig: Rig) -> Figures:
    """Promote, roll back, change a policy and terms every second, at half of capacity: no failed request."""
    folder = _folder()
    registry, versions = _two_versions(folder, rig.release)
    (folder / "policies").mkdir()
    terms, policy = folder / "terms.tsv", registry.folder / versions[0] / POLICY
    settings = {"registry": registry.folder, "policies": folder / "policies", "terms": terms, "workers": rig.workers}
    changes = 0

    async def change(until: float) -> None:
        nonlocal changes
        while time.monotonic() < until:
            await asyncio.sleep(1)
            await asyncio.to_thread(_change, changes, registry, versions, folder / "policies", policy, terms)
            changes += 1

    async def both(service: Service, driver: Driver) -> None:
        end = time.monotonic() + rig.seconds
        await asyncio.gather(change(end), driver.open(0.5 * rig.measured(), rig.seconds))

    with serving(folder, **settings) as service:
        driver = Driver(service)
        asyncio.run(both(service, driver))
        figures = driver.tally.figures()
        return {
            **figures,
            "changes": changes,
            "releases": sorted(driver.tally.releases),
            "lost": lost(service, driver.tally),
        }


def _two_versions(folder: Path, release: Path) -> tuple[Registry, list[str]]:
    opened, registry = open_release(release), Registry(folder / "registry")
    registry.folder.mkdir()
    shutil.copytree(opened.folder, folder / "next")
    facts = {key: value for key, value in opened.manifest.items() if key not in ("version", "created", "files")}
    second = save_manifest(folder / "next", version="2999.1.1", created="2999-01-01", facts=facts)
    registry.publish(opened)
    registry.publish(second)
    registry.promote(opened.version)
    return registry, [opened.version, second.version]


def _change(number: int, registry: Registry, versions: list[str], policies: Path, policy: Path, terms: Path) -> None:
    if number % 4 == 0:
        registry.promote(versions[1 - number // 4 % 2])
    elif number % 4 == 1:
        add_term(
            terms,
            f"wibble{number}",
            substance="2-MMC",
            nps_class="cathinones",
            kind="slang",
            lang="en",
            ambiguity="none",
        )
    elif number % 4 == 2:
        half = policies / ".half"
        half.write_text(policy.read_text(encoding="utf-8"), encoding="utf-8")
        half.replace(policies / "default.json")
    else:
        retire_term(terms, f"wibble{number - 2}")


def worker_kill(rig: Rig) -> Figures:
    """Kill one of two workers outright at half of capacity: who tries again is answered, and there are two again."""
    two = max(2, rig.workers)

    async def kill(service: Service) -> float:
        await asyncio.sleep(rig.seconds / 3)
        began = time.monotonic()
        service.workers()[0].send_signal(signal.SIGKILL)
        while not await asyncio.to_thread(lambda: service.log.read_text().count("watching for changes") > two):
            if time.monotonic() > began + 120:
                return float("inf")
            await asyncio.sleep(0.2)
        return time.monotonic() - began

    async def both(service: Service, driver: Driver) -> float:
        _, took = await asyncio.gather(driver.open(0.5 * rig.measured(), rig.seconds), kill(service))
        return took

    folder = _folder()
    with serving(folder, release=rig.release, workers=two) as service:
        _wait(lambda: service.log.read_text().count("watching for changes") == two)
        driver = Driver(service)
        took = asyncio.run(both(service, driver))
        return {
            **driver.tally.figures(),
            "seconds_until_two_again": round(took, 1),
            "lost": lost(service, driver.tally),
        }


def database_stop(rig: Rig) -> Figures:
    """Stop PostgreSQL for a third of the time: verdicts go on, say that they were not kept, and then are kept again."""
    sys.path.append(str(Path(__file__).parent.parent / "tests"))
    from postgres_server import new_database, postgres_server  # type: ignore[import-not-found]  # the tests' own

    async def stop_and_start(server: Any) -> None:
        await asyncio.sleep(rig.seconds / 3)
        await asyncio.to_thread(server.stop)
        await asyncio.sleep(rig.seconds / 3)
        await asyncio.to_thread(server.start)

    async def both(server: Any, driver: Driver) -> None:
        await asyncio.gather(driver.open(0.5 * rig.measured(), rig.seconds), stop_and_start(server))

    with postgres_server() as server:
        url = new_database(server.socket, "load")
        _upgraded(url)
        with serving(_folder(), release=rig.release, workers=rig.workers, database_url=url) as service:
            driver = Driver(service)
            asyncio.run(both(server, driver))
            after = asyncio.run(Driver(service).open(0.5 * rig.measured(), max(3, rig.seconds / 4)))
            gone = lost(service, driver.tally) + lost(service, after)
            return {**driver.tally.figures(), "lost": gone, "afterwards": after.figures()}


def _upgraded(url: str) -> None:
    from serving.store.engine import open_engine
    from serving.store.upgrade import upgrade

    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()


def restart(rig: Rig) -> Figures:
    """Stop and start it under load, as an upgrade on one machine does: who tries again is answered."""

    async def both(service: Service, driver: Driver) -> float:
        async def again() -> float:
            await asyncio.sleep(rig.seconds / 3)
            await asyncio.to_thread(service.stop)
            return await asyncio.to_thread(service.start)

        _, took = await asyncio.gather(driver.open(0.5 * rig.measured(), rig.seconds), again())
        return took

    with serving(_folder(), release=rig.release, workers=rig.workers) as service:
        driver = Driver(service)
        took = asyncio.run(both(service, driver))
        return {**driver.tally.figures(), "seconds_to_start": round(took, 1), "lost": lost(service, driver.tally)}


def _wait(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("what the scenario waits for did not come")
        time.sleep(0.1)


SCENARIOS: Mapping[str, Callable[[Rig], Figures]] = {
    "capacity": capacity,
    "sustained": sustained,
    "overload": overload,
    "hot-swap": hot_swap,
    "worker-kill": worker_kill,
    "database-stop": database_stop,
    "restart": restart,
}
