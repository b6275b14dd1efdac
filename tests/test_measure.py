from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.verdict import INTENTS, Decision, Intent, Kind, Post, Span, Verdict
from training.cards import NOT_ADVERT
from training.corpus import Row
from training.evaluation.measure import intent_said, intents, measure, rate, terms
from training.evaluation.run import evaluate_rows, posts_of

SELL = frozenset({Intent.SELL})


def row(id_: str, label: frozenset[Intent], **fields: Any) -> Row:
    return Row(id_, fields.pop("text", "text"), label, fields.pop("source", "s"), **fields)


def verdict(
    id_: str, intent: Intent, probability: float = 0.9, *, flag: bool = False, spans: list[Span] | None = None
) -> Verdict:
    rest = (1 - probability) / 7
    shares = {each: probability if each == intent else rest for each in INTENTS}
    return Verdict(
        id=id_,
        decision=Decision.REVIEW if flag else Decision.ALLOW,
        advert_probability=sum(shares[each] for each in (Intent.SELL, Intent.PROMOTE, Intent.RECRUIT)),
        intents=shares,
        spans=spans or [],
    )


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


def test_a_rate_of_nothing_is_not_a_number_but_none() -> None:
    assert rate(0, 0) == {"count": 0, "of": 0, "share": None, "low": None, "high": None}


ROWS = [
    row("a", SELL, source="x", lang="en"),
    row("b", SELL, source="x", lang="de"),
    row("c", NOT_ADVERT, source="x"),
    row("d", NOT_ADVERT, source="y", lang="en"),
    row("e", frozenset({Intent.SELL, Intent.SEEK}), source="y", lang="en"),  # may be no advert: counts as none
]
VERDICTS = [
    verdict("a", Intent.SELL, flag=True),
    verdict("b", Intent.OTHER),
    verdict("c", Intent.OTHER),
    verdict("d", Intent.PROMOTE, flag=True),
    verdict("e", Intent.SEEK),
]


def counts(report: dict[str, Any], name: str, who: str = "release") -> tuple[int, int, int, int]:
    """Recall and false flags as counts."""
    rates = report["slices"][name][who]
    return *(rates["recall"][key] for key in ("count", "of")), *(rates["false_flags"][key] for key in ("count", "of"))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("all", (1, 2, 1, 3)),
        ("source:x", (1, 2, 0, 1)),
        ("source:y", (0, 0, 1, 2)),
        ("lang:en", (1, 1, 1, 2)),
        ("lang:de", (0, 1, 0, 0)),
        ("lang:unknown", (0, 0, 0, 1)),
    ],
)
def test_recall_and_false_flags_are_counted_in_every_slice(name: str, wanted: tuple[int, ...]) -> None:
    assert counts(measure(ROWS, VERDICTS), name) == wanted


def test_the_baseline_stands_beside_the_release_in_every_slice() -> None:
    flags = np.array([True, True, True, False, False])
    report = measure(ROWS, VERDICTS, baseline={"flags": flags, "log_odds": np.array([3.0, 2, 1, 0, -1])})
    assert counts(report, "all", "baseline") == (2, 2, 1, 3)
    assert all(set(rates) == {"release", "baseline"} for rates in report["slices"].values())
    assert report["average_precision"]["baseline"] == pytest.approx(1.0)
    # by hand: the release ranks d (0.929) beside a (0.929), then the rest alike
    assert report["average_precision"]["at_prevalence"] == pytest.approx(2 / 5)


def test_average_precision_is_left_out_where_one_side_is_missing() -> None:
    assert "average_precision" not in measure(ROWS[:2], VERDICTS[:2])


@pytest.mark.parametrize(
    ("intent", "flag", "said"),
    [
        (Intent.OTHER, False, Intent.OTHER),
        (Intent.SELL, True, Intent.SELL),
        (Intent.SEEK, False, Intent.SEEK),
    ],
)
def test_the_intent_said_is_the_likeliest_on_the_side_of_the_decision(intent: Intent, flag: bool, said: Intent) -> None:
    assert intent_said(verdict("a", intent, flag=flag)) == said


def test_a_flag_at_a_low_probability_still_says_an_advert_intent() -> None:
    shares = dict.fromkeys(INTENTS, 0.01) | {Intent.OTHER: 0.91, Intent.PROMOTE: 0.03}
    assert intent_said(Verdict("a", Decision.REVIEW, 0.05, shares)) == Intent.PROMOTE
    assert intent_said(Verdict("a", Decision.ALLOW, 0.05, shares)) == Intent.OTHER


def test_macro_f1_weighs_every_intent_alike() -> None:
    authored = [row(str(n), frozenset({label}), spans=()) for n, label in enumerate([Intent.SELL] * 3 + [Intent.SEEK])]
    said = [verdict("0", Intent.SELL, flag=True), verdict("1", Intent.SELL, flag=True)]
    said += [verdict("2", Intent.SEEK), verdict("3", Intent.SEEK)]
    found = intents([*authored, ROWS[0]], [*said, VERDICTS[0]])  # the last is not authored: not counted
    assert found["rows"] == 4
    assert (found["right"]["count"], found["right"]["of"]) == (3, 4)
    assert found["f1"]["sell"] == pytest.approx(0.8)  # 2 * 2 / (2 * 2 + 0 + 1)
    assert found["f1"]["seek"] == pytest.approx(2 / 3)  # 2 * 1 / (2 * 1 + 1 + 0)
    assert found["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 8)
    assert found["prevalence"]["sell"] == 0.75


def test_without_authored_rows_there_are_no_intents_to_score() -> None:
    assert intents(ROWS, VERDICTS) == {"rows": 0}


def test_terms_are_scored_by_word_and_by_who_found_them() -> None:
    text = "blue lotus and zaza in stock"
    authored = row(
        "a", SELL, text=text, spans=(Span(0, 10, Kind.SUBSTANCE, "blue lotus"), Span(15, 19, Kind.SLANG, "zaza"))
    )
    found = [
        Span(0, 10, Kind.SUBSTANCE, "blue lotus", source="lexicon"),
        Span(15, 19, Kind.SLANG, "zaza", source="model"),
        Span(23, 28, Kind.SLANG, "stock", source="model"),
        Span(20, 22, Kind.PRICE, "in", source="rule"),  # no term
    ]
    unmarked = row("b", SELL, text="zaza")
    scores = terms([authored, unmarked], [verdict("a", Intent.SELL, spans=found), verdict("b", Intent.SELL)])
    assert scores["rows"] == 1
    assert {who: scores[who]["words"] for who in ("both", "lexicon", "model")} == {"both": 3, "lexicon": 3, "model": 3}
    assert (scores["both"]["precision"], scores["both"]["recall"]) == (3 / 4, 1.0)
    assert (scores["lexicon"]["precision"], scores["lexicon"]["recall"]) == (1.0, 2 / 3)
    assert (scores["model"]["precision"], scores["model"]["recall"]) == (1 / 2, 1 / 3)
    assert scores["both"]["f1"] == pytest.approx(6 / 7)


def test_terms_that_nobody_said_have_no_precision_instead_of_a_wrong_one() -> None:
    scores = terms([row("a", SELL, spans=())], [verdict("a", Intent.SELL)])
    assert scores["both"] == {"words": 0, "precision": None, "recall": None, "f1": None}


def test_labels_never_reach_the_detector() -> None:
    seen: list[Post] = []

    def detect(posts: Any) -> list[Verdict]:
        seen.extend(posts)
        return [verdict(post.id, Intent.OTHER) for post in posts]

    report = evaluate_rows(detect, [row("a", SELL, lang="mul", platform="sell", spans=()), row("b", SELL, lang="de")])
    assert (
        seen
        == [Post("a", "text"), Post("b", "text", lang="de")]
        == posts_of([*ROWS[:0], row("a", SELL), row("b", SELL, lang="de")])
    )
    assert counts(report, "all") == (0, 2, 0, 0)
