"""Training posts in disguise: what sellers do to slip past a filter, done to both sides alike; the spans move along.

Only attacks that no report holds out are rehearsed, and what is put behind a post comes from other training posts, so
that a report's own padding and hashtags stay unseen.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from models.verdict import Span
from training.corpus import Row
from training.evaluation.attacks import REHEARSABLE, attack_text

BEHIND = frozenset({"innocent_padding", "hashtag_stuffing"})
"""Attacks that put sentences of their own behind a post: here other training posts stand in for those."""
LETTERS = tuple(attack for attack in REHEARSABLE if attack.name not in BEHIND)
OFTEN = {"vowel_drop": 2, "emoji_swap": 2}
"""How many times as often as another: nothing undoes these two before the network reads, as it does digits or marks."""
STRONG = (1, 2, 3, 3)  # half of all at full strength, where most is lost
PADDED = 0.3  # of the posts in disguise
MOST_TAGS = 12
LONGEST = 400  # characters: what training reads of a post; longer ones are only padded
WORD = re.compile(r"[^\W\d_]{3,}")

Bystanders = Mapping[str | None, Sequence[str]]
"""Innocent texts by language."""


def bystanders_of(rows: Sequence[Row]) -> Bystanders:
    """Collect the innocent texts of each language, once each."""
    found: dict[str | None, dict[str, None]] = {}
    for row in rows:
        if not row.may_be_advert:
            found.setdefault(row.lang, {})[row.text] = None
    return {lang: tuple(texts) for lang, texts in found.items()}


def disguise(row: Row, bystanders: Bystanders, rng: random.Random) -> Row:
    """Disguise a post in one way, by chance; the label stands, the spans move along."""
    beside = bystanders.get(row.lang, ())
    draw = rng.random()
    if beside and (draw < PADDED or len(row.text) > LONGEST):
        other = rng.choice(beside)
        return replace(row, text=f"{row.text.rstrip()}{rng.choice((' ', chr(10), chr(10) * 2))}{behind(other, rng)}")
    (attack,) = rng.choices(LETTERS, [OFTEN.get(attack.name, 1) for attack in LETTERS])
    strength = 1 if attack.name == "truncation" else rng.choice(STRONG if row.spans else STRONG[1:])
    text = attack_text(attack, row.text, row.spans or (), strength, key=row.id, seed=rng.randrange(2**31))
    return replace(row, text=text, spans=row.spans and moved(row.spans, row.text, text))


def behind(text: str, rng: random.Random) -> str:
    """Take an innocent text whole, or some of its words as hashtags."""
    words = WORD.findall(text)
    if not words or rng.random() < 0.4:
        return text
    return " ".join(f"#{word.lower()}" for word in rng.sample(words, min(len(words), rng.randint(2, MOST_TAGS))))


def moved(spans: Sequence[Span], before: str, after: str) -> tuple[Span, ...]:
    """Find spans of a text again in what it was changed into; those that are gone are left out."""
    starts, ends = places(before, after)
    found = ((span, starts[span.start], ends[span.end]) for span in spans)
    return tuple(
        replace(
            span,
            start=start,
            end=end,
            text=after[start:end],
            obfuscated=span.obfuscated or after[start:end] != span.text,
        )
        for span, start, end in found
        if start < end
    )


def places(before: str, after: str) -> tuple[list[int], list[int]]:
    """Say where each place between two characters went: as the start of something, and as the end of something."""
    starts, ends = [0] * (len(before) + 1), [0] * (len(before) + 1)
    for _, low, high, new_low, new_high in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        for place in range(low, high + 1):
            gone = min(new_low + place - low, new_high)
            starts[place] = new_high if place == high else gone
            ends[place] = max(ends[place], gone) if place == low else (new_high if place == high else gone)
    return starts, ends
