"""The HTTP API: posts in, verdicts out, for who holds a key. What is flagged is kept for review; no text is logged."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, FastAPI, Request, Response
from sqlalchemy import Engine

from models.verdict import Detect, Verdict
from models.wire import verdict_to_json
from serving import access, problems
from serving.answering import Answering
from serving.batching import Batcher
from serving.console import routes as console
from serving.console.parts import Parts
from serving.console.refused import ProblemPages
from serving.console.sessions import Sessions
from serving.console.visitors import Visitors
from serving.guard import BodyLimit, Guard, JsonRoute
from serving.keyring import Keyring
from serving.keys import Scope
from serving.lifespan import running
from serving.live import Live, Look, Snapshot
from serving.noting import Noting
from serving.observe.observer import Observer
from serving.observe.tracing import telemetry
from serving.presence import ClientGoneError, while_present
from serving.problems import Problem
from serving.readiness import Readiness
from serving.review.feedback_routes import feedback_routes
from serving.review.recording import Recorder
from serving.review.routes import review_routes
from serving.settings import Settings
from serving.shadow import Shadow
from serving.shadow_rows import Outcome
from serving.store.engine import open_engine
from serving.wire import ClassifyRequest, ClassifyResponse, faults

CLIENT_GONE = 499  # what proxies log for it; nobody is there to read it
WRITTEN_AT_ONCE = 32  # verdicts; more take longer than 5 ms to write, which is done beside the event loop


def create_app(
    detects: Mapping[str, Detect],
    release: Mapping[str, Any],
    settings: Settings | None = None,
    *,
    engine: Engine | None = None,
) -> FastAPI:
    """Build the service from one `Detect` a policy, `default` among them, and the release's public description."""
    return live_app(Snapshot(detects, release), settings or Settings(), engine=engine)


def live_app(
    snapshot: Snapshot, settings: Settings, look: Look | None = None, *, engine: Engine | None = None
) -> FastAPI:
    """Build the service from what it starts with; `look` is asked again and again for what should be in force.

    `engine` is the way to the store; without one, the settings say where it is.
    """
    live = Live(snapshot, look, every=settings.watch_seconds)
    batcher = Batcher(
        batch_posts=settings.batch_posts,
        runs_at_once=settings.runs_at_once,
        queue_posts=settings.queue_posts,
        deadline_seconds=settings.deadline_seconds,
    )
    readiness = Readiness(live, batcher)
    engine = engine or open_engine(settings.store)
    keyring = Keyring(engine)
    recorder = Recorder(engine, audit_rate=settings.audit_rate, campaign_days=settings.campaign_days)
    shadow = Shadow(engine, busy=lambda: batcher.busy)
    noting = Noting(engine, live, every=settings.watch_seconds)
    observer = Observer(settings, engine, live, keyring, waiting=lambda: batcher.posts_waiting)
    batcher.on_run = observer.metrics.ran
    observer.follow(observer.metrics.queued, lambda: recorder.queued)
    observer.follow(observer.metrics.not_queued, lambda: recorder.not_queued)
    for outcome in Outcome:
        observer.follow(observer.metrics.shadowed.labels(outcome), partial(shadow.counts.__getitem__, outcome))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with (
            observer.running(),  # to the end: what is answered while the service stops is counted too
            shadow.running(),
            noting.running(),
            running(readiness, live, batcher, recorder, settings.shutdown_seconds - 1),  # the last second: the server's
        ):
            yield
        engine.dispose()

    app = FastAPI(
        title="npsight",
        version="1",
        description="Which posts advertise drugs, and why. Every error is a problem document (RFC 9457).",
        lifespan=lifespan,
        redoc_url=None,
        telemetry=telemetry(settings.otel),
    )
    app.include_router(verdict_routes(live, Answering(batcher, recorder, observer, shadow), settings))
    app.include_router(health_routes(readiness, live, keyring, recorder))
    app.include_router(review_routes(engine))
    app.include_router(feedback_routes(engine, live, batcher, settings))
    problems.install(app)
    visitors = Visitors(Sessions(engine), keyring, local=settings.local)
    console.install(app, Parts(live, batcher, settings, engine, keyring, visitors))
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes, seconds=settings.body_seconds)
    access.install(app, settings, keyring, pages=visitors.identify)
    app.add_middleware(Guard)
    app.add_middleware(ProblemPages)  # the last one added is the outermost
    observer.install(app)
    return app


def verdict_routes(live: Live, answering: Answering, settings: Settings) -> APIRouter:
    """Build what clients call."""
    router = APIRouter(
        prefix="/v1",
        route_class=JsonRoute,
        tags=["verdicts"],
        dependencies=[access.needs(Scope.CLASSIFY)],
        responses=problems.documented(*access.REFUSALS),
    )
    limits = (
        f"1 to {settings.max_posts} posts a request, {settings.max_post_characters} characters a post, "
        f"{settings.max_characters} characters and {settings.max_body_bytes} bytes in all. A single post is a batch "
        "of one. Ids must differ. Offsets of spans count Unicode code points of the text as sent. An answer 429 or 503 "
        "says under Retry-After in how many seconds to ask again."
    )
    refusals = problems.documented(
        *("invalid-json", "body-too-slow", "body-too-large", "wrong-media-type", "invalid-request"),
        *("overloaded", "not-ready", "deadline-exceeded"),
    )

    @router.post("/classify", response_model=ClassifyResponse, responses=refusals, description=limits)
    async def classify(request: ClassifyRequest, http: Request) -> Response:
        """Judge posts under one policy."""
        snapshot = live.snapshot  # kept to the end, whatever comes into force meanwhile
        if found := faults(request, policies=sorted(snapshot.detects), settings=settings):
            raise problems.invalid_request(found)
        await access.take_posts(http, len(request.posts))
        caller = access.caller_of(http).id
        answering_it = answering.answer(snapshot, request.policy, request.to_posts(), caller)
        try:
            return await written(*await while_present(http.receive, answering_it))
        except ClientGoneError:
            return Response(status_code=CLIENT_GONE)

    @router.get("/release")
    async def describe() -> dict[str, Any]:
        """Say which release answers here."""
        return dict(live.snapshot.release)

    return router


async def written(verdicts: Sequence[Verdict], queued: Sequence[bool | None]) -> Response:
    """Write verdicts as JSON without holding up the event loop."""
    write = partial(_json, verdicts, queued)
    content = write() if len(verdicts) <= WRITTEN_AT_ONCE else await run_sync(write)
    return Response(content, media_type="application/json")


def _json(verdicts: Sequence[Verdict], queued: Sequence[bool | None]) -> bytes:
    """Write verdict by verdict: the encoder lets no other thread run before it is through."""
    write = partial(json.dumps, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    answers = (verdict_to_json(each) | {"queued": kept} for each, kept in zip(verdicts, queued, strict=True))
    return f'{{"verdicts":[{",".join(map(write, answers))}]}}'.encode()


def health_routes(readiness: Readiness, live: Live, keyring: Keyring, recorder: Recorder) -> APIRouter:
    """Build what balancers call."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "alive"}

    @router.get("/readyz", responses=problems.documented("not-ready"))
    async def readyz() -> dict[str, Any]:
        """Say whether model and store have answered once, and what could not be put in force or kept for review.

        Later the store may fall silent for a while: verdicts go on.
        """
        if readiness.reason:
            raise Problem("not-ready", readiness.reason)
        if await keyring.keys() is None:
            raise Problem("not-ready", keyring.fault)
        said: dict[str, Any] = {"status": "ready", "store": keyring.fault or recorder.fault or "answers"}
        said |= {"not_queued": recorder.not_queued} if recorder.not_queued else {}
        return said | ({"not_in_force": list(live.faults)} if live.faults else {})

    return router
