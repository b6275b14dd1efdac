from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from training.evaluation.bootstrap import Resamples
from training.evaluation.judged import Contender, Floats, Judged, safe_log_odds
from training.evaluation.reliability import bins_of, calibration, cells_of, measures


def judged(probability: Floats, is_advert: Any, prevalence: float, *, groups: Any = None) -> Judged:
    """Rows with the advert probability that the release states at `prevalence`."""
    values = safe_log_odds(np.asarray(probability, dtype=np.float64))
    groups = np.arange(len(values)) if groups is None else groups
    release = Contender("release", "", values, values > 0)
    return Judged([], [], np.asarray(is_advert, dtype=bool), groups, (release,), prevalence, None)


def same(stated: float, adverts: int, others: int, prevalence: float) -> Judged:
    rows = adverts + others
    return judged(np.full(rows, stated), np.arange(rows) < adverts, prevalence)


def made(rows: Judged, fitted: float = 0.5, rounds: int = 200) -> dict[str, Any]:
    return calibration(rows, Resamples(rows.groups, rounds=rounds), fitted_prevalence=fitted)


def calibrated(adverts: int, others: int, prevalence: float) -> Judged:
    """Two bells whose log-odds are the true ones: probabilities hold at `prevalence`."""
    rng = np.random.default_rng(2)
    seen = np.concatenate([rng.normal(2, 2, adverts), rng.normal(-2, 2, others)])
    values = seen + math.log(prevalence / (1 - prevalence))  # of two bells 4 apart and 2 wide: 4 x / 2**2
    release = Contender("release", "", values, values > 0)
    is_advert = np.arange(len(values)) < adverts
    return Judged([], [], is_advert, np.arange(len(values)), (release,), prevalence, None)


def test_a_probability_that_is_true_has_no_error() -> None:
    found = made(same(0.25, 25, 75, 0.25))["shifted"]
    assert found["ece"]["value"] == pytest.approx(0)
    assert found["ece_from_0.1"]["value"] == pytest.approx(0)
    assert found["brier"]["value"] == pytest.approx(0.1875)  # 0.25 * 0.75
    assert found["log_loss"]["value"] == pytest.approx(0.5623351)


@pytest.mark.parametrize(
    ("part", "ece", "brier"),
    [
        ("shifted", 0.25, 0.5 * 0.5625 + 0.5 * 0.0625),  # rows weighted to half adverts, said to be so with 0.25
        ("unshifted", 0.0, 0.25),  # moved from 0.5 to 0.75, the probability is 0.5
        ("as_found", 0.15, 0.25 * 0.81 + 0.75 * 0.01),  # moved from 0.5 to 0.25, it is 0.1, and 0.25 are adverts
    ],
)
def test_streams_and_shifts_by_hand(part: str, ece: float, brier: float) -> None:
    found = made(same(0.25, 25, 75, 0.5), fitted=0.75)
    assert found[part]["ece"]["value"] == pytest.approx(ece)
    assert found[part]["brier"]["value"] == pytest.approx(brier)
    assert (found["prevalence"], found["fitted_prevalence"], found["as_found"]["prevalence"]) == (0.5, 0.75, 0.25)


def test_a_certain_and_wrong_answer_costs_much_but_not_everything() -> None:
    cells = cells_of(np.array([0.0, 1.0]), np.array([True, True]))
    assert cells.log_loss == pytest.approx([-math.log(1e-12), 0])
    assert cells.squared_error.tolist() == [1, 0]


def test_errors_are_taken_bin_by_bin_and_weighted() -> None:
    cells = cells_of(np.array([0.02, 0.04, 0.09, 0.5, 0.5, 0.9]), np.array([False, False, True, True, False, True]))
    found = measures(np.array([[0.3, 0.3, 0.1, 0.1, 0.1, 0.1]]), cells)
    assert found["ece"] == pytest.approx(abs(0.3 * 0.06) + abs(0.1 * -0.91) + 0 + abs(0.1 * -0.1))
    assert found["ece_from_0.1"] == pytest.approx(0.01 / 0.3)  # of the three from 0.1 on, weighted anew


def test_bins_hold_their_lower_end() -> None:
    assert bins_of(np.array([0.0, 0.0666, 0.0667, 0.999, 1.0])).tolist() == [0, 0, 1, 14, 14]


def test_nothing_likely_leaves_no_figure() -> None:
    found = made(same(0.01, 25, 75, 0.01))["shifted"]
    assert found["ece_from_0.1"]["value"] is None
    assert "0.1 or more" in found["ece_from_0.1"]["why"]
    assert found["ece"]["value"] == pytest.approx(0)


def test_true_log_odds_are_calibrated_in_their_stream_and_not_before_the_shift() -> None:
    found = made(calibrated(2000, 8000, 0.05))
    assert found["shifted"]["ece"]["value"] < 0.01
    assert found["as_found"]["ece"]["value"] < 0.02
    assert found["as_found"]["prevalence"] == 0.2
    assert found["unshifted"]["ece"]["low"] > 5 * found["shifted"]["ece"]["high"]
    assert found["unshifted"]["log_loss"]["value"] > found["shifted"]["log_loss"]["value"]


def test_intervals_are_as_wide_as_the_spread_of_the_rows_says() -> None:
    rows = calibrated(2000, 2000, 0.5)
    found = made(rows, rounds=1000)["shifted"]["brier"]
    losses = (1 / (1 + np.exp(-rows.release.log_odds)) - rows.is_advert) ** 2
    error = math.sqrt(sum(losses[side].var() / side.sum() for side in (rows.is_advert, ~rows.is_advert))) / 2
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert found["value"] == pytest.approx(losses.mean())


def test_copies_widen_the_intervals() -> None:
    rng = np.random.default_rng(3)
    probability = np.repeat(rng.uniform(0.01, 0.99, 200), 10)
    is_advert = np.repeat(rng.uniform(size=200), 10) < probability
    rows, ids = len(probability), np.arange(len(probability))
    alone, copied = (
        made(judged(probability, is_advert, 0.5, groups=groups))["shifted"] for groups in (ids, ids // (rows // 200))
    )
    for name in ("brier", "log_loss"):
        assert copied[name]["value"] == alone[name]["value"]
        assert copied[name]["high"] - copied[name]["low"] > 2 * (alone[name]["high"] - alone[name]["low"])


def test_the_diagram_shows_bins_with_rows_by_their_share_in_the_stream() -> None:
    probability = np.repeat([0.01, 0.5], [1000, 100])
    is_advert = np.concatenate([np.arange(1000) < 10, np.arange(100) < 60])
    bins = made(judged(probability, is_advert, 0.01, groups=np.arange(1100) // 2))["diagram"]["shifted"]
    assert [(each["rows"], each["groups"]) for each in bins] == [(1000, 500), (100, 50)]
    assert [each["low"] for each in bins] == pytest.approx([0, 7 / 15])
    assert [each["high"] for each in bins] == pytest.approx([1 / 15, 8 / 15])
    assert [each["mean_probability"] for each in bins] == pytest.approx([0.01, 0.5])
    caught, wrong = 0.01 * 60 / 70, 0.99 * 40 / 1030  # 70 adverts and 1,030 others in all
    assert bins[1]["share_adverts"] == pytest.approx(caught / (caught + wrong))
    assert all(each["share_low"] < each["share_adverts"] < each["share_high"] for each in bins)


def test_a_bin_without_others_is_not_certain() -> None:
    bins = made(judged(np.repeat([0.01, 0.99], [500, 50]), np.arange(550) >= 500, 0.01))["diagram"]["shifted"]
    assert bins[1]["share_adverts"] == 1
    assert bins[1]["share_low"] < 0.6  # 500 others none of which is there show no rate under 0.6 %
    assert bins[0]["share_adverts"] == 0
    assert bins[0]["share_high"] > 0


@pytest.mark.parametrize(("adverts", "others", "why"), [(3, 0, "all of 3 rows are"), (0, 3, "no adverts among 3")])
def test_one_side_alone_has_no_calibration(adverts: int, others: int, why: str) -> None:
    found = made(same(0.5, adverts, others, 0.5))
    assert list(found) == ["why"]
    assert why in found["why"]


def test_every_figure_holds_its_value() -> None:
    found = made(calibrated(50, 500, 0.1))
    for part in ("shifted", "unshifted", "as_found"):
        for name in ("ece", "ece_from_0.1", "brier", "log_loss"):
            figure = found[part][name]
            assert figure["low"] <= figure["value"] <= figure["high"]
