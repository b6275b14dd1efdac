"""What was judged and what people decided of it, as columns: the rows that figures and recalibration stand on.

A flagged post stands for itself, since every one is recorded. One that was let through stands for as many as its
sampling weight says, and is among these rows only if it was drawn. One that came by feedback alone is not among them:
somebody chose to send it. Each copy of a campaign has its case's decision.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, and_, or_, select

from models.verdict import Decision
from serving.review.judged import OUTSIDE
from serving.review.standing import standing_decisions
from serving.store.tables import JUDGED

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Words = NDArray[np.object_]

SLICES = ("lang", "policy", "release", "intent", "nps_class")
FLAGS = tuple(each.value for each in Decision if each is not Decision.ALLOW)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Every flagged post and the sample of all, decided or not; each column is (posts,)."""

    case: Ints
    flagged: Bools
    drawn: Floats  # the sampling weight; NaN: not in the sample
    probability: Floats
    prevalence: Floats  # for which the probability was stated; NaN: not known
    decided: Bools
    is_advert: Bools
    lang: Words
    policy: Words
    release: Words
    intent: Words
    nps_classes: Words  # each a frozenset, for a post may name several

    def __len__(self) -> int:
        return len(self.case)

    @property
    def weight(self) -> Floats:
        """Say how many posts of the stream each row stands for."""
        return np.where(self.flagged, 1.0, self.drawn)

    def take(self, chosen: Bools) -> Reviewed:
        """Keep some of the rows."""
        return Reviewed(*(getattr(self, field.name)[chosen] for field in fields(self)))


def reviewed(
    connection: Connection,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    policy: str | None = None,
    release: str | None = None,
) -> Reviewed:
    """Read the rows judged in a time, under every version of a policy or one release if so said."""
    query = _query()
    if since is not None:
        query = query.where(JUDGED.c.time >= since)
    if until is not None:
        query = query.where(JUDGED.c.time < until)
    if policy is not None:
        query = query.where(or_(JUDGED.c.policy == policy, JUDGED.c.policy.startswith(f"{policy}@", autoescape=True)))
    if release is not None:
        query = query.where(JUDGED.c.release == release)
    return _columns(connection.execute(query).all())


def slices(rows: Reviewed, by: str) -> Iterator[tuple[str, Reviewed]]:
    """Cut by one of `SLICES`, the largest slice first; a post that names several classes is in each."""
    values = [each or {"unknown"} for each in rows.nps_classes] if by == "nps_class" else None
    values = values or [{each or "unknown"} for each in getattr(rows, by)]
    cut = [(name, np.array([name in each for each in values])) for name in set().union(*values)]
    for name, chosen in sorted(cut, key=lambda each: (-int(each[1].sum()), each[0])):
        yield name, rows.take(chosen)


def _query() -> Select[Any]:
    standing = standing_decisions().subquery()
    columns = (JUDGED.c.case_id, JUDGED.c.decision, JUDGED.c.weight, JUDGED.c.advert_probability, JUDGED.c.prevalence)
    words = (JUDGED.c.lang, JUDGED.c.policy, JUDGED.c.release, JUDGED.c.intent, JUDGED.c.substances)
    return (
        select(*columns, standing.c.decision.label("decided"), *words)
        .join_from(JUDGED, standing, JUDGED.c.case_id == standing.c.case_id, isouter=True)
        .where(or_(JUDGED.c.weight > OUTSIDE, and_(JUDGED.c.decision.in_(FLAGS), JUDGED.c.weight.is_(None))))
        .order_by(JUDGED.c.id)
    )


def _columns(rows: Sequence[Any]) -> Reviewed:
    names = ("case", "decision", "weight", "probability", "prevalence", "decided", *SLICES[:4], "substances")
    column = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    # A row without a case is one of its own; its number cannot be another's, for those are above zero.
    cases = [-place if case is None else case for place, case in enumerate(column["case"], start=1)]
    return Reviewed(
        case=np.array(cases, dtype=np.int64),
        flagged=np.isin(np.array(column["decision"], dtype=np.str_), FLAGS),
        drawn=np.array(column["weight"], dtype=np.float64),  # None becomes NaN
        probability=np.array(column["probability"], dtype=np.float64),
        prevalence=np.array(column["prevalence"], dtype=np.float64),
        decided=np.array([each in ("advert", "not_advert") for each in column["decided"]], dtype=np.bool_),
        is_advert=np.array([each == "advert" for each in column["decided"]], dtype=np.bool_),
        **{name: np.array(column[name], dtype=np.object_) for name in SLICES[:4]},
        nps_classes=_classes(column["substances"]),
    )


def _classes(substances: Sequence[str]) -> Words:
    """Read the classes that each post names."""
    found = np.empty(len(substances), dtype=np.object_)
    for place, listed in enumerate(substances):
        found[place] = frozenset(each["nps_class"] for each in json.loads(listed))
    return found
