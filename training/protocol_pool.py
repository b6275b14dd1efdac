"""Rows with what a split asks of each, grouped once; and how many of them a run may use."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from training.config import Config, Sample, config_from
from training.corpus import Row
from training.evaluation.judged import Bools, Floats, Ints
from training.grouping import group_rows
from training.splits import is_ordinary


@dataclass(frozen=True, slots=True)
class Budget:
    """How many rows a run may use: few, so that a dozen runs take less than an hour on two cores."""

    train_rows: int = 6000
    calibrate_rows: int = 4000
    calibrate_adverts: int = 400
    calibrate_ordinary: int = 3100  # the threshold stands on these
    test_rows: int = 3000
    test_adverts: int = 1500
    test_negatives: int = 1000  # ordinary rows that the tests share, so that false flags are counted on the same ones
    least: int = 20  # adverts in training, and in a test: fewer show nothing
    words_from: float = 0.10  # share of the adverts that the unseen substances, or slang, are named in
    words_to: float = 0.15


SMALL = Path(__file__).parent / "protocol.toml"


def load_protocol(path: Path) -> tuple[Config, Budget]:
    """Read a training config and the budget in its table `[protocol]`; `ValueError` names what makes no sense."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: not TOML ({error})") from error
    numbers, known = values.pop("protocol", {}), asdict(Budget())
    if not isinstance(numbers, dict):
        raise ValueError(f"{path} [protocol]: found {numbers!r}, wanted a table")
    for name, value in numbers.items():
        if name not in known:
            raise ValueError(f"{path} [protocol]: unknown key {name!r}, wanted one of {', '.join(known)}")
        whole = isinstance(known[name], int)
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or value <= 0:
            wanted = "a whole number" if whole else "a share"
            raise ValueError(f"{path} [protocol]: {name} is {value!r}, wanted {wanted} above 0")
    return config_from(values, where=str(path)), Budget(**numbers)


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """All rows and, of each (rows,), its group and what a split asks of it.

    `place` in 0 to 1 is drawn by group; `negatives` are the ordinary rows that the tests share.
    """

    rows: Sequence[Row]
    groups: Ints
    place: Floats
    adverts: Bools
    ordinary: Bools
    negatives: Bools
    sample: Sample
    budget: Budget
    seed: int

    def having(self, holds: Callable[[Row], bool]) -> Bools:
        """Say of each row whether something holds of it (rows,)."""
        return np.array([holds(row) for row in self.rows], dtype=bool)

    def some(self, among: Bools, most: int) -> Bools:
        """Draw at most so many of these rows (rows,)."""
        return some(among, most, self.seed)

    def in_groups(self, among: Bools) -> Bools:
        """Widen to all rows that share a group with one of these (rows,)."""
        return np.isin(self.groups, self.groups[among])

    def take(self, among: Bools) -> list[Row]:
        """Give these rows."""
        return [self.rows[place] for place in np.flatnonzero(among).tolist()]

    def parts(self, place: Floats) -> tuple[Bools, Bools]:
        """Cut by place into the rows to test on and those to calibrate on (rows,)."""
        until = self.sample.test_share
        return place < until, (place >= until) & (place < until + self.sample.calibrate_share)


def pool_of(rows: Sequence[Row], sample: Sample, budget: Budget, *, seed: int) -> Pool:
    """Group the rows and draw each group's place."""
    groups = group_rows(rows)
    place = np.random.default_rng(seed).random(int(groups.max(initial=-1)) + 1)[groups]
    adverts = np.array([row.is_advert for row in rows], dtype=bool)
    ordinary = np.array([is_ordinary(row, sample) for row in rows], dtype=bool)
    negatives = some(ordinary & (place < sample.test_share), budget.test_negatives, seed)
    return Pool(rows, groups, place, adverts, ordinary, negatives, sample, budget, seed)


def some(among: Bools, most: int, seed: int) -> Bools:
    """Draw at most so many of these rows (rows,)."""
    drawn = np.random.default_rng(seed).permutation(np.flatnonzero(among))[: max(most, 0)]
    chosen = np.zeros_like(among)
    chosen[drawn] = True
    return chosen
