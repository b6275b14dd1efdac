"""A change asked for on a page: made beside the event loop, recorded, and refused in words when it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlencode

from fastapi import Request, Response

from serving.changes import Changed, OutrunError
from serving.console.pages import go
from serving.console.sessions import asked
from serving.problems import Problem

T = TypeVar("T")
DONE = {
    "added": "Added. Every worker judges by it within seconds.",
    "retired": "Retired. Every worker judges by it within seconds.",
    "promoted": "Promoted. Every worker judges by it within seconds.",
    "rolled-back": "Rolled back. Every worker judges by it within seconds.",
    "policy": "Written, one version higher. Every worker judges by it within seconds.",
    "withdrawn": "Withdrawn. Every worker stops judging by it within seconds.",
}
NOT_RECORDED = "It was made, but the audit chain could not record it yet: the service does that once its store answers."


class RefusedError(ValueError):
    """What was asked for cannot be done; the words are for who asked."""


async def change(work: Callable[[], Changed[T]]) -> Changed[T]:
    """Make a change in a thread: `RefusedError` in words, `claimed` where somebody was faster."""
    try:
        return await asked(work)
    except OutrunError as error:
        raise Problem("changed-meanwhile", str(error)) from None
    except ValueError as error:
        raise RefusedError(str(getattr(error, "public", error))) from None
    except OSError as error:
        raise RefusedError(f"The file cannot be written: {error.strerror}.") from None


def back_to(path: str, done: str, changed: Changed[T], **query: str) -> Response:
    """Go to a page that says what was done."""
    return go(f"{path}?{urlencode({**query, 'done': done, **({} if changed.recorded else {'recorded': 'no'})})}")


def said(request: Request) -> tuple[str, str]:
    """Give what a page says of the change before it, and what of its record: words of ours only, never the query's."""
    done = DONE.get(request.query_params.get("done", ""), "")
    return done, NOT_RECORDED if done and request.query_params.get("recorded") == "no" else ""
