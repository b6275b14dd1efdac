"""Slots to words: names, prices, quantities and contacts, all invented or from lists, marked as the codebook says."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from models.lexicon import Lexicon
from models.verdict import Kind, NpsClass, Status
from training.evaluation.attacks import REHEARSABLE, attack_text
from training.generator.pools import Pools, bare_of_tags, is_development, tags_of
from training.generator.trade import COUNTRIES, FORMS, WARES, form_of, total, write_price, write_quantity
from training.placeholders import link, name

SLOT = re.compile(r"\{([a-z]+)\}")
MARK = re.compile(r"\{([a-z]+)!?:([^{}]*)\}")
LAST = frozenset({"quantity", "price", "quote"})
"""Slots that are filled when all words are known."""
PLAIN = re.compile(r"[^\W\d_]{3,12}")
"""What a seller disguises: one word of letters, not a phrase or a sign."""
FORMULA = 10  # characters: longer names are written by chemists, not by sellers
SAID = frozenset(
    {
        *(NpsClass.CATHINONES, NpsClass.ARYLCYCLOHEXYLAMINES, NpsClass.LYSERGAMIDES, NpsClass.TRYPTAMINES),
        *(NpsClass.PHENETHYLAMINES, NpsClass.SYNTHETIC_CANNABINOIDS),
    }
)
"""Classes whose members are sold by short names with figures, written alike in all languages."""
RARER = 0.25
"""Share of drug names from the lexicon; the others are the common ones of the pool, as the language writes them."""


@dataclass(frozen=True, slots=True)
class Words:
    """What fills the slots of one language's frames; once settled, in one country, place and money."""

    whole: Pools
    rarer: Mapping[str, Sequence[str]]
    country: str = ""
    place: str = ""
    shape: str = ""
    habit: int = 0
    ware: str = "thing"
    form: str = "powder"

    @property
    def pools(self) -> Pools:
        """The fragments that fit here."""
        return self.whole.fitting(frozenset({self.country, self.ware, self.form}))

    def settled(self, rng: random.Random) -> Words:
        """Settle what one post has one of: place, country, ways to write sums, a form, a ware."""
        countries = COUNTRIES[self.whole.lang]
        place = rng.choice(self.whole.fill["place"])
        country = rng.choice(sorted(tags_of(place)) or list(countries))
        form = rng.choices(list(FORMS), [form.weight for form in FORMS.values()])[0]
        shape = rng.choice(countries[country].shapes)
        return replace(
            self,
            country=country,
            place=bare_of_tags(place),
            shape=shape,
            habit=rng.randrange(12),
            ware=rng.choice(list(WARES)),
            form=form,
        )

    def write(self, frame: str, rng: random.Random, *, lawful: bool = False) -> str:
        """Fill a frame's slots; `lawful` writes goods and no marks."""
        text = self.priced(self.named(frame, rng), rng, lawful=lawful)
        return bare(text) if lawful else text

    def named(self, frame: str, rng: random.Random) -> str:
        """Fill all slots of a frame but quantity and price."""
        return SLOT.sub(
            lambda match: match.group() if match.group(1) in LAST else self.slot(match.group(1), frame, rng), frame
        )

    def priced(
        self, named: str, rng: random.Random, *, like: str = "", lawful: bool = False, count: int | None = None
    ) -> str:
        """Fill in the quantity and its price, that of the drug named here or in what came before (`like`)."""
        form = "pill" if lawful else self.form
        usual = 1 if lawful else FORMS[form].counts[1]  # what a price is for that names no quantity
        count = count or (rng.choice(FORMS[form].counts) if "{quantity}" in named else usual)
        euro = total(count, self.unit_price(like + named, lawful=lawful))
        money = COUNTRIES[self.whole.lang][self.country]
        filled = {
            "quantity": write_quantity(count, form, self.whole.lang, self.habit),
            "price": write_price(euro, money, self.shape),
        }
        return SLOT.sub(
            lambda match: (
                f"{{{match.group(1)}:{filled[match.group(1)]}}}" if match.group(1) in filled else match.group()
            ),
            named,
        )

    def unit_price(self, said: str, *, lawful: bool) -> float:
        """Price one gram, millilitre or piece: one thing has one price at one place."""
        thing = said if lawful else "".join(word for kind, word in MARK.findall(said) if kind in {"substance", "slang"})
        return random.Random(f"{self.place} {thing}").choice(
            WARES[self.ware] if lawful else FORMS[self.form].unit_prices
        )

    def slot(self, slot: str, frame: str, rng: random.Random) -> str:
        """Write one slot of a frame, with its mark."""
        if slot == "substance" and rng.random() < RARER and self.form in self.rarer:
            return f"{{substance:{rng.choice(self.rarer[self.form])}}}"
        if slot == "contact":
            return f"{{contact:{contact_for(frame, rng, country=self.country)}}}"
        word = self.place if slot == "place" else rng.choice(self.pools.fill[slot])
        kinds = {"slang": Kind.SLANG, "cover": Kind.SLANG, "emoji": Kind.SLANG}
        kinds |= {"medicine": Kind.SUBSTANCE, "substance": Kind.SUBSTANCE}
        return f"{{{kinds[slot]}:{word}}}" if slot in kinds else word


def words_of(pools: Pools, lexicon: Lexicon, *, development: bool, banned: re.Pattern[str]) -> Words:
    """Choose the rarer names of substances that a part may use: short ones, and none kept for the test."""
    rarer: dict[str, list[str]] = {}
    for term in sorted(lexicon.terms, key=lambda term: term.surface):
        if (
            term.nps_class in SAID
            and term.kind == "substance"
            and term.status == Status.CONFIRMED
            and term.ambiguity in {"none", "low"}
            and len(term.surface) <= FORMULA
            and any(letter.isdigit() for letter in term.surface)
            and is_development(term.substance) == development
            and not banned.search(term.surface.casefold())
        ):
            rarer.setdefault(form_of(term.nps_class), []).append(term.surface)
    return Words(pools, rarer)


def contact_for(frame: str, rng: random.Random, *, country: str = "gb") -> str:
    """Invent a contact of the kind that the frame speaks of: a mail address, a number, a link, else a handle."""
    if MAIL.search(frame):
        return f"{name(rng)}@example.com"
    if PHONE.search(frame) and country in NUMBERS:
        return re.sub("#", lambda _: str(rng.randrange(10)), rng.choice(NUMBERS[country]))
    if LINK.search(frame):
        return link(rng)
    return f"@{name(rng)}" if rng.random() < 0.8 else name(rng)


def bare(marked: str, *, kinds: frozenset[str] = frozenset()) -> str:
    """Take marks off, all but those of some kinds."""
    return MARK.sub(lambda match: match.group() if match.group(1) in kinds else match.group(2), marked)


def disguise(marked: str, rng: random.Random) -> str:
    """Hide the drug words of a text by an attack that is not held out, and say so in their marks."""
    attack = rng.choice([each for each in REHEARSABLE if each.name in LETTERS])

    def hide(match: re.Match[str]) -> str:
        kind, word = match.groups()
        if kind not in {"substance", "slang"} or not PLAIN.fullmatch(word):
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
NUMBERS: Mapping[str, Sequence[str]] = {
    "gb": ("07700 900###", "+44 7700 900###"),
    "us": ("555-01##", "+1 555 01##"),
    "de": ("0171 39200##", "0176 040690##"),
    "fr": ("06 39 98 ## ##", "+33 6 39 98 ## ##"),
    "se": ("070-174 06 ##", "070 17406##"),
}
"""Telephone numbers of ranges kept for fiction, by country; where there is none, no number is written."""
LETTERS = frozenset({"leet", "homoglyphs", "zero_width", "spacing", "vowel_drop"})
"""Attacks on the letters of a word."""
