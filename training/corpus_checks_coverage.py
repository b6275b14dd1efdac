"""What a corpus holds: counts, and which doubtful drug words it also shows in an innocent use."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from models.lexicon import Lexicon
from models.release import DEFAULT_RELEASE, LEXICON
from models.termlist import Term, read_terms
from models.verdict import LANGUAGES, Status
from training.corpus import Row
from training.corpus_checks_copies import words_in
from training.held_out import HELD_OUT_PARTS

DOUBTFUL = ("high", "medium")
NAMED = 20
"""Missing words that are named: a morning's writing."""
COVER = "\0"  # stands where a span stood: no letter, so that words keep their ends and no term is found across it
Key = tuple[str, str]
"""A term's language and its surface."""


def coverage(rows: Sequence[Row], *, held_out: Sequence[str]) -> dict[str, Any]:
    """Count the posts of each part, the innocent uses of doubtful words, and the kept words that the test part has."""
    used = words_in((row for row in rows if row.source in HELD_OUT_PARTS), held_out)
    return {
        "parts": {part: counts(found) for part, found in by_part(rows).items()},
        "innocent_uses": innocent_uses(rows, doubtful_terms()),
        "held_out": {
            "words": len(held_out),
            "in_test": len(used),
            "unused": [word for word in held_out if word not in set(used)][:NAMED],
        },
    }


def by_part(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Sort rows by their part."""
    parts: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        parts[row.source].append(row)
    return parts


def counts(rows: Sequence[Row]) -> dict[str, Any]:
    """Count posts, adverts, spans, minimal pairs, and intents in each language."""
    members = Counter(row.group for row in rows if row.group is not None)
    langs: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        langs[str(row.lang)].update([*map(str, row.intents), *(["adverts"] if row.is_advert else [])])
    return {
        "posts": len(rows),
        "adverts": sum(row.is_advert for row in rows),
        "with_spans": sum(bool(row.spans) for row in rows),
        "minimal_pairs": sum(count > 1 for count in members.values()),
        "langs": {lang: dict(sorted(found.items())) for lang, found in sorted(langs.items())},
    }


@cache
def doubtful_terms() -> tuple[Term, ...]:
    """Read the shipped terms that are as often innocent words; strains are left out, being names of anything."""
    terms = read_terms(DEFAULT_RELEASE / LEXICON)
    found = [
        term
        for term in terms
        if term.ambiguity in DOUBTFUL and term.kind != "strain" and term.status is not Status.RETIRED
    ]
    order = (*LANGUAGES, "*")
    found.sort(key=lambda term: (DOUBTFUL.index(term.ambiguity), order.index(term.lang), term.surface))
    return tuple(found)


def innocent_uses(rows: Sequence[Row], terms: Sequence[Term]) -> dict[str, Any]:
    """Give, for each ambiguity, the share of terms with an innocent use in their language, and the first without."""
    seen = innocent_words(rows, terms)
    figures = {}
    for ambiguity in DOUBTFUL:
        wanted = list(dict.fromkeys(key_of(term) for term in terms if term.ambiguity == ambiguity))
        missing = [f"{surface} ({lang})" for lang, surface in wanted if (lang, surface) not in seen]
        shown = len(wanted) - len(missing)
        share = shown / len(wanted) if wanted else None
        figures[ambiguity] = {"terms": len(wanted), "shown": shown, "share": share, "missing": missing[:NAMED]}
    return figures


def key_of(term: Term) -> Key:
    """Name a term by its language and surface."""
    return term.lang, term.surface


def innocent_words(rows: Sequence[Row], terms: Sequence[Term]) -> set[Key]:
    """Find the terms that stand as whole words, outside every span, in a post of their language that is no advert."""
    seen: set[Key] = set()
    for lang in sorted({str(row.lang) for row in rows}):
        own = [term for term in terms if term.lang in {lang, "*"}]
        keys: dict[str, set[Key]] = defaultdict(set)
        for term in own:
            keys[term.surface].add(key_of(term))
        lexicon = Lexicon(own)
        for row in rows:
            if row.lang == lang and not row.is_advert:
                seen.update(*(keys[surface] for surface in lexicon.surfaces_in(uncovered(row))))
    return seen


def uncovered(row: Row) -> str:
    """Give a row's text with its spans blotted out."""
    text = row.text
    for span in row.spans or ():
        text = text[: span.start] + COVER * (span.end - span.start) + text[span.end :]
    return text
