"""The words of npsight as values: a post goes in, a verdict that can explain itself comes out.

Only the standard library is imported here, so every other file may stand on this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Intent(StrEnum):
    """What the author does with drugs. The order is the order of the logits, everywhere."""

    SELL = "sell"
    RECRUIT = "recruit"
    PROMOTE = "promote"
    SEEK = "seek"
    HARM_REDUCTION = "harm_reduction"
    NEWS_SCIENCE = "news_science"
    USE_TALK = "use_talk"
    OTHER = "other"


INTENTS: tuple[Intent, ...] = tuple(Intent)
ADVERT_INTENTS: frozenset[Intent] = frozenset({Intent.SELL, Intent.RECRUIT, Intent.PROMOTE})
LANGUAGES: tuple[str, ...] = ("en", "de", "fr", "es", "it", "nl", "pl", "pt", "ru", "sv", "cs")


class Kind(StrEnum):
    """What a span is."""

    SUBSTANCE = "substance"
    SLANG = "slang"
    PRICE = "price"
    QUANTITY = "quantity"
    CONTACT = "contact"
    PAYMENT = "payment"
    SHIPPING = "shipping"


TERM_KINDS: frozenset[Kind] = frozenset({Kind.SUBSTANCE, Kind.SLANG})


class Decision(StrEnum):
    """What the policy advises. A flag is any decision but `allow`."""

    ALLOW = "allow"
    REVIEW = "review"
    ACT = "act"


class Status(StrEnum):
    """How far a term is to be trusted."""

    CANDIDATE = "candidate"
    CONFIRMED = "confirmed"
    AMBIGUOUS = "ambiguous"
    RETIRED = "retired"


class NpsClass(StrEnum):
    """The classes of the EU Early Warning System, extended; then controlled drugs and medicines."""

    SYNTHETIC_CANNABINOIDS = "synthetic_cannabinoids"
    SEMI_SYNTHETIC_CANNABINOIDS = "semi_synthetic_cannabinoids"
    CATHINONES = "cathinones"
    PHENETHYLAMINES = "phenethylamines"
    OPIOIDS = "opioids"
    BENZODIAZEPINES = "benzodiazepines"
    ARYLCYCLOHEXYLAMINES = "arylcyclohexylamines"
    TRYPTAMINES = "tryptamines"
    LYSERGAMIDES = "lysergamides"
    AMINOINDANES = "aminoindanes"
    PIPERAZINES = "piperazines"
    PIPERIDINES_PYRROLIDINES = "piperidines_pyrrolidines"
    ARYLALKYLAMINES = "arylalkylamines"
    PLANTS_EXTRACTS = "plants_extracts"
    GHB_LIKE = "ghb_like"
    INHALANTS = "inhalants"
    OTHER = "other"
    CONTROLLED = "controlled"
    MEDICINES = "medicines"


@dataclass(frozen=True, slots=True)
class Post:
    """One text to judge. `author` is opaque; `country` is ISO 3166-1 alpha-2."""

    id: str
    text: str
    lang: str | None = None
    author: str | None = None
    platform: str | None = None
    country: str | None = None
    created_at: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of the original text, in Unicode code points, and what it is evidence of.

    `source` is `lexicon`, `rule` or `model`; `term` is the canonical name where one is known.
    """

    start: int
    end: int
    kind: Kind
    text: str
    obfuscated: bool = False
    term: str | None = None
    nps_class: NpsClass | None = None
    status: Status | None = None
    source: str = "rule"


@dataclass(frozen=True, slots=True)
class Substance:
    """A substance that the spans of a post name."""

    name: str
    nps_class: NpsClass
    status: Status


@dataclass(frozen=True, slots=True)
class Verdict:
    """What npsight says of one post, why, and which versions said it."""

    id: str
    decision: Decision
    advert_probability: float
    intents: Mapping[Intent, float]
    spans: Sequence[Span] = ()
    substances: Sequence[Substance] = ()
    reasons: Sequence[str] = ()
    lang: str | None = None
    warnings: Sequence[str] = ()
    release: str = ""
    lexicon: str = ""
    policy: str = ""

    @property
    def intent(self) -> Intent:
        """The most probable intent."""
        return max(INTENTS, key=lambda intent: self.intents[intent])

    def __str__(self) -> str:
        why = "; ".join(self.reasons) or "no reason found"
        return f"{self.id}: {self.decision} ({self.advert_probability:.1%} advert, {self.intent}): {why}"


Detect = Callable[[Sequence[Post]], list[Verdict]]
"""The architecture in one type: the API, the batch scorer and the evaluator each take one."""
