"""The tables, as SQLAlchemy Core has them. A change needs a step in `migrations/versions`; a test compares both."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, Column, Date, ForeignKey, MetaData, String, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

METADATA = MetaData()


class Moment(TypeDecorator[datetime]):
    """A time as text in UTC of one width: it sorts, it is the same in every database, and a hash can cover it."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Write it out."""
        return None if value is None else moment_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Read it back."""
        return None if value is None else datetime.fromisoformat(value)


def moment_text(moment: datetime) -> str:
    """Write a time that knows its zone as it is stored and hashed."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment}: found a time without a zone, wanted one with it")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", String(12), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("scopes", String(100), nullable=False),  # words with spaces between, as OAuth writes them
    Column("salt", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("created", Moment, nullable=False),
    Column("expires", Moment),
    Column("revoked", Moment),
    Column("last_used", Date),  # a day says whether a key is in use; more would be a diary of a person's work
)

# Append-only: triggers of the first migration refuse UPDATE and DELETE. `previous` is unique, so no chain can fork.
AUDIT = Table(
    "audit",
    METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("time", String(32), nullable=False),  # `moment_text`; as text, so that the hash covers what is stored
    Column("actor", String(100), nullable=False),
    Column("action", String(50), nullable=False),
    Column("subject_kind", String(50), nullable=False),
    Column("subject_id", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("previous", String(64), nullable=False, unique=True),
    Column("hash", String(64), nullable=False, unique=True),
)

# What erasure deletes: without its salt, the digest in the chain says nothing of the details any more.
SALTS = Table(
    "salts",
    METADATA,
    Column("sequence", BigInteger, ForeignKey("audit.sequence"), primary_key=True, autoincrement=False),
    Column("salt", String(64), nullable=False),
    Column("details", Text, nullable=False),
)
