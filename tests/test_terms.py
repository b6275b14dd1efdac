from __future__ import annotations

import numpy as np
import pytest

from models.normalise import normalise
from models.scorer import Reading
from models.terms import merge_spans, term_spans, words
from models.verdict import Kind, Span


def reading(tokens: list[tuple[int, int, float]]) -> Reading:
    """A reading of these (start, end, term probability) tokens."""
    return Reading(
        logits=np.zeros(8),
        offsets=np.array([token[:2] for token in tokens], dtype=np.int64).reshape(-1, 2),
        term=np.array([token[2] for token in tokens], dtype=np.float64),
        unknown=0.0,
        windows=1,
    )


def found(text: str, tokens: list[tuple[int, int, float]], threshold: float = 0.5) -> list[str]:
    return [span.text for span in term_spans(normalise([text])[0], reading(tokens), threshold=threshold)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("two bars, please", ["two", "bars", "please"]),
        ("N-ethyl don't", ["N-ethyl", "don't"]),
        ("snow \u2744\ufe0f now", ["snow", "\u2744\ufe0f", "now"]),
        ("\u043c\u0435\u0444 50\u20ac", ["\u043c\u0435\u0444", "50"]),
        (" ... ", []),
    ],
)
def test_words_keep_hyphens_and_apostrophes_inside_and_emoji_apart(text: str, wanted: list[str]) -> None:
    assert [text[start:end] for start, end in words(text)] == wanted


@pytest.mark.parametrize(
    ("text", "tokens", "wanted"),
    [
        ("got zaza now", [(0, 3, 0.1), (4, 8, 0.9), (9, 12, 0.1)], ["zaza"]),
        ("got zaza now", [(0, 3, 0.1), (4, 6, 0.2), (6, 8, 0.9), (9, 12, 0.1)], ["zaza"]),  # a word is as its likeliest
        ("got zaza now", [(0, 3, 0.1), (3, 8, 0.9), (8, 12, 0.1)], ["zaza"]),  # tokens that carry the space before
        ("got zaza now", [(0, 3, 0.1), (4, 8, 0.5), (9, 12, 0.1)], ["zaza"]),  # at the threshold
        ("got zaza now", [(0, 3, 0.1), (4, 8, 0.49), (9, 12, 0.1)], []),
        ("blue lotus tea", [(0, 4, 0.9), (5, 10, 0.9), (11, 14, 0.1)], ["blue lotus"]),  # one name of two words
        ("bars, snow", [(0, 4, 0.9), (4, 5, 0.1), (6, 10, 0.9)], ["bars", "snow"]),  # a comma parts two names
        ("bars\nsnow", [(0, 4, 0.9), (5, 9, 0.9)], ["bars", "snow"]),
        ("hi \U0001f344 hi", [(0, 2, 0.1), (3, 4, 0.9), (5, 7, 0.1)], ["\U0001f344"]),
        ("what, ever", [(0, 4, 0.1), (4, 5, 0.9), (6, 10, 0.1)], []),  # a likely comma names nothing
    ],
)
def test_likely_tokens_become_whole_words(text: str, tokens: list[tuple[int, int, float]], wanted: list[str]) -> None:
    assert found(text, tokens) == wanted


def test_a_text_without_tokens_has_no_terms() -> None:
    assert found("", []) == []


def test_offsets_lead_back_to_the_disguised_original() -> None:
    original = "got za\u200bza now"  # a zero-width space inside the word
    normalised = normalise([original])[0]
    assert normalised.text == "got zaza now"
    span = term_spans(normalised, reading([(4, 8, 0.9)]), threshold=0.5)[0]
    assert (span.start, span.end, span.text) == (4, 9, "za\u200bza")
    assert span.obfuscated
    assert (span.kind, span.source) == (Kind.SLANG, "model")


def spans(*ranges: tuple[int, int], source: str = "rule") -> list[Span]:
    return [Span(start, end, Kind.SLANG, "x" * (end - start), source=source) for start, end in ranges]


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ([(0, 4)], [(5, 9)], [(0, 4), (5, 9)]),
        ([(5, 9)], [(0, 4)], [(0, 4), (5, 9)]),  # in order of the text
        ([(0, 4)], [(2, 9)], [(0, 4)]),  # the earlier source wins, even when shorter
        ([(0, 4)], [(4, 9)], [(0, 4), (4, 9)]),  # half-open: touching is no overlap
        ([(2, 3)], [(0, 9)], [(2, 3)]),
        ([], [(0, 2)], [(0, 2)]),
    ],
)
def test_merged_spans_are_ordered_and_disjoint(
    first: list[tuple[int, int]], second: list[tuple[int, int]], wanted: list[tuple[int, int]]
) -> None:
    merged = merge_spans(spans(*first, source="lexicon"), spans(*second, source="model"))
    assert [(span.start, span.end) for span in merged] == wanted
    assert all(span.source == "lexicon" for span in merged if (span.start, span.end) in first)
