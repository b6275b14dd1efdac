"""The term head's tokens to spans, and the spans of all sources to one list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import regex

from models.normalise import Normalised
from models.scorer import Reading
from models.verdict import Kind, Span

WORD = regex.compile(r"[\p{L}\p{M}\p{N}][\p{L}\p{M}\p{N}'’\-]*|\p{Extended_Pictographic}\uFE0F?")


def words(text: str) -> list[tuple[int, int]]:
    """Cut a text into words (hyphens and apostrophes inside) and emoji, as half-open ranges."""
    return [match.span() for match in WORD.finditer(text)]


def overlaps(start: int, end: int, ranges: Iterable[tuple[int, int]]) -> bool:
    """Tell whether a half-open range shares anything with one of others."""
    return any(start < stop and begin < end for begin, stop in ranges)


def word_probabilities(text: str, reading: Reading) -> list[tuple[int, int, float]]:
    """Give each word's range and its probability of naming a drug here: that of its likeliest token."""
    found = []
    for start, end in words(text):
        inside = (reading.offsets[:, 0] < end) & (reading.offsets[:, 1] > start)
        found.append((start, end, float(reading.term[inside].max(initial=0.0))))
    return found


def term_spans(normalised: Normalised, reading: Reading, *, threshold: float) -> list[Span]:
    """Give the words that the network reads as drug names here, as spans of the original text."""
    if float(reading.term.max(initial=0.0)) < threshold:
        return []
    likely = word_probabilities(normalised.text, reading)
    named = [(start, end) for start, end, probability in likely if probability >= threshold]
    return [_span(normalised, start, end) for start, end in _join_neighbours(normalised.text, named)]


def _join_neighbours(text: str, ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join words that only a space or a hyphen parts: "blue" "lotus" is one name."""
    joined: list[tuple[int, int]] = []
    for start, end in ranges:
        if joined and text[joined[-1][1] : start] in {" ", "-"}:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _span(normalised: Normalised, start: int, end: int) -> Span:
    low, high = normalised.to_original(start, end)
    return Span(
        start=low,
        end=high,
        kind=Kind.SLANG,
        text=normalised.original[low:high],
        obfuscated=normalised.is_disguised(start, end),
        source="model",
    )


def merge_spans(*sources: Sequence[Span]) -> list[Span]:
    """Merge spans, earlier sources first where they overlap; the result is ordered and disjoint."""
    kept: list[Span] = []
    for spans in sources:
        kept += [span for span in spans if not any(span.start < own.end and own.start < span.end for own in kept)]
    return sorted(kept, key=lambda span: span.start)
