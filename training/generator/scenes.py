"""Scenes: one situation told as two or more posts that share their words and differ in what the author does.

A scene draws what its posts share once (the hook, the way to pay, the contact, the drug) and then tells each post.
A draft is marked text with its intent; a `sell` draft's marks are all kept, those of a post that offers nothing only
where they name a drug.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from training.generator.fillers import Words, bare, disguise
from training.generator.trade import FORMS

TERMS = frozenset({"substance", "slang"})


@dataclass(frozen=True, slots=True)
class Draft:
    """One post before its manner is put on: the pieces in order."""

    intent: str
    pieces: Sequence[str]
    lines: bool = False  # each piece is a line


@dataclass(slots=True)
class Teller:
    """Draws pieces for one scene."""

    words: Words
    rng: random.Random

    def some(self, role: str, share: float = 1.0, *, lawful: bool = False) -> list[str]:
        """Draw one piece of a role, or none: with this chance."""
        return [self.piece(role, lawful=lawful)] if self.rng.random() < share else []

    def frame(self, role: str, without: re.Pattern[str] | None = None) -> str:
        """Draw a frame of a role, if need be one without some slots."""
        frames = self.words.pools.frames[role]
        return self.rng.choice([each for each in frames if not (without and without.search(each))] or frames)

    def piece(self, role: str, *, lawful: bool = False) -> str:
        """Draw one frame of a role and fill it."""
        return self.words.write(self.frame(role), self.rng, lawful=lawful)

    def offer(self) -> str:
        """Draw the heart of an offer: named, nicknamed, or told by nothing but the situation; disguised at times."""
        role = "coded" if self.rng.random() < 0.18 else "offer"
        said = self.piece(role)
        return disguise(said, self.rng) if self.rng.random() < 0.12 else said

    def price(self, said: str) -> str:
        """Draw a price of the drug that was just offered."""
        return self.words.priced(self.words.named(self.frame("price"), self.rng), self.rng, like=said)

    def small(self, said: str) -> list[str]:
        """Choose what else is said, one or two things that the offer does not say already, in a usual order."""
        open_ = [role for role, mark in SMALL if not mark or f"{{{mark}:" not in said]
        drawn = self.rng.choices(open_, [WEIGHTS[role] for role in open_], k=self.rng.choice((0, 1, 1, 1, 2, 2)))
        if "order" in drawn and "contact" in drawn:
            drawn.remove("order")
        return [role for role, _ in SMALL if role in drawn]

    def around(self, roles: Sequence[str], heart: Sequence[str], other: Sequence[str]) -> tuple[list[str], list[str]]:
        """Write the small things before and after two posts' own pieces, the same words for both."""
        start = [self.piece(role) for role in roles if role == "open"]
        end = [self.piece(role) for role in roles if role in {"ship", "pay", "contact", "order", "close"}]
        return [*start, *heart, *end], [*start, *other, *end]


SMALL: Sequence[tuple[str, str]] = (
    *(("open", ""), ("quality", ""), ("price", "price"), ("ship", "shipping"), ("pay", "payment")),
    *(("contact", "contact"), ("order", "contact"), ("close", "")),
)
"""What a seller may add to an offer, in this order, and the mark that shows that it was said."""
WEIGHTS: Mapping[str, int] = {
    **{"open": 3, "quality": 2, "price": 5, "ship": 4, "pay": 3},
    **{"contact": 6, "order": 3, "close": 2},
}
DRUG = re.compile(r"\{(?:slang|substance|medicine|emoji|cover)\}")


def sale(tell: Teller) -> list[Draft]:
    """Offer a drug, and lawful goods in the very same words."""
    frame = tell.frame("goods")
    drug, goods = [tell.offer()], [tell.words.write(frame, tell.rng, lawful=True)]
    named = "{good}" in frame  # other frames say themselves what their goods are like
    roles = tell.small(drug[0])
    if "quality" in roles:
        drug += tell.some("quality_drug")
        goods += tell.some("quality_goods", float(named), lawful=True)
    if "price" in roles:
        drug.append(tell.price(drug[0]))
        goods += tell.some("price_goods", float(named), lawful=True)
    drug, goods = tell.around(roles, drug, goods)
    return [Draft("sell", drug), Draft("other", [bare(piece) for piece in goods])]


def menu(tell: Teller) -> list[Draft]:
    """List drugs with their prices, and lawful goods with theirs."""
    lines = ladder(tell) if tell.rng.random() < 0.35 else card(tell)
    frame = tell.frame("goods_line")
    names = tell.words.pools.fill["good"]
    names = tell.rng.sample(names, min(len(lines), len(names)))
    goods = [tell.words.write(frame.replace("{good}", name), tell.rng, lawful=True) for name in names]
    roles = [tell.rng.choice(("open", "close", "order", "contact", "ship"))] if tell.rng.random() < 0.7 else []
    lines, goods = tell.around(roles, lines, goods)
    return [Draft("sell", lines, lines=True), Draft("other", [bare(piece) for piece in goods], lines=True)]


def ladder(tell: Teller) -> list[str]:
    """List one drug in rising quantities."""
    named = tell.words.named(tell.frame("menu_line", COVER), tell.rng)
    counts = sorted(set(FORMS[tell.words.form].counts))
    first = tell.rng.randrange(len(counts) - 2)
    return [tell.words.priced(named, tell.rng, count=count) for count in counts[first : first + 4]]


def card(tell: Teller) -> list[str]:
    """List different drugs in lines of one shape."""
    frame = tell.frame("menu_line", MEDICINE)
    lines: dict[str, Words] = {}
    for form in tell.rng.sample(("herb", "powder", "pill", "powder", "pill"), tell.rng.randint(3, 4)):
        words = replace(tell.words, form=form)
        lines[words.named(frame, tell.rng)] = words
    return [words.priced(named, tell.rng) for named, words in lines.items()]


COVER = re.compile(r"\{cover\}")
MEDICINE = re.compile(r"\{(?:medicine|cover)\}")


def short(tell: Teller) -> list[Draft]:
    """Offer in a few words, and use the like words innocently."""
    return [Draft("sell", [tell.offer()]), Draft("other", tell.some("homonym"))]


def buried(tell: Teller) -> list[Draft]:
    """Hide an offer behind an innocent story, and tell the same story without it."""
    life = tell.piece("filler")
    offer = f"{tell.rng.choice(('PS: ', 'P.S. ', '', ''))}{tell.offer()}"
    return [Draft("sell", [life, offer, *tell.some("contact", 0.3)], lines=True), Draft("other", [life])]


def warned(tell: Teller) -> list[Draft]:
    """Offer a drug, and warn of that very offer, without its contact."""
    offer = tell.offer()
    warning = tell.piece("quoting").replace("{quote}", bare(offer, kinds=TERMS))
    return [Draft("sell", [offer, *tell.some("contact", 0.5)]), Draft("harm_reduction", [warning])]


def praised(tell: Teller) -> list[Draft]:
    """Praise a seller with a route to him, and without one."""
    praise = tell.piece("vouch")
    route = tell.words.write(tell.frame("route", DRUG), tell.rng)
    return [Draft("promote", [praise, route]), Draft("use_talk", [praise])]


def pointed(tell: Teller) -> list[Draft]:
    """Point to a seller, and tell one off."""
    counter = [Draft("harm_reduction", tell.some("counter"))] if tell.rng.random() < 0.3 else []
    return [Draft("promote", tell.some("route")), *counter]


def hired(tell: Teller) -> list[Draft]:
    """Seek hands for a drug business, and for an honest one, with the same contact."""
    hidden = tell.rng.random() < 0.5
    contact = tell.some("contact", 0.4)
    crooked = [tell.piece("recruit_hidden")] if hidden else [tell.piece("recruit_drug"), *tell.some("recruit_pay", 0.4)]
    honest = [tell.piece("job", lawful=True), *tell.some("job_pay", 0.35, lawful=True)]
    wage_unmarked = frozenset({"substance", "slang", "contact"})
    return [
        Draft("recruit", [bare(piece, kinds=wage_unmarked) for piece in [*crooked, *contact]]),
        Draft("other", [bare(piece) for piece in [*honest, *contact]]),
    ]


def sought(tell: Teller) -> list[Draft]:
    """Want to buy, and offer to who wants to."""
    return [Draft("seek", tell.some("seek")), Draft("sell", [tell.offer(), *tell.some("contact", 0.5)])]


def alerted(tell: Teller) -> list[Draft]:
    """Warn of a product, and sell one."""
    alert = tell.some("alert")
    return [Draft("harm_reduction", alert), Draft("sell", [tell.offer(), *tell.some("ship", 0.5)])]


def helped(tell: Teller) -> list[Draft]:
    """Speak of one's own recovery, advise, or show what an advert looks like."""
    role = tell.rng.choice(("recovery", "recovery", "recovery", "warn_quote", "warn_quote", "advice", "advice"))
    return [Draft("harm_reduction", tell.some(role))]


def reported(tell: Teller) -> list[Draft]:
    """Report what police, courts or researchers did."""
    return [Draft("news_science", tell.some("news" if tell.rng.random() < 0.6 else "science"))]


def talked(tell: Teller) -> list[Draft]:
    """Talk, worry or ask."""
    return [Draft("use_talk", tell.some(tell.rng.choice(("talk", "talk", "worry", "ask"))))]


def wanted(tell: Teller) -> list[Draft]:
    """Want to buy."""
    return [Draft("seek", tell.some("seek"))]


def told_off(tell: Teller) -> list[Draft]:
    """Deny, play, sing, joke, tell of one's day, or say drug words in their plain sense."""
    return [Draft("other", tell.some(tell.rng.choice(("homonym", "homonym", "play", "denial", "filler"))))]


def other_crime(tell: Teller) -> list[Draft]:
    """Sell what is illegal and no drug."""
    return [Draft("other", [bare(each) for each in [tell.piece("crime", lawful=True), *tell.some("contact", 0.5)]])]


def trade(tell: Teller) -> list[Draft]:
    """Sell lawful goods."""
    return sale(tell)[1:]


Scene = Callable[[Teller], list[Draft]]
SCENES: Sequence[tuple[Scene, int]] = (
    *((sale, 24), (menu, 8), (short, 10), (buried, 7), (warned, 6), (praised, 10), (pointed, 6), (hired, 12)),
    *((sought, 5), (alerted, 7), (helped, 10), (reported, 12), (talked, 12), (wanted, 8), (told_off, 12)),
    *((other_crime, 3), (trade, 6)),
)
"""Each scene and how often of 160; adverts come to about two posts in five."""
