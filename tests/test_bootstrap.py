"""Sampling errors are bounded at some four of their standard errors; the seed is fixed, so nothing flickers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from training.evaluation.bootstrap import Resamples

HALVES = np.arange(400) % 2  # as many ones as zeros


def spread(groups: NDArray[np.int64], column: NDArray[np.int64]) -> float:
    """Give the standard deviation of the resampled mean."""
    totals = Resamples(groups).totals(np.column_stack([column, np.ones(len(groups))]))
    return float(np.std(totals[:, 0] / totals[:, 1]))


def test_each_round_holds_as_many_rows_as_there_are_give_or_take() -> None:
    totals = Resamples(np.arange(400)).totals(np.ones((400, 1)))
    assert totals.shape == (1000, 1)
    assert totals.mean() == pytest.approx(400, abs=4 * np.sqrt(400 / 1000))
    assert totals.var() == pytest.approx(400, rel=4 * np.sqrt(2 / 1000))


def test_the_spread_of_a_share_is_that_of_independent_rows() -> None:
    assert spread(np.arange(400), HALVES) == pytest.approx(np.sqrt(0.25 / 400), rel=0.1)


def test_ten_copies_in_a_group_widen_the_interval_as_ten_times_fewer_rows_do() -> None:
    copies = np.repeat(HALVES, 10)
    alone, together = spread(np.arange(4000), copies), spread(np.repeat(np.arange(400), 10), copies)
    assert together / alone == pytest.approx(np.sqrt(10), rel=0.1)
    assert together == pytest.approx(spread(np.arange(400), HALVES), rel=0.1)


def test_a_single_group_is_drawn_whole_or_not_at_all() -> None:
    totals = Resamples(np.zeros(30, dtype=np.int64)).totals(np.ones((30, 1)))
    assert set(np.unique(totals % 30)) == {0.0}
    assert (totals == 0).mean() == pytest.approx(np.exp(-1), abs=0.06)


def test_group_numbers_may_have_gaps_and_come_in_any_order() -> None:
    groups = np.array([7, -2, 7, 100_000])
    totals = Resamples(groups).totals(np.eye(4))
    assert np.array_equal(totals[:, 0], totals[:, 2])
    assert not np.array_equal(totals[:, 0], totals[:, 1])


def test_equal_rows_drawn_as_one_are_spread_as_rows_drawn_one_by_one() -> None:
    own = np.arange(400) + 0.5  # a number of its own keeps each row apart
    merged = Resamples(np.arange(400)).totals(HALVES[:, None])[:, 0]
    apart = Resamples(np.arange(400)).totals(np.column_stack([HALVES, own]))[:, 0]
    assert not np.array_equal(merged, apart)
    assert merged.mean() == pytest.approx(apart.mean(), abs=4 * np.sqrt(2 * 200 / 1000))
    assert merged.var() == pytest.approx(apart.var(), rel=4 * np.sqrt(4 / 1000))


def test_columns_of_one_call_share_their_draws() -> None:
    totals = Resamples(np.arange(400)).totals(np.column_stack([HALVES, 1 - HALVES, np.ones(400), HALVES]))
    assert np.array_equal(totals[:, 0] + totals[:, 1], totals[:, 2])
    assert np.array_equal(totals[:, 0], totals[:, 3])


def test_a_seed_gives_the_same_numbers_again_and_another_seed_others() -> None:
    column = HALVES[:, None]
    first, again = (Resamples(np.arange(400)).totals(column) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, Resamples(np.arange(400), seed=8).totals(column))


def test_sparse_and_dense_columns_agree() -> None:
    columns = np.column_stack([HALVES, np.arange(400) == 5, np.arange(400) / 7])
    resamples = Resamples(np.arange(400) // 3)
    for form in (sparse.csr_array, sparse.csc_array, sparse.coo_array):
        assert np.array_equal(resamples.totals(form(columns)), resamples.totals(columns))


@pytest.mark.parametrize(
    ("rows", "columns"), [(5, np.zeros((5, 0))), (5, np.zeros((5, 3))), (0, np.zeros((0, 2))), (0, np.zeros((0, 0)))]
)
def test_columns_with_nothing_in_them_add_up_to_nothing(rows: int, columns: NDArray[np.float64]) -> None:
    totals = Resamples(np.arange(rows), rounds=20).totals(columns)
    assert totals.shape == (20, columns.shape[1])
    assert not totals.any()


@pytest.mark.parametrize("scale", [1e-12, 1e9])
def test_the_size_of_the_numbers_does_not_matter(scale: float) -> None:
    columns = np.column_stack([HALVES, np.arange(400) % 5])
    resamples = Resamples(np.arange(400))
    assert resamples.totals(columns * [scale, 1]) == pytest.approx(resamples.totals(columns) * [scale, 1], rel=1e-9)


def test_more_draws_than_are_held_at_once_are_drawn_in_parts() -> None:
    totals = Resamples(np.arange(20_000), rounds=500).totals(np.arange(20_000)[:, None])
    assert totals.shape == (500, 1)
    assert len(np.unique(totals)) > 490  # no part repeats another
    wanted = np.arange(20_000).sum()
    assert totals.mean() == pytest.approx(wanted, rel=0.005)
