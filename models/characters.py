"""Characters in disguise: styled letters, stacked marks, letter emoji, the unseen, letters of another script.

Every guard here is for the innocent: an accent, a flag, an emoji, a footnote and an honest Cyrillic or Greek word stay.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache

import emoji
import regex
from confusable_homoglyphs import confusables

Edit = tuple[int, int, str, bool]
"""Start, end, what to put there, was it hidden. An empty string that was hidden marks the letter behind it."""

_MARKS = r"\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f"
_HIDDEN = (
    r"\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    r"\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
# Letters, punctuation and pictures that honest posts hold and that no step below changes.
_ORDINARY = (
    r"\x00-\x7f\xa1-\xac\xae-\u0131\u0134-\u013e\u0141-\u0148\u014a-\u017e\u0180-\u01c3\u01cd-\u01f0\u0370-\u0373"
    r"\u0386-\u03ce\u0400-\u0482\u048a-\u052f\u2012-\u2027\u20a0-\u20bf\u2190-\u21ff\u2500-\u27bf\U0001f300-\U0001faff"
)
_FLAG = r"[\U0001f1e6-\U0001f1ff]"
_FLAGS = regex.compile(f"{_FLAG}+")
_ODD = regex.compile(
    rf"(?P<keycap>[0-9#*]\ufe0f?\u20e3)|(?P<base>[^\s{_MARKS}{_HIDDEN}])?(?P<marks>[{_MARKS}]+)"
    rf"|(?P<flags>{_FLAG}(?:[ \u200b\u200c\u2060]?{_FLAG})*)|(?P<hidden>[{_HIDDEN}]+)"
    rf"|(?P<other>[^{_ORDINARY}]|\U0001f3f4[\U000e0020-\U000e007f]+)"
)
_DRAWN_OVER = regex.compile(r"[\u0305\u0332-\u0338\u033f\u0488\u0489\u20d0-\u20f0]")
_STYLES = ("<font>", "<wide>", "<circle>", "<square>")
_HYPHENS = "\u2010\u2011\u2043\u2212"
_LETTER_EMOJI = {"\U0001f170": "A", "\U0001f171": "B", "\u24c2": "M", "\U0001f17e": "O", "\U0001f17f": "P"}
_LETTER_PICTURE = regex.compile(r"NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER ([A-Z])")
_SMALL_CAPITAL = regex.compile(r"LATIN LETTER SMALL CAPITAL ([A-Z])")


def characters(text: str) -> Iterator[Edit]:
    """Undo styled letters, stacked marks, letter emoji and what cannot be seen."""
    if text.isascii():
        return
    for match in _ODD.finditer(text):
        start, end = match.span()
        before, after = text[start - 1 : start], text[end : end + 1]
        if match["keycap"]:
            yield start, end, text[start], False
        elif match["marks"]:
            yield from _marks(start, end, match["base"] or "", match["marks"])
        elif match["flags"]:
            yield from _flags(start, match["flags"])
        elif match["hidden"]:
            yield from _hidden(start, match["hidden"], before, after)
        elif len(match["other"]) == 1:
            yield from _other(start, match["other"], before, after)


def _marks(start: int, end: int, base: str, marks: str) -> Iterator[Edit]:
    """Compose honest diacritics; take decoration off."""
    plain = fold(base) if base else ""
    composed = unicodedata.normalize("NFC", plain + marks)
    left = [char for char in composed if _is_mark(char)]
    put = plain if len(left) > 1 else "".join(char for char in composed if not _is_mark(char))
    yield start, end, put, len(left) > 1 or bool(_DRAWN_OVER.search(marks))


@cache
def _is_mark(char: str) -> bool:
    return bool(regex.match(f"[{_MARKS}]", char))


def _flags(start: int, flags: str) -> Iterator[Edit]:
    """Read regional indicators as letters, unless they pair into flags of countries."""
    groups = list(_FLAGS.finditer(flags))
    apart = len(groups) > 1 and all(len(group[0]) == 1 for group in groups)
    for group in groups:
        if apart or not all(emoji.is_emoji(group[0][i : i + 2]) for i in range(0, len(group[0]), 2)):
            for at, char in enumerate(group[0], start + group.start()):
                yield at, at + 1, chr(ord(char) - 0x1F1E6 + ord("A")), apart or len(group[0]) > 1
        if apart and group.end() < len(flags):
            yield start + group.end(), start + group.end() + 1, "", True


def _hidden(start: int, hidden: str, before: str, after: str) -> Iterator[Edit]:
    """Drop what cannot be seen; the joiners of emoji and of Arabic and Indic letters stay."""
    if set(hidden.strip("\ufe0f")) <= {"\u200c", "\u200d"} and hidden.strip("\ufe0f") and _joins(before, after):
        return
    in_word = _is_letter(before) and _is_letter(after) and set(hidden) != {"\u00ad"}
    yield start, start + len(hidden), "", in_word


def _joins(before: str, after: str) -> bool:
    return not (_is_letter(before) or _is_letter(after) or not before or not after)


@cache
def _is_letter(char: str) -> bool:
    return bool(regex.match(r"[\p{Latin}\p{Greek}\p{Cyrillic}]", char))


def _other(start: int, char: str, before: str, after: str) -> Iterator[Edit]:
    """Undo a styled letter; one that is an emoji is read as a letter only beside another letter."""
    if char in _LETTER_EMOJI:
        if before.isalpha() or after.isalpha() or before in _LETTER_EMOJI or after in _LETTER_EMOJI:
            yield start, start + 1, _LETTER_EMOJI[char], True
    elif (put := fold(char)) != char:
        styled = put.isalpha() and unicodedata.decomposition(char).startswith(_STYLES)
        yield start, start + 1, put, styled and any(side.isascii() and side.isalpha() for side in (before, after))


@cache
def fold(char: str) -> str:
    """Give the plain form of one character, by NFKC where that keeps the sense.

    Marks of order, footnotes, fractions and emoji stay: `1½` is not `11/2`, and `Xanax™` is not `XanaxTM`.
    """
    category, name, folded = unicodedata.category(char), unicodedata.name(char, ""), unicodedata.normalize("NFKC", char)
    if category == "Zs":
        return " "
    if char in _HYPHENS:
        return "-"
    if (found := _LETTER_PICTURE.fullmatch(name)) or (found := _SMALL_CAPITAL.fullmatch(name)):
        return found[1].lower() if "SMALL" in name else found[1]
    raised = category != "Lm" and unicodedata.decomposition(char).startswith("<super>")
    broken = any(not c.isprintable() or c in " \u2044" or unicodedata.combining(c) for c in folded)
    return char if raised or broken or char in "\u2025\u2026\u2116" or emoji.is_emoji(char) else folded


# What sellers write, lower-case forms of other letters included, which the Unicode table leaves out (к is not its k).
_TO_LATIN = dict(
    zip(
        "аеіјорсухѕһԁԛԝӏкмтнвпгиьАВЕЅІЈКМНОРСТУХҮԌαβγεηικνορστυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
        "aeijopcyxshdqwlkmthbnrubABESIJKMHOPCTYXYGabyenikvopotuxwABEZHIKMNOPTYX",
        strict=True,
    )
)
_TO_CYRILLIC = dict(zip("aeopcyxkunrtmhABEKMHOPCTYX", "аеорсухкипгтмнАВЕКМНОРСТУХ", strict=True))
_EXACT = frozenset("аеіјорсухѕһԁԛԝӏ")
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}\d]*")
# Latin letters of honest words; everything else in a Latin word is foreign to it.
_LATIN = regex.compile(r"[A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]")
_FOREIGN = regex.compile(r"[\p{L}--[A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]]", regex.V1)
_RUSSIAN = regex.compile(
    r"[бгджзйлфцчшщъыэюя]|(?<!\p{L})\p{Cyrillic}*[бвгджзийклмнптфцчшщъыьэюя]\p{Cyrillic}*(?!\p{L})", regex.IGNORECASE
)
# A Greek letter before a short or capital rest is science: μg, αPVP, λmax, βk.
_SCIENCE = regex.compile(r"[α-ω](?:[A-Z0-9]\w*|\w{1,3})")
# A Russian ending on a foreign stem: DJу, SMSка.
_ENDING = regex.compile(r"[A-Za-z]{2,}\p{Cyrillic}{1,3}")


def look_alikes(text: str) -> Iterator[Edit]:
    """Give a word one script; a word that is honestly Cyrillic or Greek stays."""
    if text.isascii() or not _FOREIGN.search(text) or not _LATIN.search(text):
        return
    russian = bool(_RUSSIAN.search(text))
    for match in _WORD.finditer(text):
        word = match[0]
        if not _FOREIGN.search(word) or _SCIENCE.fullmatch(word) or (russian and _ENDING.fullmatch(word)):
            continue
        twins = _twins(word, russian=russian) if _LATIN.search(word) else _borrowed(word, text, russian=russian)
        for at, char in enumerate(word, match.start()):
            if char in twins:
                yield at, at + 1, twins[char], True


def _twins(word: str, *, russian: bool) -> dict[str, str]:
    """Choose the script of a mixed word: what is in the minority and has a twin gives way."""
    foreign = [char for char in word if _FOREIGN.match(char)]
    latin = [char for char in word if _LATIN.match(char)]
    to_latin = {char: twin for char in foreign if (twin := _latin_twin(char))}
    to_cyrillic = {char: _TO_CYRILLIC[char] for char in latin if char in _TO_CYRILLIC}
    becomes_latin = all(char in to_latin for char in foreign) and not (russian and len(foreign) > len(latin))
    becomes_cyrillic = all(char in to_cyrillic for char in latin) and all(
        "\u0400" <= char <= "\u052f" for char in foreign
    )
    if becomes_latin and becomes_cyrillic:
        return to_cyrillic if len(foreign) + russian > len(latin) else to_latin
    return to_latin if becomes_latin else to_cyrillic if becomes_cyrillic else {}


def _borrowed(word: str, text: str, *, russian: bool) -> dict[str, str]:
    """Read a word wholly of exact twins as Latin, if nothing else in the text is Russian."""
    if russian or len(word) < 3 or not set(word) <= _EXACT or len(_LATIN.findall(text)) < 2 * len(word):
        return {}
    return {char: _TO_LATIN[char] for char in word}


@cache
def _latin_twin(char: str) -> str | None:
    if char in _TO_LATIN:
        return _TO_LATIN[char]
    looks = [look["c"] for look in confusables.confusables_data.get(char, ())]
    looks = [look for look in looks if len(look) == 1 and look.isascii() and look.isalpha()]
    return next((look for look in looks if look.isupper() == char.isupper()), None)
