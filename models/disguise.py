"""Words in disguise: each step reads a text and says which characters to put in place of which.

Every guard here is for the innocent: abbreviations, codes, handles and one-letter words outnumber disguises by far.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import regex

from models.characters import Edit

# Contacts and masks are evidence as they stand. A handle is left alone even where it reads as leet.
_CONTACT = regex.compile(
    r"(?:https?|ftp)://\S+|www\.\S+|<[A-Z_]+>|(?<![\w.+-])[\w.+-]++@[\w-]++\.[\w.-]+|(?<![\w@])@\w+"
    r"|(?<![\w.-])(?:[\w-]++\.){1,8}(?:com|org|net|io|me|gg|co|ru|de|fr|es|it|nl|pl|pt|se|cz|uk|eu|to|ws|onion|link|shop|info|biz)\b(?:/\S*)?",
    regex.IGNORECASE,
)


def _outside_contacts(text: str, matches: Iterable[regex.Match[str]]) -> Iterator[regex.Match[str]]:
    contacts: list[tuple[int, int]] | None = None
    for match in matches:
        contacts = [found.span() for found in _CONTACT.finditer(text)] if contacts is None else contacts
        if not any(start < match.end() and match.start() < end for start, end in contacts):
            yield match


# --- letters spelled out ----------------------------------------------------------------------------------------------

_MARK = r" | ?[._*·•|~–-] ?"
_SPELLED = regex.compile(
    rf"(?<!\w)(?<![^\W\d_] ?[._*·•|~–-] ?)[^\W\d_](?P<mark>{_MARK})[^\W\d_](?![^\W_])(?:(?P=mark)[^\W\d_](?![^\W_]))++"
    r"(?!_)(?!(?! )(?P=mark)\w)"
)
# Abbreviations that are written with points, in our languages, and may lack the last one.
_ABBREVIATIONS = frozenset(
    [
        *("aka", "asap", "diy", "faq", "fyi", "obo", "ono", "otb", "pov", "rip", "rsvp", "tba", "tbc", "tbd", "usa"),
        *("vip", "wip", "wrt", "saw", "swt", "dvs", "osv", "sro", "spa", "srl", "pga", "min", "dwz", "aub", "svp"),
        *("nvt", "zoz", "npm", "pne", "itd", "itp", "тд", "тп"),
    ]
)
# Words of one letter in Polish, Czech, Spanish, Portuguese, Italian, Swedish and Russian; spaced, they are a sentence.
_ONE_LETTER_WORDS = frozenset("aeiouwyzkvsxåöóéàèаеиоукявсж")
_SIZES = frozenset("xsml")
_KEYS = frozenset({"wasd", "qwer", "qwerty", "xyz", "abxy"})


def spelled(text: str) -> Iterator[Edit]:
    """Join letters that are spelled out: `k.e.t`, `m d m a`, `c-o-k-e`."""
    for match in _outside_contacts(text, (found for found in _SPELLED.finditer(text) if _spells(found, text))):
        width = len(match["mark"])
        for at in range(match.start() + 1, match.end(), width + 1):
            yield at, at + width, "", True


def _spells(match: regex.Match[str], text: str) -> bool:
    """Tell a word that is spelled out from initials, lists, sizes, stutter and one-letter words."""
    mark, letters = match["mark"], match[0][:: len(match["mark"]) + 1]
    low = letters.lower()
    marked = sum(not char.isascii() and char < "\u0250" for char in low)
    same_case = letters.islower() or letters.isupper() or letters.istitle()
    in_order = all(a < b for a, b in pairwise(low)) and (low[0] == "a" or ord(low[-1]) - ord(low[0]) < len(low))
    if not same_case or in_order or len(set(low)) < 2 or low in _KEYS or set(low) <= _SIZES or 2 * marked > len(low):
        return False
    if mark == " ":
        return len(low) >= 4 and not set(low) <= _ONE_LETTER_WORDS
    if mark.strip() == ".":
        initials = (
            (letters.isupper() and len(low) < 5)
            or mark == ". "
            or (len(low) == 3 and text[match.end() : match.end() + 1] == ".")
        )
        return not initials and low not in _ABBREVIATIONS
    return True


# --- digits and signs for letters -------------------------------------------------------------------------------------

_SIGNS = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i", "€": "e"}
_CYRILLIC_SIGNS = {"0": "о", "3": "з", "@": "а"}
_LEET = regex.compile(r"(?<![\w@$€./&=?-])(?=[^\W_]*[@$€!013457])[\p{L}\d@$€!]{3,24}(?<!!)(?![\w@$€])")
_SIGN_RUNS = regex.compile(r"[013457@$€!]+")
_INSIDE = regex.compile(r"(?<=\p{L})(?:([013457@$€!])\1?|01|\d[@$€!]|[@$€!]\d)(?=\p{L})")
_INSIDE_AMONG_OTHERS = regex.compile(r"(?<=\p{L})[013457@$€!]{2,3}(?=\p{L})")
_NUMBER_AT_EDGE = regex.compile(r"^\d\d|\d\d$")
_DOUBLED = regex.compile(r"(?i)4a|a4|5s|s5|7t|t7")
# Codes that look like leet: postcodes, subtypes of influenza, episodes, consoles, files.
_CODES = regex.compile(
    r"[A-Z]{1,2}\d[A-Z]|(?i:h\dn\d|s\d+e\d+|ps\d\w*|mp\d\w*|w3c\w*|c3p[0o]|\w3d)|\w{3,}(?:1st|3rd|[13457]th)"
)
# 4 is "for" before these: `room4rent`, `just4fun`.
_FOR = regex.compile(
    r"\w+4(?:all|cash|change|charity|eva|ever|free|fun|her|him|hire|kids|less|life|love|me|men|money|peace|rent|sale|speed"
    r"|the|them|u|us|women|work|you|your)s?",
    regex.IGNORECASE,
)
_ONSET = regex.compile(
    r"(?:[bcdfghjklmnpqrstvwxyz]|[bcfgps]l|[bcdfgptkw]r|[cpstw]h|s[cfkmnptwqv]|thr|s[cpt]r|shr|spl|sch|tw|kn|kl|gn|ps|qu)?[aeiouy]"
)
_CLUSTER = regex.compile(r"[^aeiouyh]{5}")
# A handle is likelier than a disguise, so `@` opens only what is surely meant.
_AT = regex.compile(
    r"(?<![\w@])@(?=(?:cids?|dd[iy]e?s?|dderall|tivan|lprazolam|mphetamines?|mbien|yahuasca)\b)", regex.IGNORECASE
)
_DOLLAR = regex.compile(
    r"(?<![\w$])(?<!(?:cash ?app|venmo|paypal)\W{0,4})\$(?=[chklmnpqtw][aeiourl][a-z]{2,}\b)"
    r"|(?<=\b[a-z]{3,})(?<!\b(?:the|usd|aud|cad|can|aus|mex|nzd))\$(?![\w$])"
)


def leet(text: str) -> Iterator[Edit]:
    """Read digits and signs inside a word as letters: `k3tamine`, `c0ca1ne`, `$peed`, `@cid`."""
    edits: set[Edit] = {(match.start(), match.end(), "a", True) for match in _AT.finditer(text)}
    if "$" in text:
        edits |= {(*match.span(), "s", True) for match in _outside_contacts(text, _DOLLAR.finditer(text))}
    for match in _outside_contacts(text, (found for found in _LEET.finditer(text) if _plain(found[0]) != found[0])):
        pairs = enumerate(zip(match[0], _plain(match[0]), strict=True), match.start())
        edits |= {(at, at + 1, now, True) for at, (was, now) in pairs if was != now}
    yield from sorted(edits)


def _plain(word: str) -> str:
    """Read one word; give it back as it is unless all speaks for a disguise."""
    letters = "".join(char for char in word if char.isalpha())
    if not letters or not _likely(word, letters):
        return word
    signs = _CYRILLIC_SIGNS if "\u0400" <= letters[0] <= "\u04ff" else _SIGNS
    put = [_letter(word, at, signs) if char in signs else char for at, char in enumerate(word)]
    plain = "".join(put).upper() if letters.isupper() else "".join(put)
    readable = signs is _CYRILLIC_SIGNS or (_ONSET.match(plain.lower()) and not _CLUSTER.search(plain.lower()))
    return plain if plain.isalpha() and readable and not _DOUBLED.search(word) else word


def _likely(word: str, letters: str) -> bool:
    runs = _SIGN_RUNS.findall(word)
    inside = _INSIDE.search(word) or (len(runs) > 1 and _INSIDE_AMONG_OTHERS.search(word))
    if not inside or not (letters.islower() or letters.isupper() or letters.istitle()):
        return False
    short = len(letters) < 3 and not (
        len(letters) == 2 and set(word) & set("03") and word.islower() and word[0].isalpha()
    )
    shout = "!" in word and len(runs) == 1 and not regex.match(r"[^\W\daeiouy]{1,2}!", word)
    # `me@work` and `lunch@noon` say where; a disguise has its @ early or not alone.
    place = runs == ["@"] and not regex.match(r"[^\W\d]{1,3}@[^\W\d]+", word)
    return not (
        short or shout or place or _NUMBER_AT_EDGE.search(word) or _CODES.fullmatch(word) or _FOR.fullmatch(word)
    )


def _letter(word: str, at: int, signs: dict[str, str]) -> str:
    """Read one sign; a 1 is l beside a vowel and another l, or after b, c, f, g, p and before a, o, u."""
    before, after = word[at - 1 : at].lower(), word[at + 1 : at + 2].lower()
    if word[at] == "1" and signs is _SIGNS:
        liquid = (before == "l" and after in "aouy0" and after) or (before in "aeou0" and after == "l")
        return "l" if liquid or (before in "bcfgp" and before and after in "aou0" and after) else "i"
    return signs[word[at]]


# --- letters drawn out ------------------------------------------------------------------------------------------------

_DRAWN = regex.compile(r"(?<!\w)(?=\w*(?:([^\W\d_])\1\1))[^\W\d_]+(?!\w)", regex.IGNORECASE)
_RUN = regex.compile(r"([^\W\d_])\1{2,}", regex.IGNORECASE)
_NUMERAL = regex.compile(r"[IVXLCDM]+|[ivx]+|X+[SL]|x+[sl]")
# German writes three where a compound meets: Schifffahrt.
_SEAMS = frozenset("flmnprste")
_GERMAN = regex.compile(
    r"\b(?:der|die|das|und|ist|nicht|eine?[nmrs]?|mit|für|im|zur?|auf|von|den|dem)\b|[äöüß]", regex.IGNORECASE
)


def repeats(text: str) -> Iterator[Edit]:
    """Shorten a letter that is drawn out: `keeetamine`, `weeeed`, `plssss`."""
    if not _RUN.search(text):
        return
    for word in _outside_contacts(text, (found for found in _DRAWN.finditer(text) if not _short(found[0]))):
        for match in _RUN.finditer(text, word.start(), word.end()):
            before, after = text[word.start() : match.start()], text[match.end() : word.end()]
            if not (len(match[0]) == 3 and before and after and match[1] in _SEAMS and _GERMAN.search(text)):
                yield match.start() + _length(match[1], before, after), match.end(), "", False


def _short(word: str) -> bool:
    """Tell numerals, sizes, `www` and capitals such as IEEE."""
    capitals = word.isupper() and len(word) < 6 and not regex.search(r"(.)\1{3}", word)
    return capitals or len(set(word.lower())) == 1 or bool(_NUMERAL.fullmatch(word))


def _length(letter: str, before: str, after: str) -> int:
    """Keep two where English does: ee and oo as the only vowel (`weed`, `free`), and ff, ll, ss at the end."""
    low = letter.lower()
    only_vowel = not regex.search(r"[aeiouy]", (before + after).lower())
    closed = low in "eo" and only_vowel and len(after) < 3 and (after or low == "e")
    return 2 if closed or (low in "fls" and not after) else 1
