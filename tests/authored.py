"""Short posts written for the tests: adverts and innocent ones in several languages. Nobody in them is real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.verdict import ADVERT_INTENTS, INTENTS, Decision, Intent, Kind, NpsClass, Span, Status, Substance, Verdict

_CATHINONE, _OPIOID = NpsClass.CATHINONES, NpsClass.OPIOIDS
_BENZO, _CANNABINOID = NpsClass.BENZODIAZEPINES, NpsClass.SYNTHETIC_CANNABINOIDS
_CLASSES = {
    "2-MMC": _CATHINONE,
    "3-CMC": _CATHINONE,
    "mephedrone": _CATHINONE,
    "mefedron": _CATHINONE,
    "protonitazene": _OPIOID,
    "etonitazene": _OPIOID,
    "nitazenes": _OPIOID,
    "bromazolam": _BENZO,
    "flubromazolam": _BENZO,
    "MDMB-4en": _CANNABINOID,
    "spice": _CANNABINOID,
    "1cP-LSD": NpsClass.LYSERGAMIDES,
    "ketamine": NpsClass.ARYLCYCLOHEXYLAMINES,
}


@dataclass(frozen=True, slots=True)
class Authored:
    """A post, what its author does, what a detector might say, and the words that are evidence."""

    text: str
    lang: str
    platform: str
    intent: Intent
    probability: float
    marks: Sequence[tuple[str, Kind]] = ()
    copies: int = 1

    def verdict(self) -> Verdict:
        """Write the verdict that such a detector would give."""
        spans = [self._span(word, kind) for word, kind in self.marks]
        named = {span.term: span.nps_class for span in spans if span.term and span.nps_class}
        advert, rest = self.probability / 3, (1 - self.probability) / 5
        intents = {intent: advert if intent in ADVERT_INTENTS else rest for intent in INTENTS}
        others = [each for each in INTENTS if each != self.intent and (each in ADVERT_INTENTS) == self.is_advert]
        for other in others:
            intents[self.intent] += intents[other] * 0.8
            intents[other] *= 0.2
        return Verdict(
            id="p",
            decision=Decision.REVIEW if self.probability >= 0.5 else Decision.ALLOW,
            advert_probability=self.probability,
            intents=intents,
            spans=spans,
            substances=[Substance(name, nps_class, Status.CONFIRMED) for name, nps_class in named.items()],
            reasons=["offers something with a price and a contact" if self.is_advert else "reads as harm reduction"],
            lang=self.lang,
            warnings=() if len(self.text) > 60 else ("short text",),
            release="2026.11.2",
            lexicon="2026-11-20",
            policy="default@4",
        )

    @property
    def is_advert(self) -> bool:
        """Say whether the author sells, promotes or recruits."""
        return self.intent in ADVERT_INTENTS

    def _span(self, word: str, kind: Kind) -> Span:
        start = self.text.index(word)
        known = _CLASSES.get(word)
        source = "lexicon" if known else ("model" if kind in (Kind.SLANG, Kind.SUBSTANCE) else "rule")
        term = word if known else None
        status = Status.CONFIRMED if known else None
        return Span(start, start + len(word), kind, word, term=term, nps_class=known, status=status, source=source)


S, G, P, Q = Kind.SUBSTANCE, Kind.SLANG, Kind.PRICE, Kind.QUANTITY
C, Y, D = Kind.CONTACT, Kind.PAYMENT, Kind.SHIPPING
SELL, PROMOTE, RECRUIT = Intent.SELL, Intent.PROMOTE, Intent.RECRUIT
SEEK, CARE, NEWS = Intent.SEEK, Intent.HARM_REDUCTION, Intent.NEWS_SCIENCE
TALK, OTHER = Intent.USE_TALK, Intent.OTHER

POSTS = (
    *(
        Authored(
            "Fresh 2-MMC in stock, 25 a gram, write to me, sent the same day",
            "en",
            "chat",
            SELL,
            0.97,
            (("2-MMC", S), ("25 a gram", P), ("write to me", C), ("sent the same day", D)),
            14,
        ),
        Authored(
            "protonitazene available again. Coins only, tracked parcels to most of Europe. DM for the menu",
            "en",
            "forum",
            SELL,
            0.99,
            (("protonitazene", S), ("Coins only", Y), ("tracked parcels", D), ("DM", C)),
            212,
        ),
        Authored(
            "My guy never lets me down, his snow globes are on the channel tonight, ask me for the way in",
            "en",
            "chat",
            PROMOTE,
            0.71,
            (("snow globes", G), ("ask me", C)),
            3,
        ),
        Authored(
            "Drivers wanted for evening rounds, no questions, cash every Friday, bags are small",
            "en",
            "jobs",
            RECRUIT,
            0.64,
            (("cash every Friday", Y),),
            6,
        ),
        Authored(
            "Warning: pills sold as oxy here were nitazenes. Please carry naloxone and never use alone.",
            "en",
            "forum",
            CARE,
            0.52,
            (("nitazenes", S),),
        ),
        Authored(
            "The council votes on spice in the shopping centre, residents want more outreach workers",
            "en",
            "news",
            NEWS,
            0.08,
            (("spice", S),),
        ),
        Authored(
            "anyone know where to get bromazolam in town, the usual place closed",
            "en",
            "chat",
            SEEK,
            0.44,
            (("bromazolam", S),),
        ),
        Authored(
            "Two years without ketamine today. Thanks to everyone at the Tuesday group.",
            "en",
            "forum",
            CARE,
            0.02,
            (("ketamine", S),),
        ),
    ),
    *(
        Authored(
            "Frisches 3-CMC da, 20 das Gramm, Versand in neutraler Packung, schreib mir",
            "de",
            "chat",
            SELL,
            0.96,
            (("3-CMC", S), ("20 das Gramm", P), ("Versand in neutraler Packung", D), ("schreib mir", C)),
            31,
        ),
        Authored(
            "1cP-LSD Blotter ab zehn Stück, Bezahlung mit Coins, Treffpunkt nach Absprache",
            "de",
            "forum",
            SELL,
            0.93,
            (("1cP-LSD", S), ("ab zehn Stück", Q), ("Coins", Y), ("Treffpunkt", D)),
        ),
        Authored(
            "Kuriere gesucht, Pakete zu Hause annehmen, leichtes Geld jede Woche",
            "de",
            "jobs",
            RECRUIT,
            0.58,
            (("leichtes Geld", Y),),
            9,
        ),
        Authored(
            "Die Drogenhilfe testet jetzt kostenlos auf Nitazene, Termine stehen am Aushang", "de", "news", CARE, 0.05
        ),
        Authored("Unser Chor singt am Sonntag, danach gibt es Kuchen", "de", "chat", OTHER, 0.01),
    ),
    *(
        Authored(
            "Arrivage de mephedrone, 30 le gramme, livraison le soir, message privé",
            "fr",
            "chat",
            SELL,
            0.95,
            (("mephedrone", S), ("30 le gramme", P), ("livraison le soir", D), ("message privé", C)),
            5,
        ),
        Authored(
            "Le canal de mon ami a tout ce qu'il faut, les étoiles bleues sont revenues, demandez-moi",
            "fr",
            "forum",
            PROMOTE,
            0.66,
            (("étoiles bleues", G), ("demandez-moi", C)),
        ),
        Authored(
            "Attention, le produit vendu comme MDMA contient de la mephedrone, faites analyser",
            "fr",
            "forum",
            CARE,
            0.31,
            (("mephedrone", S),),
        ),
    ),
    *(
        Authored(
            "Tengo 2-MMC de calidad, veinte el gramo, envío discreto, escríbeme",
            "es",
            "chat",
            SELL,
            0.94,
            (("2-MMC", S), ("veinte el gramo", P), ("envío discreto", D), ("escríbeme", C)),
            2,
        ),
        Authored(
            "Buscamos repartidores para la noche, pago en mano, sin preguntas",
            "es",
            "jobs",
            RECRUIT,
            0.61,
            (("pago en mano", Y),),
        ),
        Authored("El estudio mide nitazenos en aguas residuales de doce ciudades", "es", "news", NEWS, 0.03),
    ),
    *(
        Authored(
            "Disponibile bromazolam, trenta a blister, spedizione rapida, scrivimi",
            "it",
            "forum",
            SELL,
            0.92,
            (("bromazolam", S), ("trenta a blister", P), ("spedizione rapida", D), ("scrivimi", C)),
        ),
        Authored(
            "Nieuwe voorraad 3-CMC, vijftien per gram, ophalen of verzenden, stuur bericht",
            "nl",
            "chat",
            SELL,
            0.95,
            (("3-CMC", S), ("vijftien per gram", P), ("verzenden", D), ("stuur bericht", C)),
            18,
        ),
        Authored(
            "Gratis testen van je pillen op zaterdag in het buurthuis, ook op nitazenes",
            "nl",
            "news",
            CARE,
            0.06,
            (("nitazenes", S),),
        ),
        Authored(
            "Świeży mefedron, paczkomat tego samego dnia, pisz na priv",
            "pl",
            "chat",
            SELL,
            0.96,
            (("mefedron", S), ("paczkomat tego samego dnia", D), ("pisz na priv", C)),
            44,
        ),
        Authored(
            "Praca dla kurierów, wypłata co tydzień, małe paczki, bez pytań",
            "pl",
            "jobs",
            RECRUIT,
            0.55,
            (("wypłata co tydzień", Y),),
        ),
        Authored(
            "Chegou flubromazolam, vinte a cartela, entrego à noite, chama no privado",
            "pt",
            "chat",
            SELL,
            0.91,
            (("flubromazolam", S), ("vinte a cartela", P), ("entrego à noite", D), ("chama no privado", C)),
        ),
        Authored(
            "Свежая соль, закладки по всему району, пишите в личку",
            "ru",
            "chat",
            SELL,
            0.93,
            (("соль", G), ("закладки", D), ("пишите в личку", C)),
            88,
        ),
        Authored(
            "Осторожно: под видом обычных таблеток продают опасные опиоиды, носите налоксон", "ru", "forum", CARE, 0.22
        ),
        Authored(
            "Färskt parti MDMB-4en, rabatt vid större köp, skickas i brev, skriv till mig",
            "sv",
            "forum",
            SELL,
            0.9,
            (("MDMB-4en", S), ("rabatt", P), ("skickas i brev", D), ("skriv till mig", C)),
        ),
        Authored(
            "Čerstvý mefedron, předání v centru večer, napiš mi zprávu",
            "cs",
            "chat",
            SELL,
            0.94,
            (("mefedron", S), ("předání v centru", D), ("napiš mi zprávu", C)),
            4,
        ),
        Authored("Houby v lese letos rostou až do listopadu, košík byl plný", "cs", "chat", OTHER, 0.04),
    ),
)
