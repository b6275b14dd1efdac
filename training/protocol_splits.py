"""Splits that tell the truth: what a split holds out is gone from training and calibration, near copies and all.

A split that the rows cannot carry says why and holds no row, so that no hollow figure can come of it.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.lexicon import Lexicon
from training.config import Sample
from training.corpus import Row
from training.evaluation.judged import Bools, Ints
from training.protocol_pool import Budget, Pool, pool_of
from training.protocol_words import unseen_slang, unseen_substances
from training.splits import choose, is_ordinary

FAMILIES = (("de", "nl", "sv"), ("fr", "es", "it", "pt"), ("pl", "cs", "ru"))
"""Languages that are held out together: what is learnt of one helps its neighbours. English cannot be spared."""


@dataclass(frozen=True, slots=True)
class ProtocolSplit:
    """Rows by use. `what` says what is held out; `why` is `None`, or why there is no such split, and then no row.

    `copies` counts the test rows that have a near copy in training or calibration.
    """

    name: str
    kind: str
    what: str
    why: str | None
    copies: int = 0
    train: Sequence[Row] = ()
    calibrate: Sequence[Row] = ()
    test: Sequence[Row] = ()


def protocol_splits(
    rows: Sequence[Row],
    *,
    lexicon: Lexicon,
    sample: Sample,
    budget: Budget,
    seed: int,
    sources: Sequence[str] | None = None,
    languages: Sequence[Sequence[str]] = FAMILIES,
) -> list[ProtocolSplit]:
    """Make every split of the protocol; `sources` are those held out in turn, by default all with enough adverts."""
    pool = pool_of(rows, sample, budget, seed=seed)
    adverts = Counter(row.source for row in rows if row.is_advert)
    if sources is None:
        sources = sorted(source for source, count in adverts.items() if count >= budget.least)
    shares = (budget.words_from, budget.words_to)
    substances = unseen_substances(rows, lexicon, shares=shares, seed=seed)
    slang = unseen_slang(rows, lexicon, shares=shares, seed=seed)
    return [
        random_split(pool),
        grouped_split(pool),
        *(source_split(pool, source) for source in sources),
        time_split(pool),
        held_out(pool, "unseen substance", "substance", str(substances), substances.named),
        held_out(pool, "unseen slang", "slang", str(slang), slang.named, away=slang.near),
        *(language_split(pool, family) for family in languages),
    ]


def random_split(pool: Pool) -> ProtocolSplit:
    """Draw row by row, as if there were no near copies: it shows how much that flatters."""
    test, calibrate = pool.parts(np.random.default_rng(pool.seed).random(len(pool.rows)))
    what, alone = "rows at random, without regard to near copies", np.arange(len(pool.rows))
    tested = capped(pool, test, pool.budget.test_rows)
    return _finish(pool, "random", "random", what, test=tested, calibrate=calibrate, gone=test, numbers=alone)


def grouped_split(pool: Pool) -> ProtocolSplit:
    """Draw group by group: the split that a release is made with, at this budget."""
    test, calibrate = pool.parts(pool.place)
    what, tested = "groups of near copies at random", capped(pool, test, pool.budget.test_rows)
    return _finish(pool, "grouped", "grouped", what, test=tested, calibrate=calibrate, gone=test, numbers=pool.groups)


def source_split(pool: Pool, source: str) -> ProtocolSplit:
    """Hold all rows of one source out."""
    test = pool.having(lambda row: row.source == source)
    return held_out(pool, f"source held out: {source}", "source", f"all rows of {source}", test)


def language_split(pool: Pool, family: Sequence[str]) -> ProtocolSplit:
    """Hold a family of languages out, authored and real; the test is their rows alone.

    A row of unknown or mixed language stays. Where a language has no other rows, its rates are of 0.
    """
    words = ", ".join(family)
    test = pool.having(lambda row: row.lang in family)
    return held_out(pool, f"language held out: {words}", "language", f"all rows in {words}", test, beside=False)


def time_split(pool: Pool) -> ProtocolSplit:
    """Train on the past of one source and test on its future, where one source has adverts before and after a cut.

    Whatever is later than the cut leaves training, and so do adverts without a year, which may be later.
    """
    name, kind, least = "time-forward", "time", pool.budget.least
    years = years_by_source(pool)
    cuts = [
        (min(before, sum(counts.values()) - before), source, cut)
        for source, counts in years.items()
        for cut in sorted(counts)[1:]
        if (before := sum(count for year, count in counts.items() if year < cut))
    ]
    if not cuts or max(cuts)[0] < least:
        return ProtocolSplit(name, kind, "", f"time equals source: {_found(years, cuts, least)}")
    _, source, cut = max(cuts)
    later = pool.having(lambda row: (year := year_of(row)) is not None and year >= cut)
    undated = pool.having(lambda row: row.is_advert and year_of(row) is None)
    test = later & pool.having(lambda row: row.source == source)
    return held_out(pool, name, kind, f"{source} from {cut} on, after training on before", test, away=later | undated)


def years_by_source(pool: Pool) -> dict[str, Counter[str]]:
    """Count the adverts of each year of the sources that have enough adverts; undated ones are left out."""
    years: dict[str, Counter[str]] = {}
    for row in pool.take(pool.adverts):
        if year := year_of(row):
            years.setdefault(row.source, Counter())[year] += 1
    return {source: counts for source, counts in sorted(years.items()) if sum(counts.values()) >= pool.budget.least}


def year_of(row: Row) -> str | None:
    """Give a row's year; what is no year, such as a range, says nothing of before and after."""
    return row.year if row.year and re.fullmatch(r"\d{4}", row.year) else None


def held_out(
    pool: Pool, name: str, kind: str, what: str, test: Bools, *, away: Bools | None = None, beside: bool = True
) -> ProtocolSplit:
    """Test on some rows, with the shared negatives `beside`; they, what is `away` and near copies train nothing."""
    shared = pool.negatives if beside else np.zeros_like(test)
    gone = pool.in_groups(test | shared if away is None else test | shared | away)
    tested = capped(pool, test & ~shared, pool.budget.test_rows - int(shared.sum())) | shared
    _, calibrate = pool.parts(pool.place)
    return _finish(pool, name, kind, what, test=tested, calibrate=calibrate, gone=gone, numbers=pool.groups)


def _finish(
    pool: Pool, name: str, kind: str, what: str, *, test: Bools, calibrate: Bools, gone: Bools, numbers: Ints
) -> ProtocolSplit:
    """Cut training and calibration down to the budget; of the rows of one number (rows,), one a side trains."""
    rest = np.flatnonzero(~gone & ~calibrate).tolist()
    chosen = choose([(int(numbers[place]), pool.rows[place]) for place in rest], pool.sample, seed=pool.seed)
    random.Random(pool.seed).shuffle(chosen)  # they come with the sources first that soon fill their quota
    train = chosen[: pool.budget.train_rows]
    calibrated = calibration_rows(pool, calibrate & ~gone)
    learnt = {row.id for row in train}
    known = calibrated | pool.having(lambda row: row.id in learnt)
    copies = int((test & pool.in_groups(known)).sum())
    found = ProtocolSplit(name, kind, what, None, copies, train, pool.take(calibrated), pool.take(test))
    why = _lacking(found, pool)
    return ProtocolSplit(name, kind, what, why) if why else found


def calibration_rows(pool: Pool, among: Bools) -> Bools:
    """Keep some adverts, mostly ordinary rows, and some of the rest."""
    budget = pool.budget
    drawn = pool.some(among & pool.adverts, budget.calibrate_adverts)
    drawn |= pool.some(among & pool.ordinary, budget.calibrate_ordinary)
    others = among & ~pool.adverts & ~pool.ordinary
    return drawn | pool.some(others, budget.calibrate_rows - int(drawn.sum()))


def capped(pool: Pool, among: Bools, most: int) -> Bools:
    """Keep at most so many rows to test on: the adverts up to their number, then some of the others."""
    drawn = pool.some(among & pool.adverts, min(pool.budget.test_adverts, most))
    return drawn | pool.some(among & ~pool.adverts, most - int(drawn.sum()))


def _lacking(split: ProtocolSplit, pool: Pool) -> str | None:
    """Say what a split has too little of."""
    least = pool.budget.least
    adverts = sum(row.is_advert for row in split.train)
    counts = {
        "adverts to test on": sum(row.is_advert for row in split.test),
        "adverts to train on": adverts,
        "other rows to train on": len(split.train) - adverts,
        "adverts to calibrate on": sum(row.is_advert for row in split.calibrate),
        "ordinary rows to calibrate on": sum(is_ordinary(row, pool.sample) for row in split.calibrate),
    }
    wanted = dict.fromkeys(counts, least) | {name: 1 for name in counts if name.endswith("calibrate on")}
    return next(
        (f"{counts[name]} {name}, wanted {wanted[name]}" for name in counts if counts[name] < wanted[name]), None
    )


def _found(years: dict[str, Counter[str]], cuts: Sequence[tuple[int, str, str]], least: int) -> str:
    """Say which years the adverts of each source are of, and how near the best cut came."""
    if not years:
        return "no source with a year to its adverts"
    sources = "; ".join(
        f"{source} {', '.join(f'{year} ({count:,})' for year, count in sorted(counts.items()))}"
        for source, counts in years.items()
    )
    if not cuts:
        return f"adverts by year: {sources}"
    fewer, source, cut = max(cuts)
    return f"adverts by year: {sources}; the best cut, {source} at {cut}, has {fewer} on one side, wanted {least}"
