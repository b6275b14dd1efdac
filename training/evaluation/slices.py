"""Slices of judged rows, and what each contender catches and flags wrongly in every one of them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any

import emoji
import numpy as np
from scipy import sparse

from models.terms import overlaps
from models.verdict import ADVERT_INTENTS, INTENTS, TERM_KINDS, Intent, Kind, Verdict
from training.corpus import Row
from training.evaluation.bootstrap import Resamples
from training.evaluation.judged import Bools, Floats, Judged
from training.evaluation.rates import rate
from training.evaluation.rates import shares as divided

LENGTHS = ((8, "1 to 8 words"), (20, "9 to 20"), (50, "21 to 50"), (120, "51 to 120"))
WANTED = 30_000
"""Posts without an advert that it takes to show a rate of 1 in 10,000: none wrong in n shows a rate under 3/n."""
_ORDER = {value: place for place, value in enumerate([*INTENTS, "advert, unknown", "no advert, unknown"])}


def slices_of(judged: Judged) -> dict[str, Bools]:
    """Name the slices "kind:value", "all" first, each with its mask (rows,); none is empty but perhaps "all"."""
    slices: dict[str, Bools] = {"all": np.ones(len(judged.rows), dtype=bool)}
    for kind, values_of in _KINDS.items():
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, (row, verdict) in enumerate(zip(judged.rows, judged.verdicts, strict=True)):
            for value in values_of(row, verdict):
                places[value].append(place)
        for value in sorted(places, key=_order):
            slices[f"{kind}:{value}"] = np.zeros(len(judged.rows), dtype=bool)
            slices[f"{kind}:{value}"][places[value]] = True
    return slices


def kind_of(name: str) -> str:
    """Give the kind of a slice: "lang" of "lang:en", "all" of "all"."""
    return name.partition(":")[0]


def intent_of(row: Row) -> str:
    """Give the intent that a row's label names, or the side where it names only that."""
    if len(row.intents) == 1:
        return str(next(iter(row.intents)))
    if row.is_advert:
        return "advert, unknown"
    return "unknown" if row.intents & ADVERT_INTENTS else "no advert, unknown"


def has_emoji(text: str) -> bool:
    """Tell whether a text holds an emoji; © and arrows are signs unless a selector makes them emoji."""
    return not _emoji_marks().isdisjoint(text)


def tally(judged: Judged, slices: Mapping[str, Bools]) -> sparse.csr_array:
    """Mark what is counted in each slice as columns of 0 and 1: (rows, (1 + contenders) * 2 * slices).

    Along the first axis: the rows themselves, then those that each contender flagged; along the
    second: adverts, others. `shares` wants sums of these columns in that shape.
    """
    member = sparse.csr_array(np.column_stack(list(slices.values())), dtype=np.float64)
    flags = [np.ones(len(judged.rows), dtype=bool), *(contender.flags for contender in judged.contenders)]
    sides = (judged.is_advert, ~judged.is_advert)
    parts = [member.multiply((flagged & side)[:, None]) for flagged, side in product(flags, sides)]
    return sparse.csr_array(sparse.hstack(parts, format="csr"))


def shaped(sums: Floats, judged: Judged, slices: Mapping[str, Bools]) -> Floats:
    """Give sums of the columns of `tally` their axes: (..., 1 + contenders, 2, slices)."""
    return np.asarray(sums).reshape(*sums.shape[:-1], 1 + len(judged.contenders), 2, len(slices))


def shares(sums: Floats) -> Floats:
    """Divide what was flagged by what there is: (..., contenders, 2, slices), NaN where there is nothing."""
    return divided(sums[..., 1:, :, :], sums[..., :1, :, :])


def measure_slices(judged: Judged, resamples: Resamples, slices: Mapping[str, Bools]) -> dict[str, Any]:
    """Give every contender's recall and false flags in every slice, with intervals over groups."""
    columns = tally(judged, slices)
    counts = shaped(columns.sum(axis=0), judged, slices).astype(int)
    drawn = shares(shaped(resamples.totals(columns), judged, slices))  # (rounds, contenders, 2, slices)

    def rate_of(contender: int, side: int, place: int) -> dict[str, Any]:
        count, total = counts[1 + contender, side, place], counts[0, side, place]
        return rate(int(count), int(total), drawn[:, contender, side, place])

    return {
        name: {
            contender.name: {"recall": rate_of(number, 0, place), "false_flags": rate_of(number, 1, place)}
            for number, contender in enumerate(judged.contenders)
        }
        for place, name in enumerate(slices)
    }


def harm_reduction(judged: Judged, resamples: Resamples) -> dict[str, Any]:
    """Give every contender's false flags among posts labelled harm reduction: the most harmful ones."""
    mask = np.array([row.intents == {Intent.HARM_REDUCTION} for row in judged.rows], dtype=bool)
    if not mask.any():
        return {"why": "no post labelled harm_reduction in these data"}
    found = measure_slices(judged, resamples, {"harm reduction": mask})["harm reduction"]
    return {name: rates["false_flags"] for name, rates in found.items()} | {"what": "posts labelled harm_reduction"}


def missing_notes(judged: Judged) -> list[str]:
    """Say what these data cannot show, a sentence each."""
    advert, other = judged.is_advert, ~judged.is_advert
    if not advert.any() or not other.any():
        return [_one_side(judged), *_unstated(judged.rows)]
    langs = sorted({_lang(row) for row in judged.rows})
    adverts, others = (
        Counter(_lang(judged.rows[place]) for place in np.flatnonzero(side).tolist()) for side in (advert, other)
    )
    notes = []
    if bare := [lang for lang in langs if not others[lang]]:
        notes.append(f"no posts without an advert in {', '.join(bare)}: no false-flag rate can be shown there")
    if bare := [lang for lang in langs if not adverts[lang]]:
        notes.append(f"no adverts in {', '.join(bare)}: no recall can be shown there")
    counts = {"all": others.total()} | {lang: others[lang] for lang in langs if len(langs) > 1}
    if few := [f"{name} ({_lowest(count)})" for name, count in counts.items() if 0 < count < WANTED]:
        notes.append(
            f"a false-flag rate near 1 in 10,000 takes {WANTED:,} posts without an advert to show; "
            f"with none flagged, these can show no more than: {', '.join(few)}"
        )
    return notes + _unlabelled(judged.rows) + _unstated(judged.rows)


def _one_side(judged: Judged) -> str:
    if not len(judged.rows):
        return "no posts in these data: nothing can be shown"
    if judged.is_advert.any():
        return "no post without an advert in these data: no false-flag rate and no precision can be shown"
    return "no adverts in these data: no recall and no precision can be shown"


def _lowest(others: int) -> str:
    """Say the lowest rate that can be shown, by the rule of three."""
    bound = f"under 1 in {others // 3:,}" if others >= 6 else "nothing"
    return f"{others:,} post{'s' * (others > 1)}: {bound}"


def _unlabelled(rows: Sequence[Row]) -> list[str]:
    labelled = {intent_of(row) for row in rows}
    missing = [str(intent) for intent in INTENTS if intent not in labelled]
    return [f"no posts labelled {', '.join(missing)}: nothing can be shown of these intents"] if missing else []


def _unstated(rows: Sequence[Row]) -> list[str]:
    missing = [field for field in ("platform", "year") if rows and not any(getattr(row, field) for row in rows)]
    return [f"no post states its {' or '.join(missing)}: no slice shows it"] if missing else []


def _lang(row: Row) -> str:
    return row.lang or "unknown"


def _length(text: str) -> str:
    count = len(text.split())
    return next((name for most, name in LENGTHS if count <= most), "over 120")


def _yes(answer: bool) -> list[str]:
    return ["yes" if answer else "no"]


def _classes(verdict: Verdict) -> Iterable[str]:
    return {str(substance.nps_class) for substance in verdict.substances} or ["none found"]


def _has(verdict: Verdict, kind: Kind) -> list[str]:
    return _yes(any(span.kind == kind for span in verdict.spans))


def _is_listed(verdict: Verdict) -> bool:
    return any(span.kind in TERM_KINDS and span.source == "lexicon" for span in verdict.spans)


def _is_disguised(row: Row, verdict: Verdict) -> bool:
    return any(span.obfuscated for span in [*(row.spans or ()), *verdict.spans])


def _named(row: Row, verdict: Verdict) -> list[str]:
    """Say whether the lexicon found a drug word that the author marked; where it found none, only context can tell."""
    if row.spans is None:
        return []
    marked = [(span.start, span.end) for span in row.spans if span.kind in TERM_KINDS]
    found = [span for span in verdict.spans if span.kind in TERM_KINDS and span.source == "lexicon"]
    if not marked:
        return ["none"]
    return ["listed" if any(overlaps(span.start, span.end, marked) for span in found) else "unlisted"]


@cache
def _emoji_marks() -> frozenset[str]:
    """Give the characters that make an emoji.

    Below U+2600 stand digits and signs, which only a selector (U+FE0F) turns into emoji, and from U+E0000 tags.
    """
    marks = {char for key in emoji.EMOJI_DATA for char in key if "\u2600" <= char < "\U000e0000"}
    pictures = {key for key, entry in emoji.EMOJI_DATA.items() if entry["status"] == emoji.STATUS["fully_qualified"]}
    return frozenset(marks | {key for key in pictures if len(key) == 1})


def _order(value: str) -> tuple[int, int, str]:
    """Put intents in their own order, lengths and years by number, all else by letter."""
    number = re.match(r"\d+", value)
    return _ORDER.get(value, len(_ORDER)), int(number[0]) if number else 10**9, value


_KINDS: dict[str, Callable[[Row, Verdict], Iterable[str]]] = {
    "intent": lambda row, verdict: [intent_of(row)],
    "class": lambda row, verdict: _classes(verdict),
    "lang": lambda row, verdict: [_lang(row)],
    "source": lambda row, verdict: [row.source],
    "written": lambda row, verdict: [] if row.spans is None else [_lang(row)],
    "named": _named,
    "platform": lambda row, verdict: [row.platform] if row.platform else [],
    "length": lambda row, verdict: [_length(row.text)],
    "year": lambda row, verdict: [row.year] if row.year else [],
    "disguised": lambda row, verdict: _yes(_is_disguised(row, verdict)),
    "emoji": lambda row, verdict: _yes(has_emoji(row.text)),
    "listed term": lambda row, verdict: ["yes" if _is_listed(verdict) else "none"],
    "price": lambda row, verdict: _has(verdict, Kind.PRICE),
    "contact": lambda row, verdict: _has(verdict, Kind.CONTACT),
    "pair": lambda row, verdict: ["yes"] if row.group else [],
}
