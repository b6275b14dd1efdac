"""Blocks of a Markdown file that are generated: what stands between two marks is written anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from training.corpus import DataError


def with_block(text: str, opened: str, closed: str, block: Callable[[], str]) -> str | None:
    """Write the block, made only then, between its two marks; `None` when the text has no such marks in this order."""
    before, found, rest = text.partition(opened)
    _, ended, after = rest.partition(closed)
    return f"{before}{opened}\n{block()}\n{closed}{after}" if found and ended else None


def stamp_block(card: Path, opened: str, closed: str, block: Callable[[], str]) -> None:
    """Write the block into a file, between its two marks; `DataError` when the file has none."""
    stamped = with_block(card.read_text(encoding="utf-8"), opened, closed, block)
    if stamped is None:
        raise DataError(f"{card}: no {opened} ... {closed} there to write the figures into")
    card.write_text(stamped, encoding="utf-8")
