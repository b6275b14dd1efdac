"""Contacts become keyed pseudonyms of the same kind and length, so offsets survive and one seller stays one.

Every token is masked by itself: `@name` and `t.me/name` stay linked. Not anonymity: who holds the key can test a guess.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence

import phonenumbers
import regex

Edit = tuple[int, int, str]

# Hosts that many share say where a contact is, not who it is, so they stay: rules read them as evidence.
_PLATFORMS = (
    *("t.me", "telegram.me", "telegram.org", "wa.me", "signal.me", "signal.group", "discord.gg", "discord.com"),
    *("instagram.com", "facebook.com", "fb.me", "snapchat.com", "twitter.com", "x.com", "youtube.com", "youtu.be"),
    *("tiktok.com", "vk.com", "reddit.com", "linktr.ee", "pastebin.com", "cash.app", "paypal.me", "gmail.com"),
    *("proton.me", "protonmail.com", "tutanota.com", "outlook.com", "hotmail.com", "yahoo.com", "gmx.de", "web.de"),
    *("mail.ru", "yandex.ru", "seznam.cz", "wp.pl", "o2.pl", "onet.pl", "libero.it", "orange.fr"),
)
_ENDS = (
    "com|org|net|io|me|gg|ee|co|app|ru|de|at|ch|fr|es|it|nl|be|pl|pt|br|se|cz|sk|uk|us|eu|to|ws|cc|onion|i2p|link|shop"
    "|store|info|biz|xyz|top|site|online|chat|im|li|ly"
)
_SERVICES = (
    "telegram|tele|tg|wickr(?: ?me)?|kik|snap(?:chat)?|ig|insta(?:gram)?|signal|threema|session|whatsapp|discord|icq"
    "|jabber|xmpp|skype|wechat|viber|телеграм+|тг"
)
_CONTACT = regex.compile(
    r"(?P<mask><[A-Z_]+>|(?<![\w@])@user\b)"
    r"|(?P<wallet>\b(?:0x[0-9a-f]{40}|[0-9a-f]{40,128}(?!\.onion)|(?-i:(?:bc1|ltc1)[02-9ac-hj-np-z]{25,62}"
    r"|[13LMDTX][1-9A-HJ-NP-Za-km-z]{25,34}|[48][1-9A-HJ-NP-Za-km-z]{94}(?:[1-9A-HJ-NP-Za-km-z]{11})?))\b)"
    r"|(?P<mail>(?<![\w.+-])[\w.+-]++@(?:[\w-]++\.)+[\w-]{2,})"
    r"|(?P<url>(?:https?|hxxps?|ftp)://[^\s<>]+|www\.[^\s<>]+"
    rf"|(?<![\w.@-])(?:[\w-]++\.){{1,6}}(?-i:(?![A-Z][a-z]))(?:{_ENDS})\b(?:[/?#][^\s<>]*)?)"
    r"|(?P<tag>\b\w{2,32}#\d{4}\b|(?<![\w@])@(?!\d+(?:[uµμm]?g|ml)?\b)\w{2,}|(?<=\bcash ?app\W{0,4})\$\w{2,})"
    rf"|\b(?:{_SERVICES})\b(?: ?id\b)?(?: ?[:=]+ ?@?|(?<!snap|chat|ig|insta|stagram) ?@ ?)(?P<name>[\w.-]*\w)",
    regex.IGNORECASE,
)
_HEAD = regex.compile(r"(?:(?:https?|hxxps?|ftp)://)?(?:www\.)?", regex.IGNORECASE)
_PLATFORM = regex.compile(rf"(?<![\w.-])(?:{'|'.join(map(regex.escape, _PLATFORMS))})(?![\w.-])", regex.IGNORECASE)
_END = regex.compile(rf"(?<=\.)(?:(?:co|com|org|net)\.)?(?:{_ENDS})(?![\w.-])", regex.IGNORECASE)
_PREFIX = regex.compile(r"0x|bc1|ltc1|[13LMDTX48]")
_PHONE = regex.compile(r"(?<![\w.,$€£])(?:\+|\(\+?)?\d(?:[ ()./-]{0,3}\d){7,15}(?![\w%€$£])")
_DATE = regex.compile(r"\d{4}[-./]\d\d[-./]\d\d\b|\d\d?[-./]\d\d?[-./]\d{4}\b")
# Countries that dial without a leading zero: elsewhere the zero itself tells a phone number.
_REGIONS = ("US", "ES", "IT", "MX", "PL", "PT", "BR", "RU", "CZ")

_PLAIN = ("0123456789", "abcdefghijklmnopqrstuvwxyz")
_HEX = ("0123456789", "abcdef")
_BASE32 = ("234567", "abcdefghijklmnopqrstuvwxyz")
_BASE58 = ("23456789", "acdefghjkmnpqrstuvwxyz")  # what Base58 and Bech32 share, so that a wallet stays one


def mask(texts: Sequence[str], *, key: bytes) -> list[str]:
    """Put a pseudonym in place of each contact. One contact has one pseudonym under one key (HMAC-SHA256)."""
    return [_mask(text, key) for text in texts]


def _mask(text: str, key: bytes) -> str:
    found: list[Edit] = []
    for match in _CONTACT.finditer(text):
        kind = match.lastgroup or "name"
        found.append((*match.span(kind), _pseudonym(kind, match[kind], key)))
    for edit in [*found, *_phones(_write(text, found, blank=True), key)]:
        text = _write(text, [edit])
    return text


def _write(text: str, edits: Sequence[Edit], *, blank: bool = False) -> str:
    for start, end, put in edits:
        text = text[:start] + ("x" * len(put) if blank else put) + text[end:]
    return text


def _pseudonym(kind: str, contact: str, key: bytes) -> str:
    if kind == "mask":
        return contact
    if kind == "wallet":
        kept = _PREFIX.match(contact)
        at = kept.end() if kept and not _is_hex(contact) else 2 * contact.lower().startswith("0x")
        return contact[:at] + _swap(contact[at:], contact, key, _HEX if _is_hex(contact) else _BASE58)
    return _tokens(contact, key, host=kind in ("url", "mail"))


def _is_hex(contact: str) -> bool:
    return bool(regex.fullmatch(r"(?:0x)?[0-9a-f]{40,}", contact, regex.IGNORECASE))


def _tokens(contact: str, key: bytes, *, host: bool) -> str:
    """Mask each word of a contact; the scheme, `www`, shared hosts and the ending of a domain stay."""
    kept: set[int] = set()
    if host:
        name = regex.match(r"(?:\w+://)?[^/?#]*", contact)
        until = name.end() if name else 0
        for pattern in (_HEAD, _PLATFORM, _END):
            kept |= {at for match in pattern.finditer(contact, 0, until) for at in range(*match.span())}
    put = list(contact)
    for match in regex.finditer(r"\w+", contact):
        if not kept.issuperset(range(*match.span())):
            onion = contact[match.end() :].lower().startswith(".onion")
            alphabets = _BASE32 if onion and len(match[0]) in (16, 56) else _PLAIN
            put[match.start() : match.end()] = _swap(match[0], match[0].casefold(), key, alphabets)
    return "".join(put)


def _swap(token: str, same: str, key: bytes, alphabets: tuple[str, str]) -> str:
    """Change each digit for a digit and each letter for a letter of its case; `same` says what counts as one token."""
    digits, letters = alphabets
    return "".join(
        digits[value % len(digits)]
        if char.isdecimal()
        else letters[value % len(letters)].upper()
        if char.isupper()
        else letters[value % len(letters)]
        if char.isalpha()
        else char
        for char, value in zip(token, _stream(same, key), strict=False)
    )


def _stream(same: str, key: bytes) -> Iterator[int]:
    block = 0
    while True:
        yield from hmac.digest(key, f"{block}:{same}".encode("utf-8", "surrogatepass"), "sha256")
        block += 1


def _phones(text: str, key: bytes) -> Iterator[Edit]:
    """Mask the national part, so that `+49 151 ...` and `0151 ...` stay one number."""
    for match in _PHONE.finditer(text):
        if national := _national(match[0]):
            places = [at for at, char in enumerate(match[0]) if char.isdecimal()][-len(national) :]
            put = list(match[0])
            for at, digit in zip(places, _swap(national, f"phone {national}", key, _PLAIN), strict=False):
                put[at] = digit
            yield match.start(), match.end(), "".join(put)


def _national(number: str) -> str | None:
    """Give the digits that identify a phone number; nothing for dates, versions, sums and lists of amounts."""
    groups = regex.findall(r"\d+", number)
    digits = "".join(groups)
    if number.lstrip("(").startswith("+") or digits.startswith("00"):
        return _parsed("+" + digits.removeprefix("00"), None)
    if _DATE.match(number) or len(digits) < 9 or set(groups[1:]) == {"000"}:
        return None
    if "." in number and any(len(group) < 2 for group in groups):
        return None
    if number.startswith(("0", "(")) or [len(group) for group in groups] == [3, 3, 4]:
        return digits.lstrip("0")
    return next((found for region in _REGIONS if (found := _parsed(digits, region))), None)


def _parsed(digits: str, region: str | None) -> str | None:
    try:
        parsed = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    known = phonenumbers.is_valid_number(parsed) if region else phonenumbers.is_possible_number(parsed)
    return str(parsed.national_number) if known else None
