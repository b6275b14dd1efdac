"""The key that the first run makes when others than this machine can reach the service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import Engine

from serving import keys
from serving.store.engine import UPGRADING, StoreError, lock, writing
from serving.store.upgrade import OutdatedError, prepare

DEFAULT_EXPIRY = "365d"  # long enough that enforcement does not stop by surprise; `npsight keys list` shows the day


def first_key(engine: Engine) -> Iterator[str]:
    """Make a key with every scope if there was never one, and say what to print, this once.

    A store that does not answer stops nobody here: the service starts, and refuses all calls until it does.
    """
    try:
        prepare(engine)
        with writing(engine) as connection:
            lock(connection, UPGRADING)  # of several workers that start together, one makes it
            if keys.listed(connection):
                return
            expires = keys.expiry(DEFAULT_EXPIRY, datetime.now(UTC))
            key, secret = keys.create(connection, "first", list(keys.Scope), expires=expires, actor="service")
    except (StoreError, OutdatedError) as error:
        yield f"the store does not answer, so nobody can call yet: {type(error).__name__}: {error}"
        return
    yield f"the first key, shown this once (scopes: {', '.join(sorted(key.scopes))}; expires {key.expires:%Y-%m-%d}):"
    yield f"    {secret}"
