"""What the console says of a case in plain words, without a word of the post itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from models.reasons import ADVERT_VERBS, CLASS_WORDS, EVIDENCE_WORDS, OTHER_WORDS, join
from models.verdict import Intent, Kind, NpsClass, Substance

LANGUAGES = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "it": "Italian",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "sv": "Swedish",
    "cs": "Czech",
}
INTENT_WORDS = {
    Intent.SELL: "sells",
    Intent.RECRUIT: "recruits",
    Intent.PROMOTE: "points to a seller",
    Intent.SEEK: "wants to buy",
    Intent.HARM_REDUCTION: "harm reduction, recovery",
    Intent.NEWS_SCIENCE: "news, science, law",
    Intent.USE_TALK: "talk of use",
    Intent.OTHER: "something else",
}
DECISION_WORDS = {
    "advert": "advert",
    "not_advert": "not an advert",
    "unsure": "unsure",
    "escalate": "escalated",
    "undo": "taken back",
}
ADVISED = {"allow": "let through", "review": "sent to review", "act": "acted on"}
RECENT = timedelta(days=6)  # within which the name of a weekday is one day only


def summary(intent: str, substances: Sequence[Substance], span_kinds: Collection[str]) -> str:
    """Say what a post does and with what class of drug; no name of a substance, no word of the text."""
    goods = named_classes([each.nps_class for each in substances])
    slang = Kind.SLANG.value in span_kinds
    goods = goods or ("something under a slang name" if slang else "drugs that no known word names")
    signals = [words for kind, words in EVIDENCE_WORDS.items() if kind.value in span_kinds]
    with_signals = f" with {join(signals)}" if signals else ""
    asked = Intent(intent)
    if asked == Intent.RECRUIT:
        return _sentence(ADVERT_VERBS[asked] + (f" {goods}" if substances or slang else "") + with_signals)
    if asked in ADVERT_VERBS:
        return _sentence(f"{ADVERT_VERBS[asked]} {goods}{with_signals}")
    names = f", names {goods}" if substances or slang else ""
    return _sentence(OTHER_WORDS[asked] + names + with_signals)


def named_classes(classes: Sequence[NpsClass]) -> str:
    """Name classes, each once: `a cathinone and a new opioid`."""
    words = [CLASS_WORDS[nps_class] for nps_class in dict.fromkeys(classes)]
    return join([f"{'an' if word[0] in 'aeiou' else 'a'} {word}" for word in words])


def copies_since(copies: int, oldest: datetime, now: datetime) -> str:
    """Say how large a campaign is: `14 copies since Tuesday`."""
    return "1 copy" if copies == 1 else f"{copies:,} copies since {day_words(oldest, now)}"


def day_words(moment: datetime, now: datetime) -> str:
    """Name a day as people do: today, yesterday, Tuesday, 3 October."""
    moment, now = moment.astimezone(UTC), now.astimezone(UTC)
    days = (now.date() - moment.date()).days
    if days in (0, 1):
        return ("today", "yesterday")[days]
    if timedelta() < now - moment < RECENT:
        return f"{moment:%A}"
    return f"{moment.day} {moment:%B}" + (f" {moment.year}" if moment.year != now.year else "")


def ago(moment: datetime, now: datetime) -> str:
    """Say how old something is in one unit: `4 min`, `3 h`, `12 days`."""
    seconds = max((now - moment).total_seconds(), 0)
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} days"


def language(code: str | None) -> str:
    """Name a language, or give its code where we have no name."""
    return LANGUAGES.get(code, code) if code else "unknown"


def person(reviewer: str) -> str:
    """Give the name of `KEY/NAME`; a key without a name stays a key."""
    return reviewer.partition("/")[2] or reviewer


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
