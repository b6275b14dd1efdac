"""Undo what hides a word from a reader of text, and keep the way back to the original offsets.

The steps are in `characters` and `disguise`. Not for spelling, slang or translation: honest text stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.characters import Edit, characters, look_alikes
from models.disguise import leet, repeats, spelled

# Undoing one disguise may lay bare another. 15,000 real posts needed one round that changes anything, 150,000 random
# strings of disguises five at most; a text that needs more than this is read as far as it goes.
ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Normalised:
    """A text as it reads once its disguises are undone. Offsets count code points; `text[i]` stands for
    `original[starts[i]:ends[i]]`; `disguised[i]` says that it was hidden, which mere typography is not.
    """

    original: str
    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    disguised: Sequence[bool]

    def to_original(self, start: int, end: int) -> tuple[int, int]:
        """Say where `text[start:end]` stands in the original, both half-open."""
        if start >= min(end, len(self.text)):
            at = self.starts[start] if start < len(self.text) else len(self.original)
            return at, at
        return self.starts[start], self.ends[min(end, len(self.text)) - 1]

    def is_disguised(self, start: int, end: int) -> bool:
        """Say whether any of `text[start:end]` was hidden."""
        return any(self.disguised[start:end])


def normalise(texts: Sequence[str]) -> list[Normalised]:
    """Read each text without its disguises. Never raises; a text with none comes back as it is."""
    return [_read(text) for text in texts]


def as_written(texts: Sequence[str]) -> list[Normalised]:
    """Read each text as it stands: what reading costs without the normaliser."""
    return [_unread(text) for text in texts]


def _unread(text: str) -> Normalised:
    return Normalised(text, text, range(len(text)), range(1, len(text) + 1), (False,) * len(text))


def _read(text: str) -> Normalised:
    read = _unread(text)
    for _ in range(ROUNDS):
        before = read.text
        for step in (characters, look_alikes, spelled, leet, repeats):
            edits = list(step(read.text))
            if edits:
                read = _apply(read, edits)
        if read.text == before:
            break
    return read


def _apply(read: Normalised, edits: list[Edit]) -> Normalised:
    """Make the edits, which are in order and do not overlap."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    disguised: list[bool] = []
    at, behind = 0, False
    for start, end, put, hidden in [*edits, (len(read.text), len(read.text), "", False)]:
        pieces += (read.text[at:start], put)
        starts += read.starts[at:start]
        ends += read.ends[at:start]
        disguised += read.disguised[at:start]
        if behind and at < start:
            disguised[at - start] = True
        behind = (hidden or read.is_disguised(start, end)) and (not put or (behind and at == start))
        if put:
            starts += (read.starts[start],) * len(put)
            ends += (read.ends[end - 1],) * len(put)
            disguised += (hidden or behind or read.is_disguised(start, end),) * len(put)
            behind = False
        at = end
    return Normalised(read.original, "".join(pieces), starts, ends, disguised)
