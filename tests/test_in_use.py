from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from training.evaluation.bootstrap import Resamples
from training.evaluation.flag_rates import precision, steps
from training.evaluation.in_use import in_use
from training.evaluation.judged import Bools, Contender, Judged
from training.evaluation.rates import rate

TIMES = 200  # rounds: enough for what is asked of intervals here


def judged(caught: int, missed: int, wrong: int, calm: int, *, copies: int = 1) -> Judged:
    """So many rows of each kind; `copies` neighbours are near copies of each other."""
    flags = np.repeat([True, False, True, False], [caught, missed, wrong, calm])
    is_advert = np.arange(len(flags)) < caught + missed
    groups = np.arange(len(flags)) // copies
    contender = Contender("release", "npsight", np.where(flags, 1.0, -1.0), flags)
    return Judged([], [], is_advert, groups, (contender,), prevalence=0.003, threshold=0.5)


def figures(rows: Judged, prevalence: float = 0.003, posts_per_day: float | None = None) -> dict[str, Any]:
    resamples = Resamples(rows.groups, rounds=TIMES)
    found = in_use(rows, resamples, prevalences=[prevalence], posts_per_day=posts_per_day)
    return dict(found[0]["contenders"]["release"])


def width(figure: dict[str, Any]) -> float:
    return float(figure["high"] - figure["low"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recall", 0.8),
        ("false_flag_rate", 0.05),
        ("precision", 0.0459330),  # 0.0024 / (0.0024 + 0.997 * 0.05)
        ("f1", 0.0868778),  # 2 * 0.0024 / (0.003 + 0.05225)
        ("flags_per_million", 52_250),
        ("wrong_flags_per_million", 49_850),
        ("missed_per_million", 600),
        ("reviews_per_day", 104_500),
    ],
)
def test_rates_become_what_they_mean_in_the_stream(name: str, value: float) -> None:
    figure = figures(judged(80, 20, 500, 9500), posts_per_day=2_000_000)[name]
    assert figure["value"] == pytest.approx(value, rel=1e-5)
    assert figure["low"] < figure["value"] < figure["high"]
    assert "bound" not in figure


def test_every_prevalence_has_its_own_entry_with_every_contender() -> None:
    rows = judged(80, 20, 50, 9950)
    flags = ~rows.release.flags
    lexicon = Contender("lexicon", "", flags.astype(np.float64), flags)
    both = Judged([], [], rows.is_advert, rows.groups, (rows.release, lexicon), 0.1, None)
    found = in_use(both, Resamples(both.groups, rounds=TIMES), prevalences=[0.1, 0.01], posts_per_day=None)
    assert [each["prevalence"] for each in found] == [0.1, 0.01]
    assert list(found[0]["contenders"]) == ["release", "lexicon"]
    assert found[0]["contenders"]["lexicon"]["recall"]["value"] == pytest.approx(0.2)
    often, rarely = (each["contenders"]["release"]["precision"]["value"] for each in found)
    assert often > rarely
    assert "reviews_per_day" not in found[0]["contenders"]["release"]  # nobody said how many posts there are
    assert found[0]["posts_per_day"] is None


def test_ten_copies_of_a_row_count_once() -> None:
    alone, copied = (figures(judged(800, 200, 500, 9500, copies=copies), 0.1) for copies in (1, 10))
    for name in ("recall", "false_flag_rate", "precision", "f1", "flags_per_million", "missed_per_million"):
        assert alone[name]["value"] == copied[name]["value"]
        assert width(copied[name]) > 2 * width(alone[name]), name


def test_no_false_flag_makes_precision_a_bound() -> None:
    found = figures(judged(90, 10, 0, 10_000), posts_per_day=1_000_000)
    assert found["precision"]["bound"] == found["f1"]["bound"] == "at least"
    assert found["precision"]["value"] == pytest.approx(0.0027 / (0.0027 + 0.997 * 0.0003))  # 0.90, not 1
    assert found["f1"]["value"] == pytest.approx(0.0054 / (0.003 + 0.0027 + 0.997 * 0.0003))
    assert found["precision"]["low"] < found["precision"]["value"] < found["precision"]["high"] < 1
    assert found["false_flag_rate"] == {"value": pytest.approx(0.0003), "low": None, "high": None, "bound": "at most"}
    assert found["wrong_flags_per_million"]["value"] == pytest.approx(299.1)
    assert found["reviews_per_day"]["value"] == pytest.approx(2700)
    assert found["reviews_per_day"]["high"] > 2700 + 299  # what no false flag leaves open


def test_the_bound_counts_copies_once() -> None:
    found = figures(judged(100, 100, 0, 10_000, copies=10))
    assert found["false_flag_rate"]["value"] == pytest.approx(0.003)
    assert figures(judged(10, 0, 500, 9500, copies=10))["recall"]["low"] == pytest.approx(0.025)  # one advert, caught


def test_few_false_flags_take_the_ends_of_the_exact_intervals() -> None:
    found = figures(judged(80, 20, 3, 9997))
    recall, false_flags = rate(80, 100), rate(3, 10_000)
    assert found["false_flag_rate"]["high"] >= false_flags["high"]
    assert found["recall"]["low"] <= recall["low"]
    assert found["precision"]["low"] <= precision(recall["low"], false_flags["high"], 0.003)
    assert found["precision"]["high"] >= precision(recall["high"], false_flags["low"], 0.003)


def test_a_prevalence_that_the_rows_cannot_carry_is_refused_with_what_it_would_take() -> None:
    found = figures(judged(80, 20, 1, 99))
    for name in ("precision", "f1"):
        assert found[name]["value"] is None
        assert "100 rows without an advert show none under 0.03 (3 in 100)" in found[name]["why"]
        assert "at least 1,247 would be needed" in found[name]["why"]  # 3 * 0.997 / 0.0024 = 1246.25
    assert found["recall"]["value"] == 0.8
    assert found["flags_per_million"]["value"] == pytest.approx(2400 + 9970)


@pytest.mark.parametrize(("others", "shown"), [(1246, False), (1247, True)])
def test_what_it_would_take_is_enough(others: int, shown: bool) -> None:
    figure = figures(judged(80, 20, 0, others))["precision"]
    assert (figure["value"] is not None) is shown
    assert not shown or 0.5 <= figure["value"] < 0.501


def test_the_refusal_says_how_many_copies_it_counted_once() -> None:
    why = figures(judged(100, 0, 0, 1000, copies=10))["precision"]["why"]
    assert "100 rows without an advert (1,000 with near copies)" in why


def test_without_adverts_only_false_flags_are_shown() -> None:
    found = figures(judged(0, 0, 50, 950), posts_per_day=100)
    shown = {name for name, figure in found.items() if figure["value"] is not None}
    assert shown == {"false_flag_rate", "wrong_flags_per_million"}
    assert "there are no adverts among 1,000 rows" in found["recall"]["why"]
    assert all("no adverts" in figure["why"] for name, figure in found.items() if name not in shown)


def test_without_others_only_recall_is_shown() -> None:
    found = figures(judged(80, 20, 0, 0), posts_per_day=100)
    shown = {name for name, figure in found.items() if figure["value"] is not None}
    assert shown == {"recall", "missed_per_million"}
    assert "all of 100 rows are adverts" in found["precision"]["why"]


def test_without_rows_nothing_is_shown() -> None:
    assert all(figure["value"] is None and figure["why"] for figure in figures(judged(0, 0, 0, 0)).values())


@pytest.mark.parametrize("wrong", [0, 30])
def test_a_contender_that_catches_nothing_has_no_precision(wrong: int) -> None:
    found = figures(judged(0, 50, wrong, 9970))
    assert found["precision"]["value"] is None
    assert "none of 50 adverts is flagged" in found["precision"]["why"]
    assert found["recall"]["value"] == 0
    assert found["recall"]["high"] > 0.07  # of 50 adverts none: up to 7 % in truth


def test_recall_of_all_still_has_an_interval() -> None:
    found = figures(judged(50, 0, 100, 9900))
    assert found["recall"] == {"value": 1.0, "low": pytest.approx(0.9289, abs=1e-4), "high": 1.0}
    assert found["missed_per_million"]["value"] == 0
    assert found["missed_per_million"]["high"] == pytest.approx(0.003 * 71_100, rel=0.01)


@pytest.mark.parametrize(
    ("log_odds", "wanted"),
    [
        ([3.0, 2.0, 1.0], ([3, 2, 1], [1, 1, 2], [0, 1, 1])),
        ([2.0, 2.0, 1.0], ([2, 1], [1, 2], [1, 1])),  # equal rows are flagged together
        ([0.0, 0.0, 0.0], ([0], [2], [1])),
    ],
)
def test_thresholds_are_the_distinct_values(log_odds: list[float], wanted: tuple[list[int], ...]) -> None:
    is_advert: Bools = np.array([True, False, True])
    assert tuple(each.tolist() for each in steps(np.array(log_odds), is_advert)) == wanted
