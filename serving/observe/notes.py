"""What is noted of a request while it is answered, without its being passed from hand to hand."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Notes:
    """What the parts below tell of the request they work for."""

    id: str
    posts: int = 0
    problem: str = ""  # the kind of the refusal, if it was one


CURRENT: ContextVar[Notes | None] = ContextVar("npsight_request", default=None)
"""The request that the code runs for; threads that it starts inherit it."""


def request_id() -> str | None:
    """Give the id of the request that the code runs for."""
    notes = CURRENT.get()
    return notes.id if notes else None


def note_problem(kind: str) -> None:
    """Tell that the request is refused."""
    if notes := CURRENT.get():
        notes.problem = kind


def note_posts(count: int) -> None:
    """Tell how many posts were judged."""
    if notes := CURRENT.get():
        notes.posts = count
