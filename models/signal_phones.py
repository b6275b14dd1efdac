"""Telephone numbers: what the numbering plans of our countries allow, written as one, never any long number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice

from models.signal_words import compiled

REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "PL", "PT", "BR", "RU", "SE", "CZ")
MOST = 20
"""Candidates tried in one post: more is a table, and each costs about a millisecond."""

_CANDIDATE = re.compile(r"(?<![\w.,/#$€£+-])(?:\+|00)?\(?\d(?:[ ().\-/]{0,3}\d){7,14}(?![\w%])")
_DATE = re.compile(
    r"\d{4}[-/. ]\d{1,2}[-/. ]\d{1,2}\b|\d{1,2}[-/. ]\d{1,2}[-/. ]\d{4}\b|(?:19|20)\d\d[ /-]+(?:19|20)\d\d\b"
)
_CUE = 24  # characters before a number in which a word such as "call" speaks for it


def find_phones(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a number stands that can be called; a national one needs a cue or the grouping of its country."""
    for match in islice(_CANDIDATE.finditer(text), MOST):
        number = match[0]
        if not _DATE.match(number) and _callable(
            number, cued=bool(_cue().search(text, max(0, match.start() - _CUE), match.start()))
        ):
            yield match.span()


@cache
def _cue() -> re.Pattern[str]:
    return compiled(r"(?<!\w)<phone_cue>(?!\w)")


def _callable(number: str, *, cued: bool) -> bool:
    from phonenumbers import Leniency, PhoneNumberMatcher

    if number.startswith(("+", "00")):
        return PhoneNumberMatcher("+" + number.lstrip("+0"), None, leniency=Leniency.VALID).has_next()
    # Uncued, "94107 8361" is as likely a postcode: a number is dialled with a trunk 0, or written in three groups.
    groups = re.findall(r"\d+", number)
    if not cued and len(groups) < (2 if groups[0].startswith("0") else 3):
        return False
    leniency = Leniency.VALID if cued else Leniency.STRICT_GROUPING
    return any(PhoneNumberMatcher(number, region, leniency=leniency).has_next() for region in REGIONS)
