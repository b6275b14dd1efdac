"""Which language a post is in: what its sender says, else a guess that may stay silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import regex

from models.verdict import Post

ENOUGH_LETTERS = 20
"""Fewer letters than this are guessed wrongly too often to say anything."""
ENOUGH_CERTAINTY = 0.9
READ = 400
"""Characters that are read: a guess gets no better with more, only slower."""
LETTERS = regex.compile(r"\p{L}")
SCRIPTS_IN_SCOPE = regex.compile(r"[\p{Latin}\p{Cyrillic}\p{Greek}]")


@dataclass(frozen=True, slots=True)
class Language:
    """An ISO 639-1 code or `None`, and whether most letters are in a script outside the scope."""

    code: str | None
    foreign_script: bool = False


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # half a second to load: only when first asked

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def identify(posts: Sequence[Post]) -> list[Language]:
    """Take the stated language, else guess; short or doubtful text gives `None`."""
    return [_identify(post) for post in posts]


def _identify(post: Post) -> Language:
    letters = LETTERS.findall(post.text)
    familiar = sum(1 for letter in letters if SCRIPTS_IN_SCOPE.match(letter))
    foreign = len(letters) >= 5 and familiar < len(letters) / 2
    if post.lang is not None:
        return Language(post.lang.replace("_", "-").partition("-")[0].lower(), foreign)  # pt-BR is pt
    if len(letters) < ENOUGH_LETTERS:
        return Language(None, foreign)
    code, certainty = _identifier().classify(post.text[:READ])
    return Language(code if certainty >= ENOUGH_CERTAINTY else None, foreign)
