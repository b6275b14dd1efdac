"""What an invented contact may be: numbers, domains and handles that reach nobody."""

from __future__ import annotations

import re

FICTION = tuple(
    re.compile(pattern)
    for pattern in (
        # Ofcom: mobile, no area, London, Northern Ireland, Cardiff, Tyneside, the other cities, free, premium, UK-wide
        r"(?:0*44)?0?(?:7700900|1632960|808157\d|909879\d|306999\d)\d{3}",
        r"(?:0*44)?0?(?:2079460|2896496|2890180|2920180|1914980)\d{3}",
        r"(?:0*44)?0?1(?:1[3-8]|21|31|41|51|61)4960\d{3}",
        r"(?:0*1)?(?:[2-9]\d\d)?55501\d\d",  # North America: 555-0100 to 555-0199 in every area
        r"(?:0*33)?0?(?:19900|26191|35301|46571|53649|63998)\d{4}",  # Arcep
        r"(?:0*49)?0?(?:3023125|6990009|4066969|2214710|8999998)\d{3}",  # Bundesnetzagentur, cities
        r"(?:0*49)?0?(?:17139200\d\d|176040690\d\d|15228817386|15228895456|15254599371)",  # and mobile
        r"(?:0*49)?0?(?:1729925904|1729968532|1729973185|1729980752|1749091317|1749464308)",
        r"(?:0*46)?0?(?:701740[67]\d\d|84650040\d|84650[04]\d\d|313900[67]\d\d|406280[45]\d\d|9803192\d\d)",  # PTS
        r"(?:0*61)?0?(?:[2378](?:5550|7010)\d{4}|491570\d{3})",  # ACMA
    )
)
"""National numbers set aside for films and books, as bare digits, with or without a country's code."""

RESERVED_DOMAIN = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|net|org))?|test|invalid|localhost)$")
"""RFC 2606. `example.de` and the like are somebody's."""

REAL_HANDLES = frozenset(
    {
        *("telegram", "durov", "instagram", "facebook", "whatsapp", "snapchat", "teamsnapchat", "tiktok", "youtube"),
        *("twitter", "support", "discord", "reddit", "signalapp", "session_app", "wickrme", "threema", "elonmusk"),
        *("google", "amazon", "paypal", "cashapp", "venmo", "revolut", "binance", "coinbase", "spotify", "netflix"),
        *("europol", "interpol_hq", "interpol", "unodc", "emcdda", "euda_eu", "deahq", "cdcgov", "us_fda", "samhsagov"),
        *("metpoliceuk", "nca_uk", "dhlexpress", "royalmail", "bbcnews", "nytimes", "guardian", "reuters", "talktofrank"),
        *("dancesafe", "wedinos", "wearetheloop", "drugsand_me", "erowid", "bluelight", "psychonautwiki", "everyone"),
    }
    - {"everyone"}
)
"""Services, brands and authorities that a writer may name from memory."""
LEAST_LETTERS = 6
"""Short handles were taken years ago; longer ones of two odd words seldom are."""


def is_fiction(number: str) -> bool:
    """Tell whether a telephone number lies in a range that is kept free for fiction."""
    digits = re.sub(r"\D", "", number)
    return any(pattern.fullmatch(digits) for pattern in FICTION)


def is_reserved(host: str) -> bool:
    """Tell whether a domain is one that nobody can own."""
    return RESERVED_DOMAIN.search(host.casefold().strip(".")) is not None


def is_usual(handle: str) -> bool:
    """Tell whether a handle, without its `@`, is shaped like a real one: short, or a service's own."""
    letters = sum(letter.isalpha() for letter in handle)
    return 0 < letters < LEAST_LETTERS or handle.casefold().strip(".") in REAL_HANDLES
