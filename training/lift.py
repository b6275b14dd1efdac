"""`npsight corpus lift`: what posts of one's own add to real rows, by how many of them a small network learns from.

Each run trains on real rows without one real source, and on a number of posts; it is measured on that source and on the
posts' own test part, which nothing trains on. The sets of posts are nested, those written by hand first.
"""

from __future__ import annotations

import json
import logging
import random
import shlex
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from sklearn.metrics import average_precision_score

from models.release import BASELINE, GRAPH, REPORT, Release, load_detector
from models.words import Words
from training.cards import find_card
from training.corpus import Corpus, Row, load_corpus
from training.evaluation.run import judge
from training.held_out import HELD_OUT_PARTS
from training.lift_table import print_lift, stamp_lift
from training.protocol import PROTOCOL, Plan, head, measure_splits, rates, take_up
from training.protocol_pool import Pool, load_protocol, pool_of
from training.protocol_splits import ProtocolSplit, calibration_rows, capped
from training.readers import read_dataset
from training.splits import choose, with_ordinary
from training.start import choose_lexicon, choose_start
from training.steps import Step, timed_steps

CONFIG = Path(__file__).parent / "lift.toml"
SIZES = (0, 1000, 4000, 8000, 16000)
FOLDS = (("dream_profiles", "silkroad_forum"), ("agora_desc", "agora_title"))
"""Real sources that are held out together, since they came from markets of one kind."""
HELD = " held out"
GENERATED = "generated.jsonl"
DEVELOPMENT = "dev"
"""The part that chooses among what was trained."""


def lift_command(
    folder: Path,
    data: Sequence[str],
    out: Path,
    *,
    backbone: str,
    cards: Path,
    lexicon: Path | None,
    config: Path | None = None,
    sizes: Sequence[int] = SIZES,
    stamp: bool = False,
) -> dict[str, Any]:
    """Measure every size on every fold, print the table and give the section; `<out>/protocol.json` keeps each run."""
    plan = plan_beside(folder, data, backbone=backbone, cards=cards, lexicon=lexicon, config=config or CONFIG)
    on_step = timed_steps()
    plan, read = read_sides(plan, folder, on_step)
    splits = lift_splits(read.pool, read.posts, read.tests, sizes=sizes)
    section = take_up(out / PROTOCOL, head(plan, [*read.corpus.rows, *read.tests]))
    measure_splits(plan, read.corpus, splits, section, out, measure=measured_parts, on_step=on_step)
    if stamp:
        stamp_lift(folder / "README.md", section)
    print_lift(section, Console())
    return section


def plan_beside(
    folder: Path, data: Sequence[str], *, backbone: str, cards: Path, lexicon: Path | None, config: Path
) -> Plan:
    """Plan short runs on real rows and on the folder's posts that may train."""
    logging.getLogger("transformers").setLevel(logging.ERROR)  # it lists every weight it finds or misses
    chosen, budget = load_protocol(config)
    return Plan(
        data=[*data, *training_parts(folder, cards)],
        start=lambda: choose_start(None, backbone, chosen),
        config=chosen,
        budget=budget,
        cards=cards,
        lexicon=lexicon or choose_lexicon(None),
        command=shlex.join(["npsight", *sys.argv[1:]]),
    )


@dataclass(frozen=True, slots=True)
class Sides:
    """What a run draws on: real rows in a pool, posts that may train in their order, posts to test on."""

    corpus: Corpus
    pool: Pool
    posts: list[Row]
    tests: list[Row]


def read_sides(plan: Plan, folder: Path, on_step: Step) -> tuple[Plan, Sides]:
    """Read the plan's data, part it into real rows and the folder's posts, and fit the plan to the real ones."""
    on_step("read rows")
    parts = training_parts(folder, plan.cards)
    corpus = load_corpus(plan.data, cards=plan.cards, read=read_dataset)
    posts, composed, tests = (
        load_corpus(names, cards=plan.cards, read=read_dataset).rows if names else []
        for names in (parts, [name for name in parts if name.endswith(GENERATED)], [str(folder / "test.jsonl")])
    )
    known, seed = {row.id for row in posts}, plan.config.seed
    real = [row for row in corpus.rows if row.id not in known]
    plan = replace(plan, config=with_ordinary(plan.config, real, on_step))
    on_step(f"group {len(real):,} real rows")
    pool = pool_of(real, plan.config.sample, plan.budget, seed=seed)
    return plan, Sides(corpus, pool, by_hand_first(posts, {row.id for row in composed}, seed=seed), tests)


def training_parts(folder: Path, cards: Path) -> list[str]:
    """Name the files of a folder's card that may train."""
    kept = HELD_OUT_PARTS | {DEVELOPMENT}
    names = find_card(folder / "test.jsonl", cards).files
    return [str(folder / name) for name in names if Path(name).stem not in kept]


def by_hand_first(posts: Iterable[Row], composed: set[str], *, seed: int) -> list[Row]:
    """Order posts at random, those written by hand before those that a generator composed."""
    drawn = sorted(posts, key=lambda row: row.id)
    random.Random(seed).shuffle(drawn)
    return sorted(drawn, key=lambda row: row.id in composed)


def lift_splits(
    pool: Pool,
    posts: Sequence[Row],
    tests: Sequence[Row],
    *,
    sizes: Sequence[int] = SIZES,
    folds: Sequence[Sequence[str]] = FOLDS,
) -> list[ProtocolSplit]:
    """Make a split of each fold and size; real rows, calibration and tests are the same for all sizes of a fold."""
    tested = some_of(tests, pool)
    return [one for fold in folds for one in fold_splits(pool, posts, tested, sizes, fold)]


def some_of(tests: Sequence[Row], pool: Pool) -> list[Row]:
    """Draw the posts that a run is tested on."""
    return random.Random(pool.seed).sample(tests, min(len(tests), pool.budget.test_rows))


def fold_splits(
    pool: Pool, posts: Sequence[Row], tested: Sequence[Row], sizes: Sequence[int], fold: Sequence[str]
) -> Iterator[ProtocolSplit]:
    """Hold the fold's sources out, near copies and all, and add more and more posts to what is left."""
    held = pool.having(lambda row: row.source in fold)
    gone = pool.in_groups(held | pool.negatives)
    _, calibrate = pool.parts(pool.place)
    rest = [(int(pool.groups[at]), pool.rows[at]) for at in (~gone & ~calibrate).nonzero()[0].tolist()]
    real = choose(rest, pool.sample, seed=pool.seed)
    random.Random(pool.seed).shuffle(real)  # they come with the sources first that soon fill their quota
    real = real[: pool.budget.train_rows]
    calibrated = pool.take(calibration_rows(pool, calibrate & ~gone))
    test = [*pool.take(capped(pool, held & pool.adverts, pool.budget.test_adverts) | pool.negatives), *tested]
    for size in sizes:
        name = f"{', '.join(fold)}{HELD}, {size:,} posts"
        what = f"all rows of {', '.join(fold)}; {len(real):,} real rows and {size:,} posts train"
        if size > len(posts):
            yield ProtocolSplit(name, "lift", what, f"there are {len(posts):,} posts that may train")
        else:
            yield ProtocolSplit(name, "lift", what, None, 0, [*real, *posts[:size]], calibrated, test)


def measured_parts(release: Release, split: ProtocolSplit) -> dict[str, Any]:
    """Give recall, false flags and average precision of release and baseline on each source of the test's adverts.

    A source without other rows is ranked against the test's real posts.
    """
    report = json.loads(release.path(REPORT).read_text(encoding="utf-8"))
    rival, detector = Words.load(release.path(BASELINE)), load_detector(release)
    began = time.perf_counter()
    judged = judge(detector, split.test)
    seconds = time.perf_counter() - began
    scores = {
        "release": [each.advert_probability for each in judged],
        "baseline": rival.log_odds([row.text for row in split.test]).tolist(),
    }
    made = report["training"]
    posts = sum(row.spans is not None for row in split.train)  # of real rows nobody marked the spans
    sources = sorted({row.source for row in split.test if row.is_advert})
    return {
        "held_out": split.name.partition(HELD)[0],
        "real": len(split.train) - posts,
        "posts": posts,
        "train_seconds": made["train_seconds"],
        "loss": made["mean_loss"],
        "visits": made["visits"],
        "posts_per_s": len(split.test) / seconds,  # on a machine that may do else: read it beside the other runs'
        "graph_bytes": release.path(GRAPH).stat().st_size,
        **{
            who: rates(report["slices"]["all"][who]) | {"average_precision": precise(split.test, scores[who])}
            for who in scores
        },
        "term_f1": {who: each["f1"] for who, each in report["terms"].items() if isinstance(each, dict)},
        "intents_f1": report["intents"].get("macro_f1"),
        "sources": {
            source: {
                who: rates(report["slices"][f"source:{source}"][who])
                | {"average_precision": ranked(split.test, scores[who], source)}
                for who in scores
            }
            for source in sources
        },
    }


def ranked(rows: Sequence[Row], scores: Sequence[float], source: str) -> float:
    """Rank a source's adverts above its own other rows, or above all real others where it has none."""
    own = [place for place, row in enumerate(rows) if row.source == source]
    if all(rows[place].is_advert for place in own):
        own += [place for place, row in enumerate(rows) if not row.is_advert and row.spans is None]
    return precise([rows[place] for place in own], [scores[place] for place in own])


def precise(rows: Sequence[Row], scores: Sequence[float]) -> float:
    """Give the average precision of one ranking."""
    return float(average_precision_score([row.is_advert for row in rows], scores))
