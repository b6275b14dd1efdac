"""What things are measured in and cost: forms of a drug, kinds of goods, countries with their money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.verdict import NpsClass


@dataclass(frozen=True, slots=True)
class Form:
    """How a drug of one form is counted, and what one gram, millilitre or piece costs in euro."""

    unit: str
    counts: Sequence[int]
    unit_prices: Sequence[float]
    weight: int  # how often of twelve a post is about this form


FORMS: Mapping[str, Form] = {
    "herb": Form("g", (1, 2, 3, 5, 5, 10, 20, 25, 50, 100), (7, 8, 9, 10, 12), 4),
    "powder": Form("g", (1, 1, 2, 3, 5, 5, 10, 20, 50), (18, 20, 25, 30, 40, 50), 4),
    "pill": Form("", (2, 3, 5, 10, 10, 20, 30, 50, 100), (2, 3, 4, 5, 6), 3),
    "liquid": Form("ml", (50, 100, 100, 250, 500), (0.3, 0.4, 0.5), 1),
}
WARES: Mapping[str, Sequence[int]] = {
    "food": (3, 4, 5, 6, 8, 10),
    "thing": (8, 10, 12, 15, 20, 25, 30),
}
"""The kinds of lawful goods and what one costs in euro."""
BULK = 0.88
"""A price grows with this power of the quantity: ten grams cost seven or eight times as much as one."""
PIECES: Mapping[str, Sequence[str]] = {
    "en": ("{}", "{}x", "{} pcs"),
    "de": ("{}x", "{} Stück", "{} Stk"),
    "fr": ("{}", "{} pièces"),
    "es": ("{}", "{} unidades", "{} uds"),
    "it": ("{}", "{} pezzi", "{} pz"),
    "nl": ("{}x", "{} stuks", "{}"),
    "pl": ("{} szt.", "{} szt"),
    "pt": ("{}", "{} unidades", "{} un"),
    "ru": ("{} шт", "{} шт.", "{}шт"),
    "sv": ("{} st", "{}st", "{} stycken"),
    "cs": ("{} ks", "{}ks", "{}x"),
}
CYRILLIC: Mapping[str, str] = {"g": "г", "ml": "мл"}


@dataclass(frozen=True, slots=True)
class Money:
    """How prices are written in a country, and how many of its money make a euro."""

    shapes: Sequence[str]
    rate: float = 1


EURO = Money(("{}€", "{} €", "{} euro"))
FRANC = Money(("{} CHF", "{} Fr.", "{}.-"))
COUNTRIES: Mapping[str, Mapping[str, Money]] = {
    "en": {
        "gb": Money(("£{}", "£{}", "{} quid"), 0.9),
        "ie": Money(("€{}", "{} euro")),
        "us": Money(("${}", "${}", "{} bucks")),
        "au": Money(("${}", "A${}", "{} bucks"), 1.6),
        "ng": Money(("₦{}", "N{}"), 1500),
        "za": Money(("R{}", "R{}"), 20),
        "sg": Money(("${}", "S${}"), 1.4),
    },
    "de": {"de": Money(("{}€", "{} €", "{} Euro")), "at": Money(("{}€", "{} €", "{} Euro")), "ch": FRANC},
    "fr": {
        "fr": Money(("{}€", "{} €", "{} euros", "{} balles")),
        "be": Money(("{}€", "{} €", "{} euros")),
        "ch": FRANC,
        "ca": Money(("{}$", "{} $"), 1.5),
        "ci": Money(("{} FCFA", "{} F"), 650),
    },
    "es": {
        "es": Money(("{}€", "{} €", "{} pavos", "{} euros")),
        "mx": Money(("${}", "{} pesos", "{} varos"), 20),
        "ar": Money(("${}", "{} pesos"), 1200),
        "cl": Money(("${}", "{} pesos"), 1000),
        "co": Money(("${}", "{} pesos"), 4000),
        "pe": Money(("S/{}", "{} soles"), 4),
    },
    "it": {"it": Money(("{}€", "{} €", "{} euro")), "ch": Money(("{} CHF", "{} franchi"))},
    "nl": {"nl": Money(("€{}", "{}€", "{} euro", "€ {}")), "be": Money(("{}€", "{} euro", "€{}"))},
    "pl": {"pl": Money(("{}zł", "{} zł", "{} PLN"), 4)},
    "pt": {
        "br": Money(("R${}", "R$ {}", "{} reais", "{} conto"), 5),
        "pt": Money(("{}€", "{} €", "{} euros")),
        "ao": Money(("{} kz", "{} kwanzas"), 900),
    },
    "ru": {
        "ru": Money(("{}₽", "{} руб", "{}р", "{} рублей"), 90),
        "kz": Money(("{} тг", "{} тенге"), 500),
        "by": Money(("{} руб", "{} BYN"), 3),
    },
    "sv": {"se": Money(("{} kr", "{}kr", "{} spänn", "{} SEK"), 10), "fi": Money(("{} €", "{}€", "{} euro"))},
    "cs": {"cz": Money(("{} Kč", "{},-", "{} korun", "{}kč"), 22)},
}
GROUPS: Sequence[frozenset[str]] = (
    frozenset(country for money in COUNTRIES.values() for country in money),
    frozenset(FORMS),
    frozenset(WARES),
)
"""What a fragment may be tagged with; a post is settled on one of each group."""


def form_of(nps_class: NpsClass) -> str:
    """Tell the form in which a class is mostly sold."""
    return "pill" if nps_class is NpsClass.LYSERGAMIDES else "powder"


def write_quantity(count: int, form: str, lang: str, habit: int) -> str:
    """Write a quantity: grams, millilitres or pieces, in an author's own way."""
    unit = FORMS[form].unit
    if not unit:
        return PIECES[lang][habit % len(PIECES[lang])].format(count)
    return f"{count}{' ' * (habit % 2)}{CYRILLIC[unit] if lang == 'ru' else unit}"


def total(count: int, unit_price: float) -> float:
    """Price a quantity, cheaper by the piece the more it is."""
    return float(unit_price * count**BULK)


def write_price(euro: float, money: Money, shape: str) -> str:
    """Write a sum in a country's money, rounded as people round: two digits that count, fives above twenty."""
    amount = euro * money.rate
    step = 10 ** max(0, len(str(int(amount))) - 2)
    if amount >= 20 * step:
        step *= 5
    return shape.format(max(1, round(amount / step)) * step)
