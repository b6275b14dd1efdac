"""Near copies within a corpus, and what leaks from what trains into what is held out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from models.neardup import groups
from training.corpus import DataError, Row
from training.corpus_checks_schema import read_records, verdict_on
from training.held_out import HELD_OUT_PARTS, whole_words

MOST_COPIES = 0.10
"""Share of a part's rows that may be near copies. People who write one by one come to none; at a tenth every tenth
row teaches a template a second time, and the part counts for more than it holds."""
SIZES = ((2, 2), (3, 5), (6, 10), (11, None))


def case_texts(suite: Path | None) -> list[str]:
    """Read the texts of a functional suite; `DataError` when the folder holds none."""
    if suite is None:
        return []
    path = suite / "cases.jsonl"
    if not path.is_file():
        raise DataError(f"{path}: no such file, wanted the cases of the functional suite")
    texts = [record.get("text") for record in read_records(path)]
    if not all(isinstance(text, str) for text in texts):
        raise DataError(f"{path}: a case has no text")
    return [str(text) for text in texts]


def grouped(rows: Sequence[Row], cases: Sequence[str]) -> tuple[list[int], set[int]]:
    """Number the group of near copies of each row (rows,), and say which numbers the cases have."""
    numbers = groups([*(row.text for row in rows), *cases]).tolist()
    return numbers[: len(rows)], set(numbers[len(rows) :])


def author(row: Row) -> str:
    """Name what a row may resemble: its own minimal pair, else itself alone."""
    return f"pair {row.group}" if row.group is not None else f"row {row.id}"


def copies_check(rows: Sequence[Row], numbers: Sequence[int]) -> dict[str, Any]:
    """Give, part by part, the share of rows that are near copies of a row outside their own pair."""
    members: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row, number in zip(rows, numbers, strict=True):
        members[row.source, number].append(row)
    copied = {key: found for key, found in members.items() if len({author(row) for row in found}) > 1}
    parts = {part: one_part(part, rows, copied) for part in dict.fromkeys(row.source for row in rows)}
    too_many = {
        f"more than {MOST_COPIES:.0%} of {part} are near copies": [
            row.id for (source, _), found in copied.items() if source == part for row in found
        ]
        for part, figures in parts.items()
        if figures["share"] > MOST_COPIES
    }
    return {**verdict_on(too_many), "most": MOST_COPIES, "parts": parts, "sizes": histogram(copied.values())}


def one_part(part: str, rows: Sequence[Row], copied: dict[tuple[str, int], list[Row]]) -> dict[str, Any]:
    """Count the near copies of one part."""
    sizes = [len(found) for (source, _), found in copied.items() if source == part]
    total = sum(row.source == part for row in rows)
    return {"rows": total, "copies": sum(sizes), "share": sum(sizes) / total, "largest": max(sizes, default=0)}


def histogram(copied: Iterable[Sequence[Row]]) -> dict[str, int]:
    """Count groups by how many rows they hold."""
    sizes = Counter(len(found) for found in copied)

    def within(low: int, high: int | None) -> int:
        return sum(count for size, count in sizes.items() if low <= size and (high is None or size <= high))

    return {name_of(low, high): within(low, high) for low, high in SIZES}


def name_of(low: int, high: int | None) -> str:
    """Write a range of sizes."""
    if high is None:
        return f"{low} or more"
    return str(low) if low == high else f"{low} to {high}"


def leakage_check(
    rows: Sequence[Row], numbers: Sequence[int], *, in_cases: set[int], held_out: Sequence[str]
) -> dict[str, Any]:
    """Name the training rows that give away what is held out: near copies, kept words, and pairs that were parted."""
    training = [pair for pair in zip(rows, numbers, strict=True) if pair[0].source not in HELD_OUT_PARTS]
    kept = {number for row, number in zip(rows, numbers, strict=True) if row.source in HELD_OUT_PARTS}
    parts_of: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.group is not None:
            parts_of[row.group].add(row.source)
    word = whole_words(held_out)
    found = {
        "near copy of a test or demo post": [row.id for row, number in training if number in kept],
        "near copy of a case of the suite": [row.id for row, number in training if number in in_cases],
        "held-out word": [row.id for row, _ in training if word.search(row.text.casefold())],
        "pair in two parts": [pair for pair, parts in parts_of.items() if len(parts) > 1],
    }
    return verdict_on(found)


def words_in(rows: Iterable[Row], words: Sequence[str]) -> list[str]:
    """Give those of the words that stand whole in some row."""
    texts = [row.text.casefold() for row in rows]
    patterns = {word: whole_words([word]) for word in words}
    return [word for word, pattern in patterns.items() if any(map(pattern.search, texts))]
