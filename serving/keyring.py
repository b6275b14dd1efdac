"""The keys as a worker knows them: read from the store every few seconds, held in memory in between.

A revoked key stops working within `HELD_SECONDS` and the wait for the store in every worker. When the store does not
answer, the keys last read go on working, since classification must go on; `fault` says so, and health shows it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from anyio import Lock, fail_after, move_on_after
from anyio.to_thread import run_sync
from sqlalchemy import Engine

from serving import keys
from serving.keys import Key
from serving.store.engine import StoreError, writing
from serving.store.upgrade import OutdatedError, prepare

log = logging.getLogger("npsight.serving")
HELD_SECONDS = 2.5  # with the wait below within the 5 seconds that we promise
WAIT_SECONDS = 2.0


class Keyring:
    """The keys by their public ids; None until the store has answered once."""

    def __init__(self, engine: Engine, *, held_seconds: float = HELD_SECONDS) -> None:
        self.engine = engine
        self.held_seconds = held_seconds
        self.fault = ""
        self._keys: Mapping[str, Key] | None = None
        self._read_at = float("-inf")
        self._prepared = False
        self._used: set[str] = set()
        self._reading = Lock()

    async def keys(self) -> Mapping[str, Key] | None:
        """Give the keys, read anew when they are old; while the store is down, one caller waits for it and no other."""
        if self._fresh() or (self.fault and self._keys is not None and self._reading.locked()):
            return self._keys
        async with self._reading:
            if not self._fresh():
                await self._refresh()
        return self._keys

    def used(self, key: Key, now: datetime) -> None:
        """Remember that a key was used, for the next time that the store is read."""
        if key.last_used != now.date():
            self._used.add(key.id)

    def _fresh(self) -> bool:
        return time.monotonic() - self._read_at < self.held_seconds

    async def _refresh(self) -> None:
        started = time.monotonic()  # what is read is at least as new as this
        try:
            with fail_after(WAIT_SECONDS):
                self._keys = await run_sync(self._read, abandon_on_cancel=True)
            fault = ""
        except (StoreError, ValueError, OSError) as error:
            # Its own words may name hosts and users, so they go to the log and only the kind is shown.
            outdated = isinstance(error, OutdatedError)
            fault = str(error) if outdated else f"The store does not answer ({type(error).__name__})"
            if not self.fault:
                log.error("%s: %s", fault, error)
        self.fault = fault
        self._read_at = started if not fault else time.monotonic()
        if self._used and not fault:
            with move_on_after(WAIT_SECONDS):
                await run_sync(self._note_use, abandon_on_cancel=True)

    def _read(self) -> Mapping[str, Key]:
        if not self._prepared:
            prepare(self.engine)
            self._prepared = True
        with self.engine.connect() as connection:
            return {key.id: key for key in keys.listed(connection)}

    def _note_use(self) -> None:
        used, self._used = self._used, set()
        try:
            with writing(self.engine) as connection:
                keys.mark_used(connection, used, datetime.now(UTC).date())
        except StoreError as error:  # a store that cannot be written to can still be read
            self._used |= used
            log.warning("the day of use of keys was not noted: %s", type(error).__name__)
