"""Attacks on what stands around and in place of words: emoji codes, cuts, and innocent text in which a post drowns.

Each is an `Apply`, as in `attacks_letters`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from functools import cache

import emoji
import regex

from models.terms import words as word_ranges
from models.verdict import LANGUAGES, TERM_KINDS, Span
from training.evaluation.attack_targets import graphemes, rewrite, within, words_to_touch
from training.evaluation.innocent import BURYING, HASHTAGS, OWN_HASHTAGS, PADDING

CUT = {1: 0.2, 2: 0.4, 3: 0.6}  # share of the words at the end
PADDED = {1: 1, 2: 3, 3: 8}  # sentences behind a post
STUFFED = {1: 3, 2: 8, 3: 20}  # hashtags
BURIED = {1: 2, 2: 5, 3: 12}  # sentences around a post

# --- emoji codes ------------------------------------------------------------------------------------------------------

# Cover words and words of an offer, in our eleven languages, as the emoji codes that police and press have published.
_CODES = {
    "❄️": "snow schnee neige nieve neve sneeuw śnieg снег снежок snö sníh coke coca coco koks koka kokain cocaine",
    "🍁": "weed gras ganja marijuana marihuana beuh hierba maria erba wiet zioło trawa maconha трава травка gräs tráva",
    "💊": "pills pill pillen pilules pastillas pastilla pillole pasticche piksy tabletki comprimidos таблетки"
    " колёса piller prášky xtc ecstasy mdma",
    "🍄": "mushrooms shrooms pilze champignons champis setas hongos funghi paddo's grzybki cogumelos грибы houby",
    "🐴": "horse ketamine ketamin kétamine ketamina keta ket кетамин кет",
    "💎": "crystal crystals kristall kristalle cristal cristaux cristallo kristal kryształ кристалл кристаллы",
    "🍫": "hash hasch hachís fumo hasj haszysz haxixe гашиш hašiš",
    "🍬": "candy sweets süßigkeiten bonbon bonbons caramelos caramelle snoep cukierki doces конфеты godis bonbóny",
    "🍯": "honey honig miel miele honing miód мёд honung",
    "💨": "vape vapes smoke rauch fumée humo rook dym fumaça дым rök kouř",
    "🔌": "plug dealer vendor",
    "📩": "dm pm message schreib écris escribe scrivi mp privé berichtje napisz pisz mensagem пиши личку skriv piš",
    "🚗": "delivery deliver lieferung liefere livraison entrega consegna bezorgen bezorgd dowóz dowozimy доставка"
    " leverans levererar dovezu rozvoz",
    "📦": "shipping parcel package versand paket envoi colis envío paquete spedizione pacco verzending wysyłka paczka"
    " envio посылка frakt balík poštou",
    "💵": "cash money price geld preis bargeld argent prix dinero precio efectivo soldi prezzo contanti prijs contant"
    " cena gotówka preço dinheiro деньги цена pris kontanter hotově",
    "🪙": "btc ltc xmr usdt crypto krypto bitcoin monero coins крипта крипто",
    "🏠": "meetup treffen pickup abholung ritiro recogida afhalen odbiór самовывоз hämta osobně",
}
EMOJI_OF = {word: code for code, listed in _CODES.items() for word in listed.split()}
"""A word in lower case to the emoji that stands for it."""
HARMLESS = ("✨", "🌈", "😊", "🎉", "🌸", "🎵", "☀️", "🦋", "🐝", "🙏", "⭐", "🎈")


def emoji_swap(text: str, spans: Sequence[Span], strength: int, rng: random.Random) -> str:
    """Write words as emoji codes where there is one, else put an emoji into the word or behind it.

    From strength 2 on the post's own emoji, unless they name a drug, are left out or exchanged for others.
    """
    touched = words_to_touch(text, spans, strength, rng)
    if not touched:
        return text
    own = set(_own_emoji(text, spans, strength, rng))

    def change(word: str) -> str:
        return rng.choice(("", *HARMLESS[:4])) if emoji.is_emoji(word) else _with_emoji(word, rng)

    return rewrite(text, sorted({*touched, *own}), change)


def _own_emoji(text: str, spans: Sequence[Span], strength: int, rng: random.Random) -> list[tuple[int, int]]:
    found = [(each["match_start"], each["match_end"]) for each in emoji.emoji_list(text)]
    naming = within(found, [span for span in spans if span.kind in TERM_KINDS])
    keep = {1: 1.0, 2: 0.5, 3: 0.0}[strength]
    return [each for each in found if each not in naming and rng.random() >= keep]


def _with_emoji(word: str, rng: random.Random) -> str:
    if code := EMOJI_OF.get(word.lower()):
        return code
    letters, put = graphemes(word), rng.choice(HARMLESS)
    if len(letters) < 4 or rng.random() < 0.5:
        return word + put
    half = rng.randrange(2, len(letters) - 1)
    return "".join([*letters[:half], put, *letters[half:]])


# --- cutting and drowning ---------------------------------------------------------------------------------------------


def truncation(text: str, spans: Sequence[Span], strength: int, _rng: random.Random) -> str:
    """Drop words at the end, as who puts the rest into a picture; what names the drug stays, and the first word."""
    chunks = [match.span() for match in regex.finditer(r"\S+\s*", text)]
    kept = max(1, len(chunks) - round(CUT[strength] * len(chunks)))
    naming = within(chunks[kept:], [span for span in spans if span.kind in TERM_KINDS])
    if kept >= len(chunks):
        return text
    parts = [text[: chunks[kept][0]].rstrip(), *(text[start:end].rstrip() for start, end in naming)]
    return " … ".join(parts)


def innocent_padding(text: str, _spans: Sequence[Span], strength: int, rng: random.Random) -> str:
    """Go on about everyday things, in a new paragraph."""
    return _behind(text, " ".join(rng.sample(PADDING[language(text)], PADDED[strength])), "\n\n")


def hashtag_stuffing(text: str, _spans: Sequence[Span], strength: int, rng: random.Random) -> str:
    """Put harmless hashtags behind the post."""
    tags = (*HASHTAGS, *OWN_HASHTAGS[language(text)] * 2)  # those of its own language are likelier
    chosen = list(dict.fromkeys(rng.sample(tags, len(tags))))[: STUFFED[strength]]
    return _behind(text, " ".join(chosen), "\n")


def paragraph_burying(text: str, _spans: Sequence[Span], strength: int, rng: random.Random) -> str:
    """Hide the post in the middle of everyday sentences, all in one paragraph."""
    sentences = rng.sample(BURYING[language(text)], BURIED[strength])
    middle = len(sentences) // 2
    return " ".join([*sentences[:middle], *text.split(), *sentences[middle:]])


def _behind(text: str, put: str, between: str) -> str:
    return f"{text.rstrip()}{between}{put}" if text.strip() else text


def language(text: str) -> str:
    """Guess which language innocent text is to be in: the one whose own sentences share most with the text.

    Right for 95 % of our authored posts, short ones included, where the identifier of `models` answers 88 %.
    """
    marks, shared = marks_of(text), sharing()
    votes = {code: sum(1 / shared[mark] for mark in marks & own) for code, own in marks_by_language().items()}
    return max(LANGUAGES, key=lambda code: votes[code])


def marks_of(text: str) -> frozenset[str]:
    """Give the words and the letters beyond ASCII."""
    low = text.lower()
    letters = {char for char in low if char.isalpha() and not char.isascii()}
    return frozenset({low[start:end] for start, end in word_ranges(low)} | letters)


@cache
def marks_by_language() -> dict[str, frozenset[str]]:
    """Give the marks of each language's own sentences."""
    return {code: marks_of(" ".join((*PADDING[code], *BURYING[code]))) for code in LANGUAGES}


@cache
def sharing() -> Counter[str]:
    """Count in how many languages each mark is found: what many share says little."""
    return Counter(mark for own in marks_by_language().values() for mark in own)
