from __future__ import annotations

from dataclasses import replace

import pytest

from models.lexicon import Lexicon, Term
from models.verdict import Intent, Kind, NpsClass, Span, Status
from training.cards import NOT_ADVERT
from training.corpus import Row
from training.labels import COMMON, Labelled, common_words, label_rows

LEXICON = Lexicon(
    [
        Term("ketamine", "ketamine", NpsClass.ARYLCYCLOHEXYLAMINES, status=Status.CONFIRMED),
        Term("snow", "cocaine", NpsClass.CONTROLLED, lang="en", kind="slang", ambiguity="high"),
    ]
)
SELL = frozenset({Intent.SELL})
OTHER = frozenset({Intent.OTHER})
TALK = frozenset({Intent.USE_TALK})


def row(text: str, intents: frozenset[Intent], spans: tuple[Span, ...] | None = None) -> Row:
    return Row("a", text, intents, "s", spans=spans)


def label(text: str, intents: frozenset[Intent], spans: tuple[Span, ...] | None = None) -> tuple[list[str], list[str]]:
    """The words labelled as drug names, and those labelled as none."""
    labelled = label_rows([row(text, intents, spans)], LEXICON)[0]
    return surfaces(labelled, labelled.named), surfaces(labelled, labelled.plain)


def surfaces(labelled: Labelled, ranges: tuple[tuple[int, int], ...]) -> list[str]:
    return [labelled.text[start:end] for start, end in ranges]


@pytest.mark.parametrize(
    ("text", "intents", "named", "plain"),
    [
        ("ketamine by post", SELL, ["ketamine"], []),  # in an advert other words may be slang: left open
        ("ketamine felt odd", TALK, ["ketamine"], []),
        (
            "ketamine the horse won",
            OTHER,
            [],
            ["the", "horse", "won"],
        ),  # left open: it may be a clinic
        ("rain again today", OTHER, [], ["rain", "again", "today"]),
        ("rain again today", NOT_ADVERT, [], ["rain", "again", "today"]),  # no listed drug, no advert: innocent
        ("ketamine felt odd", NOT_ADVERT, ["ketamine"], []),
        ("zorple by post", SELL, [], []),
        ("5g of snow by post \u20ac50", SELL, [], []),  # an ambiguous term is no teacher
    ],
)
def test_distant_labels_come_from_clear_listed_terms_and_innocent_posts(
    text: str, intents: frozenset[Intent], named: list[str], plain: list[str]
) -> None:
    assert label(text, intents) == (named, plain)


def test_a_post_that_is_visited_often_counts_once() -> None:
    visits = [row("weather today", OTHER) for _ in range(COMMON)]
    labelled = label_rows([*visits, row("zorple Today weather", SELL)], LEXICON)[-1]
    assert surfaces(labelled, labelled.plain) == []


def test_words_that_are_common_in_innocent_posts_name_no_drug_in_an_advert() -> None:
    innocent = [replace(row(f"weather number{n} today", OTHER), id=f"{n}") for n in range(COMMON)]
    labelled = label_rows([*innocent, row("zorple Today weather", SELL)], LEXICON)[-1]
    assert surfaces(labelled, labelled.named) == []
    assert surfaces(labelled, labelled.plain) == ["Today", "weather"]


@pytest.mark.parametrize(("times", "common"), [(COMMON - 1, False), (COMMON, True)])
def test_a_word_is_common_from_so_many_texts_on_however_often_it_stands_in_one(times: int, common: bool) -> None:
    assert ("rain" in common_words(["Rain rain rain"] * times)) is common


def test_an_authors_spans_decide_every_word() -> None:
    spans = (Span(10, 14, Kind.SLANG, "snow"), Span(15, 18, Kind.PRICE, "\u20ac50"))
    named, plain = label("ketamine? snow \u20ac50 only", SELL, spans)
    assert named == ["snow"]
    assert plain == ["ketamine", "50", "only"]  # a listed term that the author did not mark names no drug


def test_an_author_who_marked_nothing_says_that_nothing_names_a_drug() -> None:
    assert label("snow ketamine", SELL, ()) == ([], ["snow", "ketamine"])


def test_labels_lie_on_the_text_without_its_disguise() -> None:
    original = "buy ket\u200bamine now"
    spans = (Span(4, 13, Kind.SUBSTANCE, "ket\u200bamine", obfuscated=True),)
    for given in (spans, None):
        labelled = label_rows([row(original, SELL, given)], LEXICON)[0]
        assert labelled.text == "buy ketamine now"
        assert labelled.named == ((4, 12),)


def test_rows_keep_their_order_and_their_intents() -> None:
    rows = [row(f"ketamine {n}", intents) for n, intents in enumerate((SELL, TALK, NOT_ADVERT))]
    assert [each.intents for each in label_rows(rows, LEXICON)] == [SELL, TALK, NOT_ADVERT]
    assert label_rows([], LEXICON) == []
