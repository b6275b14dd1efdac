"""Whatever in a corpus could reach a real person: numbers, wallets, links, addresses, handles, accounts.

A writer, or a model that writes, repeats what it has seen. So a contact must be one that nobody can own, and what is
found is named by the row's id, its kind and its first three characters, never whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import regex

from models.verdict import TERM_KINDS
from training.corpus import Row
from training.corpus_checks_reserved import is_fiction, is_reserved, is_usual
from training.corpus_checks_schema import verdict_on

REGIONS: Mapping[str, Sequence[str]] = {
    "en": ("US", "GB", "IE", "AU", "ZA", "NG"),
    "de": ("DE", "AT", "CH"),
    "fr": ("FR", "BE", "CH"),
    "es": ("ES", "MX", "AR", "CO"),
    "it": ("IT",),
    "nl": ("NL", "BE"),
    "pl": ("PL",),
    "pt": ("PT", "BR"),
    "ru": ("RU", "KZ"),
    "sv": ("SE", "FI"),
    "cs": ("CZ", "SK"),
}
"""Where a post in a language may be dialled from; with a country's code a number is read from anywhere."""
SHOWN = 3
_UNSEEN = regex.compile(r"\p{Cf}")
_SEVEN_DIGITS = re.compile(r"(?:\d\D{0,3}){7}")
_TLDS = "com|net|org|info|biz|shop|store|online|site|xyz|club|top|app|link|market|chat|io|cc|ws|su|ru|de|fr|nl|pl|se|cz"
_INVITE = r"(?:t|wa|telegram|signal)\.me/|discord(?:\.gg|(?:app)?\.com/invite)/|chat\.whatsapp\.com/"
IBAN_LENGTHS: Mapping[str, int] = {
    **{"GB": 22, "IE": 22, "DE": 22, "AT": 20, "CH": 21, "LI": 21, "FR": 27, "BE": 16, "LU": 20, "ES": 24, "IT": 27},
    **{"NL": 18, "PL": 28, "PT": 25, "SE": 24, "FI": 18, "CZ": 24, "SK": 24, "LT": 20, "EE": 20, "MT": 31, "CY": 28},
}


class Shape(NamedTuple):
    """A pattern, what it finds, and a test of its first group that what is found could be somebody's."""

    kind: str
    pattern: re.Pattern[str]
    real: Callable[[str], bool]


def always(_: str) -> bool:
    """Take every match."""
    return True


def is_owned(host: str) -> bool:
    """Tell whether somebody could own a domain."""
    return not is_reserved(host)


def passes_luhn(number: str) -> bool:
    """Tell whether digits carry the check digit of a payment card."""
    digits = [int(digit) for digit in reversed(re.sub(r"\D", "", number))]
    return sum(digits[::2]) % 10 == -sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2]) % 10


def is_iban(text: str) -> bool:
    """Tell whether letters and digits begin with an account number whose check digits are right."""
    compact = text.replace(" ", "").upper()
    length = IBAN_LENGTHS.get(compact[:2], len(compact) + 1)
    number = compact[4:length] + compact[:4]
    return len(compact) >= length and int("".join(str(int(char, 36)) for char in number)) % 97 == 1


def shape(kind: str, pattern: str, real: Callable[[str], bool] = always) -> Shape:
    """Build a shape; group 1 of the pattern is what is judged and shown."""
    return Shape(kind, re.compile(pattern, re.ASCII), real)


SHAPES = (
    shape("wallet", r"(?<![A-Za-z0-9])([13][a-km-zA-HJ-NP-Z1-9]{25,34}|bc1[a-z0-9]{25,87})(?![A-Za-z0-9])"),
    shape("wallet", r"(?<![A-Za-z0-9])(0x[a-fA-F0-9]{40}|T[a-km-zA-HJ-NP-Z1-9]{33})(?![A-Za-z0-9])"),
    shape("wallet", r"(?<![A-Za-z0-9])([48][a-km-zA-HJ-NP-Z1-9]{94})(?![A-Za-z0-9])"),
    shape("account of a messenger", r"(?<![A-Za-z0-9])(05[a-f0-9]{64})(?![A-Za-z0-9])"),
    shape("onion address", r"(?<![a-z0-9])((?:[a-z2-7]{16}|[a-z2-7]{56})\.onion)(?!\w)"),
    shape("invitation", rf"(?<![\w.-])((?:{_INVITE})[\w+-]+)"),
    shape("link", r"(?:https?://|www\.)(?:[^\s/@]*@)?([^\s/:?#)\]>,;!\"']+)", is_owned),
    shape("link", rf"(?<![\w@.-])((?:[a-z0-9-]+\.)+(?:{_TLDS}))(?![\w@-]|\.[a-z])", is_owned),
    shape("e-mail", r"[\w.+-]+@((?:[\w-]+\.)+[A-Za-z]{2,})", is_owned),
    shape("bank account", r"(?<![A-Za-z0-9])([A-Za-z]{2}\d\d(?: ?[A-Za-z0-9]){11,30})", is_iban),
    shape("payment card", r"(?<![\d+])([3-6](?:\d{12,18}|\d{3}([ -])\d{4}\2\d{4}\2\d{1,7}))(?!\d)", passes_luhn),
)
_HANDLE = re.compile(r"(?<![\w@./+-])@(\w(?:[\w.]*\w)?)")


def identity_check(rows: Iterable[Row]) -> dict[str, Any]:
    """Name the rows in which something could reach a person, kind by kind."""
    found: dict[str, list[str]] = {}
    shown: list[dict[str, str]] = []
    for row in rows:
        for kind, match in dict.fromkeys(contacts_of(row)):
            found.setdefault(kind, []).append(row.id)
            shown.append({"id": row.id, "kind": kind, "begins": match[:SHOWN]})
    return {**verdict_on(found), "found": shown}


def contacts_of(row: Row) -> Iterator[tuple[str, str]]:
    """Yield (kind, what was found) of everything in a row that could be somebody's."""
    text = plain(row.text)
    for each in SHAPES:
        yield from ((each.kind, match[1]) for match in each.pattern.finditer(text) if each.real(match[1]))
    yield from (("handle", f"@{name}") for name in handles_of(row, text) if is_usual(name))
    yield from (("telephone", number) for number in phones_of(text, str(row.lang)) if not is_fiction(number))


def plain(text: str) -> str:
    """Write full-width and styled letters plainly and drop what is not seen, so that they hide no address."""
    return text if text.isascii() else _UNSEEN.sub("", unicodedata.normalize("NFKC", text))


def handles_of(row: Row, text: str) -> Iterator[str]:
    """Yield the handles of a text, without the drug words that are disguised as one: "h@sh", "@dderall"."""
    terms = [plain(span.text) for span in row.spans or () if span.kind in TERM_KINDS]
    for match in _HANDLE.finditer(text):
        if not any(match[0] in term for term in terms):
            yield match[1]


def phones_of(text: str, lang: str) -> Iterator[str]:
    """Yield the numbers in a text that its readers could dial, as they are written."""
    from phonenumbers import Leniency, PhoneNumberMatcher  # half a second to import

    if _SEVEN_DIGITS.search(text):
        for region in REGIONS.get(lang, ("US",)):
            yield from (each.raw_string for each in PhoneNumberMatcher(text, region, leniency=Leniency.VALID))
