"""Class a chemical name that no list holds yet, by the way such names are built.

Sellers rename faster than lists grow, but the names keep their grammar: `-PINACA` is a cannabinoid, `-nitazene` an
opioid. Only shapes that no ordinary word has are rules: no bare `DOx`, `-caine`, `-drone` or `PICA`, which words and
medicines share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from models.verdict import NpsClass

# Heads that stand before a cannabinoid's tail; a short tail (PICA is also an eating disorder) must have one.
_HEAD = (
    r"(?:[45][fc]l?-?|4cn-?)?"
    r"(?:ab|adb|amb|mmb|mdmb|edmb|emb|mab|app|mpp|mphp|cumyl|fub|ala|sdb|ch|bzo|nnl|adamantyl)"
)
_LONG_TAIL = (
    r"(?:(?:4en-?)?p[ei]naca|(?:4cn-?|4f-?|5'?br-?)?bu?tinaca|binaca|fubinaca|chminaca|pegaclone|p7aica|[hp]exmoxizid)"
)
_SHORT_TAIL = r"(?:4en-?|5'?br-?)?(?:pica|bu?tica|bica|fubica|chmica|inaca|piata|fubiata|chmiata)"
# Groups that precede the stem of an opioid, so that "anti-fentanyl" and "nonfentanyl" stay words.
_GROUP = (
    r"(?:acetyl|acryl(?:oyl)?|benzoyl|benzyl|bromo|butyr(?:yl)?|car|chloro|crotonyl|cyclopropyl|cyclopentyl|ethoxy"
    r"|ethyl|fluoro|furan(?:yl)?|hexanoyl|hydroxy|iodo|isobutyr(?:yl)?|methoxy|methyl|oc|phenyl|propyl|thiophene|thio"
    r"|valeryl)"
)
_ALKYL = r"(?:di|tri|bis|iso|cyclo)?(?:meth|eth|eut|prop|but|pent|hex|hept|benz)"

_RULES: dict[NpsClass, tuple[str, ...]] = {
    NpsClass.SYNTHETIC_CANNABINOIDS: (
        rf"(?:[a-z0-9'-]{{1,12}}-)?{_HEAD}-?{_LONG_TAIL}",
        rf"{_HEAD}-?{_SHORT_TAIL}",
        rf"(?:[45]f-?)?(?:[a-z]{{2,6}}-){_LONG_TAIL}",
        r"bzo-(?:4en-?)?[a-z]{2,4}oxizid",
        r"jwh-?\d{3}",
    ),
    NpsClass.SEMI_SYNTHETIC_CANNABINOIDS: (
        r"(?:\d{1,2}-?oh-?|9[rs]-?)?hhc-?(?:[pobhvm]|po|jd|cp|c8|c9|p-?o|o-?p)",
        r"\d{1,2}-?oh-?hhc",
        r"thc-?(?:[pobhm]|jd|po|p-?o|o-?p)",
        r"(?:delta|\u03b4)-?(?:[68]|10|11)-?thc(?:-?[pobh])?",
    ),
    NpsClass.CATHINONES: (
        r"[2-5](?:-?[mcbfe][me]c|[\s-]mmc|[\s-]cmc)",
        r"(?:mep|clep|clop|flep|brep|bup|metap|ep)hedrone",
        rf"(?:n-?)?(?:(?:m?eth|prop|but)yl-?)?{_ALKYL}(?:ylone|edrone)",
        r"(?:[2-5][cfm]l?'?-?)?(?:a|\u03b1|alpha)-?p(?:[bhpv]p|ihp|cyp)",
    ),
    NpsClass.PHENETHYLAMINES: (
        r"2c-(?:[bcdefghinp]|t-?\d{1,2}|[bcei]-fly|ef|ip|tfm|bz)",
        r"(?:bk|\u03b2k)-?2c-?[a-z]",
        r"(?:25|30)[a-z]{1,2}\d?-?nb(?:ome|oh|f|md)",
        r"do[a-z]-(?:fly|nbome)",
    ),
    NpsClass.LYSERGAMIDES: (r"1-?(?!x|g|k)[a-z]{1,3}-?(?:lsd|(?:al|eth|pro)-?lad|mipla)",),  # "1x LSD" is an amount
    NpsClass.TRYPTAMINES: (
        r"[4567][\s-]?(?:meo|aco|ho|oh|pro|mes|cl|br|f|me)[\s-]?(?:n,?n-?)?"
        r"(?:[dem]?[im]?pt|d[emi]t|dipt|mipt|eipt|nipt|dalt|malt|met|m?cpt|a[me]t|pyr-?t)",
    ),
    NpsClass.ARYLCYCLOHEXYLAMINES: (
        r"[234]'?-?(?:meo|ho|oh|me|cl|f|eto)-?pc(?:e|p|py|pr|mo|a|m)",
        r"o-pc(?:e|p|pr|m)",
        r"[23]-?f-?dck",
    ),
    NpsClass.OPIOIDS: (
        r"(?:[nop1-6',]+-)*(?:[a-z]{2,12}-)?(?!anti|non)[a-z]{2,16}nita(?:zenes?|zepynes?|zepipnes?)",
        rf"(?:[a-z0-9']{{1,8}}-)*(?:[a-z]{{2,20}})?{_GROUP}[\s-]?fentan[iy]l",
    ),
    NpsClass.BENZODIAZEPINES: (r"[a-z]{3,16}(?:zolam|azepam)",),
    NpsClass.PIPERAZINES: (r"[a-z0-9-]{0,18}(?:benzyl|phenyl)piperazine",),
    NpsClass.AMINOINDANES: (r"[a-z0-9-]{0,18}aminoindane?",),
    NpsClass.ARYLALKYLAMINES: (r"[4-7]-?[me]?apd?b",),
}
_CLASSES = tuple(_RULES)
_NAME = re.compile(
    r"(?<![\w@.])(?:" + "|".join(f"({'|'.join(rules)})" for rules in _RULES.values()) + r")(?!\w)", re.IGNORECASE
)
# One cheap look finds where a name may be: each rule's names hold one of these, and none has more than three words.
_HINT = re.compile(
    r"naca|p7aica|(?:pi|ti|bi|chmi)ca\b|iata|oxizid|pegacl|jwh|hhc|thc-?[a-z]|-thc|\d-?[mcbfe][me]c|\d[ -][mc]mc"
    r"|hedrone|ylone|edrone|(?:a|\u03b1|alpha)-?p(?:[bhpv]p|ihp|cyp)|2c-|k-?2c|nb[omf]|-fly"
    r"|1-?[a-z]{1,3}-?(?:lsd|al-?lad|eth-?lad|pro-?lad|mipla)|[4-7][ -]?(?:meo|aco|ho|oh|pro|mes|cl|br|f|me)"
    r"|[2-4]'?-?(?:meo|ho|oh|me|cl|f|eto)-?pc|o-pc|f-?dck|nitaz|fentan|zolam|azepam|lpiperaz|aminoind|\d-?[me]?apd?b"
)


def named(text: str) -> Iterator[tuple[int, int, NpsClass]]:
    """Yield the half-open ranges of `text` that fit a naming rule, with the class the rule gives."""
    done = 0
    for hint in _HINT.finditer(text.lower()):
        if hint.end() > done:
            start, end = _window(text, *hint.span())
            for match in _NAME.finditer(text, max(start, done), end):
                yield match.start(), match.end(), _CLASSES[(match.lastindex or 1) - 1]
            done = end


def _window(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a range to whole words, with two words before and one behind."""
    for _ in range(3):
        start = max(text.rfind(" ", 0, start), 0)
    for _ in range(2):
        end = text.find(" ", end + 1) if text.find(" ", end + 1) > 0 else len(text)
    return start, end


def class_of(name: str) -> NpsClass | None:
    """Return the class of a whole name, or None where no rule fits it."""
    match = _NAME.fullmatch(name)
    return _CLASSES[(match.lastindex or 1) - 1] if match else None
