"""Curves of a report: each chart takes a part of `report.json` and draws what is in it; it computes no figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.evaluation.chart_style import (
    DASHES,
    INK,
    KEY,
    LEAST_SHARE,
    MARKERS,
    MUTED,
    PAPER,
    SERIES,
    Floats,
    contenders_of,
    floats,
    label,
    log_share_axis,
    need,
    place_of,
    quiet,
    share_axis,
    sheet,
)
from training.evaluation.words import is_number, number


def precision_recall(curves: Mapping[str, Any], operating_points: Mapping[str, Any]) -> Figure:
    """Draw precision against recall, the release's interval as a band, and the working points."""
    known = contenders_of(curves, "recall", "precision")
    need(known, "no contender has a curve")
    figure, axes = sheet(330)
    quiet(axes)
    for name, curve in known.items():
        _line(axes, name, known, floats(curve["recall"]), floats(curve["precision"]), curve)
    _working_points(axes, operating_points, "recall", "precision", among=known)
    share_axis(axes.xaxis, axes.yaxis)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.04), xlabel="recall", ylabel="precision")
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def recall_false_flags(curves: Mapping[str, Any], operating_points: Mapping[str, Any]) -> Figure:
    """Draw recall against the false-flag rate on a log axis that ends where the rows can tell nothing more."""
    known = contenders_of(curves, "recall", "false_flag_rate")
    need(known, "no contender has a curve")
    floor = curves["floor"] if is_number(curves.get("floor")) and 0 < curves["floor"] < 1 else LEAST_SHARE
    figure, axes = sheet(330)
    quiet(axes)
    for name, curve in known.items():
        _line(axes, name, known, floats(curve["false_flag_rate"]), floats(curve["recall"]), curve)
    _working_points(axes, operating_points, "false_flag_rate", "recall", among=known, floor=floor)
    log_share_axis(axes, floor, 1)
    share_axis(axes.yaxis)
    axes.set(ylim=(0, 1.04), xlabel="false flags among posts without an advert", ylabel="recall")
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def reliability(bins: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the share of adverts against the stated probability, a dot a bin, with intervals."""
    known = [each for each in bins if is_number(each.get("mean_probability")) and is_number(each.get("share_adverts"))]
    need(known, "no bin holds a row")
    said = floats([each["mean_probability"] for each in known])
    shares = floats([each["share_adverts"] for each in known])
    figure, axes = sheet(330)
    quiet(axes)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=DASHES[1])
    _whiskers(axes, said, known)
    axes.plot(said, shares, color=SERIES[0], linewidth=1.2, marker=MARKERS[0], markersize=5)
    share_axis(axes.xaxis, axes.yaxis)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04), xlabel="stated probability", ylabel="adverts found")
    return figure


def scores(histograms: Mapping[str, Any], threshold: float | None) -> Figure:
    """Draw one small histogram an intent over one axis; `threshold` is a probability, or `None`."""
    edges = floats(histograms.get("edges") or [])
    by_intent = histograms.get("by_intent")
    known = {
        name: floats(counts)
        for name, counts in (by_intent.items() if isinstance(by_intent, Mapping) else ())
        if isinstance(counts, Sequence) and len(counts) == len(edges) - 1
    }
    need(known, "no intent has a histogram")
    rows = math.ceil(len(known) / 2)
    figure, grid = sheet(66 * rows + 30, nrows=rows, ncols=2, sharex=True, squeeze=False)
    unit = str(histograms.get("unit") or "")
    for axes, (name, counts) in zip(grid.flat, known.items(), strict=False):
        axes.stairs(counts, edges, fill=True, color=SERIES[0], alpha=0.75)
        axes.set_title(f"{label(name)}  ({int(counts.sum()):,})", fontsize=10, loc="left", color=INK)
        if threshold is not None and 0 < threshold < 1 and unit == "log-odds":
            axes.axvline(math.log(threshold / (1 - threshold)), color=SERIES[1], linewidth=1, linestyle=DASHES[1])
        axes.set(yticks=[], xlim=(edges[0], edges[-1]))
        axes.spines["left"].set_visible(False)
    for axes in list(grid.flat)[len(known) :]:
        axes.set_axis_off()
    figure.supxlabel(f"score of the release ({unit})" if unit else "score", fontsize=10.5, color=MUTED)
    return figure


def throughput(batches: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw posts a second against the size of a batch."""
    known = [each for each in batches if is_number(each.get("size")) and is_number(each.get("posts_per_second"))]
    need(known, "no batch size was timed")
    places = np.arange(len(known))
    figure, axes = sheet(250)
    quiet(axes, grid="y")
    speeds = floats([each["posts_per_second"] for each in known])
    axes.plot(places, speeds, color=SERIES[0], linewidth=1.4, marker=MARKERS[0], markersize=5)
    for place, speed in zip(places, speeds, strict=True):
        axes.annotate(number(speed), (place, speed), (0, 7), textcoords="offset points", ha="center", color=INK)
    axes.set_xticks(places, [f"{each['size']:,}" for each in known])
    axes.set(xlim=(-0.4, len(known) - 0.6), ylim=(0, speeds.max() * 1.2), xlabel="posts in a batch")
    axes.set_ylabel("posts a second")
    return figure


def _line(axes: Axes, name: str, names: Mapping[str, Any], x: Floats, y: Floats, curve: Mapping[str, Any]) -> None:
    """Draw one curve, (points,) against (points,); the release's with the band of its interval."""
    place = place_of(name, names)
    axes.plot(x, y, color=SERIES[place], linestyle=DASHES[place], linewidth=1.5, label=label(name, KEY))
    low, high = floats(curve.get("low") or []), floats(curve.get("high") or [])
    if name == "release" and len(low) == len(high) == len(x):
        axes.fill_between(x, low, high, color=SERIES[place], alpha=0.14, linewidth=0)


def _working_points(
    axes: Axes, points: Mapping[str, Any], x: str, y: str, *, among: Mapping[str, Any], floor: float = 0.0
) -> None:
    """Mark where each contender works; one below the floor is drawn hollow on it."""
    known = {
        name: point
        for name, point in contenders_of(points).items()
        if is_number(point.get(x)) and is_number(point.get(y))
    }
    for name, point in known.items():
        place = place_of(name, known)
        below = point[x] < floor
        axes.plot(
            max(point[x], floor),
            point[y],
            marker=MARKERS[place],
            markersize=8,
            linestyle="none",
            color=SERIES[place],
            markerfacecolor=PAPER if below else SERIES[place],
            markeredgecolor=SERIES[place] if below else PAPER,
            clip_on=False,
            zorder=5,
            label=None if name in among else label(name, KEY),
        )


def _whiskers(axes: Axes, places: Floats, bins: Sequence[Mapping[str, Any]]) -> None:
    for place, each in zip(places, bins, strict=True):
        if is_number(each.get("share_low")) and is_number(each.get("share_high")):
            ends = [each["share_low"], each["share_high"]]
            axes.plot([place, place], ends, color=SERIES[0], linewidth=1.0, alpha=0.7)
