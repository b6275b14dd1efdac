"""Measure how often a term stands in benign posts, and say from that how far the word may be trusted alone.

`find` does not know a post's language, so the worst language decides: a German word that English uses daily is
ambiguous everywhere.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.lexicon import Lexicon, Term
from models.spelling import fold
from training.lexicon_rules import Hand

# Sources that talk of drugs: their counts would make every drug name ambiguous.
TALK_ONLY = ("reddit_opiates", "reddit_psychonaut", "reddit_microdosing", "silkroad_forum")
DRUG_TALK = (*TALK_ONLY, "smokpro_tweets", "gauravbg_tweets", "denisious_tweets", "agora", "dream")
DRUGS = "drugs"  # beside the languages, the counts over adverts and drug talk
# Posts in 10,000. A low term may stand alone; a medium or high one needs evidence beside it; above FLOOD even that says
# nothing ("up", "her") and the term is left out. Chosen so that the clear terms touch about 2 ordinary tweets in 1,000.
LOW, MEDIUM, HIGH, FLOOD = 0.15, 0.5, 5.0, 60.0
LEVELS = ("none", "low", "medium", "high")
# A slang word that no benign post holds may still be an ordinary one ("accordion"). It stands alone only where drug
# texts hold it, at least this often and this many times as often as benign posts.
SEEN, LIFT = 3, 10.0


@dataclass(frozen=True, slots=True)
class Benign:
    """Counts over benign posts by language, and over drug texts: posts, and posts that hold a surface or a word."""

    posts: Counter[str]
    surfaces: dict[str, Counter[str]]
    words: dict[str, Counter[str]]

    def worst(self, surface: str) -> tuple[float, int, str]:
        """Return (posts in 10,000, posts, language) where the surface is commonest; one post is chance."""
        seen = [(lang, counts[surface]) for lang, counts in self.surfaces.items() if lang != DRUGS]
        rates = [(max(count - 1, 0) * 1e4 / self.posts[lang], count, lang) for lang, count in seen if count]
        return max(rates, default=(0.0, 0, ""))

    def commonness(self, word: str) -> float:
        """Return the word's highest rate in 10,000 over the languages; one post is chance."""
        seen = [(lang, counts[fold(word)]) for lang, counts in self.words.items() if lang != DRUGS]
        return max((max(count - 1, 0) * 1e4 / self.posts[lang] for lang, count in seen), default=0.0)

    def proper(self, surface: str) -> bool:
        """Tell whether drug texts hold the surface so much oftener than benign posts that it means a drug there."""
        held = self.surfaces.get(DRUGS, Counter())[surface]
        return held >= SEEN and held * 1e4 / self.posts[DRUGS] >= LIFT * (self.worst(surface)[0] + 0.1)


def read_posts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (language, text) of the rows that are neither adverts nor drug talk, else (DRUGS, text)."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if row["label"] == "drug_ad" or (row["label"] == "not_ad" and row["src"].startswith(TALK_ONLY)):
                yield DRUGS, row["text"]
            elif row["label"] == "not_ad" and not row["src"].startswith(DRUG_TALK):
                yield row["lang"], row["text"]


def count(terms: Sequence[Term], posts: Iterable[tuple[str, str]]) -> Benign:
    """Count every surface, with its spellings and plural, as the lexicon itself would find it."""
    lexicon = Lexicon(terms)
    totals: Counter[str] = Counter()
    surfaces: dict[str, Counter[str]] = {}
    words: dict[str, Counter[str]] = {}
    for lang, text in posts:
        totals[lang] += 1
        surfaces.setdefault(lang, Counter()).update(lexicon.surfaces_in(text))
        words.setdefault(lang, Counter()).update(set(re.findall(r"\w+", fold(text))))
    return Benign(totals, surfaces, words)


def level(term: Term, benign: Benign, hand: Hand) -> str | None:
    """Return the ambiguity of a term, or None where the word is too common to be evidence of anything."""
    rate, _, _ = benign.worst(term.surface)
    measured = "none" if rate < LOW else "low" if rate < MEDIUM else "medium" if rate < HIGH else "high"
    if hand.one("clear", term.surface) is not None:
        return min(measured, "low", key=LEVELS.index)
    if rate >= FLOOD:
        return None
    floor = max(hand.one("doubt", term.surface) or "none", _shape(term), _plain(term, benign), key=LEVELS.index)
    return max(measured, floor, key=LEVELS.index)


def _shape(term: Term) -> str:
    """Short forms fit anything: two characters, or three that are no code such as `2C-E` or `3-FA`."""
    letters = re.sub(r"\W", "", term.surface)
    if not letters:  # emoji
        return "medium"
    code = re.fullmatch(r"\d[A-Za-z]-[A-Za-z]|\d-[A-Za-z]{2}", term.surface)
    return "high" if len(letters) <= 2 else "medium" if len(letters) == 3 and not code else "none"


def _plain(term: Term, benign: Benign) -> str:
    """Slang is an ordinary word until drug texts show otherwise; phrases of very common words prove nothing even then.

    So is an alias in plain letters that benign posts hold: "Croc" is no name of its own, as "methylone" is.
    """
    if term.kind == "substance":
        own = fold(term.surface) == fold(term.substance) or not term.surface.isalpha() or term.source == "hand"
        return "none" if own or not benign.worst(term.surface)[1] or benign.proper(term.surface) else "medium"
    words = re.findall(r"\w+", term.surface)
    rates = [benign.commonness(word) for word in words]
    if len(words) > 1 and min(rates) >= 1.0:
        return "high" if min(rates) >= 10.0 else "medium"
    shown = term.lang in ("*", "en") and benign.proper(term.surface)  # drug texts are English
    return "none" if term.kind == "strain" or shown else "medium"
