"""Who sits at the desk, and the store seen from a route: work in a thread, and 503 when it does not answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Header, Request
from sqlalchemy import Connection, Engine

from serving import access
from serving.keys import Scope
from serving.problems import Problem
from serving.store.engine import StoreError, writing

T = TypeVar("T")
THREADS = 8  # that may wait for the store; those of the verdicts are others, and go on while it is silent
RETRY_SECONDS = 5
NAME = r"^[!-~]([ -~]*[!-~])?$"


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who decides: a key's id, and behind it the person that `X-Reviewer` names."""

    name: str
    admin: bool


def reviewer_of(
    request: Request,
    x_reviewer: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=60,
            pattern=NAME,
            description="The person, where one key serves a team's own console: printable ASCII. "
            "It is the key's holder who vouches for it.",
        ),
    ] = None,
) -> Reviewer:
    """Name the reviewer of a request."""
    caller = access.caller_of(request)
    return Reviewer(f"{caller.id}/{x_reviewer}" if x_reviewer else caller.id, Scope.ADMIN in caller.scopes)


class Desk:
    """The store as routes use it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._limiter: CapacityLimiter | None = None

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Read in one transaction."""
        return await self.run(partial(_read, self.engine, work))

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Write in one transaction: what this returns is on the disk."""
        return await self.run(partial(_write, self.engine, work))

    async def run(self, work: Callable[[], T]) -> T:
        """Do what needs the store beside the event loop."""
        self._limiter = self._limiter or CapacityLimiter(THREADS)
        try:
            return await run_sync(work, limiter=self._limiter)
        except StoreError:
            raise Problem("store-unavailable", "Nothing was done.", retry_after=RETRY_SECONDS) from None


def _read(engine: Engine, work: Callable[[Connection], T]) -> T:
    with engine.connect() as connection:
        return work(connection)


def _write(engine: Engine, work: Callable[[Connection], T]) -> T:
    with writing(engine) as connection:
        return work(connection)
