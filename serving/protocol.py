"""How a connection is read: uvicorn's own way, but for one who holds it open and never asks anything.

uvicorn closes a connection that is idle, and forgets about it with each byte. So a client that sends a byte of a head
now and then would keep its place for ever, and a thousand of them all places.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

LOOK_SECONDS = 30  # a head is a few hundred bytes; half of what nginx gives, and a client on a busy machine makes it


class PatientProtocol(H11Protocol):
    """Look at the connection again and again; close it when no request was under way or came between two looks."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Begin to look."""
        super().connection_made(transport)
        self._look(object())

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        self._next_look.cancel()
        super().connection_lost(exc)

    def _look(self, seen: Any) -> None:
        waiting = self.cycle is None or self.cycle.response_complete
        if waiting and self.cycle is seen:
            self.transport.close()
        else:
            self._next_look = self.loop.call_later(LOOK_SECONDS, self._look, self.cycle)
