"""Slots to words: names, prices, quantities and contacts, all invented or from lists, marked as the codebook says."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from models.lexicon import Lexicon
from models.verdict import Kind, Status
from training.evaluation.attacks import REHEARSABLE, attack_text
from training.generator.pools import Pools, is_development
from training.placeholders import link, name, phone

SLOT = re.compile(r"\{([a-z]+)\}")
MARK = re.compile(r"\{([a-z]+)!?:([^{}]*)\}")
CURRENCIES: Mapping[str, Sequence[str]] = {
    "en": ("£{}", "${}", "€{}", "{} quid", "{}", "A${}", "R{}", "{} bucks", "£{}.00"),
    "de": ("{}€", "{} €", "{} Euro", "{}", "{}.-", "{} CHF", "{},-"),
    "fr": ("{}€", "{} €", "{} euros", "{}", "{} balles", "{} CHF", "{} $"),
    "es": ("{}€", "{} €", "${}", "{} pesos", "{}", "{} pavos", "S/{}"),
    "it": ("{}€", "{} €", "{} euro", "{}", "€{}"),
    "nl": ("€{}", "{}€", "{} euro", "{}", "{},-"),
    "pl": ("{}zł", "{} zł", "{} PLN", "{}", "{} ziko"),
    "pt": ("R${}", "R$ {}", "{}€", "{} reais", "{}", "{} conto", "{} euros"),
    "ru": ("{}₽", "{} руб", "{}р", "{}", "{} рублей"),
    "sv": ("{} kr", "{}kr", "{} spänn", "{}", "{} SEK", "{}:-"),
    "cs": ("{} Kč", "{},-", "{}", "{} korun", "{}kč"),
}
UNIT: Mapping[str, float] = {"pl": 4, "ru": 60, "sv": 10, "cs": 22}
"""What a pound or euro is about, so that prices are of a size that people pay."""
AMOUNTS = (3, 4, 5, 6, 8, 10, 12, 15, 18, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 100, 120, 150, 180, 220, 250, 300)
DRUG_QUANTITIES = ("{}g", "{} g", "{}gr", "{} g", "{}g", "{}x")
PILL_QUANTITIES = ("{}x", "{} pcs", "{}", "x{}", "{} tabs")
GOODS_QUANTITIES = ("{} pcs", "{}x", "{} kg", "{}", "{} packs", "{} pairs", "{}kg")
COUNTS = (1, 2, 3, 5, 5, 10, 10, 20, 25, 50, 100)
COMMON = frozenset(
    {
        *("3-MMC", "2-MMC", "3-CMC", "4-CMC", "mephedrone", "alpha-PVP", "MDMA", "MDPHP", "ketamine", "2-FDCK", "LSD"),
        *("1P-LSD", "1cP-LSD", "1D-LSD", "2C-B", "cocaine", "heroin", "methamphetamine", "amphetamine", "cannabis"),
        *("HHC", "THCP", "GHB", "GBL", "fentanyl", "protonitazene", "metonitazene", "isotonitazene", "bromazolam"),
        *("alprazolam", "diazepam", "clonazepam", "oxycodone", "tramadol", "pregabalin", "DMT", "psilocybin"),
        *("kratom", "O-PCE", "3-MeO-PCP", "4-AcO-DMT", "nitrous oxide", "zopiclone", "codeine", "modafinil"),
    }
)
"""Sold most: two of three names are one of these, the rest any listed one."""
FORMULA = 24  # characters: longer names are written by chemists, not by sellers


@dataclass(frozen=True, slots=True)
class Words:
    """What fills the slots of one language's frames."""

    pools: Pools
    common: Sequence[str]
    listed: Sequence[str]
    currencies: Sequence[str]

    def settled(self, rng: random.Random) -> Words:
        """Settle what one author has one of: a currency and a place."""
        fill = {**self.pools.fill, "place": [rng.choice(self.pools.fill["place"])]}
        return replace(self, pools=replace(self.pools, fill=fill), currencies=[rng.choice(self.currencies)])

    def write(self, frame: str, rng: random.Random, *, lawful: bool = False) -> str:
        """Fill a frame's slots; `lawful` writes goods and no marks."""
        text = SLOT.sub(lambda match: self.slot(match.group(1), frame, rng, lawful=lawful), frame)
        return bare(text) if lawful else text

    def slot(self, slot: str, frame: str, rng: random.Random, *, lawful: bool = False) -> str:
        """Write one slot of a frame, with its mark."""
        if slot == "substance":
            return f"{{substance:{rng.choice(self.common if self.common and rng.random() < 0.67 else self.listed)}}}"
        if slot == "price":
            return f"{{price:{price(self.pools.lang, self.currencies, rng)}}}"
        if slot == "quantity":
            shapes = GOODS_QUANTITIES if lawful else PILL_QUANTITIES if "{medicine}" in frame else DRUG_QUANTITIES
            return f"{{quantity:{rng.choice(shapes).format(rng.choice(COUNTS))}}}"
        if slot == "contact":
            return f"{{contact:{contact_for(frame, rng)}}}"
        word = rng.choice(self.pools.fill[slot])
        kinds = {"slang": Kind.SLANG, "cover": Kind.SLANG, "emoji": Kind.SLANG, "medicine": Kind.SUBSTANCE}
        return f"{{{kinds[slot]}:{word}}}" if slot in kinds else word


def words_of(pools: Pools, lexicon: Lexicon, *, development: bool, banned: re.Pattern[str]) -> Words:
    """Choose the names of substances that a part may use: names alone, not formulas, and none kept for the test."""
    named = {
        term.surface: term.substance
        for term in lexicon.terms
        if term.kind == "substance"
        and term.status == Status.CONFIRMED
        and term.ambiguity in {"none", "low"}
        and term.lang in {"*", pools.lang}
        and len(term.surface) <= FORMULA
        and is_development(term.substance) == development
        and not banned.search(term.surface.casefold())
    }
    common = sorted(surface for surface, substance in named.items() if substance in COMMON)
    return Words(pools, common, sorted(named), CURRENCIES[pools.lang])


def contact_for(frame: str, rng: random.Random) -> str:
    """Invent a contact of the kind that the frame speaks of: a mail address, a number, a link, else a handle."""
    if MAIL.search(frame):
        return f"{name(rng)}@example.com"
    if PHONE.search(frame):
        return phone(rng)
    if LINK.search(frame):
        return link(rng)
    return f"@{name(rng)}" if rng.random() < 0.8 else name(rng)


def price(lang: str, currencies: Sequence[str], rng: random.Random) -> str:
    """Write a price of a usual size in one of these ways."""
    amount = rng.choice(AMOUNTS) * UNIT.get(lang, 1)
    rounded = round(amount, -1) if amount >= 100 else round(amount)
    return rng.choice(currencies).format(f"{int(rounded)}")


def bare(marked: str, *, kinds: frozenset[str] = frozenset()) -> str:
    """Take marks off, all but those of some kinds."""
    return MARK.sub(lambda match: match.group() if match.group(1) in kinds else match.group(2), marked)


def disguise(marked: str, rng: random.Random) -> str:
    """Hide the drug words of a text by an attack that is not held out, and say so in their marks."""
    attack = rng.choice([each for each in REHEARSABLE if each.name in LETTERS])

    def hide(match: re.Match[str]) -> str:
        kind, word = match.groups()
        if kind not in {"substance", "slang"}:
            return match.group()
        hidden = attack_text(attack, word, (), 3, key=word, seed=rng.randrange(2**31)).strip()
        return match.group() if hidden == word or "{" in hidden or "}" in hidden else f"{{{kind}!:{hidden}}}"

    return MARK.sub(hide, marked)


MAIL = re.compile(r"mail|e-post|пошт|почт|poczt|correo|\u2709", re.IGNORECASE)
PHONE = re.compile(
    r"\b(?:call|ring|text|phone|line|number|ruf|anruf|nummer|t[eé]l\b|t[eé]l[eé]f|appel|num|llam|chiam|bel\b)"
    r"|\bdzwo|\btlf|\bligue|\bzap\b|\bwhatsapp|\bwa\b|звон|\bтел\b|телеф|номер|zvol|volej|вацап|📞|☎",
    re.IGNORECASE,
)
LINK = re.compile(
    r"\b(?:link|site|web|www|url|shop|onion|strona|sklep|tienda|boutique|winkel)|сайт|ссылк|🔗|🌐", re.IGNORECASE
)
LETTERS = frozenset({"leet", "homoglyphs", "zero_width", "spacing", "vowel_drop"})
"""Attacks on the letters of a word."""
