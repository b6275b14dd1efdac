"""CSV records that survive a stray quote: Python's parser, one record at a time, with a way back."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_RECORD = 4 * 2**20  # characters; what holds more is no post, and an unclosed quote must not swallow a file

Numbered = tuple[int, str | None]
"""A line and its number; None stands for a line too long to hold."""


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one record and the line it began on; with a fault it has none."""

    number: int
    cells: tuple[str, ...] = ()
    fault: str = ""


def records(lines: Iterator[Numbered], delimiter: str) -> Iterator[Record]:
    """Parse record by record; after a fault go on at the line after the one where the record began.

    A quote that is never closed would otherwise take every line after it along. Blank lines are passed over.
    """
    csv.field_size_limit(MAX_RECORD + 1)  # Python's own limit is 128 KB
    again: deque[Numbered] = deque()
    while True:
        taken: list[Numbered] = []
        # strict: what is left open or follows a closing quote is an error, not a guess
        reader = csv.reader(_taking(again, lines, taken), delimiter=delimiter, strict=True)
        try:
            cells = next(reader, [])
        except csv.Error as error:
            again.extendleft(reversed(taken[1:]))
            yield Record(taken[0][0], fault=f"is not CSV, perhaps a stray quote: {error}")
            continue
        if not taken:
            return
        number, line = taken[0]
        if line is None:
            yield Record(number, fault=f"is longer than {MAX_RECORD} characters")
        elif cells:
            yield Record(number, tuple(cells))


def _taking(again: deque[Numbered], lines: Iterator[Numbered], taken: list[Numbered]) -> Iterator[str]:
    """Hand the parser lines, those it gave back first, until a record is too large to go on with."""
    characters = 0
    while characters <= MAX_RECORD:
        numbered: Any = again.popleft() if again else next(lines, None)
        if numbered is None:
            return
        taken.append(numbered)
        if numbered[1] is None:
            return
        characters += len(numbered[1])
        yield numbered[1]
