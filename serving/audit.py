"""Who did what to what, in a chain where each record holds the hash of the one before.

What the chain proves: no record was altered, removed from the middle or put in another order. Who can write to the
database can still cut its end, or forge all of it anew: against that, note the head elsewhere and verify against it.
Details lie apart from the chain, which holds only their salted digest, so that erasure and proof can both hold. The
subject's id stays in the chain for good: it must be a number of ours, never an author's name.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select

from serving.store.engine import lock
from serving.store.tables import AUDIT, SALTS, moment_text

FIRST = "0" * 64  # what stands before the first record
ERASE = "erase"
CHAIN = 0x6E70735F617564  # the number of the advisory lock under which the chain grows: "nps_aud"


@dataclass(frozen=True, slots=True)
class Event:
    """What is recorded: an actor (a key's id, or `cli:<user>`) did something to one subject."""

    actor: str
    action: str
    subject_kind: str
    subject_id: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain; written `12:9f...`, it is what to note elsewhere."""

    sequence: int = 0
    hash: str = FIRST

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"

    @classmethod
    def read(cls, words: str) -> Head:
        """Read what `str` wrote."""
        sequence, _, digest = words.strip().partition(":")
        if not (sequence.isascii() and sequence.isdecimal() and len(digest) == 64):
            raise ValueError(f"{words!r} is no head of an audit chain: wanted a number, a colon and 64 hex digits")
        return cls(int(sequence), digest.lower())


@dataclass(frozen=True, slots=True)
class Record:
    """One link as it is stored; without `details` when they were erased."""

    sequence: int
    time: str
    actor: str
    action: str
    subject_kind: str
    subject_id: str
    digest: str
    previous: str
    hash: str
    salt: str | None
    details: str | None


def append(connection: Connection, event: Event) -> Head:
    """Add a record within the caller's transaction, which `writing` opened; no other can be added until it ends.

    So append last, and commit: what is recorded and the record of it are kept together or not at all.
    """
    lock(connection, CHAIN)
    last = head(connection)
    salt, details = secrets.token_hex(32), _canonical(event.details)
    link: dict[str, Any] = {
        "sequence": last.sequence + 1,
        "time": moment_text(datetime.now(UTC)),
        "actor": event.actor,
        "action": event.action,
        "subject_kind": event.subject_kind,
        "subject_id": event.subject_id,
        "digest": _digest(salt, details),
        "previous": last.hash,
    }
    link["hash"] = _hash(link)
    connection.execute(insert(AUDIT).values(link))
    connection.execute(insert(SALTS).values(sequence=link["sequence"], salt=salt, details=details))
    return Head(link["sequence"], link["hash"])


def erase(connection: Connection, kind: str, subject_id: str, *, actor: str) -> int:
    """Delete details and salts of one subject, record that, and give how many records it was.

    The records of erasures stay: without them, nobody could tell what was erased from what was lost.
    """
    lock(connection, CHAIN)
    of_subject = (AUDIT.c.subject_kind == kind) & (AUDIT.c.subject_id == subject_id) & (AUDIT.c.action != ERASE)
    chosen = select(AUDIT.c.sequence).where(of_subject)
    sequences = sorted(connection.scalars(select(SALTS.c.sequence).where(SALTS.c.sequence.in_(chosen))))
    connection.execute(delete(SALTS).where(SALTS.c.sequence.in_(chosen)))
    append(connection, Event(actor, ERASE, kind, subject_id, {"records": sequences}))
    return len(sequences)


def head(connection: Connection) -> Head:
    """Give the end of the chain."""
    row = connection.execute(select(AUDIT.c.sequence, AUDIT.c.hash).order_by(AUDIT.c.sequence.desc()).limit(1)).first()
    return Head(*row) if row else Head()


def records(connection: Connection, *, last: int | None = None) -> Iterator[Record]:
    """Stream the records, oldest first; only the `last` ones if so said."""
    query = select(*AUDIT.c, SALTS.c.salt, SALTS.c.details).join_from(
        AUDIT, SALTS, AUDIT.c.sequence == SALTS.c.sequence, isouter=True
    )
    if last is not None:
        query = query.where(AUDIT.c.sequence > head(connection).sequence - last)
    yield from map(_record, _streamed(connection, query.order_by(AUDIT.c.sequence)))


def verify_link(record: Record, before: Head) -> Iterator[str]:
    """Say what is wrong with one record after the one before it."""
    if record.sequence != before.sequence + 1:
        yield f"found after record {before.sequence}: what stood between is missing"
    if record.previous != before.hash:
        yield "does not follow from the record before"
    if _hash(_link(record)) != record.hash:
        yield "was altered"
    if record.salt is not None and record.details is not None and _digest(record.salt, record.details) != record.digest:
        yield "has other details or another salt than were recorded"


def _streamed(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    yield from connection.execute(query, execution_options={"yield_per": 1000})


def _record(row: Row[Any]) -> Record:
    return Record(**row._mapping)


def _link(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in AUDIT.c.keys() if name != "hash"}  # noqa: SIM118


def _hash(link: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(list(link.values())).encode()).hexdigest()


def _digest(salt: str, details: str) -> str:
    return hmac.digest(salt.encode(), details.encode(), "sha256").hex()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
