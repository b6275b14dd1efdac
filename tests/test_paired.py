from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.verdict import INTENTS, Decision, Intent, Verdict
from training.corpus import Row
from training.evaluation.bootstrap import Resamples
from training.evaluation.judged import Bools, Contender, Judged
from training.evaluation.paired import differences, loses

SAID = Verdict("x", Decision.ALLOW, 0.5, dict.fromkeys(INTENTS, 1 / 8))


def judged(adverts: list[int], groups: list[int] | None = None, **flags: list[int]) -> Judged:
    intents = [frozenset({Intent.SELL if each else Intent.OTHER}) for each in adverts]
    return Judged(
        rows=[Row(str(place), "text", intent, "s") for place, intent in enumerate(intents)],
        verdicts=[SAID] * len(adverts),
        is_advert=np.array(adverts, dtype=bool),
        groups=np.array(range(len(adverts)) if groups is None else groups, dtype=np.int64),
        contenders=tuple(
            Contender(name, name, np.array(each, dtype=float), np.array(each, dtype=bool))
            for name, each in flags.items()
        ),
        prevalence=0.003,
        threshold=0.5,
    )


def whole(data: Judged) -> dict[str, Bools]:
    return {"all": np.ones(len(data.rows), dtype=bool)}


def compared(data: Judged, slices: dict[str, Bools] | None = None) -> dict[str, Any]:
    return differences(data, Resamples(data.groups), slices or whole(data))


def test_a_difference_is_the_release_minus_the_contender_in_shares() -> None:
    data = judged(
        [1, 1, 1, 1, 0, 0], release=[1, 1, 1, 0, 1, 0], baseline=[1, 0, 0, 0, 0, 0], lexicon=[1, 1, 1, 1, 1, 1]
    )
    found = compared(data)
    assert list(found) == ["baseline", "lexicon"]  # the release is not held against itself
    assert found["baseline"]["all"]["recall"]["value"] == 0.5
    assert found["baseline"]["all"]["false_flags"]["value"] == 0.5
    assert found["lexicon"]["all"]["recall"]["value"] == -0.25
    assert found["lexicon"]["all"]["false_flags"]["value"] == -0.5


def test_a_release_alone_is_held_against_nothing() -> None:
    assert compared(judged([1, 0], release=[1, 0])) == {}
    assert loses({}) == []


def test_a_slice_without_one_side_says_why() -> None:
    data = judged([1, 1, 0], release=[1, 0, 0], baseline=[0, 0, 0])
    only = {"adverts": data.is_advert, "others": ~data.is_advert, "none": np.zeros(3, dtype=bool)}
    found = compared(data, only)["baseline"]
    assert found["adverts"]["recall"]["value"] == 0.5
    assert found["adverts"]["false_flags"] == {
        "value": None,
        "low": None,
        "high": None,
        "why": "no posts without an advert in this slice",
    }
    assert found["others"]["recall"]["why"] == "no adverts in this slice"
    assert [found["none"][measure]["value"] for measure in ("recall", "false_flags")] == [None, None]
    assert loses(compared(data, only)) == []


def test_pairing_narrows_the_interval_of_contenders_that_agree() -> None:
    rng = np.random.default_rng(1)
    release = (rng.random(1000) < 0.5).astype(int)
    near = release.copy()
    near[np.flatnonzero(release)[:30]] = 0  # the same answers but for 30 adverts
    apart = (rng.random(1000) < 0.47).astype(int)
    found = compared(judged([1] * 1000, release=release.tolist(), near=near.tolist(), apart=apart.tolist()))
    width = {name: each["all"]["recall"]["high"] - each["all"]["recall"]["low"] for name, each in found.items()}
    assert found["near"]["all"]["recall"]["value"] == pytest.approx(0.03)
    assert found["near"]["all"]["recall"]["low"] > 0
    assert width["near"] == pytest.approx(4 * 0.03**0.5 / 1000**0.5, rel=0.15)  # 30 single differences in 1000
    assert width["apart"] > 3 * width["near"]


@pytest.mark.parametrize(("differing", "beyond"), [(1, False), (5, False), (6, True), (12, True)])
def test_few_posts_that_differ_show_nothing_beyond_the_interval(differing: int, beyond: bool) -> None:
    # the exact sign test: 2 * 0.5 ** 6 is the first below 5 %
    data = judged([1] * differing, release=[0] * differing, baseline=[1] * differing)
    (loss,) = loses(compared(data))
    assert loss["difference"]["value"] == -1
    assert loss["beyond_interval"] is beyond


def test_copies_of_one_text_count_as_one() -> None:
    flags = {"release": [0] * 40 + [1] * 40, "baseline": [1] * 80}
    apart = judged([1] * 80, **flags)
    tied = judged([1] * 80, [0] * 40 + list(range(1, 41)), **flags)
    assert [loses(compared(data))[0]["beyond_interval"] for data in (apart, tied)] == [True, False]
    assert compared(tied)["baseline"]["all"]["recall"]["high"] == 0


def test_losses_are_listed_the_sure_ones_first_and_then_by_size() -> None:
    # 100 adverts and 100 others: the release misses 20 more, and flags 10 more than the baseline and 1 less than x
    adverts = [1] * 100 + [0] * 100
    release = [0] * 20 + [1] * 80 + [1] * 10 + [0] * 90
    baseline = [1] * 100 + [0] * 100
    other = [0] * 20 + [1] * 80 + [1] * 11 + [0] * 89
    data = judged(adverts, release=release, baseline=baseline, x=other)
    few = np.zeros(200, dtype=bool)
    few[:2] = True  # two missed adverts: the largest difference, and nothing sure
    found = loses(compared(data, whole(data) | {"lang:nl": few}))
    assert [(loss["slice"], loss["to"], loss["measure"], loss["beyond_interval"]) for loss in found] == [
        ("all", "baseline", "recall", True),
        ("all", "baseline", "false_flags", True),
        ("lang:nl", "baseline", "recall", False),
    ]
    assert [loss["difference"]["value"] for loss in found] == pytest.approx([-0.2, 0.1, -1.0])


def test_equal_contenders_lose_to_nobody() -> None:
    data = judged([1, 1, 1, 0, 0, 0, 0], release=[1, 0, 1, 0, 1, 0, 0], baseline=[0, 1, 1, 1, 0, 0, 0])
    assert compared(data)["baseline"]["all"]["recall"]["value"] == 0
    assert loses(compared(data)) == []


def test_without_rows_there_is_no_figure() -> None:
    found = compared(judged([], release=[], baseline=[]))
    assert found["baseline"]["all"]["recall"]["value"] is None
