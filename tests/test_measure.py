from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.verdict import INTENTS, Decision, Intent, Kind, Span, Verdict
from training.corpus import Row
from training.evaluation.bootstrap import Resamples
from training.evaluation.measure import intent_said, intents, terms

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


UNMARKED = row("u", SELL), verdict("u", Intent.SELL, flag=True)  # no author marked its spans: never counted


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
    found = intents([*authored, UNMARKED[0]], [*said, UNMARKED[1]])
    assert found["rows"] == 4
    assert (found["right"]["count"], found["right"]["of"]) == (3, 4)
    assert found["f1"]["sell"] == pytest.approx(0.8)  # 2 * 2 / (2 * 2 + 0 + 1)
    assert found["f1"]["seek"] == pytest.approx(2 / 3)  # 2 * 1 / (2 * 1 + 1 + 0)
    assert found["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 8)
    assert found["prevalence"]["sell"] == 0.75


def test_a_row_whose_label_allows_several_intents_is_not_scored() -> None:
    several = row("a", frozenset({Intent.SELL, Intent.PROMOTE}), spans=())
    assert intents([several], [verdict("a", Intent.SELL, flag=True)]) == {"rows": 0}


def test_the_confusion_counts_what_was_said_for_each_truth() -> None:
    authored = [row("a", SELL, spans=()), row("b", SELL, spans=()), row("c", frozenset({Intent.SEEK}), spans=())]
    said = [verdict("a", Intent.SELL, flag=True), verdict("b", Intent.SEEK), verdict("c", Intent.SEEK)]
    confusion = intents(authored, said)["confusion"]
    sell, seek = (confusion["labels"].index(name) for name in ("sell", "seek"))
    assert confusion["labels"] == [str(intent) for intent in INTENTS]
    assert confusion["counts"][sell][sell] == confusion["counts"][sell][seek] == confusion["counts"][seek][seek] == 1
    assert sum(map(sum, confusion["counts"])) == 3


def test_without_authored_rows_there_are_no_intents_to_score() -> None:
    assert intents([UNMARKED[0]], [UNMARKED[1]]) == {"rows": 0}


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
    scores = terms([authored, UNMARKED[0]], [verdict("a", Intent.SELL, spans=found), UNMARKED[1]])
    assert scores["rows"] == 1
    assert {who: scores[who]["words"] for who in ("both", "lexicon", "model")} == {"both": 3, "lexicon": 3, "model": 3}
    assert (scores["both"]["precision"], scores["both"]["recall"]) == (3 / 4, 1.0)
    assert (scores["lexicon"]["precision"], scores["lexicon"]["recall"]) == (1.0, 2 / 3)
    assert (scores["model"]["precision"], scores["model"]["recall"]) == (1 / 2, 1 / 3)
    assert scores["both"]["f1"] == pytest.approx(6 / 7)


def test_terms_that_nobody_said_have_no_precision_instead_of_a_wrong_one() -> None:
    scores = terms([row("a", SELL, spans=())], [verdict("a", Intent.SELL)])
    assert scores["both"] == {"words": 0, "precision": None, "recall": None, "f1": None}


def test_words_that_the_lexicon_holds_say_nothing_of_the_unlisted_ones() -> None:
    text = "2-MMC or zaza or wugs in stock"
    marked = (Span(0, 5, Kind.SUBSTANCE, "2-MMC"), Span(9, 13, Kind.SLANG, "zaza"), Span(17, 21, Kind.SLANG, "wugs"))
    said = [
        Span(0, 5, Kind.SUBSTANCE, "2-MMC", source="lexicon"),
        Span(9, 13, Kind.SLANG, "zaza", source="model"),
        Span(25, 30, Kind.SLANG, "stock", source="model"),
        Span(22, 24, Kind.SLANG, "in", source="lexicon"),  # a mistake of the lexicon is none of the term head
    ]
    scores = terms([row("a", SELL, text=text, spans=marked)], [verdict("a", Intent.SELL, spans=said)])
    assert scores["unlisted"] == {"words": 2, "precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2}


def test_a_word_that_lexicon_and_term_head_both_found_is_listed() -> None:
    spans = (Span(0, 4, Kind.SLANG, "zaza"),)
    said = [Span(0, 4, Kind.SLANG, "zaza", source=source) for source in ("lexicon", "model")]
    scores = terms([row("a", SELL, text="zaza", spans=spans)], [verdict("a", Intent.SELL, spans=said)])
    assert (scores["unlisted"]["words"], scores["unlisted"]["f1"]) == (0, None)


def test_draws_over_groups_give_f1_an_interval_that_holds_it() -> None:
    rows = [
        row(str(n), SELL if n % 2 else frozenset({Intent.SEEK}), text="zaza", spans=(Span(0, 4, Kind.SLANG, "zaza"),))
        for n in range(40)
    ]
    found = [Span(0, 4, Kind.SLANG, "zaza", source="model")]
    said = [verdict(str(n), Intent.SELL, flag=True, spans=found if n % 4 else []) for n in range(40)]
    draws = Resamples(np.arange(42), rounds=200)
    rows, said = [UNMARKED[0], *rows, UNMARKED[0]], [UNMARKED[1], *said, UNMARKED[1]]
    named, likely = terms(rows, said, draws)["unlisted"], intents(rows, said, draws)
    assert named["f1"] == pytest.approx(6 / 7)
    assert 0.7 < named["f1_low"] < named["f1"] < named["f1_high"] <= 1.0
    assert likely["macro_f1"] == pytest.approx(2 / 3 / 8)
    assert likely["macro_f1_low"] < likely["macro_f1"] < likely["macro_f1_high"]


def test_f1_of_no_word_has_no_interval() -> None:
    draws = Resamples(np.arange(1), rounds=5)
    scores = terms([row("a", SELL, spans=())], [verdict("a", Intent.SELL)], draws)
    assert scores["both"] == {"words": 0, "precision": None, "recall": None, "f1": None}
