"""`npsight evaluate`: a release and labelled files to `report.json`, its page and a short table."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models import neardup
from models.detector import Detector
from models.policy import save_policy
from models.release import (
    BASELINE,
    MANIFEST,
    REPORT,
    SKETCH,
    Release,
    load_detector,
    open_release,
    sha256,
)
from models.words import Words
from training.config import kept_config
from training.corpus import Corpus, DataError, Row, load_corpus
from training.evaluation.cases import CASES
from training.evaluation.cost import cost
from training.evaluation.drugcheck import answers_of, load_cases, scorecard
from training.evaluation.explanations import explanations
from training.evaluation.floors import measure_floors
from training.evaluation.goals import goal_policy, parse_goal
from training.evaluation.judged import Judged, release_contender
from training.evaluation.kept import VERDICTS, judge_kept
from training.evaluation.page import write_page
from training.evaluation.records import read_file
from training.evaluation.report import FORMAT, PREVALENCES, Asked, metrics, one_sided
from training.evaluation.robustness import robustness
from training.evaluation.run import baseline_contender, judge, judged_rows, posts_of
from training.held_out import HELD_OUT_PARTS
from training.json_files import write_json
from training.splits import parts_of
from training.steps import Step, timed_steps

PAGE = "report.html"
AUTHORED = "npsight_posts"


@dataclass(frozen=True, slots=True)
class Request:
    """What `npsight evaluate` is asked, as values."""

    data: Sequence[str]
    held_out: Sequence[str] = ()
    out: Path | None = None
    cards: Path = Path("data_cards")
    suite: Path = Path("data_cards/drugcheck")
    beside: Sequence[Path] = ()
    allow_seen: bool = False
    test_part: bool = False
    quick: bool = False
    asked: Asked = field(default_factory=Asked)
    write_policy: Path | None = None


def evaluate_release(folder: Path, request: Request) -> dict[str, Any]:
    """Measure the loaded release; write what was asked for; give the report."""
    on_step = timed_steps()
    release, others = open_release(folder), [open_release(each) for each in request.beside]
    refuse_twice([release, *others])
    if request.write_policy and len(request.asked.goals) != 1:
        raise ValueError(f"--write-policy wants exactly one --goal, found {len(request.asked.goals)}")
    on_step("read rows")
    rows, facts = choose_rows(request, [release, *others])
    detector = load_detector(release)
    on_step(f"judge {len(rows):,} rows")
    judged = judge_all(release, detector, rows, others, request)
    report = head(release, detector, judged, request) | facts
    fitted, authored = detector.calibration.prevalence, authored_rows(request.cards)
    report |= metrics(judged, request.asked, fitted_prevalence=fitted, authored=authored, on_step=on_step)
    if not request.quick:
        report |= deeper(release, detector, judged, request, on_step)
    report["floors"] = measure_floors(report)
    write(report, request)
    if request.write_policy:
        write_goal_policy(report["goals"][0], detector, request.write_policy)
    return report


def choose_rows(request: Request, releases: Sequence[Release]) -> tuple[list[Row], dict[str, Any]]:
    """Load the rows that may be measured, and count those that may not."""
    corpus = load_corpus([*request.data, *request.held_out], cards=request.cards, read=read_file)
    rows, mixed = one_sided(test_part(corpus, request, releases[0]) if request.test_part else corpus.rows)
    seen = 0
    for release in [] if request.allow_seen else releases:
        rows, more = unseen(rows, release)
        seen += more
    left_out = dict(corpus.left_out) | ({"label allows both sides": mixed} if mixed else {})
    return rows, {"data": [*request.data, *request.held_out], "left_out": left_out, "seen_in_training": seen}


def test_part(corpus: Corpus, request: Request, release: Release) -> list[Row]:
    """Split the data as the release's config does and take its test part; held-out files are taken whole.

    Rows that training left over are no fair sample: the hardest of them were picked out to train on.
    """
    config = kept_config(release.manifest["config"], where=str(release.path(MANIFEST)))
    held = load_corpus(request.held_out, cards=request.cards, read=read_file).rows if request.held_out else []
    taken = {row.id for row in held}
    parts = parts_of([row for row in corpus.rows if row.id not in taken], config.sample, seed=config.seed)
    return [row for _, row in parts["test"]] + held


def unseen(rows: Sequence[Row], release: Release) -> tuple[list[Row], int]:
    """Leave out rows that the release was trained on, or near copies of them; `DataError` when none is left."""
    seen = neardup.seen([row.text for row in rows], neardup.load(release.path(SKETCH)))
    kept = [row for row, was in zip(rows, seen.tolist(), strict=True) if not was]
    if not kept:
        raise DataError(
            f"all {len(rows)} rows, or near copies, were in training: --allow-seen measures them all the same"
        )
    return kept, len(rows) - len(kept)


def judge_all(
    release: Release, detector: Detector, rows: Sequence[Row], others: Sequence[Release], request: Request
) -> Judged:
    """Let the release, its plain baseline and any other release answer."""
    contenders = [baseline_contender(Words.load(release.path(BASELINE)), rows, threshold_of(release))]
    for other in others:
        verdicts = judge_rows(other, load_detector(other), rows, request.out)
        contenders.append(release_contender(other.version, f"npsight {other.version}", verdicts))
    verdicts = judge_rows(release, detector, rows, request.out)
    return judged_rows(rows, verdicts, detector.policy, version=release.version, others=contenders)


def refuse_twice(releases: Sequence[Release]) -> None:
    """Refuse two contenders of one name, which a report could not tell apart."""
    names = ["release", "baseline", "lexicon", *(each.version for each in releases)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"--beside: {', '.join(twice)} stands twice, wanted releases of other versions")


def judge_rows(release: Release, detector: Detector, rows: Sequence[Row], out: Path | None) -> Any:
    """Judge rows; with a folder, go on from the verdicts kept there."""
    if out is None:
        return judge(detector, rows)
    out.mkdir(parents=True, exist_ok=True)
    return judge_kept(detector, rows, out / VERDICTS, release=sha256(release.path(MANIFEST)))


def threshold_of(release: Release) -> float:
    """Read the baseline's threshold, which was set when the release was trained."""
    report = json.loads(release.path(REPORT).read_text(encoding="utf-8"))
    if "baseline_threshold" not in report:
        raise ValueError(f"{release.path(REPORT)}: no baseline_threshold, wanted what `npsight train` writes there")
    return float(report["baseline_threshold"])


def authored_rows(cards: Path) -> list[Row]:
    """Load our own authored posts that train, which errors are shown beside; none where the folder has none."""
    files = sorted(str(path) for path in (cards / AUTHORED).glob("*.jsonl") if path.stem not in HELD_OUT_PARTS)
    return load_corpus(files, cards=cards, read=read_file).rows if files else []


def head(release: Release, detector: Detector, judged: Judged, request: Request) -> dict[str, Any]:
    """Say what was measured and when."""
    return {
        "format": FORMAT,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "release": release.version,
        "policy": {
            "label": detector.policy.label,
            "prevalence": detector.policy.prevalence,
            "threshold": judged.threshold,
        },
        "rows_from": "the release's own test part and held-out files" if request.test_part else "all rows given",
    }


def deeper(release: Release, detector: Detector, judged: Judged, request: Request, on_step: Step) -> dict[str, Any]:
    """Compute the sections for which the detector reads again: explanations, attacks, suite, cost."""
    rows, verdicts = judged.rows, judged.verdicts
    on_step("explanations: take out what was cited")
    found = {"explanations": explanations(detector, rows, verdicts)}
    on_step("attacks")
    found["robustness"] = robustness(detector, rows, verdicts)
    on_step("functional suite")
    found["suite"] = run_suite(release, detector, request.suite)
    on_step("cost")
    return found | {"cost": cost(detector, posts_of(rows), release=release)}


def run_suite(release: Release, detector: Detector, folder: Path) -> dict[str, Any]:
    """Run the functional suite, and the plain baseline beside it, where its folder stands."""
    if not (folder / CASES).is_file():
        return {"why": f"no functional suite in {folder.name}: --suite names its folder"}
    cases = load_cases(folder)
    plain = Words.load(release.path(BASELINE)).log_odds([case.text for case in cases]) >= threshold_of(release)
    answers = answers_of(detector, cases)
    return scorecard(cases, answers, target=f"npsight {release.version}", folder=folder, baseline=plain.tolist())


def write(report: Mapping[str, Any], request: Request) -> None:
    """Write the record and its view."""
    if request.out is None:
        return
    request.out.mkdir(parents=True, exist_ok=True)
    write_json(report, request.out / REPORT)
    write_page(report, request.out / PAGE)


def write_goal_policy(goal: Mapping[str, Any], detector: Detector, path: Path) -> None:
    """Write the policy that a goal was answered with; `ValueError` when it was refused."""
    if goal["answer"] is None:
        raise ValueError(f"no policy written: {goal['goal']}: {goal['refused']}")
    save_policy(goal_policy(detector.policy, goal["answer"]), path)


def asked(prevalences: Sequence[float], posts_per_day: float | None, goals: Sequence[str], texts: str) -> Asked:
    """Check what is asked for; `ValueError` names what makes no sense."""
    for value in prevalences:
        if not 0 < value < 1:
            raise ValueError(f"--prevalence: found {value}, wanted a share between 0 and 1")
    if posts_per_day is not None and posts_per_day <= 0:
        raise ValueError(f"--posts-per-day: found {posts_per_day}, wanted a number above 0")
    if texts not in {"none", "quotable", "masked"}:
        raise ValueError(f"--texts: found {texts!r}, wanted none, quotable or masked")
    every = tuple(sorted({*PREVALENCES, *prevalences}, reverse=True))
    return Asked(every, posts_per_day, tuple(parse_goal(words) for words in goals), texts)
