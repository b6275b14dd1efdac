"""Word lists that judge: what a post is flagged for is then known, and so is what its removal must do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from models.terms import words
from models.verdict import INTENTS, Decision, Detect, Intent, Kind, Post, Span, Verdict
from training.corpus import Row
from training.evaluation.explanations import draw_others, explanations, versions, without

WEIGHTS = {"mmc": 4.0, "stock": 2.0, "telegram": 1.0}
KINDS = {"mmc": Kind.SUBSTANCE, "telegram": Kind.CONTACT}
FILLER = ("river", "garden", "window", "paper", "candle", "bottle", "mirror", "ladder", "basket", "pepper")


@dataclass
class ByWord:
    """Adds up the weights of a post's words, from log-odds of -3; cites the words it is told to."""

    cites: Mapping[str, Kind] = field(default_factory=lambda: KINDS)
    asked: list[Post] = field(default_factory=list)

    def __call__(self, posts: Sequence[Post]) -> list[Verdict]:
        self.asked += posts
        return [self.judge(post) for post in posts]

    def judge(self, post: Post) -> Verdict:
        log_odds = sum(WEIGHTS.get(post.text[start:end], 0) for start, end in words(post.text)) - 3
        probability = float(1 / (1 + np.exp(-log_odds)))
        spans = [
            Span(start, end, self.cites[word], word)
            for start, end in words(post.text)
            if (word := post.text[start:end]) in self.cites
        ]
        intents = {intent: probability if intent == Intent.SELL else (1 - probability) / 7 for intent in INTENTS}
        decision = Decision.REVIEW if log_odds > 0 else Decision.ALLOW
        return Verdict(post.id, decision, probability, intents, spans=spans)


def rows_of(*words_: str, count: int = 30, filler: int = 6) -> list[Row]:
    """Rows that hold these words between different others."""
    rng = np.random.default_rng(3)
    texts = [" ".join([*words_, *rng.choice(FILLER, filler).tolist()]) for _ in range(count)]
    return [Row(f"r{number}", text, frozenset({Intent.SELL}), "s") for number, text in enumerate(texts)]


def explained(rows: Sequence[Row], detect: Detect, **options: Any) -> dict[str, Any]:
    return explanations(detect, rows, detect([Post(row.id, row.text) for row in rows]), **options)


def counts(rate: Mapping[str, Any]) -> tuple[int, int]:
    return rate["count"], rate["of"]


def test_words_that_a_flag_rests_on_lower_it_and_others_do_not() -> None:
    found = explained(rows_of("mmc", "telegram"), ByWord())
    assert (found["posts"], found["wavered"], found["emptied"]) == (30, 0, 0)
    assert counts(found["lowered"]) == counts(found["unflagged"]) == (30, 30)
    assert counts(found["lowered_by_control"]) == counts(found["unflagged_by_control"]) == (0, 30)
    assert found["mean_fall_log_odds"]["value"] == pytest.approx(5)
    assert found["mean_fall_control"]["value"] == pytest.approx(0)
    assert found["mean_fall_beyond_control"]["value"] == pytest.approx(5)


def test_words_that_a_flag_does_not_rest_on_are_found_out() -> None:
    cites_garden = ByWord(cites=dict.fromkeys(FILLER[:4], Kind.SLANG))
    found = explained(rows_of("mmc", "mmc", "mmc", "mmc", "mmc", "mmc", count=60), cites_garden)
    assert found["lowered"]["count"] == found["unflagged"]["count"] == 0
    assert found["mean_fall_log_odds"]["value"] == pytest.approx(0)
    assert found["lowered_by_control"]["share"] > 0.5
    assert found["mean_fall_beyond_control"]["high"] < 0


def test_each_kind_is_taken_out_alone() -> None:
    found = explained(rows_of("mmc", "telegram"), ByWord())["by_kind"]
    assert set(found) == {"substance", "contact"}
    assert [found[kind]["posts"] for kind in found] == [30, 30]
    assert found["substance"]["mean_fall_log_odds"]["value"] == pytest.approx(4)
    assert found["contact"]["mean_fall_log_odds"]["value"] == pytest.approx(1)
    assert counts(found["substance"]["unflagged"]) == (30, 30)
    assert counts(found["contact"]["unflagged"]) == (0, 30)  # 4 - 3 is above 0


def test_a_kind_that_few_posts_cite_has_no_mean() -> None:
    rows = [*rows_of("mmc", count=30), Row("t", "mmc telegram river", frozenset({Intent.SELL}), "s")]
    found = explained(rows, ByWord())["by_kind"]["contact"]
    assert (found["posts"], counts(found["lowered"])) == (1, (1, 1))
    assert found["mean_fall_log_odds"]["value"] is None
    assert found["mean_fall_log_odds"]["why"].startswith("1 posts")


def test_posts_without_as_many_other_words_have_no_control() -> None:
    rows = [*rows_of("mmc", "telegram", count=20), *rows_of("mmc", "telegram", count=15, filler=1)]
    found = explained([Row(f"{n}", row.text, row.intents, "s") for n, row in enumerate(rows)], ByWord())
    assert counts(found["lowered"]) == (35, 35)
    assert counts(found["lowered_by_control"]) == (0, 20)
    assert counts(found["beside_control"]["lowered"]) == (20, 20)  # a fair comparison: the same posts


def test_without_any_control_its_figures_say_why() -> None:
    found = explained(rows_of("mmc", "telegram", filler=1), ByWord())
    assert found["lowered_by_control"]["share"] is None
    assert found["mean_fall_control"]["value"] is found["mean_fall_beyond_control"]["value"] is None


def test_posts_that_are_nothing_but_what_is_cited_are_counted_apart() -> None:
    bare = [Row(f"b{n}", "mmc, telegram!", frozenset({Intent.SELL}), "s") for n in range(5)]
    detect = ByWord()
    found = explained([*rows_of("mmc", "telegram", count=20), *bare], detect)
    assert (found["posts"], found["emptied"]) == (25, 5)
    assert counts(found["lowered"]) == (20, 20)
    assert found["by_kind"]["contact"]["posts"] == 25  # to take one kind out leaves words
    assert all(words(post.text) for post in detect.asked)


def test_posts_that_cite_nothing_are_counted_apart() -> None:
    silent = [Row(f"q{n}", f"stock stock {FILLER[n]}", frozenset({Intent.SELL}), "s") for n in range(5)]
    found = explained([*rows_of("mmc", count=20), *silent], ByWord())
    assert counts(found["uncited"]) == (5, 25)
    assert (found["emptied"], counts(found["lowered"])) == (0, (20, 20))


def test_posts_that_are_not_flagged_again_are_counted_apart() -> None:
    rows, detect = rows_of("mmc", "telegram", count=25), ByWord()
    verdicts = detect([Post(row.id, row.text) for row in rows])

    def wavers(posts: Sequence[Post]) -> list[Verdict]:
        return detect([Post(post.id, "river" if post.id in {"r3", "r4"} else post.text) for post in posts])

    found = explanations(wavers, rows, verdicts)
    assert (found["wavered"], counts(found["lowered"])) == (2, (23, 23))


def test_only_flagged_posts_are_asked_about_and_no_more_than_wanted() -> None:
    calm = [Row(f"c{n}", f"river garden telegram {n}", frozenset({Intent.OTHER}), "s") for n in range(30)]
    rows, detect = [*calm, *rows_of("mmc", count=50)], ByWord()
    verdicts = detect([Post(row.id, row.text) for row in rows])
    detect.asked.clear()
    assert explanations(detect, rows, verdicts, most=25)["posts"] == 25
    assert len({post.id for post in detect.asked}) == 25
    assert not any(post.id.startswith("c") for post in detect.asked)


def test_the_same_text_is_judged_once_beside_its_post() -> None:
    detect = ByWord()
    explained(rows_of("mmc", count=20), detect)
    # first the verdicts, then each post, itself without its one cited word, and without another word
    assert len(detect.asked) == 20 + 20 * 3


def test_a_seed_gives_the_same_numbers_again() -> None:
    rows = rows_of("mmc", "stock", "telegram", count=60)
    first, again = (explained(rows, ByWord(), most=30) for _ in range(2))
    assert first == again


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "0 posts were flagged"),
        (rows_of("mmc", count=19), "19 posts were flagged"),
        (rows_of("stock", "stock", count=30), "0 flagged posts cite"),
        (rows_of("mmc", count=30, filler=0), "0 flagged posts cite"),
    ],
)
def test_too_few_posts_give_no_figures_but_the_reason(rows: list[Row], why: str) -> None:
    found = explained(rows, ByWord())
    assert set(found) == {"why"}
    assert found["why"].startswith(why)


@pytest.mark.parametrize(
    ("text", "ranges", "left"),
    [
        ("sell mmc here", [(5, 8)], "sell here"),
        ("mmc here", [(0, 3)], "here"),
        ("get mmc", [(4, 7)], "get"),
        ("a bb c dd e", [(7, 9), (2, 4)], "a c e"),
        ("10g mmc", [(0, 2), (2, 3)], "mmc"),
        ("abcdef", [(1, 3), (2, 5)], "a f"),
        ("abcdef", [(1, 5), (2, 3)], "a f"),
        ("mmc", [(0, 3)], ""),
        ("price:\nmmc\nnow", [(7, 10)], "price: now"),
        ("keeps  its\nown gaps", [], "keeps  its\nown gaps"),
    ],
)
def test_one_space_joins_what_is_left(text: str, ranges: list[tuple[int, int]], left: str) -> None:
    assert without(text, ranges) == left


@pytest.mark.parametrize("seed", range(5))
def test_the_control_takes_as_many_words_and_letters_and_never_a_cited_one(seed: int) -> None:
    text = "fresh 2-MMC, 5 g for 60, write to me on any day of this week or come to the river bank"
    cited = [(6, 11), (13, 16)]
    drawn = draw_others(text, cited, np.random.default_rng(seed))
    assert len(drawn) >= 3
    assert sum(end - start for start, end in drawn) >= 8
    assert len(set(drawn)) == len(drawn)
    assert not any(start < last and first < end for start, end in drawn for first, last in cited)


def test_a_mark_that_is_no_word_still_costs_the_control_a_word() -> None:
    assert len(draw_others("5 $ here", [(2, 3)], np.random.default_rng(0))) == 1


@pytest.mark.parametrize("text", ["mmc ab", "mmc", "mmc!"])
def test_there_is_no_control_where_less_would_be_taken(text: str) -> None:
    assert draw_others(text, [(0, 3)], np.random.default_rng(0)) == []


def test_a_text_that_cites_nothing_has_no_versions() -> None:
    assert versions("river bank", [], np.random.default_rng(0)) == {}
