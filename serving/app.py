"""The HTTP API: posts in, verdicts out, for who holds a key. No post is stored here, and its text is never logged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy import Engine

from models.verdict import Detect
from models.wire import verdict_to_json
from serving import access, problems
from serving.guard import BodyLimit, Guard, JsonRoute
from serving.keyring import Keyring
from serving.keys import Scope
from serving.problems import Problem
from serving.readiness import Readiness
from serving.settings import Settings
from serving.store.engine import open_engine
from serving.wire import ClassifyRequest, ClassifyResponse, faults


def create_app(
    detects: Mapping[str, Detect],
    release: Mapping[str, Any],
    settings: Settings | None = None,
    *,
    engine: Engine | None = None,
) -> FastAPI:
    """Build the service from one `Detect` a policy, `default` among them, and the release's public description.

    `engine` is the way to the store; without one, the settings say where it is.
    """
    if "default" not in detects:
        raise ValueError(f"no detector for the policy 'default', only for: {', '.join(sorted(detects)) or 'none'}")
    settings = settings or Settings()
    readiness = Readiness(detects)
    engine = engine or open_engine(settings.store)
    keyring = Keyring(engine)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with readiness.lifespan(app):
            yield
        engine.dispose()

    app = FastAPI(
        title="npsight",
        version="1",
        description="Which posts advertise drugs, and why. Every error is a problem document (RFC 9457).",
        lifespan=lifespan,
        redoc_url=None,
        telemetry={"logs": False},  # its log records carry validation errors, and those carry post text
    )
    app.include_router(verdict_routes(detects, release, settings))
    app.include_router(health_routes(readiness, keyring))
    problems.install(app)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    access.install(app, settings, keyring)
    app.add_middleware(Guard)  # the last one added is the outermost
    return app


def verdict_routes(detects: Mapping[str, Detect], release: Mapping[str, Any], settings: Settings) -> APIRouter:
    """Build what clients call."""
    router = APIRouter(
        prefix="/v1",
        route_class=JsonRoute,
        tags=["verdicts"],
        dependencies=[access.needs(Scope.CLASSIFY)],
        responses=problems.documented(*access.REFUSALS),
    )
    limiter = CapacityLimiter(settings.requests_at_once)
    limits = (
        f"1 to {settings.max_posts} posts a request, {settings.max_post_characters} characters a post, "
        f"{settings.max_characters} characters and {settings.max_body_bytes} bytes in all. A single post is a batch "
        "of one. Ids must differ. Offsets of spans count Unicode code points of the text as sent."
    )
    refusals = problems.documented("invalid-json", "body-too-large", "wrong-media-type", "invalid-request")

    @router.post("/classify", response_model=ClassifyResponse, responses=refusals, description=limits)
    async def classify(request: ClassifyRequest, asked: Request) -> JSONResponse:
        """Judge posts under one policy."""
        if found := faults(request, policies=sorted(detects), settings=settings):
            raise problems.invalid_request(found)
        await access.take_posts(asked, len(request.posts))
        verdicts = await run_sync(partial(detects[request.policy], request.to_posts()), limiter=limiter)
        return JSONResponse({"verdicts": [verdict_to_json(verdict) for verdict in verdicts]})

    @router.get("/release")
    async def describe() -> dict[str, Any]:
        """Say which release answers here."""
        return dict(release)

    return router


def health_routes(readiness: Readiness, keyring: Keyring) -> APIRouter:
    """Build what balancers call."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "alive"}

    @router.get("/readyz", responses=problems.documented("not-ready"))
    async def readyz() -> dict[str, str]:
        """Say whether the model and the store have answered once; later, the store may fall silent for a while."""
        if readiness.reason:
            raise Problem("not-ready", readiness.reason)
        if await keyring.keys() is None:
            raise Problem("not-ready", keyring.fault)
        return {"status": "ready", "store": keyring.fault or "answers"}

    return router
