"""What sellers do to slip past a filter, as a library: each attack changes the text and never the sense.

Knows no detector: an evaluation measures with all of them, training may rehearse those of `REHEARSABLE`. Strength 1
touches the words that name drugs, 2 the words of the offer and some others too, 3 every word or as much as there is.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.verdict import Span
from training.evaluation import attacks_letters as letters
from training.evaluation import attacks_words as words
from training.evaluation.attacks_letters import Apply

STRENGTHS = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Attack:
    """One way to disguise a post; `what` is the sentence that a report says of it.

    Held out: never used to augment training, so that the report shows attacks nobody prepared for.
    """

    name: str
    what: str
    apply: Apply
    held_out: bool = False


ATTACKS: tuple[Attack, ...] = (
    Attack("leet", "letters become digits and signs: k3t4m1ne", letters.leet),
    Attack("homoglyphs", "letters become look-alikes of other scripts, or a font", letters.homoglyphs),
    Attack("zero_width", "unseen characters stand between letters", letters.zero_width),
    Attack("spacing", "words are spaced out: k e t", letters.spacing),
    Attack("punctuation", "marks stand between letters or for vowels: k.e.t, k*t", letters.punctuation, held_out=True),
    Attack("vowel_drop", "vowels are left out: ktmn", letters.vowel_drop),
    Attack("keyboard_typos", "slips of the finger: a key beside, swaps, gaps, doubles", letters.keyboard_typos, True),
    Attack("case", "capitals stand everywhere, or in turns: kEtAmInE", letters.case),
    Attack("emoji_swap", "emoji stand for words or inside them", words.emoji_swap),
    Attack("truncation", "the end is cut off, but not what names the drug", words.truncation),
    Attack("innocent_padding", "everyday sentences stand behind the post", words.innocent_padding),
    Attack("hashtag_stuffing", "harmless hashtags stand behind the post", words.hashtag_stuffing),
    Attack("paragraph_burying", "the post stands amid everyday sentences", words.paragraph_burying, held_out=True),
)
REHEARSABLE: tuple[Attack, ...] = tuple(attack for attack in ATTACKS if not attack.held_out)
"""The attacks that training may use."""


def attack_text(attack: Attack, text: str, spans: Sequence[Span], strength: int, *, key: str, seed: int) -> str:
    """Attack one text; the same seed, attack and key (a post's id) give the same. A text without content stays."""
    if strength not in STRENGTHS:
        raise ValueError(f"{attack.name}: found the strength {strength}, wanted one of {STRENGTHS}")
    if not text.strip():
        return text
    after = attack.apply(text, spans, strength, random.Random(f"{seed}\0{attack.name}\0{key}"))
    return after if after.strip() else text


def attack_texts(
    attack: Attack, texts: Iterable[tuple[str, str, Sequence[Span]]], strength: int, *, seed: int
) -> list[str]:
    """Attack each of (key, text, spans)."""
    return [attack_text(attack, text, spans, strength, key=key, seed=seed) for key, text, spans in texts]
