"""`npsight ablate`: what each part of the recipe brings: the same small network, with one part left out or changed.

All runs share their real rows, their rows to calibrate on and their tests; two real sources are held out of every one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from training.config import Config
from training.evaluation.floor_measures import ABLATION
from training.lift import FOLDS, Sides, fold_splits, measured_parts, plan_beside, read_sides, some_of
from training.lift_table import print_lift
from training.protocol import PROTOCOL, Plan, head, measure_splits, take_up
from training.protocol_splits import ProtocolSplit
from training.start import choose_start
from training.steps import timed_steps

CONFIG = Path(__file__).parent / "ablations.toml"
POSTS = 3000
"""Posts of our own in each run: with the real rows some 6,000, the budget of such runs."""


@dataclass(frozen=True, slots=True)
class Ablation:
    """One change of the recipe. `posts` says whether posts of our own train; `english` takes the other backbone."""

    name: str
    change: Callable[[Config], Config] = lambda config: config
    posts: bool = True
    english: bool = False


ABLATIONS = (
    Ablation("nothing left out"),
    Ablation("without posts of our own", posts=False),
    Ablation("without the term head", partial(replace, term_loss=0.0)),
    Ablation("without augmentation", partial(replace, hide_terms=0.0, disguise=0.0)),
    Ablation("12 layers instead of 6", partial(replace, layers=None)),
    Ablation("an English backbone", english=True),
    Ablation("without the reader of words", partial(replace, words_share=0.0)),
    Ablation("windows of 64 tokens instead of 128", partial(replace, max_tokens=64, stride=16)),
)


def ablate_command(
    folder: Path,
    data: Sequence[str],
    out: Path,
    *,
    backbone: str,
    english: str | None,
    cards: Path,
    lexicon: Path | None,
    config: Path | None = None,
) -> dict[str, Any]:
    """Measure every ablation, print the table and give the section; `<out>/protocol.json` keeps each run."""
    plan = plan_beside(folder, data, backbone=backbone, cards=cards, lexicon=lexicon, config=config or CONFIG)
    on_step = timed_steps()
    plan, sides = read_sides(plan, folder, on_step)
    section = take_up(out / PROTOCOL, head(plan, [*sides.corpus.rows, *sides.tests]))
    for ablation in ABLATIONS:
        named = english if ablation.english else backbone
        split = split_of(ablation, sides, why=None if named else "no English backbone was given")
        own = plan_of(ablation, plan, named or backbone)
        measure_splits(own, sides.corpus, [split], section, out, measure=measured_parts, on_step=on_step)
    print_lift(section, Console())
    return section


def plan_of(ablation: Ablation, plan: Plan, backbone: str) -> Plan:
    """Change the recipe; each run starts from fresh weights."""
    config = ablation.change(plan.config)
    return replace(plan, config=config, start=lambda: choose_start(None, backbone, config))


def split_of(ablation: Ablation, sides: Sides, *, why: str | None = None) -> ProtocolSplit:
    """Give the run's rows under the ablation's name."""
    tested, size = some_of(sides.tests, sides.pool), min(POSTS, len(sides.posts)) if ablation.posts else 0
    (split,) = fold_splits(sides.pool, sides.posts, tested, [size], FOLDS[0])
    return replace(split, name=ablation.name, kind=ABLATION, why=why or split.why)
