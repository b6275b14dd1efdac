"""What two releases are held side by side on beyond the slices: the functional suite's cases and attacked adverts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.verdict import Detect, Post
from training.evaluation.answers import Answer
from training.evaluation.attacks import ATTACKS, STRENGTHS, Attack
from training.evaluation.bootstrap import Resamples
from training.evaluation.cases import Case
from training.evaluation.gate import Change, Look, changes
from training.evaluation.judged import Bools, Ints, Judged
from training.evaluation.limits import Limits
from training.evaluation.robustness import choose_adverts, disguised, flags
from training.evaluation.run import batches

ADVERTS = 150
"""Adverts to attack: as many as the report attacks, so that its success rates can be read beside these."""


@dataclass(frozen=True, slots=True)
class Family:
    """Looks at the same rows, and the groups (rows,) that these are resampled by."""

    looks: Sequence[Look]
    groups: Ints

    def guarded(self, limits: Limits) -> int:
        """Count the looks that limits guard."""
        sizes = ((look, int(look.members.sum())) for look in self.looks)
        return sum(limits.tolerance(look.measure, look.where, size) is not None for look, size in sizes)

    def changes(self, limits: Limits, rounds: int) -> list[Change]:
        """Compare all looks."""
        return changes(self.looks, Resamples(self.groups, rounds), limits)


def suite_family(
    cases: Sequence[Case], before: Sequence[Answer], after: Sequence[Answer], told: Mapping[str, str]
) -> Family:
    """Look at cases, each right or not, and at minimal pairs, right where every member is.

    `told` says what a functionality tests. A pair is one group and stands behind the cases as a row of its own.
    """
    of_pair: dict[str, list[int]] = {}
    for place, case in enumerate(cases):
        of_pair.setdefault(case.pair or f"alone {case.id}", []).append(place)
    groups = np.empty(len(cases), dtype=np.int64)
    for number, places in enumerate(of_pair.values()):
        groups[places] = number
    whole = [places for places in of_pair.values() if len({cases[place].is_advert for place in places}) == 2]
    was, is_now = (_right(cases, answers, whole) for answers in (before, after))
    tested = np.array([*(case.functionality for case in cases), *("" for _ in whole)])
    masks = {"all": tested != "", "pairs": tested == ""}
    masks |= {name: tested == name for name in sorted({case.functionality for case in cases})}
    looks = [Look("suite", name, mask, was, is_now, told.get(name, "")) for name, mask in masks.items()]
    return Family(looks, np.concatenate([groups, [groups[places[0]] for places in whole]]).astype(np.int64))


def _right(cases: Sequence[Case], answers: Sequence[Answer], whole: Sequence[Sequence[int]]) -> Bools:
    right = [answer.flag == case.is_advert for case, answer in zip(cases, answers, strict=True)]
    return np.array([*right, *(all(right[place] for place in places) for places in whole)], dtype=bool)


def attack_family(
    detects: tuple[Detect, Detect],
    judged: tuple[Judged, Judged],
    *,
    plan: Sequence[tuple[Attack, int]],
    adverts: int = ADVERTS,
    seed: int = 7,
) -> Family:
    """Attack adverts that both releases flag as they stand, with the same texts; `plan` is of attacks and strengths.

    One row an advert, attack and strength; all of an advert are one group with its near copies.
    """
    both = judged[0].take(judged[0].release.flags & judged[1].release.flags)
    chosen = choose_adverts(both.rows, both.verdicts, adverts, seed)
    group_of = dict(zip((row.id for row in both.rows), both.groups.tolist(), strict=True))
    posts = [post for attack, strength in plan for post in disguised(attack, strength, chosen, seed)]
    before, after = (_slips_through(detect, posts) for detect in detects)
    number = np.repeat(np.arange(len(plan)), len(chosen))
    masks = {"all": np.ones(len(number), dtype=bool)}
    masks |= {attack_name(*each): number == place for place, each in enumerate(plan)}
    looks = [Look("attacks", name, mask, before, after) for name, mask in masks.items()]
    return Family(looks, np.array([group_of[each.row.id] for each in chosen] * len(plan), dtype=np.int64))


def guarded_attacks(limits: Limits) -> list[tuple[Attack, int]]:
    """List the attacks and strengths that limits guard: each costs two readings of all adverts. "all" is every one."""
    every = [(attack, strength) for attack in ATTACKS for strength in STRENGTHS]
    if limits.tolerance("attacks", "all", ADVERTS) is not None:
        return every
    return [each for each in every if limits.tolerance("attacks", attack_name(*each), ADVERTS) is not None]


def attack_name(attack: Attack, strength: int) -> str:
    """Name an attack as limits fit it."""
    return f"{attack.name} at strength {strength}"


def _slips_through(detect: Detect, posts: Sequence[Post]) -> Bools:
    return ~np.array([flag for batch in batches(posts, "attacking") for flag in flags(detect, batch)], dtype=bool)
