"""Decisions that a platform took in its own console: each settles the case of its post, and no request counts twice."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from models.verdict import Verdict
from serving.problems import Problem
from serving.review.campaigns import GROWING
from serving.review.copies import newest, own_case, part
from serving.review.decisions import decide
from serving.review.judged import OUTSIDE, Case, keep
from serving.review.saying import Source
from serving.review.wire import FeedbackAnswer, FeedbackIn, FeedbackItem
from serving.store.engine import lock
from serving.store.tables import ANSWERED, CASES

UNKNOWN, REFUSED = "unknown-post", "refused"
LOCK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: whose, under which idempotency key, and what it says."""

    caller: str  # a key's id: keys of idempotency are each caller's own
    reviewer: str
    key: str
    body: FeedbackIn

    @property
    def digest(self) -> str:
        """Tell this body from others, however it was spaced."""
        written = json.dumps(self.body.model_dump(mode="json"), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(written.encode()).hexdigest()


def answered(connection: Connection, sent: Sent) -> list[FeedbackAnswer] | None:
    """Give what was answered to this request before; `idempotency-conflict` when it was another body."""
    mine = (ANSWERED.c.caller == sent.caller) & (ANSWERED.c.idempotency_key == sent.key)
    row = connection.execute(select(ANSWERED.c.digest, ANSWERED.c.answer).where(mine)).first()
    if row is None:
        return None
    if row.digest != sent.digest:
        raise Problem("idempotency-conflict", "Send another body under another Idempotency-Key.")
    stored = zip(sent.body.decisions, json.loads(row.answer), strict=True)  # post ids come from the request: the
    return [
        FeedbackAnswer(post_id=item.post_id, **facts) for item, facts in stored
    ]  # store must be able to forget them


def unjudged(connection: Connection, items: Sequence[FeedbackItem]) -> list[FeedbackItem]:
    """Choose the posts that were never judged here and came with their text, each once."""
    new = {
        item.post_id: item for item in items if item.text and newest(connection, item.post_id, item.platform) is None
    }
    return list(new.values())


def keep_judged(
    engine: Engine,
    items: Sequence[FeedbackItem],
    verdicts: Sequence[Verdict],
    *,
    prevalence: float | None,
    sent: Sent,
    days: int,
    now: datetime,
) -> None:
    """Keep posts as the recorder would, flagged or not, with what the detector says of them now."""
    cases = [
        Case(item.to_post(), verdict, sent.caller, now, prevalence, weight=OUTSIDE)
        for item, verdict in zip(items, verdicts, strict=True)
    ]
    keep(engine, cases, days=days, lock_seconds=LOCK_SECONDS, given_up=threading.Event())


def take(connection: Connection, sent: Sent, *, now: datetime) -> list[FeedbackAnswer]:
    """Take all decisions of a request in one transaction, or give what was answered to it before."""
    if not _first(connection, sent, now):
        return answered(connection, sent) or []
    _lock_cases(connection, sent.body.decisions)
    answers = [_take(connection, item, sent.reviewer, now) for item in sent.body.decisions]
    facts = json.dumps([each.model_dump(exclude={"post_id"}) for each in answers])
    mine = (ANSWERED.c.caller == sent.caller) & (ANSWERED.c.idempotency_key == sent.key)
    connection.execute(update(ANSWERED).where(mine).values(answer=facts))
    return answers


def _first(connection: Connection, sent: Sent, now: datetime) -> bool:
    """Put the key down; of two at once, the second waits here until the first is through."""
    row = {"caller": sent.caller, "idempotency_key": sent.key, "digest": sent.digest, "answer": "[]", "time": now}
    try:
        with connection.begin_nested():
            connection.execute(insert(ANSWERED).values(row))
    except IntegrityError:
        return False
    return True


def _lock_cases(connection: Connection, items: Sequence[FeedbackItem]) -> None:
    """Lock all that will be touched, in one order: two transactions that wait for each other would both be lost."""
    lock(connection, GROWING)  # copies may leave their campaign, and meanwhile none may join
    found = [newest(connection, item.post_id, item.platform) for item in items]
    cases = {each.case_id for each in found if each and each.case_id}
    connection.execute(select(CASES.c.id).where(CASES.c.id.in_(cases)).order_by(CASES.c.id).with_for_update())


def _take(connection: Connection, item: FeedbackItem, reviewer: str, now: datetime) -> FeedbackAnswer:
    try:
        with connection.begin_nested():  # a copy that left its campaign for a decision that does not fit goes back
            return _settle(connection, item, reviewer, now)
    except Problem as problem:
        said = "; ".join(f"{fault.pointer.removeprefix('#/')} {fault.detail}" for fault in problem.errors)
        return FeedbackAnswer(post_id=item.post_id, status=REFUSED, detail=said or str(problem.detail))


def _settle(connection: Connection, item: FeedbackItem, reviewer: str, now: datetime) -> FeedbackAnswer:
    found = newest(connection, item.post_id, item.platform)
    if found is None:
        return FeedbackAnswer(post_id=item.post_id, status=UNKNOWN)
    if found.case_id is None:
        case_id = own_case(connection, found, now)
    elif found.others and not item.campaign:
        case_id = part(connection, found, now)
    else:
        case_id = found.case_id
    said: dict[str, Any] = item.model_dump(include={"decision", "intent", "note", "appeal"})
    decided = decide(
        connection, case_id, reviewer=reviewer, source=Source.FEEDBACK, spans=item.marks(), now=now, **said
    )
    return FeedbackAnswer(post_id=item.post_id, status=decided.state, case=case_id, copies=decided.copies)
