"""A decision and its evidence, said in the plain words that a moderator reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.policy import advert_probability, top_advert
from models.verdict import (
    ADVERT_INTENTS,
    INTENTS,
    TERM_KINDS,
    Decision,
    Intent,
    Kind,
    NpsClass,
    Span,
    Status,
    Substance,
)

ADVERT_VERBS = {
    Intent.SELL: "offers",
    Intent.RECRUIT: "recruits people to carry, receive, grow or sell",
    Intent.PROMOTE: "points to a seller of",
}
OTHER_WORDS = {
    Intent.SEEK: "reads as someone who wants to buy",
    Intent.HARM_REDUCTION: "reads as harm reduction or recovery",
    Intent.NEWS_SCIENCE: "reads as news, science, medicine or law",
    Intent.USE_TALK: "reads as talk of use",
    Intent.OTHER: "reads as something else than drugs",
}
EVIDENCE_WORDS = {
    Kind.PRICE: "a price",
    Kind.QUANTITY: "a quantity",
    Kind.CONTACT: "a contact",
    Kind.PAYMENT: "a way to pay",
    Kind.SHIPPING: "delivery or a drop",
}
CLASS_WORDS = {
    NpsClass.SYNTHETIC_CANNABINOIDS: "synthetic cannabinoid",
    NpsClass.SEMI_SYNTHETIC_CANNABINOIDS: "semi-synthetic cannabinoid",
    NpsClass.CATHINONES: "cathinone",
    NpsClass.PHENETHYLAMINES: "phenethylamine",
    NpsClass.OPIOIDS: "new opioid",
    NpsClass.BENZODIAZEPINES: "designer benzodiazepine",
    NpsClass.ARYLCYCLOHEXYLAMINES: "arylcyclohexylamine",
    NpsClass.TRYPTAMINES: "tryptamine",
    NpsClass.LYSERGAMIDES: "lysergamide",
    NpsClass.AMINOINDANES: "aminoindane",
    NpsClass.PIPERAZINES: "piperazine",
    NpsClass.PIPERIDINES_PYRROLIDINES: "piperidine or pyrrolidine",
    NpsClass.ARYLALKYLAMINES: "arylalkylamine",
    NpsClass.PLANTS_EXTRACTS: "plant or extract",
    NpsClass.GHB_LIKE: "GHB-like",
    NpsClass.INHALANTS: "inhalant",
    NpsClass.OTHER: "other psychoactive substance",
    NpsClass.CONTROLLED: "controlled drug",
    NpsClass.MEDICINES: "medicine",
}
MOST_NAMED = 3
"""More names than this make a reason a list and no longer a sentence."""


def reasons(
    decision: Decision, intents: Mapping[Intent, float], spans: Sequence[Span], substances: Sequence[Substance]
) -> list[str]:
    """Name the evidence for a flag, or for the likelier side of what is allowed; never empty."""
    named = name_substances(spans, substances)
    if decision == Decision.ALLOW and advert_probability(intents) < 0.5:
        top = max((intent for intent in INTENTS if intent not in ADVERT_INTENTS), key=lambda intent: intents[intent])
        return [f"{OTHER_WORDS[top]}, naming {named}" if named else OTHER_WORDS[top]]
    signals = [words for kind, words in EVIDENCE_WORDS.items() if any(span.kind == kind for span in spans)]
    goods = named or "something that the wording as a whole gives away as drugs"
    said = [f"{ADVERT_VERBS[top_advert(intents)]} {goods}" + (f" with {join(signals)}" if signals else "")]
    hidden = [span.text for span in spans if span.obfuscated]
    if hidden:
        said.append(f"disguised spelling: {join(quote_all(hidden))}")
    return said


def name_substances(spans: Sequence[Span], substances: Sequence[Substance]) -> str:
    """Name substances with their class, the sure ones before the doubtful, else the words that stand for drugs.

    Empty when there are none.
    """
    sure = [each for each in substances if each.status != Status.AMBIGUOUS]
    if substances:
        names = [f"{each.name} ({CLASS_WORDS[each.nps_class]})" for each in sure or substances]
    else:
        names = quote_all(list(dict.fromkeys(span.text for span in spans if span.kind in TERM_KINDS)))
    extra = len(names) - MOST_NAMED
    return join(names[:MOST_NAMED] + ([f"{extra} more"] if extra > 0 else []))


def quote_all(words: Sequence[str]) -> list[str]:
    """Put each in quotation marks."""
    return [f"“{word}”" for word in words]


def join(words: Sequence[str]) -> str:
    """Join as a sentence does: a, b and c."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)
