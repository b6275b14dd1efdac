"""Which words of a post an attack touches, and how a post is rewritten around them.

An address is never touched: a handle or link that is changed no longer reaches the seller. Nor is a measure, as 10g.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import regex

from models.terms import words
from models.verdict import TERM_KINDS, Span

Range = tuple[int, int]
"""A half-open range of the post's text, in code points."""
Change = Callable[[str], str]
"""One word to what stands in its place."""

REST = 0.3
"""Of the words that neither name a drug nor say the offer, the share that strength 2 touches: enough to look sloppy."""
ADDRESS = regex.compile(
    r"(?:https?://|www\.)\S+|[\w.+-]++@[\w-]++\.[\w.-]+|(?<!\w)@[\w.]*\w|<[A-Z_]+>|\+?\d[\d ()/-]{6,}\d"
    r"|(?<![#\w])\w*[^\W_]_\w+"  # a bare handle: blue_heron
    r"|(?<![\w.-])(?:[\w-]+\.){1,8}(?:com|org|net|io|me|gg|co|ru|de|fr|es|it|nl|pl|pt|se|cz|uk|eu|to|onion|link|shop|example)\b\S*",
    regex.IGNORECASE,
)
# A quantity in disguise is another quantity.
_MEASURE = regex.compile(
    r"\d+(?:g|gr|kg|mg|mcg|ug|µg|ml|cl|l|oz|k|x|pcs|st|ks|szt|г|гр|кг|мг|мл|л|к|шт|т)", regex.IGNORECASE
)
_LETTER = regex.compile(r"\p{L}")


def words_to_touch(text: str, spans: Sequence[Span], strength: int, rng: random.Random) -> list[Range]:
    """Choose words with letters, in order: those that name drugs, or the longest one where none does;
    from strength 2 on also the offer's words and some of the rest; at strength 3 all.
    """
    open_ = _open_words(text)
    if strength >= 3 or not open_:
        return open_
    terms = within(open_, [span for span in spans if span.kind in TERM_KINDS])
    chosen = set(terms or [max(open_, key=lambda word: word[1] - word[0])])
    if strength == 2:
        chosen |= set(within(open_, [span for span in spans if span.kind not in TERM_KINDS]))
        chosen |= {word for word in open_ if rng.random() < REST}
    return sorted(chosen)


def _open_words(text: str) -> list[Range]:
    addresses = [match.span() for match in ADDRESS.finditer(text)]
    lettered = [word for word in words(text) if _LETTER.search(text, *word) and not _MEASURE.fullmatch(text, *word)]
    return [word for word in lettered if not any(_meet(word, address) for address in addresses)]


def within(ranges: Sequence[Range], spans: Sequence[Span]) -> list[Range]:
    """Keep the ranges that a span meets."""
    return [each for each in ranges if any(_meet(each, (span.start, span.end)) for span in spans)]


def _meet(one: Range, other: Range) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def rewrite(text: str, ranges: Sequence[Range], change: Change) -> str:
    """Put the changed words in their places; `ranges` are in order and disjoint."""
    pieces: list[str] = []
    at = 0
    for start, end in ranges:
        pieces += (text[at:start], change(text[start:end]))
        at = end
    return "".join(pieces) + text[at:]


def graphemes(word: str) -> list[str]:
    """Cut a word into what a reader sees as one sign: a letter keeps its accents, an emoji its parts."""
    return regex.findall(r"\X", word)


def some(places: Sequence[int], strength: int, rng: random.Random) -> set[int]:
    """Choose half of the places in a word, one at least; at strength 3 all."""
    if strength >= 3 or not places:
        return set(places)
    return set(rng.sample(places, max(1, len(places) // 2)))
