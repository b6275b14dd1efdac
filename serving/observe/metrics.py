"""The numbers that Prometheus asks for.

Labels have few values: routes, not paths; names of policies, not what callers make up; never a post, a key or a term.
With several worker processes, each writes its numbers to files of one folder and whoever is asked adds them up.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from models.verdict import Verdict

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The library's own variable; it must be set before the library is imported."""
OTHER = "other"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # up to the deadline of a request
POSTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The numbers of one app in one process. Parts of the service count on the attributes named here."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "npsight_http_requests", "Requests that were answered.", ["route", "method", "status"], registry=registry
        )
        self.seconds = Histogram(
            "npsight_http_request_duration_seconds",
            "From the request's head to the answer's end.",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self.refusals = Counter("npsight_refusals", "Problem documents that were sent.", ["type"], registry=registry)
        self._judging(registry)
        self._state(registry)
        self._review(registry)

    def _judging(self, registry: CollectorRegistry) -> None:
        self.posts = Counter("npsight_posts_judged", "Posts that were judged and answered.", registry=registry)
        self.verdicts = Counter(
            "npsight_verdicts", "Verdicts by decision.", ["release", "policy", "decision"], registry=registry
        )
        self.intents = Counter(
            "npsight_verdicts_by_intent", "Verdicts by their likeliest intent.", ["intent"], registry=registry
        )
        self.classes = Counter(
            "npsight_posts_naming_class", "Posts that name a substance of this class.", ["nps_class"], registry=registry
        )
        self.run_seconds = Histogram(
            "npsight_run_duration_seconds", "One run of the network.", buckets=SECONDS, registry=registry
        )
        self.run_posts = Histogram("npsight_run_posts", "Posts in one run.", buckets=POSTS, registry=registry)

    def _state(self, registry: CollectorRegistry) -> None:
        self.waiting = Gauge(
            "npsight_posts_waiting", "Posts that wait for the network.", registry=registry, multiprocess_mode="livesum"
        )
        self.store_up = Gauge(
            "npsight_store_up",
            "1 while the store answers every worker.",
            registry=registry,
            multiprocess_mode="livemin",
        )
        self.in_force = Gauge(
            "npsight_release_info",
            "1 for the release in force.",
            ["release"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.not_in_force = Gauge(
            "npsight_changes_not_in_force",
            "Changes that could not be loaded.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.tally_rows = Gauge(
            "npsight_tally_rows_waiting",
            "Counts that wait for the store.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.tallies_lost = Counter(
            "npsight_tallies_lost_posts", "Posts whose counts were given up for want of the store.", registry=registry
        )
        self.drift = Gauge(
            "npsight_drift_psi",
            "Population stability index of the last days against the reference.",
            ["measure"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.unknown_share = Gauge(
            "npsight_unknown_terms_share",
            "Share of posts with a drug word that no lexicon lists.",
            ["stream"],
            registry=registry,
            multiprocess_mode="livemax",
        )

    def _review(self, registry: CollectorRegistry) -> None:
        self.queued = Counter("npsight_verdicts_queued", "Verdicts kept for review.", registry=registry)
        self.not_queued = Counter(
            "npsight_verdicts_not_queued",
            "Verdicts that should have been kept for review and were not.",
            registry=registry,
        )
        self.shadowed = Counter(
            "npsight_shadow_verdicts",
            "Posts that a challenger was asked about too.",
            ["outcome"],  # judged, skipped, failed, unwritten
            registry=registry,
        )

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that is over."""
        self.requests.labels(route, method, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def judged(self, verdicts: Iterable[Verdict]) -> None:
        """Count the verdicts of an answer."""
        for verdict in verdicts:
            self.posts.inc()
            self.verdicts.labels(verdict.release, verdict.policy.partition("@")[0], verdict.decision).inc()
            self.intents.labels(verdict.intent).inc()
            for nps_class in {each.nps_class for each in verdict.substances}:
                self.classes.labels(nps_class).inc()

    def ran(self, posts: int, seconds: float) -> None:
        """Count a run of the network."""
        self.run_posts.observe(posts)
        self.run_seconds.observe(seconds)

    def text(self) -> bytes:
        """Write all numbers of all workers, as Prometheus reads them."""
        folder = os.environ.get(FOLDER)
        if not folder:
            return generate_latest(self.registry)
        _forget_the_dead(Path(folder))
        together = CollectorRegistry()
        MultiProcessCollector(together, folder)  # type: ignore[no-untyped-call]  # the library says no types here
        return generate_latest(together)


@contextmanager
def shared_by(workers: int) -> Iterator[None]:
    """Make the folder in which several workers keep their numbers, for as long as they run; one worker needs none."""
    if workers == 1 or os.environ.get(FOLDER):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="npsight-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]


def _forget_the_dead(folder: Path) -> None:
    """Take out what a worker that is gone said of its present state; its counts stay."""
    for pid in {path.stem.rpartition("_")[2] for path in folder.glob("gauge_live*.db")}:
        if not _alive(int(pid)):
            mark_process_dead(int(pid), str(folder))  # type: ignore[no-untyped-call]  # as above


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, so alive
        return True
    return True
