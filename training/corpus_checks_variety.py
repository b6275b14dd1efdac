"""How varied posts are, part by part and language by language: figures to compare by, no mark to pass.

Every figure of variety falls as a text grows, so a part is compared with the hand-written one at the same number of
words.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

from training.corpus import Row
from training.corpus_checks_copies import author

Words = Sequence[str]
Posts = Sequence[tuple[str, Words]]
"""Each post's author, as `author` names it, and its words."""

HAND_WRITTEN = "train"
DISTINCT = (1, 2, 3)
RUN = 6
"""Words in a row that two people seldom write alike: shorter runs are idiom, longer ones miss a changed word."""
_WORD = re.compile(r"@\w[\w.]*|\w+")


def variety(rows: Sequence[Row]) -> dict[str, Any]:
    """Measure each part and language, and beside it the hand-written part at the same number of words."""
    posts: dict[str, dict[str, list[tuple[str, Words]]]] = {}
    for row in sorted(rows, key=lambda row: (row.source != HAND_WRITTEN, row.source, str(row.lang))):
        posts.setdefault(row.source, {}).setdefault(str(row.lang), []).append((author(row), words_of(row.text)))
    written = posts.get(HAND_WRITTEN, {})
    return {
        "parts": {
            part: {
                lang: measured(found, [] if part == HAND_WRITTEN else written.get(lang, []))
                for lang, found in langs.items()
            }
            for part, langs in posts.items()
        }
    }


def words_of(text: str) -> list[str]:
    """Split a text into words; numbers are one word and handles another, whose variety anybody can draw at random."""
    return ["@" if word[0] == "@" else "0" if word.isdigit() else word for word in _WORD.findall(text.casefold())]


def measured(posts: Posts, written: Posts) -> dict[str, Any]:
    """Measure posts whole, and again beside hand-written ones where there are any."""
    total = size(posts)
    figures: dict[str, Any] = {"posts": len(posts), "mean_words": total / len(posts), **figures_of(posts)}
    common = min(total, size(written))
    if common:
        part, train = figures_of(sample(posts, common)), figures_of(sample(written, common))
        figures["same_size"] = {"words": common, "part": part, "train": train}
    return figures


def size(posts: Posts) -> int:
    """Count the words."""
    return sum(len(words) for _, words in posts)


def sample(posts: Posts, wanted: int) -> list[tuple[str, Words]]:
    """Draw posts, the same ones every time, until there are so many words; the last is cut."""
    taken: list[tuple[str, Words]] = []
    for name, words in random.Random(len(posts)).sample(posts, len(posts)):
        taken.append((name, words[:wanted]))
        wanted -= len(words)
        if wanted <= 0:
            break
    return taken


def figures_of(posts: Posts) -> dict[str, Any]:
    """Give distinct-1, -2 and -3, and the share of six-word runs that another pair's post holds too."""
    return {"distinct": [distinct(posts, length) for length in DISTINCT], "repeated": repeated(posts)}


def distinct(posts: Posts, length: int) -> float | None:
    """Give the share of runs of so many words that are different ones; `None` where there are none."""
    runs = [run for _, words in posts for run in runs_of(words, length)]
    return len(set(runs)) / len(runs) if runs else None


def repeated(posts: Posts) -> float | None:
    """Give the share of six-word runs that stand in a post of another author too; `None` where there are none."""
    first: dict[tuple[str, ...], str] = {}
    shared: set[tuple[str, ...]] = set()
    runs = [(name, run) for name, words in posts for run in runs_of(words, RUN)]
    for name, run in runs:
        if first.setdefault(run, name) != name:
            shared.add(run)
    return sum(run in shared for _, run in runs) / len(runs) if runs else None


def runs_of(words: Words, length: int) -> list[tuple[str, ...]]:
    """List every run of so many words."""
    return list(zip(*(words[start:] for start in range(length)), strict=False))
