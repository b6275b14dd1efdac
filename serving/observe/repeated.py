"""Which words that only the model took for drug names may be counted by name: those that several people wrote.

Such a word may be a nickname or a street. It is counted once three posts by three authors held it within a day; until
then it stays in memory and is forgotten at the day's end. Posts without an author count as one author together.
"""

from __future__ import annotations

from dataclasses import dataclass, field

POSTS, AUTHORS = 3, 3
MOST_WORDS = 10_000  # held at once; the oldest goes first


@dataclass(slots=True)
class Seen:
    """How often a word was seen, and by how many; past the thresholds no more is kept of its authors."""

    posts: int = 0
    authors: set[int | None] = field(default_factory=set)


class Repeated:
    """The words of one day, in this process only."""

    def __init__(self) -> None:
        self._day = ""
        self._seen: dict[str, Seen] = {}
        self._known: dict[str, None] = {}

    def count(self, word: str, author: int | None, *, day: str) -> int:
        """Give how many posts are to be counted for this word now: none yet, those held back and this one, or one."""
        if day != self._day:
            self._day, self._seen, self._known = day, {}, {}
        if word in self._known:
            return 1
        seen = self._seen.setdefault(word, Seen())
        seen.posts += 1
        seen.authors.add(author)
        if seen.posts < POSTS or len(seen.authors) < AUTHORS:
            _forget_oldest(self._seen)
            return 0
        del self._seen[word]
        self._known[word] = None
        _forget_oldest(self._known)
        return seen.posts


def _forget_oldest(words: dict[str, Seen] | dict[str, None]) -> None:
    if len(words) > MOST_WORDS:
        del words[next(iter(words))]
