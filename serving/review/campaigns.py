"""Near copies of one post are one case: a thousand of them are settled by one decision.

A case is found again by the copy that it shows. What differs from that one only in numbers and contacts is a copy.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, bindparam, case, delete, insert, select, update

from models import neardup
from serving.review.severity import expected_harm, growth, uncertainty
from serving.store.engine import lock
from serving.store.tables import BANDS, CASES, JUDGED

GROWING = 0x6E70735F636173  # the number of the advisory lock under which copies find their cases: "nps_cas"
MOST_CANDIDATES = 200  # newest first: a band that very many cases share tells them apart no more
HASHES_AT_ONCE = 1600  # in one question: databases bound how many values it may have


@dataclass(frozen=True, slots=True)
class Mark:
    """By which near copies know one another; without bands there is nothing to compare, and a post stays alone."""

    signature: bytes
    bands: Sequence[str]


@dataclass(frozen=True, slots=True)
class Copy:
    """One judged post on its way to its case."""

    mark: Mark
    decision: str
    advert_probability: float
    severity: int
    lang: str | None
    platform: str | None


@dataclass(eq=False, slots=True)
class Campaign:
    """A case while copies join it; a new one has no number yet."""

    mark: Mark
    decision: str
    state: str
    id: int = 0
    copies: int = 0
    harm: float = 0.0
    joined: list[Copy] = field(default_factory=list)

    def takes(self, decision: str) -> bool:
        """Say whether a near copy joins; what was settled answers only for what is decided as it was then."""
        return self.state != "settled" or decision == self.decision


class Known:
    """The campaigns that copies of one transaction may join, by band."""

    def __init__(self) -> None:
        self._by_band: dict[str, list[Campaign]] = defaultdict(list)
        self._same: dict[tuple[bytes, str], Campaign] = {}

    def add(self, campaign: Campaign) -> Campaign:
        """Let a campaign be found."""
        for hashed in campaign.mark.bands:
            self._by_band[hashed].append(campaign)
        return campaign

    def find(self, copy: Copy) -> Campaign | None:
        """Find the newest campaign that takes the copy."""
        same = copy.mark.signature, copy.decision
        if same not in self._same and (found := self._search(copy)):
            self._same[same] = found
        return self._same.get(same)

    def _search(self, copy: Copy) -> Campaign | None:
        met = dict.fromkeys(each for hashed in copy.mark.bands for each in reversed(self._by_band.get(hashed, ())))
        likely = [each for each in met if each.takes(copy.decision)][:MOST_CANDIDATES]
        if not likely:
            return None
        signatures = np.stack([np.frombuffer(each.mark.signature, "<u8") for each in likely])
        alike = neardup.similarity(signatures, np.frombuffer(copy.mark.signature, "<u8"))
        close = [each for each, share in zip(likely, alike.tolist(), strict=True) if share >= neardup.THRESHOLD]
        return max(close, key=lambda each: each.id or math.inf, default=None)


def marks(texts: Sequence[str]) -> list[Mark]:
    """Mark each masked text."""
    signatures = neardup.signature(texts)
    hashes, nothing = neardup.bands(signatures), neardup.empty(signatures)
    return [
        Mark(signature.astype("<u8").tobytes(), () if alone else tuple(f"{int(each):016x}" for each in folded))
        for signature, folded, alone in zip(signatures, hashes, nothing, strict=True)
    ]


def place(connection: Connection, copies: Sequence[Copy], *, now: datetime, days: int) -> list[int]:
    """Give each copy the number of its case, found or opened, and let the cases grow.

    Who opens a case shows its first copy by `show` before the transaction ends.
    """
    lock(connection, GROWING)  # two workers with copies of one post must not open two cases
    known = Known()
    for found in _meeting(connection, copies, since=now - timedelta(days=days)):
        known.add(found)
    campaigns = [known.find(copy) or known.add(_opened(copy)) for copy in copies]
    for campaign, copy in zip(campaigns, copies, strict=True):
        campaign.joined.append(copy)
    _write(connection, dict.fromkeys(campaigns), now)
    return [campaign.id for campaign in campaigns]


def show(connection: Connection, first: Mapping[int, int]) -> None:
    """Show a copy in each case that shows none yet: case to `judged.id`."""
    unshown = (CASES.c.id == bindparam("case_id")) & CASES.c.shown.is_(None)
    values = [{"case_id": case_id, "copy": judged_id} for case_id, judged_id in first.items()]
    connection.execute(update(CASES).where(unshown).values(shown=bindparam("copy")), values)


def show_instead(connection: Connection, case_id: int, copy: tuple[int, str] | None) -> None:
    """Show another copy, by its `judged.id` and masked text, or none, of which nothing can be found any more."""
    connection.execute(delete(BANDS).where(BANDS.c.case_id == case_id))
    mark = marks([copy[1]])[0] if copy else None
    values = {"shown": copy[0] if copy else None, "signature": mark.signature if mark else None}
    connection.execute(update(CASES).where(CASES.c.id == case_id).values(values))
    if mark:
        _band(connection, {case_id: mark})


def _meeting(connection: Connection, copies: Sequence[Copy], *, since: datetime) -> Iterator[Campaign]:
    """Read the cases that share a band with any of these copies, oldest first."""
    wanted = list(dict.fromkeys(hashed for copy in copies for hashed in copy.mark.bands))
    shared: dict[int, set[str]] = defaultdict(set)
    for start in range(0, len(wanted), HASHES_AT_ONCE):
        hashes = BANDS.c.hash.in_(wanted[start : start + HASHES_AT_ONCE])
        for case_id, hashed in connection.execute(select(BANDS.c.case_id, BANDS.c.hash).where(hashes)):
            shared[case_id].add(hashed)
    numbers = sorted(shared)
    for start in range(0, len(numbers), HASHES_AT_ONCE):
        met = CASES.c.id.in_(numbers[start : start + HASHES_AT_ONCE])
        query = (
            select(CASES.c.id, CASES.c.signature, CASES.c.state, CASES.c.copies, CASES.c.harm, JUDGED.c.decision)
            .join_from(CASES, JUDGED, JUDGED.c.id == CASES.c.shown)
            .where(met, CASES.c.opened >= since, CASES.c.signature.is_not(None))
            .order_by(CASES.c.id)
        )
        for row in connection.execute(query):
            mark = Mark(row.signature, sorted(shared[row.id]))
            yield Campaign(mark, row.decision, row.state, id=row.id, copies=row.copies, harm=row.harm)


def _opened(copy: Copy) -> Campaign:
    return Campaign(copy.mark, copy.decision, "open")


def _write(connection: Connection, campaigns: Iterable[Campaign], now: datetime) -> None:
    """Insert what was opened and update what grew."""
    grown = [campaign for campaign in campaigns if campaign.id]
    opened = [campaign for campaign in campaigns if not campaign.id]
    if opened:
        added = insert(CASES).returning(CASES.c.id, sort_by_parameter_order=True)
        numbers = connection.scalars(added, [_first(campaign, now) | _growth(campaign, now) for campaign in opened])
        for campaign, number in zip(opened, numbers, strict=True):
            campaign.id = int(number)
        _band(connection, {campaign.id: campaign.mark for campaign in opened})
    if grown:
        worse = bindparam("worst", type_=CASES.c.severity.type)
        severity = case((CASES.c.severity < worse, worse), else_=CASES.c.severity)
        fields: dict[str, Any] = {name: bindparam(f"new_{name}") for name in ("newest", "copies", "harm")}
        values = [
            {"case_id": campaign.id, "worst": values.pop("severity")}
            | {f"new_{name}": each for name, each in values.items()}
            for campaign in grown
            if (values := _growth(campaign, now))
        ]
        grow = update(CASES).where(CASES.c.id == bindparam("case_id")).values(severity=severity, **fields)
        connection.execute(grow, values)


def _first(campaign: Campaign, now: datetime) -> dict[str, Any]:
    """Describe a new case by its first copy."""
    copy = campaign.joined[0]
    values = {"state": campaign.state, "opened": now, "lang": copy.lang, "platform": copy.platform}
    return values | {"uncertainty": uncertainty(copy.advert_probability), "signature": copy.mark.signature}


def _growth(campaign: Campaign, now: datetime) -> dict[str, Any]:
    """Count copies in; the most harmful one says what the case is worth."""
    copies = campaign.copies + len(campaign.joined)
    harms = (expected_harm(each.severity, each.advert_probability) for each in campaign.joined)
    of_one = max(campaign.harm / growth(campaign.copies), *harms)
    worst = max(each.severity for each in campaign.joined)
    return {"newest": now, "copies": copies, "harm": of_one * growth(copies), "severity": worst}


def _band(connection: Connection, marks_of: Mapping[int, Mark]) -> None:
    rows = [
        {"case_id": case_id, "band": band, "hash": hashed}
        for case_id, mark in marks_of.items()
        for band, hashed in enumerate(mark.bands)
    ]
    if rows:
        connection.execute(insert(BANDS), rows)
