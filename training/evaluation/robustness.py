"""How much of what a release catches slips past it in disguise, and what the same disguises do to innocent posts.

`success` is a seller's: the share of adverts, caught as they stand, that are no longer flagged.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.progress import track

from models.detector import Detector
from models.normalise import as_written
from models.verdict import ADVERT_INTENTS, Decision, Detect, Post, Span, Verdict
from training.corpus import Row
from training.evaluation.attacks import ATTACKS, STRENGTHS, Attack, attack_texts
from training.evaluation.rates import rate
from training.evaluation.run import posts_of

ENOUGH = 20
"""Caught adverts; with fewer, the interval of a share spans more than 40 points and says nothing."""
HOW = (
    "Adverts that are flagged as they stand are disguised and judged again: success is the share that is no longer"
    " flagged; unnormalised is the same with the normaliser off, over the adverts that are flagged without it too."
    " Strength 1 disguises the words that name drugs, 2 also the words of the offer and some others, 3 every word;"
    " attacks that cut or add text cut or add more; what a cut leaves is not always an offer. Addresses stay, since a"
    " buyer must reach the seller. Twins are"
    " posts without an advert, those closest to adverts first, under the same attacks: twin_false_flags counts those"
    " flagged only in disguise."
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A row to disguise, and the spans that say where: its author's, else the verdict's."""

    row: Row
    spans: Sequence[Span]
    flagged: bool


def robustness(
    detector: Detector,
    rows: Sequence[Row],
    verdicts: Sequence[Verdict],
    *,
    adverts: int = 150,
    twins: int = 150,
    strengths: Sequence[int] = STRENGTHS,
    seed: int = 7,
    attacks: Sequence[Attack] = ATTACKS,
) -> dict[str, Any]:
    """Attack up to so many caught adverts and innocent twins; `verdicts` are the detector's own on `rows`."""
    caught = choose_adverts(rows, verdicts, adverts, seed)
    if len(caught) < ENOUGH:
        return {"why": f"{len(caught)} of the adverts are flagged as they stand, and fewer than {ENOUGH} say nothing."}
    return attacked(
        detector,
        replace(detector, normalise=as_written),
        caught,
        choose_twins(rows, verdicts, twins, seed, beside=caught),
        strengths=strengths,
        seed=seed,
        attacks=attacks,
    )


def attacked(
    detect: Detect,
    detect_unnormalised: Detect,
    adverts: Sequence[Chosen],
    twins: Sequence[Chosen],
    *,
    strengths: Sequence[int] = STRENGTHS,
    seed: int = 7,
    attacks: Sequence[Attack] = ATTACKS,
) -> dict[str, Any]:
    """Attack adverts, all of them flagged by `detect` as they stand, and twins, flagged or not."""
    clean = flags(detect_unnormalised, posts_of([each.row for each in adverts]))
    seen = [each for each, flagged in zip(adverts, clean, strict=True) if flagged]
    found = []
    plan = [(attack, strength) for attack in attacks for strength in strengths]
    for attack, strength in track(plan, description="attacking"):
        posts = disguised(attack, strength, [*adverts, *twins], seed)
        flagged = flags(detect, posts)
        of_adverts, of_twins = flagged[: len(adverts)], flagged[len(adverts) :]
        unnormalised = flags(detect_unnormalised, disguised(attack, strength, seen, seed))
        newly = [after for twin, after in zip(twins, of_twins, strict=True) if not twin.flagged]
        found.append(
            {
                "attack": attack.name,
                "what": attack.what,
                "strength": strength,
                "success": rate(of_adverts.count(False), len(of_adverts)),
                "success_unnormalised": rate(unnormalised.count(False), len(unnormalised)),
                "twin_false_flags": rate(newly.count(True), len(newly)),
                "twin_false_flags_clean": rate(sum(twin.flagged for twin in twins), len(twins)),
                "held_out": attack.held_out,
            }
        )
    return {
        "adverts": len(adverts),
        "adverts_unnormalised": len(seen),
        "twins": len(twins),
        "attacks": found,
        "average": average(found),
        "how": HOW,
    }


def average(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Take the mean over attacks at strength 2, or at the strongest where that was not asked for."""
    strengths = {each["strength"] for each in found}
    strength = 2 if 2 in strengths else max(strengths, default=None)
    at = [each for each in found if each["strength"] == strength]
    return {
        "strength": strength,
        "success": _mean(each["success"]["share"] for each in at),
        "success_unnormalised": _mean(each["success_unnormalised"]["share"] for each in at),
        "held_out": _mean(each["success"]["share"] for each in at if each["held_out"]),
    }


def _mean(shares: Iterable[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known else None


def flags(detect: Detect, posts: Sequence[Post]) -> list[bool]:
    """Say of each post whether it is flagged; a detector batches by itself."""
    return [verdict.decision != Decision.ALLOW for verdict in detect(posts)] if posts else []


def disguised(attack: Attack, strength: int, chosen: Sequence[Chosen], seed: int) -> list[Post]:
    """Give the posts after an attack."""
    texts = attack_texts(attack, [(each.row.id, each.row.text, each.spans) for each in chosen], strength, seed=seed)
    return [replace(post, text=text) for post, text in zip(posts_of([e.row for e in chosen]), texts, strict=True)]


# --- which posts ------------------------------------------------------------------------------------------------------


def choose_adverts(rows: Sequence[Row], verdicts: Sequence[Verdict], number: int, seed: int) -> list[Chosen]:
    """Draw adverts that are flagged, evenly over languages and sources, those with an author's spans first."""
    caught = [each for each in _all(rows, verdicts) if each.row.is_advert and each.flagged]
    drawn = shuffled(caught, seed)
    drawn.sort(key=lambda each: each.row.spans is None)
    return in_turn(drawn, lambda each: (each.row.lang, each.row.source))[:number]


def choose_twins(
    rows: Sequence[Row], verdicts: Sequence[Verdict], number: int, seed: int, *, beside: Sequence[Chosen]
) -> list[Chosen]:
    """Draw posts without an advert: authored pairs of the adverts `beside`, other authored pairs, the hardest."""
    pairs = {(each.row.source, each.row.group) for each in beside}
    probability = {verdict.id: verdict.advert_probability for verdict in verdicts}
    others = [each for each in _all(rows, verdicts) if not each.row.intents & ADVERT_INTENTS]
    paired = [each for each in shuffled(others, seed) if each.row.group is not None and each.row.spans is not None]
    paired.sort(key=lambda each: (each.row.source, each.row.group) not in pairs)
    taken = {each.row.id for each in paired}
    hard = [each for each in others if each.row.id not in taken]
    hard.sort(key=lambda each: -probability[each.row.id])
    return [*in_turn(paired, lambda each: each.row.lang), *hard][:number]


def _all(rows: Sequence[Row], verdicts: Sequence[Verdict]) -> list[Chosen]:
    return [
        Chosen(row, verdict.spans if row.spans is None else row.spans, verdict.decision != Decision.ALLOW)
        for row, verdict in zip(rows, verdicts, strict=True)
    ]


def shuffled(chosen: Sequence[Chosen], seed: int) -> list[Chosen]:
    """Shuffle, the same for a seed."""
    return random.Random(seed).sample(chosen, len(chosen))


def in_turn(chosen: Sequence[Chosen], stratum: Callable[[Chosen], Hashable]) -> list[Chosen]:
    """Order so that the strata take turns, each in its own order; a small one is used up early."""
    turns: dict[Hashable, int] = defaultdict(int)
    placed = []
    for each in chosen:
        placed.append((turns[stratum(each)], each))
        turns[stratum(each)] += 1
    return [each for _, each in sorted(placed, key=lambda pair: pair[0])]
