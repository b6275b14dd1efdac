"""API keys: made, shown once, and stored only as salted hashes. Every change is recorded in the audit chain."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from serving import audit
from serving.spans_of_time import span_of_time
from serving.store.tables import API_KEYS, moment_text

FORM = re.compile(r"nps_([a-z0-9]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
MAX_LENGTH = 4 + 12 + 1 + 43
MAX_NAME = 100
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


class Scope(StrEnum):
    """What a key may do. No scope holds another: a key has each one it needs."""

    CLASSIFY = "classify"
    REVIEW = "review"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key; not the key itself."""

    id: str
    name: str
    scopes: frozenset[Scope]
    salt: str
    hash: str
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None
    last_used: date | None = None

    def state(self, now: datetime) -> str:
        """Say in one word whether it works: `active`, `expired` or `revoked`."""
        if self.revoked:
            return "revoked"
        return "expired" if self.expires and self.expires <= now else "active"


NOBODY = Key("", "", frozenset(), "0" * 32, "0" * 64, datetime.min.replace(tzinfo=UTC))
"""What an unknown id is compared with, so that the answer takes as long as for a known one."""


def matches(key: Key, secret: str) -> bool:
    """Compare in constant time.

    One round of SHA-256 is right here, and a slow password hash would be wrong: the secret is 256 random bits, which
    nobody can guess however fast each guess is, while every request pays for the hash. The salt keeps two stores from
    being compared.
    """
    return hmac.compare_digest(_hash(key.salt, secret), key.hash)


def parse(text: str) -> tuple[str, str] | None:
    """Take a key apart into its public id and its secret; None says that it is no key."""
    found = FORM.fullmatch(text) if len(text) == MAX_LENGTH else None
    return (found[1], found[2]) if found else None


def create(
    connection: Connection, name: str, scopes: Collection[Scope], *, expires: datetime | None, actor: str
) -> tuple[Key, str]:
    """Make and record a key; the text beside it is the only copy of its secret that there will ever be."""
    if not scopes:
        raise ValueError(f"the key {name!r} has no scope: wanted one or more of {', '.join(Scope)}")
    key_id = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    secret, salt = secrets.token_urlsafe(32), secrets.token_hex(16)
    key = Key(key_id, _name(name), frozenset(scopes), salt, _hash(salt, secret), datetime.now(UTC), expires)
    values = {"id": key.id, "name": key.name, "scopes": _words(key), "salt": salt, "hash": key.hash}
    connection.execute(insert(API_KEYS).values(**values, created=key.created, expires=expires))
    details = {"name": key.name, "scopes": _words(key), "expires": moment_text(expires) if expires else None}
    audit.append(connection, audit.Event(actor, "key.create", "key", key.id, details))
    return key, f"nps_{key_id}_{secret}"


def revoke(connection: Connection, key_id: str, *, actor: str) -> None:
    """Stop a key for good; `ValueError` when there is none of this id, or it is stopped already."""
    live = (API_KEYS.c.id == key_id) & API_KEYS.c.revoked.is_(None)
    if not connection.execute(update(API_KEYS).where(live).values(revoked=datetime.now(UTC))).rowcount:
        raise ValueError(f"no key {key_id!r} that is not revoked already; `npsight keys list` shows them")
    audit.append(connection, audit.Event(actor, "key.revoke", "key", key_id, {}))


def listed(connection: Connection) -> list[Key]:
    """List every key that was ever made, oldest first."""
    rows = connection.execute(select(*API_KEYS.c).order_by(API_KEYS.c.created, API_KEYS.c.id))
    return [Key(**{**row._mapping, "scopes": _scopes(row.scopes)}) for row in rows]


def mark_used(connection: Connection, key_ids: Collection[str], day: date) -> None:
    """Note the day of use, and no more than the day."""
    older = API_KEYS.c.last_used.is_(None) | (API_KEYS.c.last_used < day)
    connection.execute(update(API_KEYS).where(API_KEYS.c.id.in_(key_ids) & older).values(last_used=day))


def expiry(words: str, now: datetime) -> datetime | None:
    """Read `90d`, `12h`, a date such as 2027-03-01, or `never`."""
    if words == "never":
        return None
    if span := span_of_time(words):
        return now + span
    if re.fullmatch(r"\d{4}-\d\d-\d\d", words, re.ASCII):
        moment = datetime.fromisoformat(words).replace(tzinfo=UTC)
        if moment > now:
            return moment
    raise ValueError(f"--expires {words}: wanted a time to come, such as 90d, 12h or 2027-03-01, or never")


def _name(name: str) -> str:
    if not (name.strip() and name.isprintable() and len(name) <= MAX_NAME):
        raise ValueError(f"a key's name: wanted 1 to {MAX_NAME} printable characters, found {len(name)} or others")
    return name


def _scopes(words: str) -> frozenset[Scope]:
    """Read the scopes; one that a newer npsight gave is passed over, and gives nothing here."""
    return frozenset(scope for scope in Scope if scope in words.split())


def _words(key: Key) -> str:
    return " ".join(scope for scope in Scope if scope in key.scopes)


def _hash(salt: str, secret: str) -> str:
    return hashlib.sha256(f"{salt}{secret}".encode()).hexdigest()
