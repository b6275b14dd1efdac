"""Pseudonyms of authors and contacts, made with secrets that the store keeps and that can be rotated.

One author has one hash under one secret, so that a history can be shown and nobody is named. Not anonymity: who holds
the store with its secrets can test a guess. A retired secret still finds what was kept under it, until purge
deletes it.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Engine, insert, select, update

from serving import audit
from serving.store.engine import lock, writing
from serving.store.tables import SECRETS

FIRST_USE = 0x6E70735F736563  # the number of the advisory lock under which secrets are made: "nps_sec"
HASH_BYTES = 16  # 128 bits: two authors of a billion share a hash with probability 1e-21


class Purpose(StrEnum):
    """What a secret is for; each purpose has secrets of its own, so that neither tells anything of the other."""

    AUTHORS = "authors"
    CONTACTS = "contacts"


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret as it is kept; what it is made of is not shown."""

    id: int
    key: bytes = field(repr=False)

    def author(self, author: str) -> str:
        """Hash an author's id: `<secret's id>:<hex>`."""
        digest = hmac.digest(self.key, author.encode("utf-8", "surrogatepass"), "sha256")
        return f"{self.id}:{digest[:HASH_BYTES].hex()}"


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets in use."""

    authors: Secret
    contacts: Secret


def in_use(engine: Engine, now: datetime) -> Secrets:
    """Give the secrets in use; the first use makes them."""
    with engine.connect() as connection:
        found = {purpose: _newest(connection, purpose) for purpose in Purpose}
    if not all(found.values()):
        with writing(engine) as connection:
            found = {purpose: ensure(connection, purpose, now) for purpose in Purpose}
    return Secrets(**{purpose.value: secret for purpose, secret in found.items() if secret})


def ensure(connection: Connection, purpose: Purpose, now: datetime) -> Secret:
    """Give the secret in use within a transaction that `writing` opened, and make one if there is none."""
    lock(connection, FIRST_USE)  # of several workers that meet an empty store, one makes it
    return _newest(connection, purpose) or _make(connection, purpose, now)


def rotate(connection: Connection, purpose: Purpose, *, actor: str, now: datetime) -> Secret:
    """Retire the secret in use and make a new one; the record of it names both by number."""
    lock(connection, FIRST_USE)
    before = _newest(connection, purpose)
    present = (SECRETS.c.purpose == purpose) & SECRETS.c.retired.is_(None)
    connection.execute(update(SECRETS).where(present).values(retired=now))
    made = _make(connection, purpose, now)
    details = {"purpose": purpose.value, "retired": before.id if before else None}
    audit.append(connection, audit.Event(actor, "rotate", "secret", str(made.id), details))
    return made


def author_hashes(connection: Connection, author: str) -> list[str]:
    """Hash an author's id under every secret that is kept, retired ones too."""
    kept = select(SECRETS.c.id, SECRETS.c.secret).where(SECRETS.c.purpose == Purpose.AUTHORS)
    return [_secret(*row).author(author) for row in connection.execute(kept.order_by(SECRETS.c.id))]


def _newest(connection: Connection, purpose: Purpose) -> Secret | None:
    present = (SECRETS.c.purpose == purpose) & SECRETS.c.retired.is_(None)
    row = connection.execute(
        select(SECRETS.c.id, SECRETS.c.secret).where(present).order_by(SECRETS.c.id.desc()).limit(1)
    ).first()
    return _secret(*row) if row else None


def _make(connection: Connection, purpose: Purpose, now: datetime) -> Secret:
    key = secrets.token_hex(32)
    made = connection.execute(
        insert(SECRETS).values(purpose=purpose.value, secret=key, created=now).returning(SECRETS.c.id)
    )
    return _secret(made.scalar_one(), key)


def _secret(number: int, key: str) -> Secret:
    return Secret(number, bytes.fromhex(key))
