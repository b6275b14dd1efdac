"""The queue as a page: which cases wait, and the ways to begin."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from serving import access
from serving.console import exposure as exposing
from serving.console.fields import fields
from serving.console.going import QUEUE, CaseId, case_address, case_of, filters_of, list_address, move, take_next
from serving.console.pages import go, own_path, page
from serving.console.parts import Parts
from serving.console.queue_view import STATES, choices, done_view, line_view
from serving.console.sessions import asked
from serving.console.visitors import Visitor, visitor_of
from serving.keys import Scope
from serving.problems import Problem
from serving.review import queue
from serving.review.appeals import Appealed, appealed
from serving.store.engine import writing

SHOWN_AT_ONCE = 25
EMPTY = {
    queue.OPEN: "No case waits. Well done.",
    queue.ESCALATED: "No case was escalated.",
    queue.SETTLED: "No case has been settled yet.",
}


def routes(parts: Parts) -> APIRouter:
    """Build the list and what its forms do."""
    router = APIRouter(dependencies=[access.needs(Scope.REVIEW)])
    _look(router, parts)
    _begin(router, parts)
    return router


def _look(router: APIRouter, parts: Parts) -> None:
    @router.get(QUEUE)
    async def list_cases(
        request: Request, state: str = queue.OPEN, after: str | None = None, done: CaseId | None = None
    ) -> Response:
        """List the cases of one state in the order of the queue."""
        visitor, now, filters = visitor_of(request), datetime.now(UTC), filters_of(request.query_params)

        def read() -> dict[str, Any]:
            with parts.engine.connect() as connection:
                values = listed(connection, visitor, state=state, filters=filters, after=after, now=now)
                values["done"] = done_view(connection, done, visitor)
                count = exposing.shown(connection, visitor.reviewer, now=now)
            return values | {"exposure": exposing.exposure(request, count, parts.settings.pause_after, now=now)}

        return page(request, "queue.html", filters=filters, **await asked(read))

    @router.get(f"{QUEUE}/appeal")
    async def find_appealed(request: Request, post_id: Annotated[str, Query(max_length=300)] = "") -> Response:
        """Find the case of a post about which somebody appeals."""
        wanted = post_id.strip()

        def read() -> list[Appealed]:
            with parts.engine.connect() as connection:
                return appealed(connection, post_id=wanted, author=None, now=datetime.now(UTC))

        found = await asked(read)
        cases = {each.case.id if each.case else None for each in found}
        if len(cases) == 1 and (only := cases.pop()) is not None:
            return go(case_address(only, {}))
        return page(request, "appeal.html", post_id=wanted, found=found)


def _begin(router: APIRouter, parts: Parts) -> None:
    @router.post(f"{QUEUE}/next")
    async def start(request: Request) -> Response:
        """Take the most urgent case that nobody holds."""
        form, visitor = await fields(request), visitor_of(request)

        def take() -> str:
            with writing(parts.engine) as connection:
                return take_next(connection, visitor, form, now=datetime.now(UTC))

        return go(await asked(take))

    @router.post(f"{QUEUE}/claim")
    async def claim(request: Request) -> Response:
        """Take one case; somebody else's is shown and not taken."""
        form, visitor = await fields(request), visitor_of(request)
        case_id = case_of(form)

        def take() -> None:
            with writing(parts.engine) as connection:
                queue.claim(connection, case_id, visitor.reviewer, now=datetime.now(UTC))

        try:
            await asked(take)
        except Problem as problem:
            if problem.kind != "claimed":
                raise
        return go(case_address(case_id, form))

    @router.post(f"{QUEUE}/move")
    async def leave(request: Request) -> Response:
        """Give a case back and take the one behind or before it."""
        form, visitor = await fields(request), visitor_of(request)
        case_id = case_of(form)

        def leave_and_take() -> str:
            with writing(parts.engine) as connection:
                return move(connection, case_id, visitor, form, now=datetime.now(UTC))

        try:
            return go(await asked(leave_and_take))
        except Problem as problem:  # somebody took the neighbour in that moment: the list says how things are
            if problem.kind != "claimed":
                raise
            return go(list_address(form))

    @router.post(f"{QUEUE}/rested")
    async def rested(request: Request) -> Response:
        """Put the nudge to pause away for this hour."""
        response = go(own_path((await fields(request)).word("next"), QUEUE))
        exposing.put_nudge_away(request, response)
        return response


def listed(
    connection: Connection,
    visitor: Visitor,
    *,
    state: str,
    filters: Mapping[str, str],
    after: str | None,
    now: datetime,
) -> dict[str, Any]:
    """Read one page of the list."""
    state = state if state in queue.STATES else queue.OPEN
    chosen = {name: value or None for name, value in filters.items()}
    lines = queue.waiting(connection, limit=SHOWN_AT_ONCE + 1, after=after, **chosen, state=state, now=now)
    there, filtered = choices(connection, now), any(filters.values())
    return {
        "lines": [line_view(each, visitor.reviewer, now) for each in lines[:SHOWN_AT_ONCE]],
        "after": lines[SHOWN_AT_ONCE - 1].cursor if len(lines) > SHOWN_AT_ONCE else "",
        "state": state,
        "states": STATES,
        "counts": queue.counts(connection),
        "langs": there.langs,
        "platforms": there.platforms,
        "oldest": there.oldest,
        "empty": "No case fits these filters." if filtered else EMPTY[state],
    }
