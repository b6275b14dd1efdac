"""Drift as a person reads it, and as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving.observe.drift import DRIFTED, STEADY, Drift, Share, Shift
from serving.observe.facts import Measure, bin_edges

NAMES = {
    Measure.PROBABILITY: "advert probability",
    Measure.LANG: "language",
    Measure.CLASS: "class of substance",
    Measure.SUBSTANCE: "substance",
}
MOVES = 3  # shown for each measure
NOTHING = (
    "nothing to compare: no reference, and no release has judged for more than a week yet, "
    "or nothing was judged in the days asked for. Make a reference of your own posts: npsight drift reference FILE"
)


def drift_to_json(drift: Drift) -> dict[str, Any]:
    """Give all of it; a number that there is none of is null."""
    shifts = [
        {"measure": each.measure, "psi": _number(each.psi), "chance": _number(each.chance), "word": each.word}
        | {"moved": [dict(zip(("value", "before", "now"), move, strict=True)) for move in each.moved]}
        for each in drift.shifts
    ]
    sides = {name: asdict(side) for name, side in (("reference", drift.reference), ("live", drift.live))}
    for side in sides.values():
        del side["counts"]
    unknown = {"before": _share(drift.unknown_before), "now": _share(drift.unknown)}
    return {**sides, "shifts": shifts, "unknown_terms": unknown, "notes": list(drift.notes)}


def print_drift(drift: Drift, console: Console) -> None:
    """Print a table, and what to make of it."""
    before, now = drift.reference, drift.live
    console.print(Text(f"reference: {before.source}, {before.posts:,} posts, {before.release}, {before.policy}"))
    console.print(Text(f"now: {now.source}, {now.posts:,} posts, {now.release}, {now.policy}"))
    table = Table(box=SIMPLE_HEAD)
    for name in ("measure", "PSI", "by chance", "", "what moved most"):
        table.add_column(name, justify="right" if name in ("PSI", "by chance") else "left")
    for each in drift.shifts:
        moved = "; ".join(f"{_value(each, value)} {one:.1%} -> {other:.1%}" for value, one, other in each.moved[:MOVES])
        cells = (NAMES[Measure(each.measure)], f"{each.psi:.3f}", f"{each.chance:.3f}", each.word, moved)
        table.add_row(*map(Text, cells))
    console.print(table)
    console.print(
        Text(f"posts with a drug word that no lexicon lists: {_said(drift.unknown_before)} -> {_said(drift.unknown)}")
    )
    console.print(Text(f"PSI under {STEADY} is called steady and from {DRIFTED} on drift by convention, not by law."))
    for note in drift.notes:
        console.print(Text(f"note: {note}"))


def _value(each: Shift, value: str) -> str:
    if each.measure != Measure.PROBABILITY or not value.lstrip("-").isdigit():
        return value
    low, high = bin_edges(value)
    return f"{low:.2g}-{high:.2g}"


def _said(share: Share) -> str:
    return f"{share.share:.2%} ({share.low:.2%} to {share.high:.2%})"


def _share(share: Share) -> dict[str, float | None]:
    return {"share": _number(share.share), "low": share.low, "high": share.high}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
