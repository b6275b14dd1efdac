"""Reach the database: SQLite or PostgreSQL by one code path, with every wait bounded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_SECONDS = 5  # how long SQLite waits for another writer; ours hold the file for milliseconds
# A PostgreSQL that is gone must not hold a request for long: the keys held in memory answer meanwhile.
POSTGRESQL: dict[str, Any] = {
    "pool_pre_ping": True,
    "pool_timeout": 2,
    "connect_args": {"connect_timeout": 2, "tcp_user_timeout": 5000},  # seconds; milliseconds
}
WRITES = "npsight_writes"
UPGRADING = 0x6E70735F757067  # an advisory lock's number: "nps_upg"

StoreError = SQLAlchemyError
"""What every call to the database may raise; it never quotes the values that were sent."""


def default_url() -> str:
    """Name the SQLite file of this user, where the XDG rules put state that must outlive the program."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return f"sqlite:///{Path(home) / 'npsight' / 'npsight.db'}"


def open_engine(url: str | None = None) -> Engine:
    """Prepare the way to the database; nothing is connected yet."""
    parsed = _parsed(url or default_url())
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed, hide_parameters=True, **POSTGRESQL)
    _own_file(Path(str(parsed.database)))
    engine = create_engine(parsed, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _tune)
    event.listen(engine, "begin", _begin)
    return engine


def shown(engine: Engine) -> str:
    """Name the database without its password."""
    return engine.url.render_as_string(hide_password=True)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that may write. In SQLite it holds the only writer's place from its start.

    A transaction that reads first and asks for that place later can be refused without a wait.
    """
    with engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        yield connection


def lock(connection: Connection, number: int) -> None:
    """Let one transaction at a time go on from here; in SQLite, `writing` has seen to that."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:  # its message would quote the address, and with it a password
        raise ValueError("the database's address is no URL: wanted sqlite:////a/file.db or postgresql://...") from None
    backend = "postgresql" if parsed.drivername == "postgres" else parsed.drivername.partition("+")[0]
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise ValueError(f"the database's address begins with {backend!r}: wanted sqlite or postgresql")
    if parsed.database in (None, "", ":memory:") or str(parsed.database).startswith("file:"):
        raise ValueError("the database's address names no file: wanted sqlite:////a/file.db")
    return parsed.set(drivername="sqlite")


def _own_file(path: Path) -> None:
    """Make the file for this user's eyes only; the files that SQLite puts beside it take after it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # One that is there is not even opened: with the closing of any descriptor this process would lose SQLite's locks on
    # the file, and another process might then throw away the log that our connections still write to.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _tune(connection: Any, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # Python's module begins no transaction of its own: ours do, by `_begin`
    for pragma in (
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "journal_mode = WAL",  # readers go on while one writes
        "synchronous = FULL",  # an acknowledged decision is on the disk, whatever dies next
        "foreign_keys = ON",
        "secure_delete = ON",  # what is erased is overwritten, not only unlinked
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN")
