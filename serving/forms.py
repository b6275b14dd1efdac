"""What the fields of a post must look like: one sentence a fault, the same for the API and for files.

Each check returns what is wrong, or None. No sentence quotes the value: a post's text belongs in no error and no log.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

COUNTRY = r"^[A-Z]{2}$"
LANG = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$"
_SURROGATE = re.compile("[\ud800-\udfff]")


def character_fault(value: str) -> str | None:
    """Refuse what cannot be encoded again, or what databases and C libraries cut short."""
    if "\0" in value:
        return "has a NUL character"
    if _SURROGATE.search(value):
        return "has a lone surrogate, or bytes that are not UTF-8"
    return None


def text_fault(text: str) -> str | None:
    """Refuse a text that holds nothing to judge."""
    if not text or text.isspace():
        return "is empty or only white space"
    return character_fault(text)


def country_fault(country: str) -> str | None:
    """Refuse what is not of the form of an ISO 3166-1 alpha-2 code; the list itself changes and is not kept here."""
    return None if re.fullmatch(COUNTRY, country) else "is not two capital letters (ISO 3166-1 alpha-2)"


def lang_fault(lang: str) -> str | None:
    """Refuse what is not of the form of a BCP 47 tag."""
    return None if re.fullmatch(LANG, lang) else "is not a language tag such as en or pt-BR"


def created_at_fault(created_at: str) -> str | None:
    """Refuse what is not an ISO 8601 date or date and time."""
    try:
        datetime.fromisoformat(created_at)
    except ValueError:
        return "is not an ISO 8601 date or time"
    return character_fault(created_at)  # any one character may stand between date and time


FAULT_OF: Mapping[str, Callable[[str], str | None]] = {
    "lang": lang_fault,
    "author": character_fault,
    "platform": character_fault,
    "country": country_fault,
    "created_at": created_at_fault,
}
"""The check for each optional field of a post."""
