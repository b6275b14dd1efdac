from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from models.verdict import ADVERT_INTENTS, INTENTS, Intent
from training.corpus import Row
from training.evaluation.bootstrap import Resamples
from training.evaluation.curves import average_precision, binned, curves, cuts, scores
from training.evaluation.judged import Contender, Floats, Judged
from training.evaluation.rates import rate

SELL, OTHER = frozenset({Intent.SELL}), frozenset({Intent.OTHER})
ADVERT, NO_ADVERT = ADVERT_INTENTS, frozenset(INTENTS) - ADVERT_INTENTS


def judged(adverts: Sequence[float], others: Sequence[float], *, copies: int = 1, name: str = "release") -> Judged:
    """Rows by their log-odds; `copies` neighbours are near copies; what is above 0 is flagged."""
    values = np.array([*adverts, *others], dtype=np.float64)
    rows = [Row(str(place), "text", SELL if place < len(adverts) else OTHER, "s") for place in range(len(values))]
    groups = np.concatenate([np.arange(len(adverts)), len(adverts) + np.arange(len(others))]) // copies
    is_advert = np.arange(len(values)) < len(adverts)
    return Judged(rows, [], is_advert, groups, (Contender(name, "", values, values > 0),), 0.003, 0.5)


def drawn(adverts: int, others: int, *, copies: int = 1) -> Judged:
    """Two bells of log-odds, in copies that are alike."""
    rng = np.random.default_rng(1)
    sides = (rng.normal(2, 2, adverts // copies), rng.normal(-4, 2, others // copies))
    return judged(*(np.repeat(side, copies).tolist() for side in sides), copies=copies)


def resamples(rows: Judged) -> Resamples:
    return Resamples(rows.groups, rounds=200)


def made(rows: Judged, prevalence: float = 0.003) -> dict[str, Any]:
    return curves(rows, resamples(rows), prevalence=prevalence)


def average(rows: Judged, prevalence: float) -> dict[str, Any]:
    return average_precision(rows, resamples(rows), prevalence=prevalence)


def test_points_are_the_rates_at_rising_recall_with_bands_around_them() -> None:
    rows = drawn(500, 5000)
    found = made(rows)
    for part, value in (("precision_recall", "precision"), ("recall_false_flags", "recall")):
        curve = {key: np.array(each) for key, each in found[part]["release"].items()}
        assert len({len(each) for each in curve.values()}) == 1
        assert 20 < len(curve["recall"]) <= 200
        assert (np.diff(curve["recall"]) >= 0).all()
        assert (curve["low"] <= curve[value]).all()
        assert (curve["high"] >= curve[value]).all()
        assert (curve["high"] <= 1).all()


def test_every_point_is_a_threshold_of_the_rows() -> None:
    rows = drawn(300, 3000)
    curve = made(rows)["recall_false_flags"]["release"]
    adverts, others = (rows.release.log_odds[side] for side in (rows.is_advert, ~rows.is_advert))
    true = {((others >= at).mean().item(), (adverts >= at).mean().item()) for at in rows.release.log_odds}
    assert set(zip(curve["false_flag_rate"], curve["recall"], strict=True)) <= true


def test_precision_is_that_of_the_stated_prevalence() -> None:
    rows = judged([1] * 80 + [-1] * 20, [1] * 50 + [-1] * 950)
    found = made(rows, 0.003)["precision_recall"]
    assert found["prevalence"] == 0.003
    assert found["release"]["recall"] == [0.8, 1.0]
    assert found["release"]["precision"] == pytest.approx([0.0024 / (0.0024 + 0.04985), 0.003])


def test_neither_curve_claims_what_the_rows_cannot_show() -> None:
    """The ten strictest thresholds see no false flag, the next three see one and two and three."""
    rows = judged([20 - place for place in range(20)], [9.5, 8.5, 7.5] + [-1.0] * 997)
    found = made(rows)
    assert found["recall_false_flags"]["floor"] == 0.003
    assert min(found["recall_false_flags"]["release"]["false_flag_rate"]) == 0.003
    assert max(found["precision_recall"]["release"]["precision"]) < 1
    assert min(found["precision_recall"]["release"]["recall"]) == 0.55  # eleven adverts stand above the first


def test_the_floor_counts_copies_once() -> None:
    rows = judged([1.0] * 100, [-1.0] * 1000, copies=10)
    assert made(rows)["recall_false_flags"]["floor"] == 0.03


def test_bands_are_never_narrower_than_the_exact_intervals() -> None:
    curve = made(judged([1] * 8 + [-1] * 2, [1] * 5 + [-1] * 95))["recall_false_flags"]["release"]
    assert curve["low"][0] <= rate(8, 10)["low"]
    assert curve["high"][0] >= rate(8, 10)["high"]


def test_copies_widen_the_bands() -> None:
    copied = drawn(2000, 4000, copies=10)
    alone = replace(copied, groups=np.arange(6000))
    found = [made(rows)["recall_false_flags"]["release"] for rows in (alone, copied)]
    narrow, wide = (
        dict(zip(each["false_flag_rate"], np.subtract(each["high"], each["low"]), strict=True)) for each in found
    )
    ratios = [wide[at] / narrow[at] for at in wide.keys() & narrow.keys() if narrow[at] > 0.01]
    assert len(ratios) > 5
    assert min(ratios) > 1.8


def test_ties_are_one_point() -> None:
    found = made(judged([2, 2, 1, 0] * 10, [1, 0, 0, 0] * 100, name="lexicon"))
    assert found["recall_false_flags"]["lexicon"]["false_flag_rate"] == [0.25, 1.0]
    assert found["recall_false_flags"]["lexicon"]["recall"] == [0.75, 1.0]
    assert found["operating_points"]["lexicon"]["recall"] == 0.75


def test_operating_points_are_at_the_flags() -> None:
    found = made(judged([1] * 80 + [-1] * 20, [1] * 50 + [-1] * 9950))["operating_points"]
    assert found["release"]["recall"] == 0.8
    assert found["release"]["false_flag_rate"] == 0.005
    assert found["release"]["precision"] == pytest.approx(0.0024 / (0.0024 + 0.997 * 0.005))


def test_the_top_of_the_others_is_cut_finely() -> None:
    others = np.arange(100_000, dtype=np.float64)
    edges = cuts(np.append(others, [5.0, 7.0]), np.append(np.zeros(100_000, bool), [True, True]))
    assert 150 < len(edges) <= 400
    assert (edges >= others[-100]).sum() > 40  # the top 0.1 %
    assert edges[0] == 0


def test_bins_hold_every_row_once() -> None:
    rows = drawn(30, 300)
    edges = cuts(rows.release.log_odds, rows.is_advert)
    counts, rounds = binned(rows.release.log_odds, rows.is_advert, resamples(rows), edges)
    assert counts.sum(1).tolist() == [300, 30]
    assert rounds.shape == (200, 2, len(edges))
    assert rounds.sum(2).mean(0) == pytest.approx([300, 30], rel=0.05)


@pytest.mark.parametrize(
    ("adverts", "others", "why"), [(0, 3, "no adverts among 3"), (3, 0, "all of 3 rows are adverts")]
)
def test_one_side_alone_has_no_curve_but_scores(adverts: int, others: int, why: str) -> None:
    rows = judged([1.0] * adverts, [0.0] * others)
    found = made(rows)
    for part in ("precision_recall", "recall_false_flags", "operating_points"):
        assert why in found[part]["why"]
    assert sum(map(sum, found["scores"]["by_intent"].values())) == 3
    assert why in average(rows, 0.003)["why"]


def test_no_rows_have_no_curve() -> None:
    assert made(judged([], []))["precision_recall"]["why"].startswith("there are no rows")


def test_scores_stand_under_their_intent_or_side() -> None:
    labels = [SELL, ADVERT, OTHER, NO_ADVERT, NO_ADVERT, frozenset({Intent.SEEK})]
    values: Floats = np.array([4.2, 3.0, -2.0, -5.5, -5.5, 4.2])
    rows = [Row(str(place), "text", label, "s") for place, label in enumerate(labels)]
    is_advert = np.array([row.is_advert for row in rows])
    found = scores(
        Judged(rows, [], is_advert, np.arange(6), (Contender("release", "", values, values > 0),), 0.003, None)
    )
    assert found["unit"] == "log-odds"
    assert (found["edges"][0], found["edges"][-1]) == (-6, 5)
    assert {name: sum(counts) for name, counts in found["by_intent"].items()} == {
        "sell": 1,
        "seek": 1,
        "other": 1,
        "advert (intent unknown)": 1,
        "no advert (intent unknown)": 2,
    }
    assert all(len(counts) == len(found["edges"]) - 1 for counts in found["by_intent"].values())


def test_average_precision_by_hand() -> None:
    """Adverts and others take turns: half of recall at precision 1, half at 0.5 / (0.5 + 0.25)."""
    found = average(judged([3, 1], [2, 0]), 0.5)
    assert found["release"]["value"] == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert found["at_prevalence"] == found["as_found"]["at_prevalence"] == 0.5
    assert found["as_found"]["release"]["value"] == found["release"]["value"]


@pytest.mark.parametrize("prevalence", [0.5, 0.1, 0.02])
def test_average_precision_is_the_weighted_one_with_ties(prevalence: float) -> None:
    rows = drawn(200, 2000)
    tied = np.round(rows.release.log_odds * 2) / 2
    found = average(judged(tied[:200].tolist(), tied[200:].tolist()), prevalence)
    weights = np.where(rows.is_advert, prevalence / 200, (1 - prevalence) / 2000)
    assert found["release"]["value"] == pytest.approx(
        average_precision_score(rows.is_advert, tied, sample_weight=weights)
    )
    assert found["as_found"]["release"]["value"] == pytest.approx(average_precision_score(rows.is_advert, tied))
    assert found["release"]["low"] < found["release"]["value"] < found["release"]["high"]


def test_average_precision_never_proves_more_than_the_others_can_show() -> None:
    """A perfect ranking over 1,000 others: the low end counts 3 in 1,000 of them as flagged throughout."""
    found = average(judged(range(1, 101), [-1.0] * 1000), 0.01)["release"]
    assert found["value"] == 1
    shown = [0.01 * share / (0.01 * share + 0.99 * 0.003) for share in np.arange(1, 101) / 100]
    assert found["low"] == pytest.approx(np.mean(shown), rel=0.01)


def test_copies_widen_average_precision() -> None:
    alone, copied = (average(drawn(2000, 4000, copies=copies), 0.1)["release"] for copies in (1, 10))
    assert copied["high"] - copied["low"] > 1.8 * (alone["high"] - alone["low"])


def test_a_prevalence_that_the_rows_cannot_carry_is_refused() -> None:
    found = average(drawn(100, 1000), 0.0001)
    assert found["release"]["value"] is None
    assert "1,000 rows without an advert show none under 0.003" in found["release"]["why"]
    assert "at least 29,997 would be needed" in found["release"]["why"]  # 3 * 0.9999 / 0.0001
    assert found["as_found"]["release"]["value"] is not None
