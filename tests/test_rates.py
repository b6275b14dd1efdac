from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from training.evaluation.rates import figure, interval, no_figure, rate

NAN = math.nan


# from tables of the exact binomial interval (R: binom.test)
@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        (0, 10, 0.0, 0.3084971),
        (10, 10, 0.6915029, 1.0),
        (1, 10, 0.002528579, 0.4450161),
        (5, 10, 0.1870860, 0.8129140),
        (8, 10, 0.4439045, 0.9747893),
        (0, 1, 0.0, 0.975),
        (26, 100_000, 0.0001698, 0.0003809),
    ],
)
def test_intervals_are_the_exact_ones(count: int, total: int, low: float, high: float) -> None:
    found = rate(count, total)
    assert (found["count"], found["of"], found["share"]) == (count, total, count / total)
    assert found["low"] == pytest.approx(low, abs=1e-5)
    assert found["high"] == pytest.approx(high, abs=1e-5)


@pytest.mark.parametrize("samples", [None, np.full(5, NAN)])
def test_a_rate_of_nothing_is_not_a_number_but_none(samples: NDArray[np.float64] | None) -> None:
    assert rate(0, 0, samples) == {"count": 0, "of": 0, "share": None, "low": None, "high": None}


def test_samples_over_groups_widen_an_interval() -> None:
    found = rate(50, 100, np.linspace(0.0, 1.0, 1001))
    assert (found["low"], found["high"]) == pytest.approx((0.025, 0.975))


def test_samples_over_groups_never_narrow_an_interval() -> None:
    assert rate(50, 100, np.full(1000, 0.5)) == rate(50, 100)


def test_samples_may_widen_one_end_alone() -> None:
    found, exact = rate(50, 100, np.linspace(0.2, 0.5, 1000)), rate(50, 100)
    assert found["low"] < exact["low"]
    assert found["high"] == exact["high"]


def test_rounds_without_an_answer_leave_the_exact_interval() -> None:
    assert rate(3, 10, np.full(1000, NAN)) == rate(3, 10)


def test_rounds_without_an_answer_are_left_out_of_an_interval() -> None:
    assert interval(np.array([NAN, 1.0, NAN, 1.0, 1.0])) == (1.0, 1.0)


def test_an_interval_of_no_answers_is_not_a_number() -> None:
    assert all(math.isnan(end) for end in interval(np.full(3, NAN)))


@pytest.mark.parametrize(("value", "low", "high"), [(0.5, 0.025, 0.975), (-3.0, -3.0, 0.975), (2.0, 0.025, 2.0)])
def test_a_figures_interval_always_holds_its_value(value: float, low: float, high: float) -> None:
    found = figure(value, np.linspace(0.0, 1.0, 1001))
    assert found == {"value": value, "low": pytest.approx(low), "high": pytest.approx(high)}


def test_figures_are_plain_numbers_that_json_takes() -> None:
    found = [rate(1, 3, np.array([0.1, 0.9])), figure(np.float64(0.5).item(), np.array([0.1, 0.9]))]
    assert {type(value) for each in found for value in each.values()} == {int, float}


def test_a_figure_that_is_not_given_says_why() -> None:
    assert no_figure("too few") == {"value": None, "low": None, "high": None, "why": "too few"}
