from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import IS_ADVERT, Calibration, Floats, advert_log_odds, log_odds, sigmoid
from models.verdict import ADVERT_INTENTS, INTENTS

PLAIN = Calibration(slope=1.0, intercept=0.0, temperature=1.0, prevalence=0.5)


def logits_at(advert: float) -> Floats:
    """Logits whose advert side has this probability, each side shared out evenly."""
    adverts = len(ADVERT_INTENTS)
    return np.array([math.log(advert / adverts if side else (1 - advert) / (8 - adverts)) for side in IS_ADVERT])


def advert(calibration: Calibration, logits: Floats, prevalence: float) -> float:
    return float(calibration.probabilities(logits, prevalence=prevalence)[IS_ADVERT].sum())


# by hand: odds * (prevalence / (1 - prevalence)) / (fitted / (1 - fitted))
@pytest.mark.parametrize(
    ("fitted", "probability", "prevalence", "wanted"),
    [
        (0.5, 0.9, 0.5, 0.9),
        (0.5, 0.5, 0.003, 0.003),
        (0.5, 0.9, 0.1, 0.5),  # 9 / 9 = 1
        (0.5, 0.9, 0.003, 0.0263673),  # 9 * 3 / 997 = 27 / 997, so 27 / 1024
        (0.5, 0.999, 0.003, 0.7503756),  # 999 * 3 / 997 = 2997 / 997, so 2997 / 3994
        (0.2, 0.2, 0.5, 0.5),  # 1/4 * 4
        (0.2, 0.6, 0.2, 0.6),
    ],
)
def test_the_shift_to_a_prevalence_is_what_odds_by_hand_give(
    fitted: float, probability: float, prevalence: float, wanted: float
) -> None:
    calibration = Calibration(slope=1.0, intercept=0.0, temperature=1.0, prevalence=fitted)
    assert advert(calibration, logits_at(probability), prevalence) == pytest.approx(wanted, abs=1e-6)


def test_slope_and_intercept_bend_the_curve() -> None:
    calibration = Calibration(slope=2.0, intercept=-1.0, temperature=1.0, prevalence=0.5)
    odds = 2 * math.log(3) - 1  # log-odds of 0.75 is log 3
    assert advert(calibration, logits_at(0.75), 0.5) == pytest.approx(1 / (1 + math.exp(-odds)))


def test_temperature_moves_mass_inside_a_side_and_never_across() -> None:
    logits = np.array([2.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0])
    cool, hot = (
        Calibration(1.0, 0.0, temperature, 0.5).probabilities(logits, prevalence=0.5) for temperature in (0.5, 2.0)
    )
    assert cool[IS_ADVERT].sum() == pytest.approx(hot[IS_ADVERT].sum())
    assert cool[0] > hot[0]
    assert cool[3] > hot[3]
    assert hot[0] / hot[1] == pytest.approx(math.e)  # exp(2 / 2)


def test_a_batch_gives_what_each_post_alone_gives() -> None:
    logits = np.random.default_rng(0).normal(size=(5, 8))
    together = PLAIN.probabilities(logits, prevalence=0.01)
    assert together.shape == (5, 8)
    assert np.allclose(together, [PLAIN.probabilities(each, prevalence=0.01) for each in logits])


floats = st.floats(-30, 30)
rows_of_logits = st.lists(floats, min_size=8, max_size=8).map(np.array)
shares = st.floats(1e-5, 1 - 1e-5)


@given(rows_of_logits, shares, st.floats(0.1, 5), st.floats(-3, 3), st.floats(0.2, 5))
def test_probabilities_are_a_distribution(
    logits: Floats, prevalence: float, slope: float, intercept: float, temperature: float
) -> None:
    found = Calibration(slope, intercept, temperature, 0.5).probabilities(logits, prevalence=prevalence)
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1)


@given(rows_of_logits, shares, st.floats(0, 5))
def test_more_advert_in_the_logits_is_never_less_probable(logits: Floats, prevalence: float, more: float) -> None:
    assert advert(PLAIN, logits + more * IS_ADVERT, prevalence) >= advert(PLAIN, logits, prevalence) - 1e-12


@given(rows_of_logits, shares, shares)
def test_a_post_is_never_less_probable_in_a_stream_with_more_adverts(logits: Floats, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert advert(PLAIN, logits, low) <= advert(PLAIN, logits, high) + 1e-12


@pytest.mark.parametrize("size", [1e3, 1e6, 1e12])
@pytest.mark.parametrize("place", range(len(INTENTS)))
@pytest.mark.parametrize("sign", [1, -1])
def test_extreme_logits_give_finite_probabilities(size: float, place: int, sign: int) -> None:
    logits = np.zeros(8)
    logits[place] = sign * size
    found = PLAIN.probabilities(logits, prevalence=0.003)
    assert np.isfinite(found).all()
    assert found.sum() == pytest.approx(1)


def test_log_odds_and_sigmoid_are_inverse_at_both_ends() -> None:
    for probability in (1e-12, 0.003, 0.5, 0.999999):
        assert float(sigmoid(np.array(log_odds(probability)))) == pytest.approx(probability, rel=1e-6)
    assert sigmoid(np.array([-1e5, 1e5])).tolist() == [0.0, 1.0]
    assert float(advert_log_odds(logits_at(0.9))) == pytest.approx(math.log(9))


def test_calibration_comes_back_from_json_as_it_went() -> None:
    calibration = Calibration(1.5, -0.25, 0.8, 0.5, term_threshold=0.7)
    assert Calibration.from_json(calibration.to_json()) == calibration


@pytest.mark.parametrize("change", [{"slope": None}, {"colour": 1.0}])
def test_missing_or_unknown_fields_are_named(change: dict[str, float | None]) -> None:
    values = {name: value for name, value in (PLAIN.to_json() | change).items() if value is not None}
    with pytest.raises(ValueError, match=r"calibration: found fields .* wanted .*'slope'"):
        Calibration.from_json(values)
