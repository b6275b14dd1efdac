"""The review queue over HTTP, for consoles of others and for scripts."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AfterValidator
from sqlalchemy import Connection, Engine

from serving import access, problems
from serving.guard import JsonRoute
from serving.keys import Scope
from serving.problems import Fault
from serving.review import queue
from serving.review.appeals import appealed
from serving.review.case import Case, case
from serving.review.decisions import Decided, decide
from serving.review.desk import Desk, Reviewer, reviewer_of
from serving.review.saying import Source
from serving.review.wire import LARGEST, AppealsOut, CasesOut, ClaimIn, ClaimOut, DecisionIn, clean

CaseId = Annotated[int, Path(ge=1, le=LARGEST, description="A case's number.")]
By = Annotated[Reviewer, Depends(reviewer_of)]
Word = Annotated[str, Query(min_length=1, max_length=300), AfterValidator(clean)]
State = Literal["open", "escalated", "settled"]
PAGE = 50


def review_routes(engine: Engine) -> APIRouter:
    """Build what reviewers' tools call."""
    desk = Desk(engine)
    router = APIRouter(
        prefix="/v1/review",
        route_class=JsonRoute,
        tags=["review"],
        dependencies=[access.needs(Scope.REVIEW)],
        responses=problems.documented(*access.REFUSALS, "invalid-request"),
    )
    body = ("invalid-json", "body-too-large", "wrong-media-type")

    @router.get("/cases")
    async def list_cases(
        state: State = "open",
        lang: Word | None = None,
        platform: Word | None = None,
        after: Annotated[str | None, Query(max_length=100, description="`next` of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = PAGE,
    ) -> CasesOut:
        """List cases in the order in which they should be done. No text is among it."""
        work = partial(queue.waiting, limit=limit, after=after, lang=lang, platform=platform, state=state, now=_now())
        lines = await desk.read(work)
        return CasesOut(cases=lines, next=lines[-1].cursor if len(lines) == limit else None)

    @router.get("/cases/{case_id}", responses=problems.documented("unknown-case"))
    async def show_case(case_id: CaseId) -> Case:
        """Show a case with its text, contacts masked; the text is null once retention has deleted it."""
        return await desk.read(partial(case, case_id=case_id, now=_now()))

    @router.post("/claims", responses=problems.documented(*body, "unknown-case", "claimed"))
    async def claim_case(wanted: ClaimIn, by: By) -> ClaimOut:
        """Hold a case, so that nobody else decides it; hold one's own for longer; or take the next."""
        return ClaimOut(case=await desk.write(partial(_claim, wanted=wanted, by=by)))

    @router.delete("/claims/{case_id}", status_code=204, responses=problems.documented("unknown-case", "claimed"))
    async def release_case(case_id: CaseId, by: By) -> None:
        """Give a case back undecided."""
        await desk.write(partial(queue.release, case_id=case_id, reviewer=by.name, now=_now()))

    refusals = problems.documented(*body, "unknown-case", "claimed", "settled", "nothing-to-undo")

    @router.post("/cases/{case_id}/decisions", status_code=201, responses=refusals)
    async def decide_case(case_id: CaseId, said: DecisionIn, by: By) -> Decided:
        """Decide a case for all its copies, or take the last decision back. Once answered, it is on the disk."""
        return await desk.write(partial(_decide, case_id=case_id, said=said, by=by))

    @router.get("/appeals")
    async def find_appealed(
        post_id: Annotated[Word | None, Query(description="The platform's own id of the post.")] = None,
        author: Annotated[Word | None, Query(description="An author's hash, as cases show it.")] = None,
        platform: Word | None = None,
    ) -> AppealsOut:
        """Find what was judged by a post's id or an author's hash: the newest 50."""
        if (post_id is None) == (author is None):
            raise problems.invalid_request([Fault("#", "query: wanted either post_id or author")])
        work = partial(appealed, post_id=post_id, author=author, platform=platform, now=_now())
        return AppealsOut(found=await desk.read(work))

    return router


def _claim(connection: Connection, wanted: ClaimIn, by: Reviewer) -> queue.CaseLine | None:
    if wanted.case is not None:
        return queue.claim(connection, wanted.case, by.name, minutes=wanted.minutes, now=_now())
    return queue.claim_next(
        connection,
        by.name,
        lang=wanted.lang,
        platform=wanted.platform,
        admin=by.admin,
        minutes=wanted.minutes,
        now=_now(),
    )


def _decide(connection: Connection, case_id: int, said: DecisionIn, by: Reviewer) -> Decided:
    return decide(
        connection,
        case_id,
        reviewer=by.name,
        source=Source.API,
        decision=said.decision,
        intent=said.intent,
        spans=said.marks(),
        note=said.note,
        appeal=said.appeal,
        admin=by.admin,
        now=_now(),
    )


def _now() -> datetime:
    return datetime.now(UTC)
