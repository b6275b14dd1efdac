"""Near-duplicate groups to splits: no row is calibrated or reported on that has a near copy in training."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from training.config import Config, Sample
from training.corpus import Row
from training.evaluation.baselines import fit_baseline
from training.grouping import group_rows
from training.steps import Step


@dataclass(frozen=True, slots=True)
class Splits:
    """Rows by use; `spare` are ordinary rows, one a group, that may train and were not chosen: to mine from."""

    train: list[Row]
    calibrate: list[Row]
    test: list[Row]
    spare: list[Row] = field(default_factory=list)


def split(rows: Sequence[Row], sample: Sample, *, seed: int) -> Splits:
    """Part the rows by group, and choose those to train on."""
    parts = parts_of(rows, sample, seed=seed)
    chosen = choose(parts["train"], sample, seed=seed)
    spare = spared(parts["train"], chosen, sample, seed=seed)
    hard = hardest(spare, chosen, sample)
    taken = {row.id for row in hard}
    return Splits(
        train=chosen + hard,
        calibrate=[row for _, row in parts["calibrate"]],
        test=[row for _, row in parts["test"]],
        spare=[row for row in spare if row.id not in taken],
    )


def parts_of(rows: Sequence[Row], sample: Sample, *, seed: int) -> dict[str, list[tuple[int, Row]]]:
    """Send each group whole to one part by a hash of its first id, so that new rows move no old ones.

    Gives each part's rows with the numbers of their groups.
    """
    numbers = group_rows(rows).tolist()
    first: dict[int, Row] = {}
    for row, number in zip(rows, numbers, strict=True):
        first[number] = min(first.get(number, row), row, key=lambda each: each.id)
    parts: dict[str, list[tuple[int, Row]]] = {"train": [], "calibrate": [], "test": []}
    for row, number in zip(rows, numbers, strict=True):
        parts[_part(first[number], sample, seed)].append((number, row))
    return parts


def _part(first: Row, sample: Sample, seed: int) -> str:
    place = int(hashlib.sha256(f"{seed}:{first.id}".encode()).hexdigest()[:8], 16) / 2**32
    percent = lookup(first.source, sample.kept_percent, -1)
    test, calibrate = (sample.test_share, sample.calibrate_share) if percent < 0 else (percent / 100, percent / 100)
    if place < test:
        return "test"
    return "calibrate" if place < test + calibrate else "train"


def choose(numbered: Sequence[tuple[int, Row]], sample: Sample, *, seed: int) -> list[Row]:
    """Choose the rows to train on: one a group and side (authored pairs stay whole), up to each source's quota."""
    order = sorted(numbered, key=lambda pair: pair[1].id)
    random.Random(seed).shuffle(order)
    taken: set[Any] = set()
    counts: dict[tuple[str, bool], int] = {}
    chosen = []
    for number, row in order:
        key = (row.id,) if row.group is not None or row.spans is not None else (number, row.is_advert)
        source = (row.source, row.is_advert)
        if key in taken or counts.get(source, 0) >= _quota(row, sample):
            continue
        taken.add(key)
        counts[source] = counts.get(source, 0) + 1
        chosen.append(row)
    return chosen


def spared(numbered: Sequence[tuple[int, Row]], chosen: Sequence[Row], sample: Sample, *, seed: int) -> list[Row]:
    """Give the ordinary rows, one a group and in random order, of groups that nothing was chosen from."""
    taken = {row.id for row in chosen}
    groups_taken = {number for number, row in numbered if row.id in taken}
    first: dict[int, Row] = {}
    for number, row in sorted(numbered, key=lambda pair: pair[1].id):
        if number not in groups_taken and is_ordinary(row, sample):
            first.setdefault(number, row)
    rows = list(first.values())
    random.Random(seed).shuffle(rows)
    return rows


def hardest(spare: Sequence[Row], chosen: Sequence[Row], sample: Sample) -> list[Row]:
    """Choose the spare rows that the plain baseline finds most like adverts: it is they that set the threshold.

    Ordinary sources alone: elsewhere a row most like an advert may be one that was labelled wrongly.
    """
    if not sample.hard or not spare:
        return []
    baseline = fit_baseline([row.text for row in chosen], [row.is_advert for row in chosen])
    order = np.argsort(-baseline.log_odds([row.text for row in spare]), kind="stable")
    return [spare[index] for index in order[: sample.hard].tolist()]


def is_ordinary(row: Row, sample: Sample) -> bool:
    """Tell whether a row is of the ordinary stream that false flags are counted in."""
    return not row.is_advert and any(fnmatchcase(row.source, pattern) for pattern in sample.ordinary)


def with_ordinary(config: Config, rows: Sequence[Row], on_step: Step) -> Config:
    """Count every post without an advert as ordinary where the config names no source of these rows, and say so.

    The recipe of a release to train on from knows the sources of its own data only.
    """
    if any(is_ordinary(row, config.sample) for row in rows):
        return config
    on_step("no row is of a source that the config calls ordinary: every post without an advert counts as such")
    return replace(config, sample=replace(config.sample, ordinary=("*",)))


def _quota(row: Row, sample: Sample) -> int:
    default = sample.adverts_per_source if row.is_advert else sample.per_source
    return lookup(row.source, sample.quotas, default)


def lookup(source: str, table: Mapping[str, int], default: int) -> int:
    """Give the number of the first pattern that the source fits."""
    return next((number for pattern, number in table.items() if fnmatchcase(source, pattern)), default)
