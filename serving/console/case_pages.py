"""One case as a page: read it, decide it, take the decision back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import Connection

from models.verdict import INTENTS, Kind
from serving import access
from serving.console import exposure as exposing
from serving.console import words
from serving.console.case_view import case_view, lease_words
from serving.console.fields import Fields, fields
from serving.console.going import LARGEST, QUEUE, CaseId, case_address, case_of, filters_of, take_next
from serving.console.marking import corrected
from serving.console.marks import KIND_WORDS
from serving.console.pages import go, page
from serving.console.parts import Parts
from serving.console.queue_view import done_view
from serving.console.sessions import asked
from serving.console.visitors import Visitor, visitor_of
from serving.keys import Scope
from serving.problems import Problem
from serving.review import queue
from serving.review.case import Case, Mark
from serving.review.case import case as read_case
from serving.review.decisions import decide
from serving.review.saying import MAX_NOTE, Appeal, Choice, Source
from serving.store.engine import writing

CASE = f"{QUEUE}/cases/{{case_id}}"
EXTEND_EVERY = 60_000  # milliseconds between two signs that the page is open; a lease outlives many lost ones
COMES_BACK = ("claimed", "settled", "invalid-request")
"""Refusals after which the page comes back as it was filled in."""
Number = Annotated[int, Path(ge=0, le=LARGEST)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What one answer shows of a case: with its text or without, after which decision, with what fault."""

    case_id: int
    show: bool
    form: Fields
    done: int | None = None
    fault: Problem | None = None


def routes(parts: Parts) -> APIRouter:
    """Build the page of a case and what its forms do."""
    router = APIRouter(dependencies=[access.needs(Scope.REVIEW)])
    _look(router, parts)
    _decide(router, parts)
    return router


def _look(router: APIRouter, parts: Parts) -> None:
    @router.get(CASE)
    async def show_case(request: Request, case_id: Number, done: CaseId | None = None) -> Response:
        """Show one case; its text only to who asked for texts in this session."""
        form = Fields(list(request.query_params.items()))
        return await shown(request, parts, Asked(case_id, exposing.shows_texts(request), form, done))

    @router.post(f"{CASE}/blur")
    async def blur(request: Request, case_id: Number) -> Response:
        """Show or blur texts for this session; what was typed comes back with the page."""
        form = await fields(request)
        show = form.word("shown") == "1"
        response = await shown(request, parts, Asked(case_id, show, form))
        exposing.remember_texts(request, response, show)
        return response

    @router.get(f"{CASE}/blur")
    @router.get(f"{CASE}/decide")
    async def back(case_id: Number) -> Response:
        """Lead who comes again to the answer of a form to its page."""
        return go(case_address(case_id, {}))

    @router.post(f"{CASE}/extend")
    async def extend(request: Request, case_id: Number) -> dict[str, object]:
        """Hold a case for longer while its page is open; one that was lost is not taken again unasked."""
        reviewer, now = visitor_of(request).reviewer, datetime.now(UTC)

        def hold() -> dict[str, object]:
            with writing(parts.engine) as connection:
                line = queue.line(connection, case_id, now=now)
                if mine := line.claimed_by == reviewer:
                    line = queue.claim(connection, case_id, reviewer, now=now)
            return {"mine": mine, "words": lease_words(line.claimed_by, line.claimed_until, reviewer, now)}

        return await asked(hold)


def _decide(router: APIRouter, parts: Parts) -> None:
    @router.post(f"{CASE}/decide")
    async def decide_case(request: Request, case_id: Number) -> Response:
        """Decide a case and take the next; what cannot be stored comes back as it was typed, with the reason."""
        form, visitor, now = await fields(request), visitor_of(request), datetime.now(UTC)

        def store() -> str:
            with writing(parts.engine) as connection:
                _store(connection, case_id, visitor, form, now)
            with writing(parts.engine) as connection:  # on its own: a decision must not be lost with the next case
                return take_next(connection, visitor, form, done=case_id, now=now)

        try:
            return go(await asked(store))
        except Problem as problem:
            if problem.kind not in COMES_BACK:
                raise
            return await shown(request, parts, Asked(case_id, exposing.shows_texts(request), form, fault=problem))

    @router.post(f"{QUEUE}/undo")
    async def undo(request: Request) -> Response:
        """Take the last decision of a case back, and take the case itself."""
        form, visitor, now = await fields(request), visitor_of(request), datetime.now(UTC)
        case_id = case_of(form)

        def store() -> None:
            who, admin = visitor.reviewer, visitor.may("admin")
            with writing(parts.engine) as connection:
                decide(
                    connection, case_id, reviewer=who, source=Source.CONSOLE, decision=Choice.UNDO, admin=admin, now=now
                )
                queue.claim(connection, case_id, who, now=now)

        await asked(store)
        return go(case_address(case_id, form, done=case_id))


def _store(connection: Connection, case_id: int, visitor: Visitor, form: Fields, now: datetime) -> None:
    if form.word("decision") not in set(Choice) - {Choice.UNDO}:
        raise Problem("invalid-request", "No decision was chosen.")
    if form.word("appeal") not in {"", *Appeal}:
        raise Problem("invalid-request", "An appeal is upheld or overturned.")
    decide(
        connection,
        case_id,
        reviewer=visitor.reviewer,
        source=Source.CONSOLE,
        decision=form.word("decision"),
        intent=form.word("intent") or None,
        spans=corrected(form, read_case(connection, case_id, now=now)),
        note=form.word("note") or None,
        appeal=form.word("appeal") or None,
        now=now,
    )


async def shown(request: Request, parts: Parts, wanted: Asked) -> Response:
    """Answer with the page of a case, and count its text as shown when it is there to be read."""
    visitor, now = visitor_of(request), datetime.now(UTC)

    def read() -> dict[str, Any]:
        with parts.engine.connect() as connection:
            case = read_case(connection, wanted.case_id, now=now)
            kept = _kept(wanted.form, case)
            view = case_view(connection, case, visitor=visitor, kept=kept, now=now)
            done = done_view(connection, wanted.done, visitor)
        count = _count(parts, visitor, now, add=wanted.show and case.text is not None and wanted.fault is None)
        said = exposing.exposure(request, count, parts.settings.pause_after, now=now)
        return {
            "case": view,
            "done": done,
            "exposure": said,
            "typed": _typed(wanted.form, kept is not None or bool(wanted.form.word("add_text"))),
        }

    values = await asked(read) | {"show": wanted.show, "filters": filters_of(wanted.form)}
    values |= {"intents": [(each.value, words.INTENT_WORDS[each]) for each in INTENTS], "max_note": MAX_NOTE}
    values |= {"kinds": [(each.value, KIND_WORDS[each]) for each in Kind], "extend_every": EXTEND_EVERY}
    status = wanted.fault.status_code if wanted.fault else 200
    return page(request, "case.html", status=status, fault=_fault_words(wanted.fault), **values)


def _count(parts: Parts, visitor: Visitor, now: datetime, *, add: bool) -> int:
    if not add:
        with parts.engine.connect() as connection:
            return exposing.shown(connection, visitor.reviewer, now=now)
    with writing(parts.engine) as connection:
        return exposing.count_shown(connection, visitor.reviewer, now=now)


def _kept(form: Fields, case: Case) -> Sequence[Mark] | None:
    """Read the marks that were changed; those that cannot be read were the fault, and are as found again."""
    try:
        return corrected(form, case)
    except Problem:
        return None


def _typed(form: Mapping[str, str], marked: bool) -> dict[str, Any]:
    """Give back what was typed; a page that is opened has nothing yet."""
    return {name: form.get(name, "") for name in ("intent", "note", "appeal", "add_text", "add_kind")} | {
        "marked": marked
    }


def _fault_words(fault: Problem | None) -> str:
    if fault is None:
        return ""
    said = "; ".join(f"{each.pointer.removeprefix('#/')} {each.detail}" for each in fault.errors)
    return said[:1].upper() + said[1:] + "." if said else str(fault.detail)
