"""What the verbs `store`, `keys`, `audit` and `feedback` do: functions that take values and give lines to print."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine

from serving import audit, keys
from serving.audit_check import MAX_FAULTS, Check, verify
from serving.changes import Changed
from serving.review.export import CARD, export
from serving.settings import Settings
from serving.spans_of_time import span_of_time
from serving.store.engine import StoreError, open_engine, shown, writing
from serving.store.upgrade import OutdatedError, prepare
from serving.store.upgrade import upgrade as upgrade_tables

T = TypeVar("T")
NOT_RECORDED = (
    "DONE BUT NOT RECORDED in the audit chain: a running service records what came into force once its store answers"
)


@contextmanager
def opened(*, ready: bool = True) -> Iterator[Engine]:
    """Open the store of the settings; what the database says becomes one plain sentence."""
    engine = open_engine(Settings().store)
    try:
        if ready:
            prepare(engine)
        yield engine
    except StoreError as error:
        raise ValueError(_said(engine, error)) from error
    finally:
        engine.dispose()


@contextmanager
def at_hand() -> Iterator[Engine | None]:
    """Open the store of the settings, or say on stderr that it cannot be and give none: a change must be possible."""
    engine = None
    try:
        engine = open_engine(Settings().store)
        prepare(engine)
    except (StoreError, OSError, OutdatedError) as error:
        print(f"npsight: the store cannot be used ({type(error).__name__}): going on without it", file=sys.stderr)
        yield None
    else:
        try:
            yield engine
        except StoreError as error:
            raise ValueError(_said(engine, error)) from error
    finally:
        if engine:
            engine.dispose()


def made(changed: Changed[T]) -> T:
    """Give what a change made; say on stderr when no record of it was kept."""
    if not changed.recorded:
        print(f"npsight: {NOT_RECORDED}", file=sys.stderr)
    return changed.value


def moment_before(words: str, now: datetime) -> datetime:
    """Read `7d`, `12h` or a date as the moment from which on something is looked at."""
    if span := span_of_time(words):
        return now - span
    try:
        moment = datetime.fromisoformat(words.strip())
    except ValueError:
        raise ValueError(f"found {words!r}, wanted 7d, 12h or a date such as 2026-12-01") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def upgrade() -> str:
    """Bring the tables up to date."""
    with opened(ready=False) as engine:
        return f"upgraded: {shown(engine)} is at {upgrade_tables(engine)}"


def create_key(name: str, scopes: Sequence[str], expires: str) -> tuple[str, str]:
    """Make a key; give the key, and the line that describes it."""
    moment = keys.expiry(expires, datetime.now(UTC))
    with opened() as engine, writing(engine) as connection:
        key, secret = keys.create(
            connection, name, [keys.Scope(each) for each in scopes], expires=moment, actor=actor()
        )
    return secret, _described(key)


def list_keys() -> list[str]:
    """Describe every key, a line each."""
    with opened() as engine, engine.connect() as connection:
        return [_described(key) for key in keys.listed(connection)]


def revoke_key(key_id: str) -> str:
    """Stop a key."""
    with opened() as engine, writing(engine) as connection:
        keys.revoke(connection, key_id, actor=actor())
    return f"revoked: {key_id}; every worker refuses it within 5 seconds"


def verify_audit(head: str | None) -> tuple[bool, list[str]]:
    """Prove the chain; give whether it holds, and what to print."""
    expected = audit.Head.read(head) if head else None
    with opened() as engine, engine.connect() as connection:
        check = verify(connection, expected=expected)
    return not check.faults, list(_verdict(check))


def show_audit(last: int) -> Iterator[str]:
    """Write the last records, a line each."""
    with opened() as engine, engine.connect() as connection:
        for record in audit.records(connection, last=last):
            details = record.details if record.details is not None else "erased"
            subject = f"{record.subject_kind}:{record.subject_id}"
            yield f"{record.sequence}  {record.time}  {record.actor}  {record.action}  {subject}  {details}"


def export_feedback(path: Path, since: str | None) -> str:
    """Write decided posts as a training file; give the line that says what was written."""
    try:
        moment = datetime.fromisoformat(since).replace(tzinfo=UTC) if since else None
    except ValueError:
        raise ValueError(f"--since {since}: wanted a day such as 2027-03-01") from None
    with opened() as engine:
        done = export(engine, path, since=moment, actor=actor())
    gone = f"; {done.without_text} more have no text any more" if done.without_text else ""
    return f"written: {path}, {done.rows} posts{gone}; its card is {path.parent / CARD}"


def actor() -> str:
    """Name who sits at the command line, as far as the machine knows."""
    try:
        return f"cli:{getpass.getuser()}"[:100]
    except (KeyError, OSError):  # a container's user may have no name
        return "cli"


def _said(engine: Engine, error: StoreError) -> str:
    return f"{shown(engine)}: {str(error).partition('(Background on')[0].strip()}"


def _verdict(check: Check) -> Iterator[str]:
    for fault in check.faults[:MAX_FAULTS]:
        yield f"broken: {fault}"
    if (more := len(check.faults) - MAX_FAULTS) > 0:
        yield f"broken: and {more} more"
    erased = len(check.without & check.erased)
    yield f"{'BROKEN' if check.faults else 'whole'}: {check.head.sequence} records, {erased} of them erased"
    yield f"head: {check.head}"


def _described(key: keys.Key) -> str:
    now = datetime.now(UTC)
    expires = f"{key.expires:%Y-%m-%d}" if key.expires else "never"
    scopes = ",".join(sorted(key.scopes))
    used = key.last_used or "never"
    return f"{key.id}  {key.state(now):8} {scopes:22} expires {expires}  last used {used}  {key.name}"
