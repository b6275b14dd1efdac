"""What a training text is changed into on each visit: known terms are hidden, so that context must answer.

A hidden term is renamed to a word that no list holds, or masked; its labels stay.
"""

from __future__ import annotations

import random
from dataclasses import replace

from training.labels import Labelled

ONSETS = (
    "b",
    "bl",
    "br",
    "ch",
    "d",
    "dr",
    "f",
    "fl",
    "g",
    "gl",
    "h",
    "j",
    "k",
    "kl",
    "m",
    "n",
    "p",
    "r",
    "s",
    "sk",
    "t",
    "v",
    "w",
    "z",
)
RHYMES = (
    "ab",
    "ack",
    "ado",
    "ag",
    "al",
    "an",
    "ar",
    "eb",
    "eck",
    "el",
    "en",
    "ib",
    "ick",
    "ig",
    "in",
    "ix",
    "ob",
    "ola",
    "on",
    "oz",
    "ub",
    "ug",
    "um",
    "uzz",
)
MASK = "<mask>"
"""A word of the text here; the collator writes the tokenizer's own mask token for it."""


def hide_terms(row: Labelled, rng: random.Random, *, share: float) -> Labelled:
    """Hide all named terms of a text with probability `share`: half are renamed, half masked."""
    if not row.named or rng.random() >= share:
        return row
    masked = rng.random() < 0.5
    renamed: dict[str, str] = {}
    text, moved, at = "", {}, 0
    for start, end in sorted((*row.named, *row.plain)):
        text += row.text[at:start]
        surface = row.text[start:end]
        if (start, end) in row.named:
            surface = MASK if masked else renamed.setdefault(surface.casefold(), invent_word(surface, rng))
        moved[start, end] = (len(text), len(text) + len(surface))
        text += surface
        at = end
    return replace(
        row,
        text=text + row.text[at:],
        named=tuple(moved[word] for word in row.named),
        plain=tuple(moved[word] for word in row.plain),
    )


def invent_word(surface: str, rng: random.Random) -> str:
    """Make a word up that looks like slang, in the case of the word it stands for."""
    word = "".join(rng.choice(ONSETS) + rng.choice(RHYMES) for _ in range(rng.choice((1, 1, 2)))) + rng.choice(
        ("", "", "s", "y")
    )
    if surface.isupper() and len(surface) > 1:
        return word.upper()
    return word.capitalize() if surface[:1].isupper() else word
