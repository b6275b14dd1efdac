"""`npsight compare`: two releases on the same rows, and whether the challenger may follow the champion."""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from models.detector import Detector
from models.release import GRAPH, Release, load_detector, open_release
from models.verdict import Post
from training.evaluation.bootstrap import ROUNDS, Resamples
from training.evaluation.cases import CASES, load_cases, load_functionalities
from training.evaluation.command import Request, choose_rows, judge_rows
from training.evaluation.compare_table import print_comparison
from training.evaluation.drugcheck import answers_of
from training.evaluation.gate import Change, judgement, slice_looks, to_json
from training.evaluation.judged import Judged, release_contender
from training.evaluation.limits import Limits, load_limits
from training.evaluation.looks import Family, attack_family, guarded_attacks, suite_family
from training.evaluation.ranking import ranking_change
from training.evaluation.run import judged_rows, posts_of
from training.evaluation.slices import slices_of
from training.json_files import write_json

COMPARISON = "compare.json"
FORMAT = 1
MANY_ROUNDS = 4 * ROUNDS  # where the limits ask for intervals so wide that a thousand rounds do not reach their ends
TIMED = 256  # posts, some seconds' work: enough to tell a tenth apart


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two releases, loaded."""

    release: Release
    detector: Detector


def compare_releases(champion: Path, challenger: Path, request: Request, *, limits: Path | None = None) -> bool:
    """Judge both on rows that neither was trained on, print and write what changed; tell whether the challenger passes.

    `ValueError` (a `ReleaseError` or `DataError` among them) says what cannot be compared.
    """
    console = Console(stderr=True)
    asked = load_limits(limits)
    releases = [open_release(folder) for folder in (champion, challenger)]
    console.print("read rows")
    rows, facts = choose_rows(request, releases)
    sides = [Side(release, load_detector(release)) for release in releases]
    console.print(f"judge {len(rows):,} rows twice")
    verdicts = [judge_rows(side.release, side.detector, rows, request.out) for side in sides]
    judged = both_judged(sides, rows, verdicts)
    changes, used, notes = all_changes(sides, judged, asked, request.suite)
    console.print("cost")
    comparison = {
        "format": FORMAT,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **{name: described(side) for name, side in zip(("champion", "challenger"), sides, strict=True)},
        **facts,
        "rows": len(rows),
        "adverts": int(judged[0].is_advert.sum()),
        "groups": len(set(judged[0].groups.tolist())),
        "limits": asdict(asked),
        "judgement": judgement(changes, used),
        "cost": cost(sides, posts_of(rows[:: max(1, len(rows) // TIMED)][:TIMED])),
        "notes": notes,
        "changes": list(to_json(changes)),
    }
    if request.out is not None:
        write_json(comparison, request.out / COMPARISON)
    print_comparison(comparison, changes)
    return bool(comparison["judgement"]["passes"])


def described(side: Side) -> dict[str, Any]:
    """Name a release and the policy that it decides by."""
    policy = side.detector.policy
    return {"release": side.release.version, "policy": policy.label, "prevalence": policy.prevalence}


def both_judged(sides: Sequence[Side], rows: Sequence[Any], verdicts: Sequence[Any]) -> tuple[Judged, Judged]:
    """Join the rows, grouped once, with either release's verdicts."""
    champion, challenger = sides
    first = judged_rows(rows, verdicts[0], champion.detector.policy, version=champion.release.version)
    version = challenger.release.version
    answers = release_contender("release", f"npsight {version}", verdicts[1])
    return first, replace(first, verdicts=verdicts[1], contenders=(answers,))


def all_changes(
    sides: Sequence[Side], judged: tuple[Judged, Judged], asked: Limits, suite: Path
) -> tuple[list[Change], Limits, list[str]]:
    """Compare slices, ranking, suite and attacks; give also the limits as they were used, and what is missing."""
    families = [Family(slice_looks(*judged, slices_of(judged[0])), judged[0].groups)]
    notes = []
    if (suite / CASES).is_file():
        families.append(on_suite(sides, suite))
    else:
        notes.append(f"no functional suite in {suite}: none was compared")
    if plan := guarded_attacks(asked):
        families.append(attack_family((sides[0].detector, sides[1].detector), judged, plan=plan))
    else:
        notes.append("the limits guard no attack: none was tried")
    guarded = sum(family.guarded(asked) for family in families)
    ranked = asked.tolerance("average_precision", "all", int(judged[0].is_advert.sum())) is not None
    used = asked.shared_among(guarded + ranked)
    rounds = MANY_ROUNDS if used != asked else ROUNDS
    changes = [change for family in families for change in family.changes(used, rounds)]
    ranking = ranking_change(*judged, Resamples(judged[0].groups, rounds), used)
    if isinstance(ranking, str):
        return changes, used, [*notes, ranking]
    return [*changes, ranking], used, notes


def on_suite(sides: Sequence[Side], folder: Path) -> Family:
    """Run the functional suite on both."""
    cases = load_cases(folder)
    before, after = (answers_of(side.detector, cases) for side in sides)
    told = {name: each.what for name, each in load_functionalities(folder).items()}
    return suite_family(cases, before, after, told)


def cost(sides: Sequence[Side], posts: Sequence[Post]) -> dict[str, Any]:
    """Give size and speed side by side: the best of three turns each on the same posts, after a warm-up."""
    seconds: list[list[float]] = [[], []]
    for side in sides:
        side.detector(posts[:16])
    for _ in range(3):  # in turn, so that what else the machine does falls on both
        for side, taken in zip(sides, seconds, strict=True):
            start = time.perf_counter()
            side.detector(posts)
            taken.append(time.perf_counter() - start)
    found = {
        name: {
            "graph_mb": side.release.path(GRAPH).stat().st_size / 1e6,
            "posts_per_second": len(posts) / min(taken),
        }
        for name, side, taken in zip(("champion", "challenger"), sides, seconds, strict=True)
    }
    return {"posts": len(posts), **found}
