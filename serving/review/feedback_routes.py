"""`POST /v1/feedback`: what a platform's own reviewers decided."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from sqlalchemy import Engine

from models.detector import Detector
from serving import access, problems
from serving.batching import Batcher
from serving.guard import JsonRoute
from serving.keys import Scope
from serving.live import Live
from serving.problems import Fault
from serving.review import feedback
from serving.review.desk import Desk, Reviewer, reviewer_of
from serving.review.feedback import Sent
from serving.review.wire import FeedbackIn, FeedbackOut
from serving.settings import Settings

By = Annotated[Reviewer, Depends(reviewer_of)]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Any word that this request alone bears, such as a UUID: sent again with the same body, it gets "
        "the same answer and does nothing twice.",
    ),
]


def feedback_routes(engine: Engine, live: Live, batcher: Batcher, settings: Settings) -> APIRouter:
    """Build what a platform's own console calls.

    It wants the scope `review`: a decision taken elsewhere counts like one taken here, moves every figure and trains
    later models, while a key that only classifies lies in a stream's worker.
    """
    desk = Desk(engine)
    router = APIRouter(
        prefix="/v1",
        route_class=JsonRoute,
        tags=["review"],
        dependencies=[access.needs(Scope.REVIEW)],
        responses=problems.documented(*access.REFUSALS),
    )
    refusals = problems.documented(
        *("invalid-json", "body-too-large", "wrong-media-type", "invalid-request", "idempotency-conflict"),
        *("overloaded", "not-ready", "deadline-exceeded"),
    )

    @router.post("/feedback", responses=refusals)
    async def take_feedback(body: FeedbackIn, http: Request, by: By, key: Key) -> FeedbackOut:
        """Take decisions that were taken elsewhere, each for its post. Once answered, they are on the disk."""
        if long := _too_long(body, settings):
            raise problems.invalid_request(long)
        sent = Sent(access.caller_of(http).id, by.name, key, body)
        said = await desk.read(partial(feedback.answered, sent=sent))
        if said is None:
            await judge_new(http, sent)
            said = await desk.write(partial(feedback.take, sent=sent, now=datetime.now(UTC)))
        return FeedbackOut(decisions=said)

    async def judge_new(http: Request, sent: Sent) -> None:
        """Judge posts that were never seen, so that what is decided of them can be held against it."""
        new = await desk.read(partial(feedback.unjudged, items=sent.body.decisions))
        if not new:
            return
        await access.take_posts(http, len(new))
        detect = live.snapshot.detects["default"]
        verdicts = await batcher.judge(detect, [item.to_post() for item in new])
        keep = partial(feedback.keep_judged, engine, new, verdicts, sent=sent, now=datetime.now(UTC))
        prevalence = detect.policy.prevalence if isinstance(detect, Detector) else None
        await desk.run(partial(keep, prevalence=prevalence, days=settings.campaign_days))

    return router


def _too_long(body: FeedbackIn, settings: Settings) -> list[Fault]:
    most = settings.max_post_characters
    return [
        Fault(f"#/decisions/{place}/text", f"has {len(item.text)} characters, a post may have {most}")
        for place, item in enumerate(body.decisions)
        if item.text and len(item.text) > most
    ]
