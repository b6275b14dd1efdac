"""How a term is written: the fold that text and terms are matched under, and the spellings of a chemical name.

The fold keeps one character for one character, so that offsets in the text hold.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import product

_SAME = dict(
    zip("\u2010\u2011\u2012\u2013\u2019\u2018\u2032\u02bc\u0142\u0141\u00f8\u00d8", "----''''lloo", strict=True)
)
_PARTS = re.compile(r"[\s-]+|(?<=\d)(?=[A-Za-z]{3})")
_GREEK = {
    "\u03b1": ("\u03b1", "alpha", "a"),
    "\u03b2": ("\u03b2", "beta", "b"),
    "\u0394": ("\u0394", "delta", "d"),
    "\u03b4": ("\u03b4", "delta", "d"),
}


class _Fold(dict[int, str]):
    """Lower case, no Latin accents, one hyphen, one apostrophe; worked out once for each character."""

    def __missing__(self, point: int) -> str:
        letter = chr(point)
        base = unicodedata.normalize("NFD", letter)[0]
        plain = (
            base if base.isascii() or base in "\u0435\u0415" else letter
        )  # Cyrillic short i is another letter than i
        lower = plain.lower()
        self[point] = lower if len(lower) == 1 else letter
        return self[point]


_FOLD = _Fold({ord(letter): plain for letter, plain in _SAME.items()})


def fold(text: str) -> str:
    """Fold `text` for matching; the result has the same length."""
    return text.translate(_FOLD)


def spellings(surface: str, *, chemical: bool) -> set[str]:
    """Return the ways a term is written: for a chemical name, with other separators and Greek spelt out."""
    if not chemical:
        bare = surface.replace("\ufe0f", "")  # an emoji's variation selector, which reading a post takes off
        return {surface, bare} | ({bare.replace("-", " "), bare.replace("-", "")} if "-" in bare[1:-1] else set())
    letters = [_GREEK.get(letter, (letter,)) for letter in surface]
    return {form for choice in product(*letters) for form in _separated("".join(choice))}


def _separated(name: str) -> Iterator[str]:
    """Yield `2-MMC`, `2MMC` and `2 MMC` for any of them; past three parts only one kind of separator at a time."""
    yield name
    parts = [part for part in _PARTS.split(name) if part]
    if not 1 < len(parts) <= 4 or len("".join(parts)) < 3:
        return
    # "7 OH", "3 FA" and "a PPP" are also plain text: a space needs a part of three letters and no lone letter.
    spaced = max(map(len, parts)) >= 3 and not any(len(part) == 1 and part.isalpha() for part in parts)
    marks = ("-", "", " ") if spaced else ("-", "")
    gaps = len(parts) - 1
    for choice in product(marks, repeat=gaps) if gaps <= 2 else ((mark,) * gaps for mark in marks):
        yield "".join(part + mark for part, mark in zip(parts, (*choice, ""), strict=True))
