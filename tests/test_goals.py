from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.calibration import log_odds, sigmoid
from models.policy import Bands, CarveOut, Policy
from models.verdict import ADVERT_INTENTS
from training.evaluation.bootstrap import Resamples
from training.evaluation.goals import Goal, GoalError, answer_goal, goal_policy, parse_goal, shortest
from training.evaluation.judged import Contender, Judged


def judged(
    *, calm: int = 29_970, copies: int = 1, seen: tuple[tuple[float, int], ...] = ((6.05, 3), (4.05, 27))
) -> Judged:
    """A hundred adverts at log-odds 10.0, 9.9, ... 0.1; others `seen` among them, and the calm ones at -5."""
    adverts = np.arange(100, 0, -1) / 10
    others = np.concatenate([*(np.full(count, at) for at, count in seen), np.full(calm, -5.0)])
    values = np.concatenate([adverts, others])
    groups = np.concatenate([np.arange(100) // copies, 100 + np.arange(len(others)) // copies])
    release = Contender("release", "npsight", values, values > 0)
    return Judged([], [], np.arange(len(values)) < 100, groups, (release,), prevalence=0.003, threshold=None)


def one_side(rows: Judged, adverts: bool) -> Judged:
    keep = rows.is_advert == adverts
    release = Contender("release", "", rows.release.log_odds[keep], rows.release.flags[keep])
    return replace(rows, is_advert=rows.is_advert[keep], groups=rows.groups[keep], contenders=(release,))


def answered(words: str, rows: Judged | None = None) -> dict[str, Any]:
    rows = rows or judged()
    return answer_goal(parse_goal(words), rows, Resamples(rows.groups, rounds=200))


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (
            "max recall @ precision >= 0.9 @ prevalence 0.003",
            {"measure": "recall", "precision": 0.9, "prevalence": 0.003},
        ),
        (
            "max recall @ reviews <= 500/day @ 2000000 posts/day",
            {"measure": "recall", "reviews": 500, "posts_per_day": 2_000_000},
        ),
        ("max precision @ recall >= 0.8", {"measure": "precision", "recall": 0.8}),
        ("MAX  Precision@Recall>=80%", {"measure": "precision", "recall": 0.8}),
        ("max precision @ recall >= 100 %", {"measure": "precision", "recall": 1.0}),
        (
            "max recall @ precision ≥ 90 % @ prevalence 0.29 %",
            {"measure": "recall", "precision": 0.9, "prevalence": 0.0029},
        ),
        (
            "max recall @ precision >= 9/10 @ prevalence = 1%",
            {"measure": "recall", "precision": 0.9, "prevalence": 0.01},
        ),
        ("max recall @ false_flags <= 2.6/10000", {"measure": "recall", "false_flags": 0.00026}),
        ("max recall @ false flags <= 2.6 / 10,000", {"measure": "recall", "false_flags": 0.00026}),
        ("max recall @ false-flags <= 0.026%", {"measure": "recall", "false_flags": 0.00026}),
        ("max recall @ False_Flags<=.00026", {"measure": "recall", "false_flags": 0.00026}),
        (
            "max recall @ reviews <= 1k / day @ 2m posts/day",
            {"measure": "recall", "reviews": 1000, "posts_per_day": 2e6},
        ),
        ("max recall @ reviews<=500 a day @ 1e6posts/day", {"measure": "recall", "reviews": 500, "posts_per_day": 1e6}),
        (
            "max recall @ reviews <= 500 per day @ 2.5 million posts per day",
            {"measure": "recall", "reviews": 500, "posts_per_day": 2.5e6},
        ),
        (
            "min reviews @ recall >= 0.5 @ 2,000,000 posts/day",
            {"measure": "reviews", "recall": 0.5, "posts_per_day": 2e6},
        ),
        ("min false flags @ recall >= 0.5", {"measure": "false_flags", "recall": 0.5}),
        (
            "max recall @ recall >= 0.5 @ precision >= 0.9 @ 1000 posts a day",
            {"measure": "recall", "recall": 0.5, "precision": 0.9, "posts_per_day": 1000},
        ),
    ],
)
def test_goals_are_read(words: str, wanted: dict[str, Any]) -> None:
    wanted = {name: pytest.approx(value) if isinstance(value, float) else value for name, value in wanted.items()}
    goal = parse_goal(words)
    assert {name: getattr(goal, name) for name in wanted} == wanted
    rest = {"recall", "precision", "reviews", "false_flags", "prevalence", "posts_per_day"} - set(wanted)
    assert all(getattr(goal, name) is None for name in rest)
    assert goal.words == " ".join(words.split())


@pytest.mark.parametrize(
    ("words", "part", "wanted"),
    [
        ("", "''", "wanted one of max recall"),
        ("best recall @ precision >= 0.9", "'best recall'", "max recall @ precision >= 0.9"),
        ("max accuracy @ recall >= 0.9", "'max accuracy'", "max precision"),
        ("min recall @ precision >= 0.9", "'min recall'", "wanted max recall"),
        ("max reviews @ recall >= 0.9 @ 1m posts/day", "'max reviews'", "wanted min reviews"),
        ("max recall precision >= 0.9", "'max recall precision >= 0.9'", "wanted one of"),
        ("max recall @ precision <= 0.9", "'precision <= 0.9'", "wanted >="),
        ("max recall @ precision > 0.9", "'precision > 0.9'", "wanted >="),
        ("max recall @ precision 0.9", "'precision 0.9'", "wanted >="),
        ("max recall @ reviews >= 500/day @ 1m posts/day", "'reviews >= 500/day'", "wanted <="),
        ("max recall @ reviews <= 500 @ 1m posts/day", "'reviews <= 500'", "500/day"),
        ("max recall @ reviews <= many/day @ 1m posts/day", "'reviews <= many/day'", "500/day"),
        ("max recall @ precision >= 90", "'precision >= 90'", "found 90, wanted a share between 0 and 1"),
        ("max recall @ precision >= 120 %", "'precision >= 120 %'", "found 1.2"),
        ("max recall @ precision >= 1", "'precision >= 1'", "between 0 and 1"),  # no number of rows shows it
        ("max precision @ recall >= 1.01", "'recall >= 1.01'", "at most 1"),
        ("max precision @ recall >= 0", "'recall >= 0'", "wanted recall >= 0.8"),
        ("max recall @ false_flags <= 3/0", "'false_flags <= 3/0'", "2.6/10000"),
        ("max recall @ false_flags <= -1", "'false_flags <= -1'", "2.6/10000"),
        ("max recall @ precision >= 0,9", "'precision >= 0,9'", "0.9"),
        ("max recall @ precision >= 0.9 @ prevalence", "'prevalence'", "prevalence 0.003"),
        ("max recall @ precision >= 0.9 @ prevalence 0.3 percent", "'prevalence 0.3 percent'", "prevalence 0.3 %"),
        ("max recall @ precision >= 0.9 @ prevalence 3", "'prevalence 3'", "found 3"),
        ("max recall @ precision >= 0.9 @ some posts/day", "'some posts/day'", "2000000 posts/day"),
        ("max recall @ precision >= 0.9 @ soon", "'soon'", "wanted a limit"),
        ("max recall @ precision >= 0.9 @", "''", "wanted a limit"),
        ("max recall @ precision >= 0.9 @ precision >= 0.8", "'precision >= 0.8'", "precision stands twice"),
        ("max recall @ precision >= 0.9 @ prevalence 1% @ prevalence 1%", "'prevalence 1%'", "prevalence stands twice"),
        ("max recall", "max recall", "nothing limits max recall"),
        ("max recall @ recall >= 0.8", "max recall", "nothing limits max recall"),
        ("max precision @ reviews <= 500/day @ 1m posts/day", "max precision", "wanted recall >= 0.8"),
        ("max recall @ reviews <= 500/day", "reviews <= 500/day", "2000000 posts/day"),
        ("min reviews @ recall >= 0.8", "min reviews", "2000000 posts/day"),
        ("max recall @ reviews <= 2m/day @ 1m posts/day", "reviews", "all of 1e+06 posts"),
    ],
)
def test_a_goal_that_is_none_is_refused_by_its_part(words: str, part: str, wanted: str) -> None:
    with pytest.raises(GoalError) as error:
        parse_goal(words)
    assert part in str(error.value)
    assert wanted in str(error.value)


@pytest.mark.parametrize(
    ("words", "lowest", "values"),
    [
        # others at 6.05 are 3 in 30,000, which is also the floor; those at 4.05 make it 1 in 1,000
        ("max recall @ precision >= 0.9", 4.1, {"recall": 0.6, "precision": 0.0018 / (0.0018 + 0.997 * 0.0001)}),
        ("max recall @ precision >= 0.94 @ recall >= 0.5", 4.1, {"recall": 0.6}),
        ("max recall @ precision >= 0.7 @ prevalence 0.003", 0.1, {"recall": 1.0, "precision": 0.003 / 0.003997}),
        ("max recall @ false_flags <= 1/10000", 4.1, {"recall": 0.6, "false_flag_rate": 0.0001}),
        ("max recall @ reviews <= 500/day @ 2m posts/day", 9.3, {"recall": 0.08, "reviews_per_day": 480}),
        ("max precision @ recall >= 0.5", 4.1, {"recall": 0.6}),
        ("max precision @ recall >= 0.8", 0.1, {"recall": 1.0, "precision": 0.003 / 0.003997}),
        ("min reviews @ recall >= 0.5 @ 1m posts/day", 5.1, {"recall": 0.5, "reviews_per_day": 1500 + 99.7}),
        ("min false_flags @ recall >= 0.3", 4.1, {"recall": 0.6}),  # none and 3 in 30,000 cannot be told apart
    ],
)
def test_the_best_threshold_is_found(words: str, lowest: float, values: dict[str, float]) -> None:
    entry = answered(words)
    answer = entry["answer"]
    assert entry["goal"] == words
    assert entry["refused"] is None
    assert answer["prevalence"] == 0.003
    assert 0.999 * sigmoid(np.array(lowest)) < answer["threshold"] <= sigmoid(np.array(lowest))
    for name, value in values.items():
        assert answer[name]["value"] == pytest.approx(value), name
        assert answer[name]["low"] <= answer[name]["value"] <= answer[name]["high"]
    assert ("reviews_per_day" in answer) is ("posts/day" in words)


def test_the_threshold_stands_just_above_the_next_row_in_four_digits() -> None:
    assert answered("max recall @ precision >= 0.9")["answer"]["threshold"] == 0.9829  # others at 0.98288


def test_the_threshold_is_a_probability_in_the_stream_of_the_goal() -> None:
    answer = answered("max recall @ false_flags <= 1/10000 @ prevalence 0.03")["answer"]
    shift = log_odds(0.03) - log_odds(0.003)
    assert answer["prevalence"] == 0.03
    assert sigmoid(np.array(4.05 + shift)) < answer["threshold"] <= sigmoid(np.array(4.1 + shift))
    assert answer["precision"]["value"] == pytest.approx(0.018 / (0.018 + 0.97 * 0.0001))


def test_no_false_flag_leaves_a_bound_and_never_certainty() -> None:
    precision = answered("max recall @ reviews <= 500/day @ 2m posts/day")["answer"]["precision"]
    assert precision["bound"] == "at least"
    assert precision["value"] == pytest.approx(0.00024 / (0.00024 + 0.997 * 0.0001))


def test_copies_widen_the_intervals() -> None:
    alone, copied = (
        answered("max recall @ precision >= 0.7", judged(copies=copies, calm=59_970))["answer"] for copies in (1, 10)
    )
    for name in ("precision", "false_flag_rate"):
        assert copied[name]["high"] - copied[name]["low"] > 1.5 * (alone[name]["high"] - alone[name]["low"])


@pytest.mark.parametrize(
    ("words", "calm", "why"),
    [
        (  # 0.003 * 0.1 / (0.9 * 0.997) = 0.000334 = 3 in 8,973
            "max recall @ precision >= 0.9",
            470,
            ["precision >= 0.9 at prevalence 0.003", "500 rows", "under 0.006 (3 in 500)", "at least 8,973 would be"],
        ),
        ("max recall @ false_flags <= 2.6/10000", 470, ["false_flags <= 0.00026", "at least 11,539 would be needed"]),
        (
            "max recall @ reviews <= 500/day @ 2m posts/day",
            470,
            ["reviews <= 500/day of 2000000", "at least 11,964 would"],
        ),
        ("max recall @ precision >= 0.9995", 470, ["precision >= 0.9995 at"]),
        ("max recall @ recall >= 0.8 @ precision >= 0.9", 29_970, ["with recall >= 0.8", "the best is 0.751"]),
        (
            "max recall @ precision >= 0.7 @ reviews <= 10/day @ 10k posts/day @ recall >= 0.4",
            29_970,
            ["with recall >= 0.4", "the best is 12"],
        ),
    ],
)
def test_what_the_rows_cannot_answer_is_refused_with_what_it_would_take(words: str, calm: int, why: list[str]) -> None:
    entry = answered(words, judged(calm=calm))
    assert entry["answer"] is None
    assert all(each in entry["refused"] for each in why), entry["refused"]


def test_thresholds_without_any_false_flag_reach_no_precision_that_the_others_cannot_show() -> None:
    """Ten adverts stand above all others: precision 1 as seen, yet 10,000 others show 0.5 there at best."""
    refused = answered("max recall @ precision >= 0.9", judged(seen=((9.05, 1000),), calm=9000))["refused"]
    assert "reached at a recall of 0.1" in refused
    assert "at least 89,730 would be needed" in refused  # 0.0003 / (9 * 0.997) = 3 in 89,730


@pytest.mark.parametrize(
    ("side", "why"), [(True, "all of 100 rows are adverts"), (False, "no adverts among 30,000 rows")]
)
def test_one_side_alone_is_refused(side: bool, why: str) -> None:
    entry = answered("max recall @ precision >= 0.9", one_side(judged(), side))
    assert entry["answer"] is None
    assert why in entry["refused"]


def test_a_release_that_tells_nothing_apart_is_refused() -> None:
    rows = judged()
    same = Contender("release", "", np.zeros(len(rows.is_advert)), rows.release.flags)
    entry = answered("max recall @ precision >= 0.9", replace(rows, contenders=(same,)))
    assert entry["refused"] == "no threshold reaches precision >= 0.9: the best is 0.003"


@pytest.mark.parametrize(
    ("above", "most", "wanted"),
    [
        (0.70491, 0.8, 0.705),
        (0.7049, 0.8, 0.705),
        (0.98288, 0.98289, 0.98289),
        (0.0012345, 0.01, 0.001235),
        (0.5, 0.5 + 1e-9, 0.500000001),
        (0.5, 0.5, 0.5),
    ],
)
def test_thresholds_are_short(above: float, most: float, wanted: float) -> None:
    assert shortest(above, most) == pytest.approx(wanted, rel=1e-12)
    assert above <= shortest(above, most) <= most


def test_a_policy_takes_the_threshold_for_every_advert_intent() -> None:
    carve_outs = (CarveOut(frozenset({"NL"})),)
    bands = dict.fromkeys(ADVERT_INTENTS, Bands(review=0.7, act=0.9))
    policy = Policy("default", 3, prevalence=0.003, bands=bands, carve_outs=carve_outs)
    answer = answered("max recall @ precision >= 0.9 @ prevalence 1%")["answer"]
    new = goal_policy(policy, answer)
    assert new.label == "default@4"
    assert new.prevalence == 0.01
    assert new.bands == dict.fromkeys(ADVERT_INTENTS, Bands(review=answer["threshold"], act=None))
    assert new.carve_outs == carve_outs


def test_goals_are_values() -> None:
    assert parse_goal("max recall @ precision >= 0.9") == Goal("max recall @ precision >= 0.9", "recall", precision=0.9)
