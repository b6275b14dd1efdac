"""What is counted of one verdict. Live tallies and a reference for drift both come from here, so they compare."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from models.verdict import TERM_KINDS, Post, Span, Verdict

LONGEST_TERM = 40  # characters; a longer span is a phrase, and a phrase may say who wrote it
LEAST, MOST = -12, 11
"""The outermost bins: log-odds under -11 (0.0000167) share one, as those from 11 on do."""
LONG = "(long)"
WARNINGS = {
    "language ": "language out of scope",
    "mostly written": "script out of scope",
    "long post": "long post",
}


class Measure(StrEnum):
    """What a tally counts; each comment says what its values are."""

    POSTS = "posts"  # one value, the empty one: every post
    DECISION = "decision"  # allow, review, act
    INTENT = "intent"  # the likeliest
    PROBABILITY = "probability"  # `score_bin`
    LANG = "lang"  # a code, or `unknown`
    CLASS = "class"  # an NPS class, once a post
    SUBSTANCE = "substance"  # a canonical name, once a post
    TERM = "term"  # a word as it is written, once a post
    UNKNOWN_TERMS = "unknown_terms"  # one value, the empty one: posts with a drug word that no lexicon lists
    WARNING = "warning"  # the kinds of warning


class Fact(NamedTuple):
    """One thing to count; `guarded` words come from the model alone and may be anything that people write."""

    measure: Measure
    value: str
    guarded: bool = False


def score_bin(probability: float) -> str:
    """Name the bin of an advert probability: log-odds rounded down, from -12 to 11.

    Nearly all posts lie under 0.05, where bins of one width would show nothing; in log-odds the bins are as fine there
    as near 1, and the shift to another prevalence moves every post by the same number of bins.
    """
    if probability <= 0 or probability >= 1:
        return str(LEAST if probability <= 0 else MOST)
    return str(min(max(math.floor(math.log(probability) - math.log1p(-probability)), LEAST), MOST))


def bin_edges(name: str) -> tuple[float, float]:
    """Give the probabilities between which a bin lies."""
    low = int(name)
    return (
        0.0 if low == LEAST else 1 / (1 + math.exp(-low)),
        1.0 if low == MOST else 1 / (1 + math.exp(-low - 1)),
    )


def facts(verdict: Verdict) -> Iterator[Fact]:
    """List what is counted of a verdict, each once."""
    yield Fact(Measure.POSTS, "")
    yield Fact(Measure.DECISION, verdict.decision)
    yield Fact(Measure.INTENT, verdict.intent)
    yield Fact(Measure.PROBABILITY, score_bin(verdict.advert_probability))
    yield Fact(Measure.LANG, _language(verdict.lang))
    for nps_class in sorted({each.nps_class for each in verdict.substances}):
        yield Fact(Measure.CLASS, nps_class)
    for name in sorted({each.name for each in verdict.substances}):
        yield Fact(Measure.SUBSTANCE, name)
    words = [span for span in verdict.spans if span.kind in TERM_KINDS]
    if any(_unknown(span) for span in words):
        yield Fact(Measure.UNKNOWN_TERMS, "")
    for word, guarded in sorted({_word(span): _unknown(span) for span in words}.items()):
        yield Fact(Measure.TERM, word, guarded)
    for kind in sorted({warning_kind(said) for said in verdict.warnings}):
        yield Fact(Measure.WARNING, kind)


def warning_kind(said: str) -> str:
    """Name a warning without what it quotes, such as a share or a language."""
    for start, kind in WARNINGS.items():
        if said.startswith(start):
            return kind
    return "unknown vocabulary" if "outside the vocabulary" in said else "other"


def author_of(post: Post) -> int | None:
    """Tell authors apart for as long as the process lives: the hash has a secret of the process in it."""
    return None if post.author is None else hash((post.platform, post.author))


def _language(code: str | None) -> str:
    """Take a code as it is; a client may have stated anything."""
    if code is None:
        return "unknown"
    return code if code.isascii() and code.isalpha() and len(code) in (2, 3) else "other"


def _unknown(span: Span) -> bool:
    return span.source == "model"


def _word(span: Span) -> str:
    """Write a span as it is counted; a disguised term of the lexicon goes under its substance."""
    written = span.term if span.obfuscated and span.term else span.text
    word = "".join(letter if letter.isprintable() else " " for letter in written.casefold())
    word = " ".join(word.split())
    return word if len(word) <= LONGEST_TERM else LONG
