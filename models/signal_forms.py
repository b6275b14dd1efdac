"""The forms in which a signal is written: numbers and signs around the words of data/signals.toml.

`<role>` stands for the words of that role. All forms read folded text: lower case, no Latin accents, one dash.
"""

from __future__ import annotations

from typing import NamedTuple

from models.verdict import Kind

DIGIT = "0"


class Form(NamedTuple):
    """A pattern, the kind it tells (None: innocent, takes away what it touches) and a text it cannot match without.

    Group 1, where there is one, is the span. `needs` spares most posts most forms; `DIGIT` is any digit.
    """

    kind: Kind | None
    pattern: str
    needs: str = ""


# Numbers are atomic and possessive, so that no form backtracks into them; a free one is never the tail of a longer
# number, a score, a date or a version.
_FREE = r"(?<![\w.,])(?<!\d[:/-])"
_NUM = r"(?>\d{1,3}(?:[ .,']\d{3}(?!\d)){1,2}|\d{1,6})(?>[.,]\d{1,2}(?!\d))?(?!\d)(?:k(?!\w))?"
_YEAR = r"(?:19|20)\d\d(?!\d)"
_RANGE = rf"{_NUM}(?:\s?(?:-|to|bis|до)\s?(?:<symbol>)?{_NUM})?"
_AMOUNT = r"(?>\d{1,6}(?:[.,]\d{1,3})?(?:/\d(?!\d))?|[½¼¾⅛])k?"
_END = r"(?![\w%]|[.,:/-]\d)"
_UNCOUNTED = r"(?!\s?(?:%|(?:<counted>|<million>)(?!\w)))"
_ROUND = r"(?:\d{1,3}[059]|\d{1,4}00)"  # what people ask: "2 for 37" is a score
_CURRENCY = r"(?:<symbol>(?!\d)|(?:<code>|<money>)(?!\w))"
_PER = r"(?:\s?/\s?(?!\d)|\s<rate>(?:\s|(?<=')))<rate_unit>(?!\w)"
_EACH = r"\s<each>(?!\w)"
_OR = r"\s?(?:[/&+,|]|or|and|und|oder|ou|et|o|y|e|of|en|lub|albo|i|или|и|eller|och|nebo|a)\s?"
# A name has a digit or an underscore, or ends its clause: "session: tbc by the board" names nobody.
_NAME = r"@?(?:[\w.+-]{0,40}[\d_][\w.+-]{0,64}|\w[\w.-]{2,40}(?=[ \t]*(?:$|\n|[^\w\s'])))"
_URL = (
    r"(?:https?://|www\.)[\w./?=&%#~+-]{3,80}"
    r"|[a-z\d-]{2,40}\.(?:com|net|org|shop|store|is|to|io|co|su|cc|ru|eu|ws|link)(?![\w.])(?:/[\w./?=&%-]{0,40})?"
)

PRICE = (
    # $20, £1,200, €20-30 a g, usd 50
    Form(
        Kind.PRICE,
        rf"(?:<symbol>|(?<!\w)<code>\.?)\s?{_RANGE}(?:\s?<code>(?!\w))?{_UNCOUNTED}(?!\s?[=^_\\])(?:{_PER}|{_EACH})?",
        DIGIT,
    ),
    # 20 quid, 1.500 kr per gram, 20 a g, 50,-
    Form(Kind.PRICE, rf"{_FREE}{_RANGE}(?:\s?{_CURRENCY}(?:{_PER}|{_EACH})?|{_PER}|,-)", DIGIT),
    # from 10 each
    Form(
        Kind.PRICE,
        rf"(?:(?<!\w)<from>\s)?{_FREE}{_RANGE}\s?<each>(?=\s*(?:$|[^\w\s]|(?:or|and|plus|for|min)\b))",
        DIGIT,
    ),
    # 2 for 50, 3 for £20, 5 @ 100; "5 per 100,000" is a rate
    Form(
        Kind.PRICE,
        rf"(?<![\w.,:/-])(?<![-+*/=x]\s)\d{{1,3}}(?:[.,]\d)?(?:\s?(?:[=@]|<for>)\s?|\s(?:per(?!\s10{{2,}}(?!\d))|4)\s)"
        rf"(?:<symbol>\s?{_NUM}|{_NUM}\s?{_CURRENCY}|(?!{_YEAR}){_ROUND}{_END}{_UNCOUNTED})(?:{_EACH})?",
        DIGIT,
    ),
    # 1g - 60, 10x = 80
    Form(
        Kind.PRICE,
        rf"\d\s?(?:x|<unit>)\s?(?:[-=:@>]{{1,2}}|<for>)\s?"
        rf"((?!{_YEAR})\d{{2,5}}k?){_END}(?!\s?<unit>(?!\w)){_UNCOUNTED}",
        DIGIT,
    ),
    # 1g 60, 2g 110
    Form(Kind.PRICE, rf"(?<!\w)(?:{_AMOUNT}\s?<unit>|<amount>)\s((?!{_YEAR})\d{{2,4}})(?=\s*(?:$|\n|[,;|/]\s))", DIGIT),
    # price: 40
    Form(
        Kind.PRICE,
        rf"(?<!\w)<price_word>\s?(?:[:=-]\s?)?(?:<from>\s)?(?!{_YEAR}){_NUM}{_END}{_UNCOUNTED}",
        DIGIT,
    ),
    Form(Kind.PRICE, r"(?<!\w)<number_word>\s(?:<money>|euro|<rate>\s<rate_unit>|each)(?!\w)"),
    # 5к, 50p, 1500p. (a Latin p for a Russian one)
    Form(Kind.PRICE, rf"{_FREE}(?:\d{{1,3}}(?:[.,]5)?к|\d{{1,2}}[059]p|\d{{3,5}}p\.)(?!\w)", DIGIT),
    Form(Kind.PRICE, r"(?<!\w)<price_phrase>(?!\w)"),
)

QUANTITY = (
    # 3.5g, 10-50 mg, 2 x 100mg, 50 mg x 100
    Form(
        Kind.QUANTITY,
        rf"(?<![\w.,$€£])(?:\d{{1,4}}\s?x\s?)?{_AMOUNT}(?:\s?(?:[-/&]|to|bis|до)\s?{_AMOUNT}){{0,3}}"
        rf"[\s-]?<unit>(?!\w)(?:\s?x\s?\d{{1,4}}(?!\w))?",
    ),
    Form(Kind.QUANTITY, r"(?<!\w)(?:<few_word>\s<word_unit>|<amount>)(?!\w)"),
    # x10, 100x
    Form(
        Kind.QUANTITY,
        r"(?<![\w.])(?:(?<!\d\s)x\s?\d{2,4}(?![\w.])|\d{2,4}\s?x(?=\s+[^\W\d]|\s*(?:$|[-=:@,;)\n])))",
        DIGIT,
    ),
)

CONTACT = (
    # handles, mail, links
    Form(Kind.CONTACT, r"(?<![\w@./+-])@(?=\w*[a-z])\w[\w.]{1,30}\w", "@"),
    Form(Kind.CONTACT, r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,24}){1,3}", "@"),
    Form(
        Kind.CONTACT,
        r"(?<![\w.+-])[\w.+-]{2,64}+\s?[\[(]?(?:at|@)[\])]?\s?<mail_host>\s?"
        r"[\[(]?(?:dot|punkt|point|punto|\.)[\])]?\s?(?:com|me|io|ch|de|net|org|ru|pl|cz)(?!\w)",
    ),
    Form(Kind.CONTACT, r"(?<![\w@.])(?:https?://)?(?:www\.)?<domain>(?:/[\w+./?=&%@-]{0,80})?(?!\w)", "."),
    Form(Kind.CONTACT, r"(?<!\w)(?:t|wa|telegram)\s?(?:\.|[\[(](?:dot|\.)[\])])\s?me\s?/\s?[\w+]{3,40}", "me"),
    Form(Kind.CONTACT, rf"(?<!\w)<shop_cue>\s?[:>-]{{0,2}}\s{{0,2}}(?:(?:at|on|via|is|here)\s)?({_URL})", "."),
    # hidden services; a Session id
    Form(Kind.CONTACT, r"(?<!\w)(?:[a-z2-7]{16,56}|\w{2,40})\.onion(?!\w)", ".onion"),
    Form(Kind.CONTACT, r"(?<!\w)05[\da-f]{64}(?!\w)", "05"),
    # signal: name, snap name99
    Form(
        Kind.CONTACT,
        r"(?<!\w)(?:<app>|<app_word>)(?:\s(?:me|is|id|user|username|name|handle|channel|at))?"
        rf"(?:(?:\s?(?:[:=>|]|->|→|➡|👉)\ufe0f?\s{{0,2}}|\s-\s|\s?@){_NAME}|\s(?:@\s)?(?=\w{{5}})[a-z]\w*[\d_]\w*(?!\w))",
    ),
    # add my snap, on telegram, wickr only, signal or wickr
    Form(Kind.CONTACT, r"(?<!\w)<via>\s(?:the\s|my\s|our\s)?(<app>|<app_word_on>)(?!\w)"),
    Form(Kind.CONTACT, r"(?<!\w)<app_on>\s(?:the\s|my\s|our\s)?(<app_chat>)(?!\w)"),
    Form(Kind.CONTACT, r"(?<!\w)(?:<app>|<app_word_on>)(?:\s<app_tail>(?!\w)|:?\s?(?=\+?\d[\d\s()-]{6}))"),
    Form(
        Kind.CONTACT,
        rf"(?<!\w)(?:<app_chat>{_OR}(?:<app>|<app_word>)|(?:<app>|<app_word>){_OR}<app_chat>)(?!\w)",
    ),
    Form(Kind.CONTACT, r"(?<!\w)(?:<contact_phrase>|<app_rare>)(?!\w)"),
)

PAYMENT = (
    Form(Kind.PAYMENT, rf"(?<!\w)<pay>(?!\w)(?:{_OR}<pay_word>(?!\w))?"),
    # names that are also words: we accept btc and eth, zelle ok, swish eller btc
    Form(Kind.PAYMENT, rf"(?<!\w)<pay_verb>[\s:]{{1,3}}(?:\w{{1,20}}{_OR}){{0,3}}(<pay_word>)(?!\w)"),
    Form(Kind.PAYMENT, rf"(?<!\w)(<pay_word>)(?:\s<pay_tail>|{_OR}<pay>)(?!\w)"),
    # wallets, in lower case: Bitcoin, Tron, Ethereum, Monero
    Form(
        Kind.PAYMENT,
        r"(?<!\w)(?=\w{0,24}\d)(?=\w{0,24}[a-z])"
        r"(?:bc1[a-z\d]{25,59}|[13][a-z1-9]{25,34}|t[a-z1-9]{33}|0x[a-f\d]{40}|[48][\da-b][a-z1-9]{93})(?!\w)",
        DIGIT,
    ),
    Form(Kind.PAYMENT, r"(?<!\w)cash[\s-]?app\W{0,4}(\$[a-z]\w{1,20})", "$"),
)

SHIPPING = (Form(Kind.SHIPPING, r"(?<!\w)<ship>(?!\w)"),)

INNOCENT = (
    Form(None, r"(?<!\w)<innocent>(?!\w)"),
    # Whom a post answers or greets is no contact; "@name - menu" and a name on its own line are.
    Form(None, r"\A\s*(?:rt\s{1,2})?(?:@\w{1,40}:?[ \t]+){1,50}(?=[\w\"'#(])", "@"),
    Form(None, r"(?<!\w)<greeting>[\s,]{1,2}@\w{1,40}", "@"),
)

FORMS = (*PRICE, *QUANTITY, *CONTACT, *PAYMENT, *SHIPPING, *INNOCENT)
