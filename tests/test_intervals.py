"""Intervals against values from textbooks and against a simulation."""

from __future__ import annotations

import numpy as np
import pytest

from serving.review.intervals import Total, effective, part, summed, total, wilson


# Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_the_published_one(count: int, n: int, low: float, high: float) -> None:
    assert wilson(count / n, n) == pytest.approx((low, high), abs=1e-4)


def test_all_right_is_still_no_certainty() -> None:
    low, high = wilson(1.0, 30)
    assert (round(low, 2), high) == (0.89, 1.0)


# Poisson's exact interval, as in Ulm (1990): 10 gives 4.80 to 18.39, 1 gives up to 5.57, 0 up to 3.69.
@pytest.mark.parametrize(
    ("count", "low", "high", "off"), [(10, 4.80, 18.39, 0.02), (1, 0.03, 5.57, 0.02), (0, 0, 3.69, 0.05)]
)
def test_equal_weights_give_poissons_exact_interval(count: int, low: float, high: float, off: float) -> None:
    found = total(np.ones(count), 1.0)
    assert found.estimate == count
    assert (found.low, found.high) == pytest.approx((low, high), abs=off)


def test_none_found_in_a_sample_of_one_in_a_hundred_may_have_missed_hundreds() -> None:
    assert total(np.zeros(0), 100.0).high == pytest.approx(369, abs=5)


def test_a_campaign_counts_as_one_whatever_its_copies() -> None:
    assert effective(np.array([1000.0])) == 1
    assert effective(np.ones(7)) == pytest.approx(7)
    alone, together = total(np.ones(20), 1.0), total(np.array([20.0]), 1.0)
    assert alone.estimate == together.estimate
    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_a_part_is_between_nothing_and_all_even_where_one_total_is_nothing() -> None:
    some, none = total(np.ones(50), 1.0), total(np.zeros(0), 100.0)
    all_found = part(some, none, 50)
    assert (all_found.estimate, all_found.high) == (1.0, 1.0)
    assert 0 < all_found.low < 50 / 150  # 369 may have been missed for 50 that were found
    nothing_found = part(none, some, 50)
    assert (nothing_found.estimate, nothing_found.low) == (0.0, 0.0)
    assert nothing_found.high == pytest.approx(1 - all_found.low)


def test_a_sum_is_less_uncertain_than_its_parts_together() -> None:
    found = summed(Total(100, 80, 125), Total(50, 35, 70))
    assert (found.estimate, round(found.low), round(found.high)) == (150, 125, 182)
