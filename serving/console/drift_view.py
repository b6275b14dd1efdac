"""Drift as the dashboard shows it: which measure moved, how far, and what moved most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from serving.console import words
from serving.observe.drift import Share, Shift
from serving.observe.facts import Measure, bin_edges
from serving.observe.references import drift_now, loaded
from serving.settings import Settings

NAMES = {
    Measure.PROBABILITY: "probabilities",
    Measure.LANG: "languages",
    Measure.CLASS: "classes of substances",
    Measure.SUBSTANCE: "substances",
}
MOVES = 3  # named for each measure
NO_REFERENCE = (
    "Nothing to compare with: it takes a reference made with `npsight drift reference`, or a week of posts of the "
    "release in force, and some after it."
)
UNREADABLE = "The reference of the settings cannot be read; `npsight drift report` says why."


@dataclass(frozen=True, slots=True)
class Moved:
    """One measure in words."""

    name: str
    word: str
    psi: str
    moves: Sequence[str]


@dataclass(frozen=True, slots=True)
class DriftView:
    """What moved against what; `missing` says why there is nothing to show."""

    missing: str = ""
    against: str = ""
    posts: int = 0
    measures: Sequence[Moved] = ()
    unknown: str = ""
    notes: Sequence[str] = ()


def drift_view(connection: Connection, settings: Settings, now: datetime) -> DriftView:
    """Compare the posts of the last 7 days with the reference, else with the first week."""
    try:
        reference = loaded(settings)
    except (ValueError, OSError):
        return DriftView(UNREADABLE)
    drift = drift_now(connection, reference, now=now)
    if drift is None:
        return DriftView(NO_REFERENCE)
    return DriftView(
        against=drift.reference.source,
        posts=drift.live.posts,
        measures=[_moved(each) for each in drift.shifts],
        unknown=f"{_said(drift.unknown)}, before {_said(drift.unknown_before)}",
        notes=drift.notes,
    )


def _moved(shift: Shift) -> Moved:
    psi = "–" if shift.psi != shift.psi else f"{shift.psi:.2f}"  # only NaN differs from itself
    moves = [f"{_named(shift.measure, value)} {before:.1%} to {now:.1%}" for value, before, now in shift.moved[:MOVES]]
    return Moved(NAMES[Measure(shift.measure)], shift.word, psi, moves)


def _named(measure: str, value: str) -> str:
    if measure == Measure.PROBABILITY and value.lstrip("-").isdigit():
        low, high = bin_edges(value)
        return f"{low:.2g} to {high:.2g}:"
    return f"{words.language(value) if measure == Measure.LANG else value.replace('_', ' ')}"


def _said(share: Share) -> str:
    return f"{share.share:.1%} ({share.low:.1%} to {share.high:.1%})"
