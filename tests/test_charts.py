from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import matplotlib
import pytest
from matplotlib.figure import Figure

from training.evaluation import chart_rows, charts
from training.evaluation.chart_style import LABEL, VARIABLES, NothingToDrawError, in_order, label, place_of, svg
from training.evaluation.rates import rate

CURVE = {"recall": [0.2, 0.6, 1.0], "precision": [1.0, 0.8, 0.1], "low": [0.9, 0.7, 0.05], "high": [1.0, 0.9, 0.2]}
FALSE_FLAGS = {"recall": [0.2, 0.6, 1.0], "false_flag_rate": [0.0001, 0.01, 1.0]}
POINTS = {
    "release": {"recall": 0.6, "false_flag_rate": 0.0, "precision": 0.8},
    "lexicon": {"recall": 0.5, "false_flag_rate": 0.02, "precision": None},
}
BIN = {"mean_probability": 0.04, "share_adverts": 0.03, "share_low": 0.01, "share_high": 0.09}
RATES = {"recall": rate(3, 4), "false_flags": rate(0, 50)}
DRAWINGS: dict[str, tuple[Callable[[Any], Figure], Any]] = {
    "precision-recall": (
        partial(charts.precision_recall, operating_points=POINTS),
        {"release": CURVE, "baseline": CURVE},
    ),
    "false-flags": (
        partial(charts.recall_false_flags, operating_points=POINTS),
        {"floor": 0.001, "release": FALSE_FLAGS, "2026.10.1": FALSE_FLAGS},
    ),
    "reliability": (charts.reliability, [BIN, {"mean_probability": None, "share_adverts": None}]),
    "scores": (
        partial(charts.scores, threshold=0.7),
        {"edges": [-2, 0, 2], "unit": "log-odds", "by_intent": {"sell": [1, 5], "other": [9, 0], "seek": [2, 2]}},
    ),
    "recall": (
        partial(chart_rows.slice_rates, measure="recall"),
        {"all": {"release": RATES}, "lang:en": {"release": RATES}},
    ),
    "wrong": (partial(chart_rows.slice_rates, measure="false_flags"), {"all": {"release": RATES, "lexicon": RATES}}),
    "confusion": (chart_rows.confusion, {"labels": ["sell", "other"], "counts": [[3, 1], [0, 0]]}),
    "throughput": (charts.throughput, [{"size": 1, "posts_per_second": 40.0}, {"size": 8, "posts_per_second": 90.0}]),
    "robustness": (
        chart_rows.robustness,
        [
            {
                "attack": "leet",
                "strength": 1,
                "success": rate(1, 9),
                "success_unnormalised": rate(7, 9),
                "held_out": True,
            }
        ],
    ),
}


def drawn(key: str) -> str:
    draw, data = DRAWINGS[key]
    return svg(lambda: draw(data), key=key, title="A title", words="What to see")


@pytest.mark.parametrize("key", DRAWINGS)
def test_a_chart_is_one_named_drawing_in_the_colours_of_its_page(key: str) -> None:
    drawing = drawn(key)
    assert drawing.startswith("<svg viewBox=")
    assert drawing.endswith("</svg>")
    assert 'role="img" aria-label="A title"' in drawing
    assert "<desc>What to see</desc>" in drawing
    assert "var(--c1)" in drawing
    assert not any(stand_in in drawing for stand_in in VARIABLES)
    assert not re.search(r"#[0-9a-f]{6}", drawing)


@pytest.mark.parametrize("key", DRAWINGS)
def test_a_chart_needs_nothing_from_elsewhere_and_keeps_its_ids_to_itself(key: str) -> None:
    drawing = drawn(key)
    assert "http" not in drawing
    assert "<metadata" not in drawing
    ids = re.findall(r' id="([^"]+)"', drawing)
    assert len(set(ids)) == len(ids)
    assert all(name.startswith(f"{key}-") for name in ids)
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', drawing)) == set(ids)


@pytest.mark.parametrize("key", DRAWINGS)
def test_the_same_data_give_the_same_bytes(key: str) -> None:
    assert drawn(key) == drawn(key)


def test_the_settings_of_matplotlib_are_as_they_were() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = dict(matplotlib.rcParams)
        drawn("throughput")
        assert dict(matplotlib.rcParams) == before


def test_a_setting_of_the_user_does_not_change_a_chart() -> None:
    plain = drawn("throughput")
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9}):
        assert drawn("throughput") == plain


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", '"><img src=x>', "$x$ and $y$", "价格", "a\x00b\u202e", "💊"]
)
def test_a_name_is_only_ever_letters(name: str) -> None:
    slices = {f"lang:{name}": {"release": RATES}}
    drawing = svg(lambda: chart_rows.slice_rates(slices, "recall"), key="k", title=name, words=name)
    assert "<script" not in drawing
    assert "<img" not in drawing
    assert "\x00" not in re.sub("aria-label.*?</desc>", "", drawing)


@pytest.mark.parametrize(
    ("draw", "data"),
    [
        (partial(charts.precision_recall, operating_points={}), {"release": {"why": "too few"}}),
        (partial(charts.recall_false_flags, operating_points={}), {"release": {"recall": [], "false_flag_rate": []}}),
        (charts.reliability, [{"mean_probability": 0.5, "share_adverts": None}]),
        (partial(charts.scores, threshold=None), {"edges": [0, 1], "by_intent": {"sell": [1, 2]}}),
        (partial(chart_rows.slice_rates, measure="recall"), {"all": {"release": {"recall": rate(0, 0)}}}),
        (chart_rows.confusion, {"labels": ["sell"], "counts": [[1, 2]]}),
        (charts.throughput, [{"size": 1}]),
        (chart_rows.robustness, [{"attack": "leet", "success": rate(0, 0)}]),
    ],
)
def test_what_holds_no_point_is_refused_in_words(draw: Callable[[Any], Figure], data: Any) -> None:
    with pytest.raises(NothingToDrawError, match=r"^(no|the counts) "):
        draw(data)


def test_the_axis_of_false_flags_stops_at_the_floor_and_what_lies_below_is_drawn_on_it() -> None:
    figure = charts.recall_false_flags({"floor": 0.001, "release": FALSE_FLAGS}, POINTS)
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert axes.get_xlim() == pytest.approx((0.001, 1))
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    assert [mark.get_xdata()[0] for mark in marks] == [0.001]  # type: ignore[index]


def test_a_threshold_stands_where_its_log_odds_are() -> None:
    figure = charts.scores({"edges": [-2, 0, 2], "unit": "log-odds", "by_intent": {"sell": [1, 5]}}, 0.8)
    assert figure.axes[0].lines[0].get_xdata() == pytest.approx([math.log(4)] * 2)


def test_only_the_largest_slices_are_drawn_and_kinds_stay_together() -> None:
    slices = {f"{kind}:{n}": {"release": {"recall": rate(1, n)}} for n in range(1, 40) for kind in ("lang", "source")}
    axes = chart_rows.slice_rates(slices, "recall").axes[0]
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert len(names) == chart_rows.MOST_SLICES
    assert names[0] == "lang: 39"
    assert [name.partition(":")[0] for name in names] == sorted(name.partition(":")[0] for name in names)


def test_contenders_keep_their_order_and_their_colour() -> None:
    names = ["2026.10.1", "lexicon", "release", "2026.9.1"]
    assert in_order(names) == ["release", "lexicon", "2026.10.1", "2026.9.1"]
    assert [place_of(name, names) for name in in_order(names)] == [0, 2, 3, 4]


def test_a_long_name_is_cut_in_its_middle() -> None:
    shown = label("source: tweeteval/stance__abortion__train")
    assert len(shown) == LABEL
    assert shown.startswith("source: ")
    assert shown.endswith("__train")


def test_a_contender_without_a_rate_in_a_slice_is_left_out_there() -> None:
    slices = {
        "all": {"release": RATES, "baseline": {"why": "not run"}},
        "lang:en": {"release": RATES, "baseline": RATES},
    }
    axes = chart_rows.slice_rates(slices, "recall").axes[0]
    assert [len(dots.get_offsets()) for dots in axes.collections] == [2, 1]  # type: ignore[arg-type]
