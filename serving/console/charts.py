"""Charts as SVG made on the server: geometry only, colours come from the style sheet by class.

Every chart has a title, a description in words and, beside it, a table with the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 200  # of the drawing; the page scales it
LEFT, BOTTOM, TOP = 44, 22, 8  # room for the numbers and for the names of the columns
GAP = 0.25  # of a column, left free
LABELS = 8  # names under the columns; more would run into each other at this width


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle of a column, and what a pointer over it is told."""

    x: float
    y: float
    width: float
    height: float
    series: int
    title: str


@dataclass(frozen=True, slots=True)
class Label:
    """A word or number at a place."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Stacked columns ready to draw, and their table."""

    title: str
    description: str
    series: Sequence[str]
    bars: Sequence[Bar]
    names: Sequence[Label]
    ticks: Sequence[Label]
    rows: Sequence[tuple[str, Sequence[int]]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


def columns(title: str, series: Sequence[str], counts: Mapping[str, Mapping[str, int]]) -> Columns:
    """Draw a column for each name of `counts`, in their order, with one part a series."""
    rows = [(name, [parts.get(each, 0) for each in series]) for name, parts in counts.items()]
    top = ceiling(max((sum(parts) for _, parts in rows), default=0))
    room = (WIDTH - LEFT) / max(len(rows), 1)
    every = -(-len(rows) // LABELS)
    bars: list[Bar] = []
    for at, (name, parts) in enumerate(rows):
        y = float(HEIGHT - BOTTOM)
        for number, count in enumerate(parts):
            height = count / top * (HEIGHT - BOTTOM - TOP)
            y -= height
            if count:
                x = LEFT + (at + GAP / 2) * room
                bars.append(
                    Bar(_r(x), _r(y), _r(room * (1 - GAP)), _r(height), number, f"{name}: {count:,} {series[number]}")
                )
    return Columns(
        title=title,
        description=_described(series, rows),
        series=series,
        bars=bars,
        names=[
            Label(_r(LEFT + (at + 0.5) * room), HEIGHT - 6, rows[at][0]) for at in range(0, len(rows), max(every, 1))
        ],
        ticks=[Label(LEFT - 6, _r(_height(part * top, top)), short(part * top)) for part in (0, 0.5, 1)],
        rows=rows,
    )


@dataclass(frozen=True, slots=True)
class Range:
    """A share with its interval, as places on a line from 0 to 1 that is `WIDTH` long."""

    name: str
    at: float
    low: float
    high: float
    said: str


def share(name: str, estimate: float, low: float, high: float, *, digits: int = 0) -> Range:
    """Place a share and its interval."""
    said = f"{100 * low:.{digits}f} to {100 * high:.{digits}f} %"
    return Range(name, _r(100 * estimate), _r(100 * low), _r(100 * (high - low)), said)


def ceiling(most: int) -> int:
    """Round up to a number that an axis may end at: 1, 2 or 5 with zeros, and even so that its half is whole."""
    for power in range(0, 16):
        for step in (2, 4, 10):
            end = step * int(10**power)
            if most <= end:
                return end
    return most


def short(number: float) -> str:
    """Write a count in few characters."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.0f}"


def _described(series: Sequence[str], rows: Sequence[tuple[str, Sequence[int]]]) -> str:
    if not rows:
        return "Nothing counted yet."
    totals = [f"{sum(parts[number] for _, parts in rows):,} {name}" for number, name in enumerate(series)]
    name, parts = max(rows, key=lambda row: sum(row[1]))
    return f"{rows[0][0]} to {rows[-1][0]}: {', '.join(totals)}. Most on {name}: {sum(parts):,}."


def _height(count: float, top: int) -> float:
    return HEIGHT - BOTTOM - count / top * (HEIGHT - BOTTOM - TOP) + 4  # half a digit's height


def _r(number: float) -> float:
    return round(number, 1)
