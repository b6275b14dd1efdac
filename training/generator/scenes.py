"""Scenes: one situation told as two or more posts that share their words and differ in what the author does.

A scene draws what its posts share once (the hook, the way to pay, the contact, the drug) and then tells each post.
A draft is marked text with its intent; a `sell` draft's marks are all kept, those of a post that offers nothing only
where they name a drug.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from training.generator.fillers import Words, bare, disguise

TERMS = frozenset({"substance", "slang"})


@dataclass(frozen=True, slots=True)
class Draft:
    """One post before its manner is put on: the pieces in order."""

    intent: str
    pieces: Sequence[str]
    lines: bool = False  # a menu: each piece is a line


@dataclass(slots=True)
class Teller:
    """Draws pieces for one scene."""

    words: Words
    rng: random.Random

    def some(self, role: str, share: float = 1.0, *, lawful: bool = False) -> list[str]:
        """Draw one piece of a role, or none: with this chance."""
        return [self.piece(role, lawful=lawful)] if self.rng.random() < share else []

    def piece(self, role: str, *, lawful: bool = False) -> str:
        """Draw one frame of a role and fill it."""
        return self.words.write(self.rng.choice(self.words.pools.frames[role]), self.rng, lawful=lawful)

    def several(self, role: str, low: int, high: int, *, lawful: bool = False) -> list[str]:
        """Draw different frames of a role."""
        frames = self.words.pools.frames[role]
        drawn = self.rng.sample(frames, min(self.rng.randint(low, high), len(frames)))
        return [self.words.write(frame, self.rng, lawful=lawful) for frame in drawn]

    def offer(self) -> str:
        """Draw the heart of an offer: named, nicknamed, or told by nothing but the situation; disguised at times."""
        role = "coded" if self.rng.random() < 0.18 else "offer"
        said = self.piece(role)
        return disguise(said, self.rng) if self.rng.random() < 0.12 else said

    def terms_of_sale(self) -> list[str]:
        """Draw how it is delivered, paid and asked for, in any order: what a baker says as well."""
        parts = self.some("ship", 0.5) + self.some("pay", 0.35) + self.some("contact", 0.7)
        self.rng.shuffle(parts)
        return parts or self.some("contact")

    def around(self) -> tuple[list[str], list[str]]:
        """Draw a beginning and an end that any seller may use."""
        return self.some("open", 0.5), self.some("close", 0.3)


def sale(tell: Teller) -> list[Draft]:
    """Offer a drug, and lawful goods in the very same words."""
    (start, end), terms = tell.around(), tell.terms_of_sale()
    drug = [tell.offer(), *tell.some("quality_drug", 0.4), *tell.some("price", 0.55)]
    goods = [tell.piece("goods", lawful=True), *tell.some("quality_goods", 0.4), *tell.some("price_goods", 0.55)]
    return [
        Draft("sell", [*start, *drug, *terms, *end]),
        Draft("other", [bare(piece) for piece in [*start, *goods, *terms, *end]]),
    ]


def menu(tell: Teller) -> list[Draft]:
    """List drugs with their prices, and lawful goods with theirs."""
    (start, end), terms = tell.around(), tell.terms_of_sale()
    lines = tell.several("menu_line", 3, 6)
    goods = tell.several("goods_line", 3, 6, lawful=True)
    return [
        Draft("sell", [*start, *lines, *terms, *end], lines=True),
        Draft("other", [bare(piece) for piece in [*start, *goods, *terms, *end]], lines=True),
    ]


def short(tell: Teller) -> list[Draft]:
    """Offer in a few words, and use the like words innocently."""
    offer = [tell.offer(), *tell.some("contact", 0.3)]
    return [Draft("sell", offer), Draft("other", tell.some("homonym"))]


def buried(tell: Teller) -> list[Draft]:
    """Hide an offer in a long innocent post, and tell the same post without it."""
    life = tell.several("filler", 2, 5)
    place = tell.rng.randint(1, len(life))
    offer = [tell.offer(), *tell.some("contact", 0.7)]
    goods = [tell.piece("goods", lawful=True)] if tell.rng.random() < 0.5 else tell.some("homonym")
    return [
        Draft("sell", [*life[:place], *offer, *life[place:]]),
        Draft("other", [*life[:place], *goods, *life[place:]]),
    ]


def warned(tell: Teller) -> list[Draft]:
    """Offer a drug, and warn of that very offer, without its contact."""
    offer, price = tell.offer(), tell.some("price", 0.5)
    quoted = f"“{' '.join([bare(offer, kinds=TERMS), *map(bare, price)])}”"
    warning = [tell.piece("warn_quote"), quoted, *tell.some("advice", 0.6)]
    tell.rng.shuffle(warning)
    return [Draft("sell", [offer, *price, *tell.terms_of_sale()]), Draft("harm_reduction", warning)]


def praised(tell: Teller) -> list[Draft]:
    """Praise a seller with a route to him, and without one."""
    praise = tell.piece("vouch")
    return [
        Draft("promote", [praise, tell.piece("route")]),
        Draft("use_talk", [praise, *tell.some("talk", 0.2)]),
    ]


def pointed(tell: Teller) -> list[Draft]:
    """Point to a seller, and tell one off."""
    named = tell.piece("route")
    vouch = tell.some("vouch", 0.5)
    return [
        Draft("promote", [named, *vouch]),
        Draft("harm_reduction", [tell.piece("counter"), *tell.some("advice", 0.5)]),
    ]


def hired(tell: Teller) -> list[Draft]:
    """Seek hands for a drug business, and for an honest one, with the same contact."""
    role = "recruit_hidden" if tell.rng.random() < 0.5 else "recruit_drug"
    contact = tell.some("contact", 0.85)
    crooked = [tell.piece(role), *tell.some("recruit_pay", 1.0 if role == "recruit_hidden" else 0.5)]
    honest = [tell.piece("job", lawful=True), *tell.some("job_pay", 0.7, lawful=True)]
    wage_unmarked = frozenset({"substance", "slang", "contact"})
    return [
        Draft("recruit", [bare(piece, kinds=wage_unmarked) for piece in [*crooked, *contact]]),
        Draft("other", [bare(piece) for piece in [*honest, *contact]]),
    ]


def sought(tell: Teller) -> list[Draft]:
    """Want to buy, and offer to who wants to."""
    wanted = [tell.piece("seek"), *tell.some("contact", 0.25)]
    return [Draft("seek", wanted), Draft("sell", [tell.offer(), *tell.some("price", 0.4), *tell.some("contact", 0.8)])]


def alerted(tell: Teller) -> list[Draft]:
    """Warn of a product, and sell one."""
    alert = [tell.piece("alert"), *tell.some("advice", 0.7)]
    return [Draft("harm_reduction", alert), Draft("sell", [tell.offer(), *tell.some("price"), *tell.terms_of_sale()])]


def recovered(tell: Teller) -> list[Draft]:
    """Speak of one's own recovery, or point to help."""
    return [Draft("harm_reduction", tell.several("recovery", 1, 2))]


def reported(tell: Teller) -> list[Draft]:
    """Report what police, courts or researchers did."""
    role = "news" if tell.rng.random() < 0.6 else "science"
    return [Draft("news_science", tell.several(role, 1, 2))]


def talked(tell: Teller) -> list[Draft]:
    """Talk, worry or ask."""
    roles = tell.rng.choice((("talk", "talk"), ("talk",), ("worry",), ("ask",), ("worry", "ask")))
    return [Draft("use_talk", [tell.piece(role) for role in roles])]


def wanted(tell: Teller) -> list[Draft]:
    """Want to buy."""
    return [Draft("seek", [*tell.some("filler", 0.15), tell.piece("seek"), *tell.some("contact", 0.3)])]


def told_off(tell: Teller) -> list[Draft]:
    """Deny, play, sing, joke, or say drug words in their plain sense."""
    role = tell.rng.choice(("homonym", "homonym", "play", "play", "denial"))
    return [Draft("other", [*tell.some("filler", 0.15), tell.piece(role)])]


def other_crime(tell: Teller) -> list[Draft]:
    """Sell what is illegal and no drug."""
    start, end = tell.around()
    return [
        Draft("other", [bare(each) for each in [*start, tell.piece("crime", lawful=True), *tell.terms_of_sale(), *end]])
    ]


def trade(tell: Teller) -> list[Draft]:
    """Sell lawful goods."""
    (start, end), terms = tell.around(), tell.terms_of_sale()
    goods = [tell.piece("goods", lawful=True), *tell.some("quality_goods", 0.5), *tell.some("price_goods", 0.6)]
    return [Draft("other", [bare(piece) for piece in [*start, *goods, *terms, *end]])]


Scene = Callable[[Teller], list[Draft]]
SCENES: Sequence[tuple[Scene, int]] = (
    *((sale, 24), (menu, 8), (short, 10), (buried, 7), (warned, 8), (praised, 10), (pointed, 6), (hired, 14)),
    *((sought, 5), (alerted, 7), (recovered, 7), (reported, 12), (talked, 11), (wanted, 9), (told_off, 12)),
    *((other_crime, 4), (trade, 6)),
)
"""Each scene and how often of 160; adverts come to about two posts in five."""
