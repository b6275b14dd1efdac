"""Who is signed in: a random token in a cookie, and its hash in the store."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from anyio.to_thread import run_sync
from sqlalchemy import Engine, delete, insert, select

from serving import audit
from serving.problems import Problem
from serving.store.engine import StoreError, writing
from serving.store.tables import SESSIONS

T = TypeVar("T")
HOURS = 12  # a shift and its hand-over
MAX_TOKEN = 100  # ours have 43 characters; what is longer is not worth hashing


@dataclass(frozen=True, slots=True)
class Session:
    """A key's id, and who said that they hold it."""

    key_id: str
    reviewer: str
    expires: datetime


async def asked(work: Callable[[], T]) -> T:
    """Do the store's work in a thread; `store-unavailable` when it does not answer."""
    try:
        return await run_sync(work, abandon_on_cancel=True)
    except StoreError as error:
        said = f"The store does not answer ({type(error).__name__})."
        raise Problem("store-unavailable", said, retry_after=5) from None


class Sessions:
    """The sessions in the store; `store-unavailable` when it does not answer."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def start(self, key_id: str, reviewer: str, *, now: datetime) -> str:
        """Begin one and give its token, of which no copy is kept."""
        token = secrets.token_urlsafe(32)
        await asked(lambda: self._insert(_hash(token), key_id, reviewer, now))
        return token

    async def find(self, token: str, *, now: datetime) -> Session | None:
        """Give the session of a token; an expired one is none."""
        if len(token) > MAX_TOKEN:
            return None
        return await asked(lambda: self._select(_hash(token), now))

    async def end(self, token: str) -> None:
        """End it, whether it is there or not."""
        await asked(lambda: self._delete(_hash(token)))

    def _insert(self, hashed: str, key_id: str, reviewer: str, now: datetime) -> None:
        values = {"hash": hashed, "key_id": key_id, "reviewer": reviewer, "created": now}
        with writing(self.engine) as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.expires <= now))
            connection.execute(insert(SESSIONS).values(**values, expires=now + timedelta(hours=HOURS)))
            audit.append(connection, audit.Event(f"{key_id}/{reviewer}", "console.sign_in", "key", key_id, {}))

    def _select(self, hashed: str, now: datetime) -> Session | None:
        wanted = (SESSIONS.c.hash == hashed) & (SESSIONS.c.expires > now)
        with self.engine.connect() as connection:
            row = connection.execute(select(SESSIONS).where(wanted)).one_or_none()
        return Session(row.key_id, row.reviewer, row.expires) if row else None

    def _delete(self, hashed: str) -> None:
        with writing(self.engine) as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.hash == hashed))


def _hash(token: str) -> str:
    """Hash a token; its 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
