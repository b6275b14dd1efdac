"""Find price, quantity, contact, payment and shipping by rule.

Signals are evidence, not a verdict: honest commerce has them too. What a form must not do is fire on what is no price
and no contact at all. The words are in data/signals.toml, the forms in `signal_forms`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from models.normalise import Normalised
from models.signal_forms import DIGIT, FORMS, Form
from models.signal_phones import find_phones
from models.signal_words import compiled, fold
from models.verdict import Kind, Span

_ANY_DIGIT = re.compile(r"\d")


class _Hit(NamedTuple):
    start: int
    end: int
    kind: Kind | None  # None is innocent


def find_signals(posts: Sequence[Normalised]) -> list[list[Span]]:
    """Return each post's signals in order, without overlaps, in original offsets."""
    return [_longest(post, _hits(fold(post.text))) for post in posts]


@cache
def _forms() -> tuple[tuple[Form, re.Pattern[str]], ...]:
    return tuple((form, compiled(form.pattern)) for form in FORMS)


def _hits(text: str) -> Iterator[_Hit]:
    """Yield every form that matches, overlaps and all."""
    has_digit = _ANY_DIGIT.search(text) is not None
    for form, pattern in _forms():
        if has_digit if form.needs == DIGIT else form.needs in text:
            for match in pattern.finditer(text):
                yield _Hit(*match.span(match.lastindex or 0), form.kind)
    if has_digit:
        yield from (_Hit(start, end, Kind.CONTACT) for start, end in find_phones(text))


def _longest(post: Normalised, hits: Iterator[_Hit]) -> list[Span]:
    """Keep the longest of hits that overlap in the original, and none that an innocent one touches."""
    taken = bytearray(len(post.original))
    spans = []
    for hit in sorted(hits, key=lambda hit: (hit.kind is not None, hit.start - hit.end, hit.start)):
        start, end = post.to_original(hit.start, hit.end)
        if any(taken[start:end]):
            continue
        taken[start:end] = b"\1" * (end - start)
        if hit.kind:
            hidden = post.is_disguised(hit.start, hit.end)
            spans.append(Span(start, end, hit.kind, post.original[start:end], obfuscated=hidden))
    return sorted(spans, key=lambda span: span.start)
