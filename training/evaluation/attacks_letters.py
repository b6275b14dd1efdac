"""Attacks on the letters of words: each gives the text as a person would still read it.

All share `Apply`: text, spans, strength 1 to 3 and a seeded generator to a text.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Mapping, Sequence

import regex

from models.verdict import Span
from training.evaluation.attack_targets import Range, graphemes, rewrite, some, words_to_touch

Apply = Callable[[str, Sequence[Span], int, random.Random], str]
Style = Callable[[str, int, random.Random], str]
"""One word, strength and generator to the word as it is written now."""


def styled(*styles: Style) -> Apply:
    """Make an attack that writes the words it touches in one of the styles, the same through a post."""

    def apply(text: str, spans: Sequence[Span], strength: int, rng: random.Random) -> str:
        style = rng.choice(styles)
        return rewrite(text, words_to_touch(text, spans, strength, rng), lambda word: style(word, strength, rng))

    return apply


def exchanged(word: str, twins: Mapping[str, str], strength: int, rng: random.Random) -> str:
    """Exchange letters for one of their twins; an accented letter may go by its base."""
    letters = graphemes(word)
    found = {place: twin for place, letter in enumerate(letters) if (twin := _twin(letter, twins))}
    for place in sorted(some(list(found), strength, rng)):
        letters[place] = rng.choice(found[place])
    return "".join(letters)


def _twin(letter: str, twins: Mapping[str, str]) -> str | None:
    return twins.get(letter) or twins.get(_base(letter))


def _base(letter: str) -> str:
    """Take the accents off, but for the Cyrillic letters that are letters of their own."""
    return letter if letter in "йЙёЁ" else unicodedata.normalize("NFD", letter)[0]


# --- digits and signs -------------------------------------------------------------------------------------------------

_SIGNS = {"a": "4@", "b": "8", "e": "3", "g": "9", "i": "1!", "l": "1", "o": "0", "s": "5$", "t": "7", "z": "2"}
_SIGNS |= {"а": "@4", "б": "6", "в": "8", "е": "3", "з": "3", "о": "0", "т": "7", "ч": "4"}  # Cyrillic
SIGNS = _SIGNS | {letter.upper(): signs for letter, signs in _SIGNS.items()}


def signs(word: str, strength: int, rng: random.Random) -> str:
    """Write `k3t4m1ne`."""
    return word if len(graphemes(word)) < 2 else exchanged(word, SIGNS, strength, rng)


leet = styled(signs)

# --- letters of other scripts and styles ------------------------------------------------------------------------------

# Written by eye, not from the normaliser's own table: a seller does not know which letters that holds.
TWINS = {
    **{"a": "аɑα", "b": "Ь", "c": "сϲ", "d": "ԁ", "e": "е", "g": "ɡ", "h": "һ", "i": "іι", "j": "ј", "k": "κк"},
    **{"l": "ӏⅼ", "m": "м", "n": "ո", "o": "оοօ", "p": "рρ", "q": "ԛ", "s": "ѕ", "t": "т", "u": "υս", "v": "ν"},
    **{"w": "ԝ", "x": "хχ", "y": "уγ", "A": "АΑ", "B": "ВΒ", "C": "СϹ", "D": "Ⅾ", "E": "ЕΕ", "H": "НΗ", "I": "ІΙ"},
    **{"J": "Ј", "K": "КΚ", "M": "МΜ", "N": "Ν", "O": "ОΟ", "P": "РΡ", "S": "Ѕ", "T": "ТΤ", "X": "ХΧ", "Y": "ҮΥ"},
    "Z": "Ζ",
    **{"а": "a", "г": "r", "е": "e", "к": "k", "о": "o", "р": "p", "с": "c", "у": "y", "х": "x", "п": "n", "и": "u"},
    **{"А": "A", "В": "B", "Е": "E", "К": "K", "М": "M", "Н": "H", "О": "O", "Р": "P", "С": "C", "Т": "T", "Х": "X"},
}
# Where A and a stand in alphabets without gaps: fullwidth, bold, script, fraktur, sans, typewriter.
FONTS = (
    (0xFF21, 0xFF41),
    (0x1D400, 0x1D41A),
    (0x1D4D0, 0x1D4EA),
    (0x1D56C, 0x1D586),
    (0x1D5D4, 0x1D5EE),
    (0x1D670, 0x1D68A),
)


def twins(word: str, strength: int, rng: random.Random) -> str:
    """Write letters that look the same and come from Cyrillic, Greek or Armenian, or from Latin in a Russian word."""
    return exchanged(word, TWINS, strength, rng)


def font(upper: int, lower: int) -> Style:
    """Write the whole word in a font, as pages that style text do; where a word has no such letters, look-alikes."""
    letters = {chr(ord("A") + at): chr(upper + at) for at in range(26)}
    table = str.maketrans(letters | {chr(ord("a") + at): chr(lower + at) for at in range(26)})

    def style(word: str, strength: int, rng: random.Random) -> str:
        put = word.translate(table)
        return put if put != word else twins(word, strength, rng)

    return style


# As many posts with look-alikes as with all the fonts together.
homoglyphs = styled(*[twins] * len(FONTS), *(font(*starts) for starts in FONTS))

# --- what stands between letters --------------------------------------------------------------------------------------

UNSEEN = ("\u200b", "\u200c", "\u200d", "\u2060", "\u00ad")
MARKS = (".", "-", "_", "*", "|", "/")


def unseen(word: str, strength: int, rng: random.Random) -> str:
    """Put what cannot be seen between letters."""
    letters = graphemes(word)
    for place in some(range(len(letters) - 1), strength, rng):
        letters[place] += rng.choice(UNSEEN)
    return "".join(letters)


def spacing(text: str, spans: Sequence[Span], strength: int, rng: random.Random) -> str:
    """Write `k e t`, and three spaces between words that are spaced out side by side."""
    runs: list[Range] = []
    for start, end in words_to_touch(text, spans, strength, rng):
        if runs and text[runs[-1][1] : start] == " ":
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return rewrite(text, runs, lambda run: "   ".join(" ".join(_signs_of(word)) for word in run.split(" ")))


def marked(mark: str) -> Style:
    """Write `k.e.t`."""
    return lambda word, _strength, _rng: mark.join(_signs_of(word))


def _signs_of(word: str) -> list[str]:
    """Give what is spelled out of a word, its numbers whole: of 10-OH, 10, O and H."""
    return [sign for sign in regex.findall(r"\d+|\X", word) if sign not in "-'’"]


def starred(word: str, strength: int, rng: random.Random) -> str:
    """Write `k*t`: vowels, or an inner letter where there is none inside, give way to a star."""
    letters = graphemes(word)
    inner = [at for at in range(1, len(letters) - 1) if letters[at].isalpha()]
    for place in some([at for at in inner if is_vowel(letters[at])] or inner[:1], strength, rng):
        letters[place] = "*"
    return "".join(letters)


zero_width = styled(unseen)
punctuation = styled(*map(marked, MARKS), *[starred] * (len(MARKS) // 2))

# --- how words are typed ----------------------------------------------------------------------------------------------

KEYBOARDS = (("qwertyuiop", "asdfghjkl", "zxcvbnm"), ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"))


def _neighbours() -> dict[str, str]:
    """Give each key those beside it and the nearest above and below, in both cases."""
    found: dict[str, str] = {}
    for rows in KEYBOARDS:
        for row, keys in enumerate(rows):
            for at, key in enumerate(keys):
                near = [
                    keys[at - 1 : at] if at else "",
                    keys[at + 1 : at + 2],
                    rows[row - 1][at : at + 2] if row else "",
                ]
                near += [rows[row + 1][max(at - 1, 0) : at + 1]] if row + 1 < len(rows) else []
                found[key], found[key.upper()] = "".join(near), "".join(near).upper()
    return found


NEIGHBOURS = _neighbours()


def is_vowel(letter: str) -> bool:
    """Tell a vowel, accents aside."""
    return _base(letter).lower() in set("aeiouyаеёиоуыэюя")


def vowelless(word: str, strength: int, rng: random.Random) -> str:
    """Write `ktmn`: vowels behind the first letter go, while two letters stay."""
    letters = graphemes(word)
    places = [at for at, letter in enumerate(letters) if at and is_vowel(letter)]
    gone = sorted(some(places, strength, rng))[: max(len(letters) - 2, 0)]
    return "".join(letter for at, letter in enumerate(letters) if at not in gone)


def mistyped(word: str, strength: int, rng: random.Random) -> str:
    """Make one slip behind the first letter, two in a long word at strength 3; none in words under four letters."""
    letters = graphemes(word)
    if len(letters) < 4:
        return word
    for _ in range(2 if strength >= 3 and len(letters) > 6 else 1):
        _slip(letters, rng)
    return "".join(letters)


def _slip(letters: list[str], rng: random.Random) -> None:
    """Hit the key beside, swap, leave out or double a letter, in place; digits are typed with care."""
    places = [at for at, letter in enumerate(letters) if at and letter[0].isalpha()]
    if not places:
        return
    at = rng.choice(places)
    near = _twin(letters[at], NEIGHBOURS)
    slip = rng.choice(("beside", "beside", "swap", "omit", "double"))  # most slips are the finger's
    if slip == "beside" and near:
        letters[at] = rng.choice(near)
    elif slip == "swap" and at + 1 in places and letters[at] != letters[at + 1]:
        letters[at], letters[at + 1] = letters[at + 1], letters[at]
    elif slip == "omit" and len(letters) > 3:
        del letters[at]
    else:
        letters.insert(at, letters[at])


def alternating(word: str, _strength: int, rng: random.Random) -> str:
    """Write `kEtAmInE`."""
    first = rng.randrange(2)
    return "".join(char.upper() if at % 2 == first else char.lower() for at, char in enumerate(word))


def capitals(word: str, strength: int, rng: random.Random) -> str:
    """Write `KETAMINE`; a word in capitals is mixed instead."""
    return word.upper() if not word.isupper() else alternating(word, strength, rng)


vowel_drop = styled(vowelless)
keyboard_typos = styled(mistyped)
case = styled(alternating, capitals)
