"""Verdicts to rows: the facts of each, and its text with contacts masked, all in one transaction."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Engine, insert, text
from sqlalchemy.exc import DataError, IntegrityError

from models.mask import mask
from models.reasons import quote_all
from models.verdict import Decision, Post, Verdict
from models.wire import verdict_to_json
from serving.review.campaigns import Copy, Mark, marks, place, show
from serving.review.pseudonyms import Secrets, in_use
from serving.review.severity import severity
from serving.store.engine import writing
from serving.store.tables import JUDGED, TEXTS

OUTSIDE = 0.0
"""The weight of a post that no traffic brought: somebody chose to send it, so it stands for none of the stream."""
log = logging.getLogger("npsight.serving")
UNFIT = (DataError, IntegrityError, ValueError, TypeError)
"""What is wrong with a row and not with the store: the rows beside it can still be kept."""


class GivenUpError(Exception):
    """Nobody waits for this transaction any more, so it is taken back."""


@dataclass(frozen=True, slots=True)
class Case:
    """A verdict that is to be kept, and what it is kept with."""

    post: Post
    verdict: Verdict
    caller: str
    time: datetime
    prevalence: float | None  # for which the policy had the probability calibrated
    weight: float | None  # how many decisions it stands for in the random sample; None: not drawn; or `OUTSIDE`


def keep_requests(
    engine: Engine, requests: Sequence[Sequence[Case]], *, days: int, lock_seconds: float, given_up: threading.Event
) -> list[bool]:
    """Keep what several requests bring in one transaction; when it does not fit, each by itself, and say which did."""
    cases = [case for request in requests for case in request]
    try:
        keep(engine, cases, days=days, lock_seconds=lock_seconds, given_up=given_up)
    except UNFIT as error:
        if len(requests) == 1:
            log.error("%d verdicts do not fit the store: %s", len(cases), type(error).__name__)
            return [False]
        alone = partial(keep_requests, engine, days=days, lock_seconds=lock_seconds, given_up=given_up)
        return [kept for request in requests for kept in alone([request])]
    return [True] * len(requests)


def keep(
    engine: Engine, cases: Sequence[Case], *, days: int, lock_seconds: float, given_up: threading.Event
) -> list[int]:
    """Write verdicts, their texts and their cases, and give the rows' numbers in `judged`."""
    now = max(case.time for case in cases)
    secrets = in_use(engine, now)
    texts = mask([case.post.text for case in cases], key=secrets.contacts.key)
    copies = [_copy(case, mark) for case, mark in zip(cases, marks(texts), strict=True)]
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":  # SQLite's wait for its one writer is bounded by the engine
            connection.execute(text(f"SET LOCAL lock_timeout = {round(lock_seconds * 1000)}"))
        placed = place(connection, copies, now=now, days=days)
        rows = [_judged(case, case_id, secrets) for case, case_id in zip(cases, placed, strict=True)]
        added = connection.execute(insert(JUDGED).returning(JUDGED.c.id, sort_by_parameter_order=True), rows)
        ids = [int(each) for each in added.scalars()]
        connection.execute(insert(TEXTS), [_text(*each) for each in zip(ids, cases, texts, strict=True)])
        show(connection, dict(zip(reversed(placed), reversed(ids), strict=True)))  # the first of each case stays
        if given_up.is_set():
            raise GivenUpError
    return ids


def masked_verdict(verdict: Verdict, masked: str) -> Verdict:
    """Cut the spans from the masked text, and put what they quote into the reasons in place of what was quoted."""
    spans = [replace(span, text=masked[span.start : span.end]) for span in verdict.spans]
    reasons = list(verdict.reasons)
    for before, after in zip(verdict.spans, spans, strict=True):
        if before.text != after.text:
            quoted, put = quote_all([before.text, after.text])
            reasons = [reason.replace(quoted, put) for reason in reasons]
    return replace(verdict, spans=spans, reasons=reasons)


def is_flag(verdict: Verdict) -> bool:
    """Say whether the policy wants somebody to look, or acted."""
    return verdict.decision != Decision.ALLOW


def _copy(case: Case, mark: Mark) -> Copy:
    verdict = case.verdict
    return Copy(
        mark=mark,
        decision=verdict.decision.value,
        advert_probability=float(verdict.advert_probability),
        severity=severity(verdict.substances),
        lang=_fit("lang", verdict.lang),
        platform=_fit("platform", case.post.platform),
    )


def _judged(case: Case, case_id: int, secrets: Secrets) -> dict[str, Any]:
    post, verdict = case.post, case.verdict
    said = verdict_to_json(verdict, digits=None)
    values = {
        "case_id": case_id,
        "time": case.time,
        "post_id": post.id,
        "author": None if post.author is None else secrets.authors.author(post.author),
        "platform": post.platform,
        "country": post.country,
        "lang": verdict.lang,
        "decision": verdict.decision.value,
        "advert_probability": said["advert_probability"],
        "prevalence": case.prevalence,
        "intent": verdict.intent.value,
        "span_kinds": " ".join(sorted({span.kind.value for span in verdict.spans})),
        "substances": json.dumps(said["substances"], ensure_ascii=False),
        "warnings": json.dumps(said["warnings"], ensure_ascii=False),
        "release": verdict.release,
        "lexicon": verdict.lexicon,
        "policy": verdict.policy,
        "caller": case.caller,
        "weight": case.weight,
    }
    return {name: _fit(name, value) for name, value in values.items()}


def _text(judged_id: int, case: Case, masked: str) -> dict[str, Any]:
    verdict = verdict_to_json(masked_verdict(case.verdict, masked))
    return {"judged_id": judged_id, "text": masked, "verdict": json.dumps(verdict, ensure_ascii=False)}


def _fit(name: str, value: Any) -> Any:
    """Cut a text to its column: PostgreSQL would refuse the row, and a platform's name may be longer than sense."""
    length = getattr(JUDGED.c[name].type, "length", None)
    return value[:length] if isinstance(value, str) and length else value
