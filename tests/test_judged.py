from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from models.policy import Bands, Policy
from models.verdict import ADVERT_INTENTS, INTENTS, Decision, Intent, Kind, Post, Span, Verdict
from training.cards import NOT_ADVERT
from training.corpus import Row
from training.evaluation.judged import Contender, Judged, lexicon_contender, release_contender, safe_log_odds
from training.evaluation.run import judge, judged_rows, posts_of

SELL = frozenset({Intent.SELL})


def row(id_: str, intents: frozenset[Intent] = SELL, lang: str | None = None, group: str | None = None) -> Row:
    return Row(id_, f"text of {id_}", intents, "s", lang=lang, group=group)


def verdict(id_: str, probability: float = 0.5, *spans: Span, flag: bool = False) -> Verdict:
    intents = {intent: probability if intent == Intent.SELL else (1 - probability) / 7 for intent in INTENTS}
    return Verdict(id_, Decision.ACT if flag else Decision.ALLOW, probability, intents, spans=spans)


def span(kind: Kind, source: str) -> Span:
    return Span(0, 4, kind, "text", source=source)


def policy(**review: float) -> Policy:
    bands = {intent: Bands(review=review.get(intent.value, 0.7)) for intent in ADVERT_INTENTS}
    return Policy("default", 1, 0.003, bands)


def test_some_rows_are_taken_with_all_that_belongs_to_them() -> None:
    judged = Judged(
        rows=[row("a"), row("b", NOT_ADVERT), row("c")],
        verdicts=[verdict("a"), verdict("b"), verdict("c")],
        is_advert=np.array([True, False, True]),
        groups=np.array([0, 1, 0]),
        contenders=(
            Contender("release", "one", np.array([3.0, 2.0, 1.0]), np.array([True, True, False])),
            Contender("baseline", "two", np.array([1.0, 2.0, 3.0]), np.array([False, False, True])),
        ),
        prevalence=0.01,
        threshold=0.7,
    )
    taken = judged.take(np.array([False, True, True]))
    assert [each.id for each in taken.rows] == [each.id for each in taken.verdicts] == ["b", "c"]
    assert (taken.is_advert.tolist(), taken.groups.tolist()) == ([False, True], [1, 0])
    assert [(each.name, each.title) for each in taken.contenders] == [("release", "one"), ("baseline", "two")]
    assert [each.log_odds.tolist() for each in taken.contenders] == [[2.0, 1.0], [2.0, 3.0]]
    assert [each.flags.tolist() for each in taken.contenders] == [[True, False], [False, True]]
    assert (taken.prevalence, taken.threshold, taken.release.name) == (0.01, 0.7, "release")
    assert len(judged.take(np.zeros(3, dtype=bool)).rows) == 0


@pytest.mark.parametrize(
    ("spans", "listed"),
    [
        ([], 0),
        ([span(Kind.SUBSTANCE, "lexicon")], 1),
        ([span(Kind.SLANG, "lexicon"), span(Kind.SUBSTANCE, "lexicon")], 2),
        ([span(Kind.SLANG, "model")], 0),
        ([span(Kind.PRICE, "rule"), span(Kind.CONTACT, "rule")], 0),
        ([span(Kind.PAYMENT, "lexicon")], 0),
    ],
)
def test_the_plain_word_list_flags_what_names_a_listed_drug_and_nothing_else(spans: list[Span], listed: int) -> None:
    found = lexicon_contender([verdict("a", 0.5, *spans)])
    assert (found.name, found.log_odds.tolist(), found.flags.tolist()) == ("lexicon", [listed], [listed > 0])


def test_a_release_flags_what_it_does_not_allow_and_ranks_by_log_odds() -> None:
    found = release_contender("release", "npsight 1", [verdict("a", 0.9, flag=True), verdict("b", 0.5)])
    assert found.flags.tolist() == [True, False]
    assert found.log_odds == pytest.approx([math.log(9), 0.0])


@pytest.mark.parametrize(
    ("probability", "log_odds"),
    [(0.5, 0.0), (0.9, math.log(9)), (1e-6, -13.815510), (0.0, -27.631021), (1.0, 27.631021), (1e-20, -27.631021)],
)
def test_log_odds_are_finite_to_the_very_ends(probability: float, log_odds: float) -> None:
    assert safe_log_odds(np.array([probability])) == pytest.approx([log_odds], rel=1e-4)


def test_log_odds_keep_the_order_of_probabilities() -> None:
    probabilities = np.array([1e-11, 1e-3, 0.2, 0.8, 1 - 1e-9])
    assert (np.diff(safe_log_odds(probabilities)) > 0).all()


def test_the_release_stands_first_and_the_word_list_last() -> None:
    other = Contender("baseline", "TF-IDF", np.zeros(2), np.zeros(2, dtype=bool))
    rows = [row("a", group="pair"), row("b", NOT_ADVERT, group="pair")]
    judged = judged_rows(rows, [verdict("a"), verdict("b")], policy(), version="2026.1.1", others=[other])
    assert [each.name for each in judged.contenders] == ["release", "baseline", "lexicon"]
    assert judged.release.title == "npsight 2026.1.1"
    assert judged.is_advert.tolist() == [True, False]
    assert judged.groups[0] == judged.groups[1]
    assert (judged.prevalence, judged.threshold) == (0.003, 0.7)


def test_of_thresholds_that_differ_by_intent_the_lowest_is_told() -> None:
    assert judged_rows([row("a")], [verdict("a")], policy(recruit=0.2), version="1").threshold == 0.2


def test_labels_never_reach_the_detector() -> None:
    seen: list[Post] = []

    def detect(posts: Sequence[Post]) -> list[Verdict]:
        seen.extend(posts)
        return [verdict(post.id) for post in posts]

    rows = [
        Row("a", "text", SELL, "sell", lang="mul", spans=(), group="sell", platform="sell", year="2020"),
        Row("b", "text", NOT_ADVERT, "s", lang="de"),
    ]
    assert [each.id for each in judge(detect, rows)] == ["a", "b"]
    assert seen == [Post("a", "text"), Post("b", "text", lang="de")] == posts_of(rows)


def test_verdicts_of_many_batches_keep_the_order_of_the_rows() -> None:
    rows = [row(str(number)) for number in range(600)]
    found = judge(lambda posts: [verdict(post.id) for post in posts], rows)
    assert [each.id for each in found] == [each.id for each in rows]
