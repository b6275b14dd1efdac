"""Blocks of a Markdown file that are generated: what stands between two marks is written anew."""

from __future__ import annotations

from collections.abc import Callable


def with_block(text: str, opened: str, closed: str, block: Callable[[], str]) -> str | None:
    """Write the block, made only then, between its two marks; `None` when the text has no such marks in this order."""
    before, found, rest = text.partition(opened)
    _, ended, after = rest.partition(closed)
    return f"{before}{opened}\n{block()}\n{closed}{after}" if found and ended else None
