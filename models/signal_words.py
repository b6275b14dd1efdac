"""The words that signals are made of: read from data/signals.toml and turned into patterns, once."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files

# What a small pattern of the data file means; every other sign stands for itself.
_NOTATION = {
    " ": r"(?:[\s-]{1,3})",
    "~": r"[\s-]?",
    "*": r"\w{0,6}",
    "#": r"\d",
    "(": "(?:",
    ")": ")",
    "|": "|",
    "?": "?",
}
_INNERMOST = re.compile(r"\(([^()]*)\)(\??)")
_ROLE = re.compile(r"<(\w+)>")


class _Fold(dict[int, str]):
    """One character for one character, so that offsets hold: lower case, no Latin accents, one dash, one apostrophe."""

    def __missing__(self, point: int) -> str:
        letter = chr(point)
        base = unicodedata.normalize("NFD", letter)[0]
        lower = (base if base.isascii() else letter).lower()
        self[point] = lower if len(lower) == 1 else letter
        return self[point]


_FOLD = _Fold({ord(a): b for a, b in zip("‐‑‒–—−’‘ʼłŁøØёЁ", "------'''lloоее", strict=True)})


def fold(text: str) -> str:
    """Fold `text` for matching; the result has the same length."""
    return text.lower() if text.isascii() else text.translate(_FOLD)


@cache
def alternation(role: str) -> str:
    """Join the entries of one role, of all languages: posts mix languages."""
    entries = {entry for listed in _table()[role].values() for entry in listed}
    # An engine takes the first alternative that fits, so the one that takes most must come first.
    return "|".join(
        small_pattern(entry) for entry in sorted(entries, key=lambda entry: (-_shortest(entry), -len(entry), entry))
    )


def _shortest(entry: str) -> int:
    """Count the letters that an entry takes at least."""
    while group := _INNERMOST.search(entry):
        least = "" if group[2] else min(group[1].split("|"), key=len)
        entry = entry[: group.start()] + least + entry[group.end() :]
    return len(entry.translate({ord("*"): None, ord("~"): None})) - 2 * entry.count("?")


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    table: dict[str, dict[str, list[str]]] = tomllib.loads(
        (files("models") / "data" / "signals.toml").read_text("utf-8")
    )
    return table


def small_pattern(entry: str) -> str:
    """Turn an entry of the data file into a regular expression over folded text."""
    ordered = _INNERMOST.sub(lambda group: f"({_longest_first(group[1])}){group[2]}", fold(entry))
    return "".join(_NOTATION.get(char) or re.escape(char) for char in ordered)


def _longest_first(alternatives: str) -> str:
    return "|".join(sorted(alternatives.split("|"), key=len, reverse=True))


def compiled(form: str) -> re.Pattern[str]:
    """Put the words of each `<role>` into a form and compile it."""
    return re.compile(_ROLE.sub(lambda match: f"(?:{alternation(match[1])})", form))
