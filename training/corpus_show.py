"""`npsight corpus show`: some posts of each language to read, marked as their author marked them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.corpus import Row
from training.corpus_checks_schema import read_parts, readable
from training.markup import mark


def show_posts(folder: Path, *, each: int, parts: Sequence[str] = (), seed: int = 7) -> Iterator[str]:
    """Draw so many posts of each language, of some parts or of all, and write each as a line with its marks."""
    rows = [row for row in readable(read_parts(folder)) if not parts or row.source in parts]
    for lang in sorted({str(row.lang) for row in rows}):
        own = sorted((row for row in rows if str(row.lang) == lang), key=lambda row: row.id)
        for row in random.Random(seed).sample(own, min(each, len(own))):
            yield line(row)


def line(row: Row) -> str:
    """Write a post as language, part, intent and marked text, line breaks as a sign."""
    intent = " or ".join(sorted(row.intents))
    return f"{row.lang}  {row.source:9}  {intent:14}  {mark(row.text, list(row.spans or ())).replace(chr(10), ' ⏎ ')}"
