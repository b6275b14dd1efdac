"""Charts of a report that have a row a slice, an intent or an attack: drawn from its parts, computing no figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from training.evaluation.chart_style import (
    INK,
    KEY,
    LEAST_SHARE,
    MARKERS,
    MUTED,
    PAPER,
    SERIES,
    contenders_of,
    in_order,
    is_rate,
    label,
    log_share_axis,
    need,
    place_of,
    quiet,
    share_axis,
    sheet,
)
from training.evaluation.words import is_number, short

MOST_SLICES = 32  # more dots than this fill more than a printed page


_HOLLOW = {"facecolor": "none", "edgecolor": SERIES[1], "hatch": "////"}


def slice_rates(slices: Mapping[str, Any], measure: str) -> Figure:
    """Draw a rate with its interval for the largest slices, grouped by kind; `measure` as in the report."""
    rates = _largest(slices, measure)
    need(rates, f"no slice has {measure.replace('_', ' ')}")
    known = [contenders_of(each, measure) for each in rates.values()]
    names = in_order(dict.fromkeys(name for each in known for name in each))
    heights = _heights(list(rates))
    figure, axes = sheet(17 * heights[-1] + 74)
    floor = LEAST_SHARE * 10
    for place, name in enumerate(names):
        offset = 0.24 * (place - (len(names) - 1) / 2)
        at = [
            (height + offset, each[name][measure]) for height, each in zip(heights, known, strict=True) if name in each
        ]
        at = [(height, each) for height, each in at if is_rate(each)]
        at_least = floor if measure == "false_flags" else 0.0
        _interval_dots(axes, at, place=place_of(name, names), name=name, floor=at_least)
    axes.set_yticks(heights, [label(each.replace(":", ": ", 1)) for each in rates], color=INK)
    axes.set_ylim(heights[-1] + 0.8, -0.8)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    quiet(axes, grid="x")
    if measure == "false_flags":
        log_share_axis(axes, floor, 1)
        axes.set_xlabel("false flags among posts without an advert")
    else:
        share_axis(axes.xaxis)
        axes.set(xlim=(-0.02, 1.02), xlabel="recall")
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def confusion(matrix: Mapping[str, Any]) -> Figure:
    """Draw counts of truth (rows) against what was said (columns), shaded by the share of their row."""
    names = [label(name) for name in matrix.get("labels") or []]
    counts = np.array(matrix.get("counts") or [], dtype=np.float64)
    need(names if counts.shape == (len(names), len(names)) else [], "the counts do not fit the labels")
    totals = counts.sum(axis=1)
    figure, axes = sheet(350)
    for (row, column), count in np.ndenumerate(counts):
        share = count / totals[row] if totals[row] else 0.0
        axes.add_patch(Rectangle((column, row), 1, 1, facecolor=SERIES[0], alpha=share, edgecolor="none"))
        colour = PAPER if share > 0.55 else INK if count else MUTED
        axes.text(column + 0.5, row + 0.5, f"{int(count):,}", ha="center", va="center", color=colour)
    ticks = np.arange(len(names)) + 0.5
    axes.set_xticks(ticks, names, rotation=40, ha="right", rotation_mode="anchor", color=INK)
    axes.set_yticks(ticks, names, color=INK)
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set(xlim=(0, len(names)), ylim=(len(names), 0), xlabel="said", ylabel="truth", aspect="auto")
    return figure


def robustness(attacks: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw how often each attack hides an advert, with the normaliser and without it."""
    known = [each for each in attacks if is_rate(each.get("success")) or is_rate(each.get("success_unnormalised"))]
    need(known, "no attack has a rate")
    figure, axes = sheet(26 * len(known) + 84)
    kinds = (("success", "with the normaliser", {"color": SERIES[0]}), ("success_unnormalised", "without it", _HOLLOW))
    for (key, name, look), offset in zip(kinds, (-0.18, 0.18), strict=True):
        rates = [(place + offset, each[key]) for place, each in enumerate(known) if is_rate(each.get(key))]
        heights = [height for height, _ in rates]
        bars: BarContainer = axes.barh(heights, [each["share"] for _, each in rates], height=0.32, label=name, **look)
        for bar, (height, each) in zip(bars, rates, strict=True):
            bar.set_linewidth(0.9)
            if is_number(each.get("low")) and is_number(each.get("high")):
                axes.plot([each["low"], each["high"]], [height, height], color=INK, linewidth=0.8)
    names = [f"{_attack(each)}{' *' if each.get('held_out') else ''}" for each in known]
    axes.set_yticks(range(len(known)), names, color=INK)
    axes.set_ylim(len(known) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    quiet(axes, grid="x")
    share_axis(axes.xaxis)
    axes.set(xlim=(0, 1.02), xlabel="adverts that the attack hides")
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def _attack(attack: Mapping[str, Any]) -> str:
    strength = attack.get("strength")
    return label(attack.get("attack")) + (f" {short(strength)}" if is_number(strength) else "")


def _interval_dots(axes: Axes, rates: Sequence[tuple[float, Any]], *, place: int, name: str, floor: float) -> None:
    """Draw a contender's rates as dots with interval lines; a rate of none is hollow, at the left edge."""
    heights = [height for height, _ in rates]
    shares = [max(each["share"], floor) for _, each in rates]
    for height, each in rates:
        if is_number(each.get("low")) and is_number(each.get("high")):
            ends = [max(each["low"], floor), max(each["high"], floor)]
            axes.plot(ends, [height, height], color=SERIES[place], linewidth=1.0, alpha=0.7)
    fill = [PAPER if floor and each["share"] <= floor else SERIES[place] for _, each in rates]
    look = {"edgecolors": SERIES[place], "linewidths": 0.9, "zorder": 4, "clip_on": False}
    axes.scatter(shares, heights, s=17, marker=MARKERS[place], c=fill, label=label(name, KEY), **look)  # type: ignore[arg-type]


def _largest(slices: Mapping[str, Any], measure: str) -> dict[str, Mapping[str, Any]]:
    """Give the slices with most cases under a measure, those of a kind together, the whole first."""
    known = {
        name: each
        for name, each in slices.items()
        if isinstance(each, Mapping)
        and isinstance(each.get("release"), Mapping)
        and is_rate(each["release"].get(measure))
    }
    most = sorted(known, key=lambda name: (name != "all", -known[name]["release"][measure].get("of", 0), name))
    kinds = list(dict.fromkeys(name.partition(":")[0] for name in slices))
    kept = sorted(most[:MOST_SLICES], key=lambda name: (kinds.index(name.partition(":")[0]), most.index(name)))
    return {name: known[name] for name in kept}


def _heights(names: Sequence[str]) -> list[float]:
    """Place names one below another, half a line of air between kinds."""
    heights = [0.0]
    for before, name in pairwise(names):
        heights.append(heights[-1] + (1.0 if before.partition(":")[0] == name.partition(":")[0] else 1.5))
    return heights
