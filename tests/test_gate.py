from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from models.verdict import Decision, Intent, Verdict
from training.corpus import Row
from training.evaluation.bootstrap import Resamples
from training.evaluation.curves import area
from training.evaluation.gate import (
    Change,
    Look,
    changes,
    exact_range,
    false_alarm,
    judgement,
    paired_changes,
    to_json,
)
from training.evaluation.judged import Bools, Judged, release_contender
from training.evaluation.limits import Limits, load_limits
from training.evaluation.ranking import one_hot, ranking_change, rates

DEFAULT = load_limits()
KINDS = {  # slice -> is it of adverts, and how many rows
    "lang:en": (True, 60),
    "lang:ru": (True, 40),
    "lang:nl": (True, 12),
    "intent:harm_reduction": (False, 40),
    "intent:other": (False, 200),
}
OF = np.repeat(list(KINDS), [rows for _, rows in KINDS.values()])
SLICES: dict[str, Bools] = {"all": np.ones(len(OF), dtype=bool)} | {name: np.equal(name, OF) for name in KINDS}


def judged(flags: Bools, groups: Sequence[int] | None = None) -> Judged:
    """Rows of every kind, of which those of `flags` (rows,) are flagged."""
    is_advert = np.array([KINDS[name][0] for name in OF])
    rows = [Row(str(number), "text", frozenset({Intent.SELL}), "s") for number in range(len(OF))]
    verdicts = [
        Verdict(row.id, Decision.REVIEW if flag else Decision.ALLOW, 0.9 if flag else 0.1, {})
        for row, flag in zip(rows, flags.tolist(), strict=True)
    ]
    return Judged(
        rows=rows,
        verdicts=verdicts,
        is_advert=is_advert,
        groups=np.array(groups if groups is not None else range(len(OF))),
        contenders=(release_contender("release", "npsight", verdicts),),
        prevalence=0.003,
        threshold=0.5,
    )


def flags(**caught: int) -> Bools:
    """Flag the first so many rows of each kind; without a word all adverts but ten of each and nothing else."""
    found = np.zeros(len(OF), dtype=bool)
    for name, (is_advert, rows) in KINDS.items():
        number = caught.get(name.partition(":")[2], max(rows - 10, 0) if is_advert else 0)
        found[np.flatnonzero(name == OF)[:number]] = True
    return found


def compared(before: Bools, after: Bools, limits: Limits = DEFAULT, **fields: Any) -> dict[str, Change]:
    champion, challenger = judged(before, **fields), judged(after, **fields)
    found = paired_changes(champion, challenger, Resamples(champion.groups), SLICES, limits)
    return {change.what: change for change in found}


def failing(found: dict[str, Change]) -> set[str]:
    return {what for what, change in found.items() if change.fails}


def test_a_release_against_itself_passes_without_any_change() -> None:
    found = compared(flags(), flags())
    assert {(each.lost, each.gained, each.difference["low"], each.difference["high"]) for each in found.values()} == {
        (0, 0, 0.0, 0.0)
    }
    said = judgement(list(found.values()), DEFAULT)
    assert said["passes"]
    assert (said["fails"], said["better"], said["false_alarms_expected"]) == ([], [], 0.0)
    assert said["guarded"] == 5  # recall over all, in en and ru; false flags over all and in harm_reduction


def test_a_loss_in_one_language_fails_and_is_told_with_its_counts() -> None:
    found = compared(flags(ru=12, en=50), flags(ru=3, en=56))
    assert failing(found) == {"recall in lang:ru"}
    (sentence,) = judgement(list(found.values()), DEFAULT)["fails"]
    assert sentence.startswith("recall in lang:ru fell from 12 of 40 to 3 of 40 (9 lost, 0 gained; difference -22.5 ")
    change = found["recall in lang:ru"]
    assert change.difference["low"] < change.difference["value"] < change.difference["high"] < 0


@pytest.mark.parametrize(("after", "fails"), [(25, False), (24, True)])
def test_six_changes_one_way_and_none_the_other_are_more_than_chance(after: int, fails: bool) -> None:
    found = compared(flags(ru=30, en=50), flags(ru=after, en=57))
    assert failing(found) == ({"recall in lang:ru"} if fails else set())


def test_a_loss_that_gains_nearly_make_good_passes() -> None:
    before = flags(ru=20, en=60)
    after = before.copy()
    ru = np.flatnonzero(OF == "lang:ru")
    after[ru[:9]], after[ru[-6:]] = False, True
    change = compared(before, after)["recall in lang:ru"]
    assert (change.lost, change.gained, change.worse, change.fails) == (9, 6, False, False)


def test_changes_within_one_group_count_once() -> None:
    groups = np.arange(len(OF))
    groups[OF == "lang:ru"] = 1_000_000  # one template, forty posts
    found = compared(flags(ru=40, en=50), flags(ru=10, en=59), groups=groups)
    assert found["recall in lang:ru"].lost == 30
    assert failing(found) == set()


def test_a_slice_with_too_few_rows_is_shown_and_not_guarded() -> None:
    found = compared(flags(nl=12, en=40), flags(nl=0, en=55))
    change = found["recall in lang:nl"]
    assert (change.lost, change.worse, change.guarded, change.fails) == (12, True, False, False)
    assert failing(found) == set()


def test_more_false_flags_on_harm_reduction_fail() -> None:
    found = compared(flags(), flags(harm_reduction=8))
    assert "false flags in intent:harm_reduction" in failing(found)
    assert str(found["false flags in intent:harm_reduction"]).startswith(
        "false flags in intent:harm_reduction rose from 0 of 40 to 8 of 40 (8 newly flagged, 0 freed; difference +20 "
    )
    assert not found["false flags in intent:other"].guarded


def test_fewer_false_flags_are_a_gain() -> None:
    found = compared(flags(harm_reduction=8), flags())
    change = found["false flags in intent:harm_reduction"]
    assert (change.gained, change.lost, change.better, change.worse) == (8, 0, True, False)
    assert len(judgement(list(found.values()), DEFAULT)["better"]) == 2  # and over all rows


@pytest.mark.parametrize(("tolerated", "fails"), [(0.0, True), (0.05, True), (0.4, False)])
def test_what_is_tolerated_does_not_fail(tolerated: float, fails: bool) -> None:
    limits = replace(DEFAULT, guarded={"recall": {"lang:ru": tolerated}})
    found = compared(flags(ru=30), flags(ru=10), limits)
    assert failing(found) == ({"recall in lang:ru"} if fails else set())


def test_what_no_limit_names_is_never_guarded() -> None:
    found = compared(flags(ru=40), flags(ru=0), replace(DEFAULT, guarded={}))
    assert judgement(list(found.values()), DEFAULT) | {"better": []} == {
        "passes": True,
        "guarded": 0,
        "confidence": 0.95,
        "false_alarms_expected": 0,
        "fails": [],
        "better": [],
    }


def test_more_confidence_asks_for_more() -> None:
    before, after = flags(ru=30, en=50), flags(ru=24, en=58)
    assert failing(compared(before, after)) == {"recall in lang:ru"}
    assert failing(compared(before, after, replace(DEFAULT, confidence=0.99))) == set()
    shared = replace(DEFAULT, together=True).shared_among(5)
    assert failing(compared(before, after, shared)) == set()


def test_each_kind_of_change_is_told_in_its_own_words() -> None:
    members, before, after = np.ones(30, dtype=bool), np.arange(30) < 20, np.arange(30) < 10
    where = {"suite": "A07", "attacks": "leet at strength 1"}
    looks = [Look(measure, name, members, before, after) for measure, name in where.items()]
    found = changes(looks, Resamples(np.arange(30)), DEFAULT)
    assert [each.fails for each in found] == [True, False]
    assert [str(each).partition(";")[0] for each in found] == [
        "cases right in A07 of the suite fell from 20 of 30 to 10 of 30 (10 newly wrong, 0 newly right",
        "success of the attack leet at strength 1 fell from 20 of 30 to 10 of 30 (0 newly let through, 10 newly caught",
    ]
    assert [each["worse"] for each in to_json(found)] == [True, False]


# one-sided exact sign test at 2.5 %: R's binom.test(c(up, down)) puts 0 outside the interval from 6 of 6 and 9 of 10 on
@pytest.mark.parametrize(
    ("up", "down", "beyond"),
    [(0, 5, False), (0, 6, True), (1, 7, False), (1, 9, True), (6, 0, True), (5, 5, False)],
)
def test_the_exact_interval_leaves_0_outside_as_the_sign_test_says(up: int, down: int, beyond: bool) -> None:
    low, high = exact_range(np.array([1.0] * up + [-1.0] * down + [0.0] * 50), 100, 0.95)
    assert low <= (up - down) / 100 <= high
    assert (low > 0 or high < 0) == beyond


def test_the_exact_interval_agrees_with_the_table() -> None:
    low, high = exact_range(np.array([1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0]), 100, 0.95)
    assert low == pytest.approx(0.1 * (2 * 0.002528579 - 1))  # R: binom.test(1, 10)
    assert high == pytest.approx(0.1 * (2 * 0.4450161 - 1))


@pytest.mark.parametrize(("changed", "chance"), [(0, 0.0), (5, 0.0), (6, 2**-6), (10, 11 / 2**10)])
def test_few_changes_raise_no_false_alarm(changed: int, chance: float) -> None:
    assert false_alarm(changed, 0.95) == pytest.approx(chance)


def test_equal_releases_that_differ_by_chance_fail_as_seldom_as_expected() -> None:
    rng = np.random.default_rng(5)
    members = np.ones(300, dtype=bool)
    looks = [Look("recall", "lang:en", members, rng.random(300) < 0.8, rng.random(300) < 0.8) for _ in range(400)]
    found = changes(looks, Resamples(np.arange(300)), DEFAULT)
    expected = judgement(found, DEFAULT)["false_alarms_expected"]
    assert 4 < expected <= 10
    assert sum(each.fails for each in found) <= expected + 2 * expected**0.5


def test_nothing_to_look_at_gives_no_change() -> None:
    nothing = np.zeros(3, dtype=bool)
    assert changes([Look("recall", "all", nothing, nothing, nothing)], Resamples(np.arange(3)), DEFAULT) == []
    assert changes([], Resamples(np.arange(0)), DEFAULT) == []


def test_rates_of_binned_rows_give_the_average_precision_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    truth = rng.random(300) < 0.4  # fewer of either side than there are cuts, so that nothing is rounded
    log_odds = np.round(rng.normal(size=300) + truth, 1)  # with ties
    recall, false_flags = rates(one_hot(log_odds, truth).sum(axis=0)[None])
    weights = np.where(truth, 0.1 / truth.sum(), 0.9 / (~truth).sum())
    wanted = average_precision_score(truth, log_odds, sample_weight=weights)
    assert area(recall, false_flags, 0.1) == pytest.approx([wanted])


def test_a_worse_ranking_fails_and_the_same_one_does_not() -> None:
    champion = replace(judged(flags(en=55, ru=35, nl=10)), prevalence=0.1)
    resamples = Resamples(champion.groups)
    shuffled = judged(np.random.default_rng(1).permutation(champion.release.flags))
    same, worse = (ranking_change(champion, each, resamples, DEFAULT) for each in (champion, shuffled))
    assert isinstance(same, Change)
    assert isinstance(worse, Change)
    assert (same.fails, same.difference["low"], same.difference["high"], same.chance) == (False, 0.0, 0.0, 0.0)
    assert worse.fails
    assert worse.difference["high"] < 0
    assert str(worse).startswith("average precision over all rows fell from ")


def test_a_few_others_at_the_top_of_a_ranking_do_not_fail_it() -> None:
    champion = replace(judged(flags()), prevalence=0.1)
    log_odds = champion.release.log_odds.copy()
    log_odds[np.flatnonzero(~champion.is_advert)[:5]] = 99.0  # 240 others cannot tell 3 from none
    beside = replace(champion, contenders=(replace(champion.release, log_odds=log_odds),))
    found = ranking_change(champion, beside, Resamples(champion.groups), DEFAULT)
    assert isinstance(found, Change)
    assert found.difference["value"] < -0.1
    assert not found.worse


@pytest.mark.parametrize("prevalence", [0.1, 0.003])
def test_a_ranking_that_the_rows_cannot_show_is_not_compared_and_it_is_said_why(prevalence: float) -> None:
    champion = replace(judged(flags()), prevalence=prevalence)
    if prevalence == 0.1:
        champion = champion.take(champion.is_advert)
    found = ranking_change(champion, champion, Resamples(champion.groups), DEFAULT)
    assert isinstance(found, str)
    assert found.startswith("average precision is not compared: ")
