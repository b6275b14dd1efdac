"""Class a chemical name that no list holds yet, by the way such names are built.

Sellers rename faster than lists grow, but the names keep their grammar: `-PINACA` is a cannabinoid, `-nitazene` an opioid.
Only shapes that no ordinary word has are rules: no bare `DOx`, `-caine`, `-drone` or `PICA`, which words and medicines share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from models.verdict import NpsClass

# Heads that stand before a cannabinoid's tail; a short tail (PICA is also an eating disorder) must have one.
_HEAD = r"(?:[45][fc]l?-?|4cn-?)?(?:ab|adb|amb|mmb|mdmb|edmb|emb|mab|app|mpp|mphp|cumyl|fub|ala|sdb|ch|bzo|nnl|adamantyl)"
_LONG_TAIL = r"(?:(?:4en-?)?p[ei]naca|(?:4cn-?|4f-?|5'?br-?)?bu?tinaca|binaca|fubinaca|chminaca|pegaclone|p7aica|[hp]exmoxizid)"
_SHORT_TAIL = r"(?:4en-?)?(?:pica|bu?tica|bica|fubica|chmica|inaca|piata|fubiata|chmiata|4en-?piata)"
# Groups that precede the stem of an opioid, so that "anti-fentanyl" and "nonfentanyl" stay words.
_GROUP = (
    r"(?:acetyl|acryl(?:oyl)?|benzoyl|benzyl|bromo|butyr(?:yl)?|car|chloro|crotonyl|cyclopropyl|cyclopentyl|ethoxy|ethyl"
    r"|fluoro|furan(?:yl)?|hexanoyl|hydroxy|iodo|isobutyr(?:yl)?|methoxy|methyl|oc|phenyl|propyl|thiophene|thio|valeryl)"
)
_ALKYL = r"(?:di|tri|bis|iso|cyclo)?(?:meth|eth|eut|prop|but|pent|hex|hept|benz)"

_RULES: tuple[tuple[NpsClass, str], ...] = (
    (NpsClass.SYNTHETIC_CANNABINOIDS, rf"(?:[a-z0-9'-]{{1,12}}-)?{_HEAD}-?{_LONG_TAIL}|{_HEAD}-?{_SHORT_TAIL}"),
    (NpsClass.SYNTHETIC_CANNABINOIDS, rf"(?:[45]f-?)?(?:[a-z]{{2,6}}-){_LONG_TAIL}|bzo-(?:4en-?)?[a-z]{{2,4}}oxizid|jwh-?\d{{3}}"),
    (NpsClass.SEMI_SYNTHETIC_CANNABINOIDS, r"(?:\d{1,2}-?oh-?|9[rs]-?)?hhc-?(?:[pobhvm]|po|jd|cp|c8|c9|p-?o|o-?p)|\d{1,2}-?oh-?hhc"),
    (NpsClass.SEMI_SYNTHETIC_CANNABINOIDS, r"thc-?(?:[pobhm]|jd|po|p-?o|o-?p)|(?:delta|\u03b4)-?(?:[68]|10|11)-?thc(?:-?[pobh])?"),
    (NpsClass.CATHINONES, r"[2-5](?:-?[mcbfe][me]c|[\s-]mmc|[\s-]cmc)|(?:mep|clep|clop|flep|brep|bup|metap|ep)hedrone"),
    (NpsClass.CATHINONES, rf"(?:n-?)?(?:(?:m?eth|prop|but)yl-?)?{_ALKYL}(?:ylone|edrone)|(?:[2-5][cfm]l?'?-?)?(?:a|\u03b1|alpha)-?p(?:[bhpv]p|ihp|cyp)"),
    (NpsClass.PHENETHYLAMINES, r"2c-(?:[bcdefghinp]|t-?\d{1,2}|[a-z]{2,3}(?=-fly)|[bcei]-fly|ef|ip|tfm|bz)|(?:bk|\u03b2k)-?2c-?[a-z]"),
    (NpsClass.PHENETHYLAMINES, r"(?:25|30)[a-z]{1,2}\d?-?nb(?:ome|oh|f|md)|do[a-z]-(?:fly|nbome)|[2-6]-?f(?:luoro)?-?(?:m|e)?amph"),
    (NpsClass.LYSERGAMIDES, r"1-?(?!x|g|k)[a-z]{1,3}-?(?:lsd|(?:al|eth|pro)-?lad|mipla)"),
    (
        NpsClass.TRYPTAMINES,
        r"[4567][\s-]?(?:meo|aco|ho|oh|pro|mes|cl|br|f|me)[\s-]?(?:n,?n-?)?(?:[dem]?[im]?pt|d[emi]t|dipt|mipt|eipt|nipt|dalt|malt"
        r"|met|m?cpt|a[me]t|pyr-?t)",
    ),
    (NpsClass.ARYLCYCLOHEXYLAMINES, r"(?:[234]'?-?(?:meo|ho|oh|me|cl|f|eto)-?pc(?:e|p|py|pr|mo|a|m)|o-pc(?:e|p|pr|m)|[23]-?f-?dck)"),
    (NpsClass.OPIOIDS, r"(?:[nop1-6',]+-)*(?:[a-z]{2,12}-)?(?!anti|non)[a-z]{2,16}nita(?:zenes?|zepynes?|zepipnes?)"),
    (NpsClass.OPIOIDS, rf"(?:[a-z0-9']{{1,8}}-)*(?:[a-z]{{2,20}})?{_GROUP}[\s-]?fentan[iy]l"),
    (NpsClass.BENZODIAZEPINES, r"[a-z]{3,16}(?:zolam|azepam)"),
    (NpsClass.PIPERAZINES, r"(?:[a-z0-9-]{0,18})(?:benzyl|phenyl)piperazine"),
    (NpsClass.AMINOINDANES, r"(?:[a-z0-9-]{0,18})aminoindane?"),
    (NpsClass.ARYLALKYLAMINES, r"[4-7]-?[me]?apd?b"),
)
_NAME = re.compile(r"(?<![\w@.])(?:" + "|".join(f"({rule})" for _, rule in _RULES) + r")(?!\w)", re.IGNORECASE)
# One cheap look tells most posts from those worth the rules above: each rule's names hold one of these.
_HINT = re.compile(
    r"nac|ica|iata|oxizid|pegacl|jwh|hhc|thc|\dm|mmc|cmc|\d-?[mcbfe][me]c|drone|ylone|2c-|nb[omf]|-fly|lsd|lad|mipla|pt|"
    r"d[emi]t|dalt|malt|met|a[me]t|pyr|pc[ep]|pcm|pcp|dck|nitaz|fentan|zolam|azepam|piperaz|aminoind|ap[bd]|amph|ph?v?p"
)


def named(text: str) -> Iterator[tuple[int, int, NpsClass]]:
    """Yield the half-open ranges of `text` that fit a naming rule, with the class the rule gives."""
    if not _HINT.search(text.lower()):
        return
    for match in _NAME.finditer(text):
        yield match.start(), match.end(), _RULES[(match.lastindex or 1) - 1][0]


def class_of(name: str) -> NpsClass | None:
    """Return the class of a whole name, or None where no rule fits it."""
    match = _NAME.fullmatch(name)
    return _RULES[(match.lastindex or 1) - 1][0] if match else None
