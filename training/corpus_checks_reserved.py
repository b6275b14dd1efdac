"""What an invented contact may be: numbers, domains and handles that reach nobody."""

from __future__ import annotations

import regex

FICTION = tuple(
    regex.compile(pattern)
    for pattern in (
        # Ofcom: mobile, no area, free, premium, UK-wide; London, Northern Ireland, Cardiff, Tyneside; other cities
        r"(?:0*44)?0?(?:7700900|1632960|8081570|9098790|3069990)\d{3}",
        r"(?:0*44)?0?(?:2079460|2896496|2890180|2920180|1914980)\d{3}",
        r"(?:0*44)?0?1(?:1[3-8]|21|31|41|51|61)4960\d{3}",
        r"(?:0*1)?(?:[2-9]\d\d)?55501\d\d",  # North America: 555-0100 to 555-0199 in every area
        r"(?:0*33)?0?(?:19900|26191|35301|46571|53649|63998)\d{4}",  # Arcep
        # Bundesnetzagentur, notice 148/2021: cities, then mobile
        r"(?:0*49)?0?(?:3023125|6990009|4066969|2214710|8999998)\d{3}",
        r"(?:0*49)?0?(?:17139200\d\d|176040690\d\d|15228817386|15228895456|15254599371)",
        r"(?:0*49)?0?(?:1729925904|1729968532|172997318[56]|1729980752|1749091317|1749464308)",
        r"(?:0*46)?0?(?:7017406|8465004|3139006|4062804|9803192)\d\d",  # PTS
        r"(?:0*61)?0?(?:[2378](?:5550|7010)\d{4}|49157015[6-9])",  # ACMA
    )
)
"""National numbers set aside for films and books, as bare digits, with or without a country's code."""

RESERVED_DOMAIN = regex.compile(r"(?:^|\.)(?:example(?:\.(?:com|net|org))?|test|invalid|localhost)$")
"""RFC 2606. `example.de` and the like are somebody's."""

REAL_HANDLES = frozenset(
    {
        *("telegram", "instagram", "facebook", "whatsapp", "snapchat", "teamsnapchat", "tiktok", "youtube", "twitter"),
        *("discord", "reddit", "signalapp", "session_app", "wickrme", "threema", "google", "amazon", "paypal"),
        *("cashapp", "revolut", "binance", "coinbase", "spotify", "netflix", "dhlexpress", "royalmail"),
        *("europol", "interpol_hq", "interpol", "emcdda", "euda_eu", "cdcgov", "us_fda", "samhsagov", "metpoliceuk"),
        *("bbcnews", "nytimes", "guardian", "reuters", "talktofrank", "dancesafe", "wedinos", "wearetheloop"),
        *("drugsand_me", "bluelight", "psychonautwiki", "saferparty", "energycontrol", "checkit_wien"),
    }
)
"""Services, brands and authorities that a writer may name from memory."""
NOBODY = frozenset({"here", "all", "op", "mod", "mods", "admin"})
"""What a chat room or a forum calls by their part, whoever they are."""
LEAST_LETTERS = 6
"""Short handles were taken years ago; longer ones of two odd words seldom are."""
CUT = 8
"""Digits from which the beginning of a number for fiction is one too: people cut a number, "069 90009.."."""


def is_fiction(number: str) -> bool:
    """Tell whether a telephone number, or one that is cut, lies in a range that is kept free for fiction."""
    digits = regex.sub(r"\D", "", number)
    return any(pattern.fullmatch(digits, partial=len(digits) >= CUT) for pattern in FICTION)


def is_reserved(host: str) -> bool:
    """Tell whether a domain is one that nobody can own."""
    return RESERVED_DOMAIN.search(host.casefold().strip(".")) is not None


def is_usual(handle: str) -> bool:
    """Tell whether a handle, without its `@`, is shaped like a real one: short, or a service's own."""
    name = handle.casefold().strip(".")
    letters = sum(letter.isalpha() for letter in name)
    return name not in NOBODY and (0 < letters < LEAST_LETTERS or name in REAL_HANDLES)
