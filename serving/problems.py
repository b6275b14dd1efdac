"""Errors as RFC 9457 problem documents. None says what the client sent: that may be a post's text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from serving.observe.notes import note_problem, request_id

PROBLEM_JSON = "application/problem+json"
MAX_FAULTS = 20  # listed in one document; the detail says how many there are

KINDS: Mapping[str, tuple[int, str]] = {
    "invalid-json": (400, "The body is not valid JSON"),
    "ambiguous-length": (400, "The body's length is said twice"),
    "unknown-host": (400, "The service does not go by this name"),
    "unauthenticated": (401, "A valid key is wanted"),
    "forbidden": (403, "The key may not do this"),
    "not-found": (404, "There is no such thing"),
    "unknown-case": (404, "There is no such case"),
    "body-too-slow": (408, "The body came too slowly"),
    "changed-meanwhile": (409, "It was changed meanwhile"),
    "claimed": (409, "Somebody else holds the case"),
    "settled": (409, "The case is settled already"),
    "nothing-to-undo": (409, "There is no decision of yours to take back"),
    "body-too-large": (413, "The body is too large"),
    "wrong-media-type": (415, "The body is not application/json"),
    "invalid-request": (422, "The request is not valid"),
    "idempotency-conflict": (422, "The idempotency key was used for another body"),
    "rate-limited": (429, "Too much was asked in a minute"),
    "overloaded": (429, "Too many posts are waiting"),
    "internal-error": (500, "The service failed"),
    "not-ready": (503, "The service is not ready"),
    "store-unavailable": (503, "The store does not answer"),
    "deadline-exceeded": (503, "The service was not fast enough"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a body, and where: a JSON pointer in its URI fragment form, `#` for the whole."""

    pointer: str
    detail: str


class Problem(HTTPException):
    """One of `KINDS`, raised anywhere below the exception handlers."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        instance: str | None = None,
        headers: Mapping[str, str] | None = None,
        retry_after: int | None = None,
    ) -> None:
        status, self.title = KINDS[kind]
        later = {} if retry_after is None else {"Retry-After": str(retry_after)}
        super().__init__(status, detail, {**(headers or {}), **later} or None)
        self.kind, self.errors, self.instance = kind, errors, instance


class ProblemResponse(JSONResponse):
    """A JSON response that names itself a problem document."""

    media_type = PROBLEM_JSON


def respond(error: StarletteHTTPException) -> ProblemResponse:
    """Render a problem, or a plain HTTP error under the type that RFC 9457 keeps for those."""
    phrase = HTTPStatus(error.status_code).phrase
    document: dict[str, Any] = {"type": "about:blank", "title": phrase, "status": error.status_code}
    if isinstance(error, Problem):
        document |= {"type": f"urn:npsight:problem:{error.kind}", "title": error.title}
        document |= {"errors": [asdict(fault) for fault in error.errors[:MAX_FAULTS]]} if error.errors else {}
        document |= {"instance": error.instance} if error.instance else {}
    note_problem(error.kind if isinstance(error, Problem) else "about:blank")
    if named := request_id():
        document["request_id"] = named
    if error.detail and error.detail != phrase:
        document["detail"] = error.detail
    return ProblemResponse(document, error.status_code, headers=error.headers)


def invalid_request(faults: Sequence[Fault]) -> Problem:
    """Gather the faults of one request into one problem."""
    listed = f", of which the first {MAX_FAULTS} are listed" if len(faults) > MAX_FAULTS else ""
    noun = "fault" if len(faults) == 1 else "faults"
    return Problem("invalid-request", f"{len(faults)} {noun} found{listed}.", errors=faults)


def _fault(error: Mapping[str, Any]) -> Fault:
    """Turn one of pydantic's errors into ours; its `input` is left behind."""
    place, *path = error["loc"]
    if place != "body":
        return Fault("#", f"{place} parameter {'.'.join(map(str, path))}: {error['msg']}")
    return Fault("/".join(["#", *map(str, path)]), error["msg"])


async def _on_http(_: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, StarletteHTTPException)
    return respond(error)


async def _on_invalid(_: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    return respond(invalid_request([_fault(each) for each in error.errors()]))


def install(app: FastAPI) -> None:
    """Make every error that a route or the router raises a problem document."""
    app.add_exception_handler(StarletteHTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)


def documented(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """Describe these kinds of problem for OpenAPI; kinds of one status share their place."""
    titles: dict[int | str, list[str]] = {}
    for status, title in (KINDS[kind] for kind in kinds):
        titles.setdefault(status, []).append(title)
    return {
        status: {"description": " / ".join(said), "content": {PROBLEM_JSON: {"schema": _SCHEMA}}}
        for status, said in titles.items()
    }


_SCHEMA = {
    "title": "Problem",
    "description": "A problem document as RFC 9457 has it.",
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:npsight:problem:invalid-request"]},
        "title": {"type": "string", "examples": ["The request is not valid"]},
        "status": {"type": "integer", "examples": [422]},
        "detail": {"type": "string", "examples": ["1 fault found."]},
        "instance": {"type": "string", "format": "uri"},
        "request_id": {"type": "string", "description": "As in the header X-Request-Id and in the log."},
        "errors": {
            "type": "array",
            "maxItems": MAX_FAULTS,
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string", "examples": ["#/posts/0/text"]},
                    "detail": {"type": "string", "examples": ["is empty or only white space"]},
                },
            },
        },
    },
}
