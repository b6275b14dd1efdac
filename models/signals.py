"""Find price, quantity, contact, payment and shipping by rule.

Signals are evidence, not a verdict: honest commerce has them too. What a form must not do is fire on what is no price or contact at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from models.normalise import Normalised
from models.signal_phones import find_phones
from models.signal_words import compiled, fold
from models.verdict import Kind, Span

# --- parts ------------------------------------------------------------------------------------------------------------

# Atomic, and never the tail of a longer number, a score, a date or a version.
_FREE = r"(?<![\w.,])(?<!\d[:/-])"
_NUM = r"(?>\d{1,3}(?:[ .,']\d{3}(?!\d)){1,2}|\d{1,6})(?>[.,]\d{1,2}(?!\d))?(?!\d)(?:k(?!\w))?"
_TO = r"\s?(?:-|to|bis|до)\s?"
_RANGE = rf"{_NUM}(?:{_TO}(?:<symbol>)?{_NUM})?"
_UNCOUNTED = r"(?!\s?(?:%|(?:<counted>|<million>)(?!\w)))"
_END = r"(?![\w%]|[.,:/-]\d)"
_PER = r"(?:\s?/\s?(?!\d)|\s<rate>(?:\s|(?<=')))<rate_unit>(?!\w)"
_CURRENCY = r"(?:<symbol>(?!\d)|(?:<code>|<money>)(?!\w))"
_ROUND = r"(?:\d{1,3}[059]|\d{1,4}00)"  # what people ask; 2 for 37 is a score
_AMOUNT = r"(?>\d{1,6}(?:[.,]\d{1,3})?(?:/\d(?!\d))?|[½¼¾⅛])k?"
_NAME = r"@?(?:[\w.+-]{0,40}[\d_][\w.+-]{0,64}|\w[\w.-]{2,40}(?=[ \t]*(?:$|\n|[^\w\s'])))"
_OR = r"\s?(?:[/&+,|]|or|and|und|oder|ou|et|o|y|e|of|en|lub|i|или|и|eller|och|nebo|a)\s?"


class _Form(NamedTuple):
    kind: Kind | None  # None: innocent, takes away what it touches
    needs: str  # a sign without which the form cannot match; "0" is any digit
    pattern: str  # group 1, where there is one, is the span


# --- forms ------------------------------------------------------------------------------------------------------------

_FORMS = (
    # $20, €20-30 a g, 20 quid, 1.500 kr per gram, 20 a g, from 10 each
    _Form(Kind.PRICE, "0", rf"(?:<symbol>|(?<!\w)<code>\.?)\s?{_RANGE}(?:\s?<code>(?!\w))?{_UNCOUNTED}(?!\s?[=^_\\])(?:{_PER}|\s<each>(?!\w))?"),
    _Form(
        Kind.PRICE,
        "0",
        rf"{_FREE}{_RANGE}(?:\s?{_CURRENCY}(?:{_PER}|\s<each>(?!\w))?|{_PER}|,-)",
    ),
    _Form(Kind.PRICE, "0", rf"(?:(?<!\w)<from>\s)?{_FREE}{_RANGE}\s?<each>(?=\s*(?:$|[^\w\s]|(?:or|and|plus|for|min)\b))"),
    # 2 for 50, 3 for £20, 1g - 60, price: 40, fifty a g, 5к, 50p
    _Form(
        Kind.PRICE,
        "0",
        rf"(?<![\w.,:/-])(?<![-+*/=x]\s)\d{{1,3}}(?:\s?(?:[=@]|<for>)\s?|\s(?:per|4)\s)"
        rf"(?:<symbol>\s?{_NUM}|{_NUM}\s?{_CURRENCY}|(?!10{{2,}})(?!(?:19|20)\d\d){_ROUND}{_END}{_UNCOUNTED})",
    ),
    _Form(
        Kind.PRICE,
        "0",
        rf"\d\s?(?:x|<unit>)\s?(?:[-=:@>]{{1,2}}|<for>)\s?((?!(?:19|20)\d\d(?!\d))\d{{2,5}}k?){_END}(?!\s?<unit>(?!\w)){_UNCOUNTED}",
    ),
    _Form(Kind.PRICE, "0", rf"(?<!\w)<price_word>\s?(?:[:=-]\s?)?(?:<from>\s)?{_NUM}{_END}{_UNCOUNTED}"),
    _Form(Kind.PRICE, "", rf"(?<!\w)<number_word>\s(?:<money>|euro|<rate>\s<rate_unit>|each)(?!\w)"),
    _Form(Kind.PRICE, "0", rf"{_FREE}(?:\d{{1,3}}(?:[.,]5)?к|\d{{1,2}}[059]p|\d{{3,5}}p\.)(?!\w)"),
    _Form(Kind.PRICE, "", r"(?<!\w)<price_phrase>(?!\w)"),
    # 3.5g, 10-50 mg, 2 x 100mg, 50 mg x 100; two grams; half o; 100x
    _Form(
        Kind.QUANTITY,
        "",
        rf"(?<![\w.,$€£])(?:\d{{1,4}}\s?x\s?)?{_AMOUNT}(?:\s?(?:[-/&]|to|bis|до)\s?{_AMOUNT}){{0,3}}[\s-]?<unit>(?!\w)(?:\s?x\s?\d{{1,4}}(?!\w))?",
    ),
    _Form(Kind.QUANTITY, "", r"(?<!\w)(?:<few_word>\s<word_unit>|<amount>)(?!\w)"),
    _Form(Kind.QUANTITY, "0", r"(?<![\w.])(?:(?<!\d\s)x\s?\d{2,4}(?![\w.])|\d{2,4}\s?x(?=\s+[^\W\d]|\s*(?:$|[-=:@,;)\n])))"),
    # handles, mail, links
    _Form(Kind.CONTACT, "@", r"(?<![\w@./+-])@(?=\w*[a-z])\w[\w.]{1,30}\w"),
    _Form(Kind.CONTACT, "@", r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,24}){1,3}"),
    _Form(
        Kind.CONTACT,
        "",
        r"(?<![\w.+-])[\w.+-]{2,64}+\s?[\[(]?(?:at|@)[\])]?\s?<mail_host>\s?[\[(]?(?:dot|punkt|point|punto|\.)[\])]?\s?(?:com|me|io|ch|de|net|org|ru|pl|cz)(?!\w)",
    ),
    _Form(Kind.CONTACT, ".", r"(?<![\w@.])(?:https?://)?(?:www\.)?<domain>(?:/[\w+./?=&%@-]{0,80})?(?!\w)"),
    _Form(Kind.CONTACT, "me", r"(?<!\w)(?:t|wa|telegram)\s?(?:\.|[\[(](?:dot|\.)[\])])\s?me\s?/\s?[\w+]{3,40}"),
    _Form(Kind.CONTACT, "", r"(?<!\w)(?:[a-z2-7]{16,56}|\w{2,40})\.onion(?!\w)|(?<!\w)05[0-9a-f]{64}(?!\w)"),
    _Form(
        Kind.CONTACT,
        ".",
        r"(?<!\w)<shop_cue>\s?[:>-]{0,2}\s{0,2}(?:(?:at|on|via|is|here)\s)?((?:https?://|www\.)[\w./?=&%#~+-]{3,80}|[a-z\d-]{2,40}\.(?:com|net|org|shop|store|is|to|io|co|su|cc|ru|eu|ws|link|example)(?![\w.])(?:/[\w./?=&%-]{0,40})?)",
    ),
    # signal: name, add my snap, on telegram, wickr only, signal or wickr
    _Form(
        Kind.CONTACT,
        "",
        rf"(?<!\w)(?:<app>|<app_word>)(?:\s(?:me|is|id|user|username|name|handle|channel|at))?(?:(?:\s?(?:[:=>|]|->|→|➡|👉)\ufe0f?\s{{0,2}}|\s-\s|\s?@){_NAME}|\s(?:@\s)?[a-z]\w*[\d_]\w*(?!\w))",
    ),
    _Form(Kind.CONTACT, "", r"(?<!\w)<via>\s(?:the\s|my\s|our\s)?(<app>|<app_word_on>)(?!\w)"),
    _Form(Kind.CONTACT, "", r"(?<!\w)<app_on>\s(?:the\s|my\s|our\s)?(<app_chat>)(?!\w)"),
    _Form(Kind.CONTACT, "", rf"(?<!\w)(?:(?:<app>|<app_word_on>)(?:\s<app_tail>(?!\w)|:?\s?(?=\+?\d[\d\s()-]{{6}}))|<app_chat>{_OR}(?:<app>|<app_word>)(?!\w)|(?:<app>|<app_word>){_OR}<app_chat>(?!\w))"),
    _Form(Kind.CONTACT, "", r"(?<!\w)(?:<contact_phrase>|<app_rare>)(?!\w)"),
    # money's ways
    _Form(Kind.PAYMENT, "", rf"(?<!\w)<pay>(?!\w)(?:{_OR}<pay_word>(?!\w))?"),
    _Form(Kind.PAYMENT, "", rf"(?<!\w)<pay_verb>[\s:]{{1,3}}(?:\w{{1,20}}{_OR}){{0,3}}(<pay_word>)(?!\w)"),
    _Form(Kind.PAYMENT, "", rf"(?<!\w)(<pay_word>)(?:\s<pay_tail>|{_OR}<pay>)(?!\w)"),
    _Form(Kind.PAYMENT, "0", r"(?<!\w)(?=\w{0,24}\d)(?=\w{0,24}[a-z])(?:bc1[a-z\d]{25,59}|[13][a-z1-9]{25,34}|t[a-z1-9]{33}|0x[a-f\d]{40}|[48][\da-b][a-z1-9]{93})(?!\w)"),
    _Form(Kind.PAYMENT, "$", r"(?<!\w)cash[\s-]?app\W{0,4}(\$[a-z]\w{1,20})"),
    _Form(Kind.SHIPPING, "", r"(?<!\w)<ship>(?!\w)"),
    # innocent: whom a post answers or greets is no contact
    _Form(None, "", r"(?<!\w)<innocent>(?!\w)"),
    _Form(None, "@", r"\A\s*(?:rt\s{1,2})?(?:@\w{1,40}:?[ \t]+){1,50}(?=[\w\"'#(])"),
    _Form(None, "@", r"(?<!\w)(?:rt|by|cc|from|thanks?|thank you|thx|ty|congrats|hey|hi|hello|merci|danke|gracias|grazie|dzięki|obrigad[oa]|спасибо|tack|díky)(?:\s(?:to|for))?[\s,]{1,2}@\w{1,40}"),
)


class _Hit(NamedTuple):
    start: int
    end: int
    kind: Kind | None


@cache
def _forms() -> tuple[tuple[Kind | None, str, re.Pattern[str]], ...]:
    return tuple((form.kind, form.needs, compiled(form.pattern)) for form in _FORMS)


def find_signals(posts: Sequence[Normalised]) -> list[list[Span]]:
    """Return each post's signals in order, without overlaps, in original offsets."""
    return [[_span(post, hit) for hit in _longest(post, list(_hits(fold(post.text))))] for post in posts]


def _hits(text: str) -> Iterator[_Hit]:
    """Yield every form that matches, overlaps and all."""
    has_digit = re.search(r"\d", text) is not None
    for kind, needs, pattern in _forms():
        if has_digit if needs == "0" else needs in text:
            for match in pattern.finditer(text):
                yield _Hit(*match.span(match.lastindex or 0), kind)
    if has_digit:
        for start, end in find_phones(text):
            yield _Hit(start, end, Kind.CONTACT)


def _longest(post: Normalised, hits: list[_Hit]) -> list[_Hit]:
    """Keep the longest of hits that overlap in the original, and none that an innocent one touches."""
    taken = bytearray(len(post.original))
    kept = []
    for hit in sorted(hits, key=lambda hit: (hit.kind is not None, hit.start - hit.end, hit.start)):
        start, end = post.to_original(hit.start, hit.end)
        # A longer span cannot lie inside a shorter one, so the ends tell; an innocent one may, so it is looked for whole.
        if not any(taken[start:end]):
            taken[start:end] = b"\1" * (end - start)
            if hit.kind:
                kept.append(hit)
    return sorted(kept)


def _span(post: Normalised, hit: _Hit) -> Span:
    start, end = post.to_original(hit.start, hit.end)
    assert hit.kind is not None
    return Span(start, end, hit.kind, post.original[start:end], obfuscated=post.is_disguised(hit.start, hit.end))
