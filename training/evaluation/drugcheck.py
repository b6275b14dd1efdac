"""The functional suite: short cases that each test one thing, in HateCheck's form, and the scorecard of a detector.

A case is right when it is flagged and an advert, or left alone and none; the intents are a figure of their own.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from sklearn.metrics import confusion_matrix

from models.release import sha256
from models.verdict import INTENTS, Detect, Post
from training.corpus import DataError
from training.evaluation.answers import Answer, Judge, judge_with
from training.evaluation.cases import CASES, Case, Functionality, choose, load_cases, load_functionalities, split_words
from training.evaluation.rates import rate
from training.evaluation.suite_table import print_scorecard
from training.evaluation.targets import open_target
from training.json_files import write_json

__all__ = ["Case", "answers_of", "ask", "load_cases", "print_scorecard", "run_drugcheck", "scorecard"]

Mark = tuple[Case, bool]
"""A case, and whether it was flagged as it should be."""

WEAKEST = 5
BATCH = 64  # asked at once, so that the bar moves every second or so on a slow core
WIDTH_IN_A_FILE = 100
PATIENCE = 2.0  # seconds without a bar
HOW = (
    "right: flagged where the case is an advert, left alone where it is not. Intervals are exact 95 % ones over cases, "
    "which are written one by one; where languages share a scene they are a little too narrow"
)


def ask(judge: Judge, cases: Sequence[Case]) -> list[Answer]:
    """Let a target answer every case: it sees ids and texts alone. At a terminal a bar shows when that takes long."""
    posts = [Post(case.id, case.text) for case in cases]
    answers: list[Answer] = []
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("asking", total=len(posts), visible=False)
        for start in range(0, len(posts), BATCH):
            answers += judge(posts[start : start + BATCH])
            long = (progress.tasks[0].elapsed or 0) > PATIENCE
            progress.update(task, completed=len(answers), visible=long)
    return answers


def answers_of(detect: Detect, cases: Sequence[Case]) -> list[Answer]:
    """Let a detector of ours answer every case."""
    return ask(judge_with(detect), cases)


def scorecard(
    cases: Sequence[Case],
    answers: Sequence[Answer],
    *,
    target: str,
    folder: Path,
    baseline: Sequence[bool] | None = None,
) -> dict[str, Any]:
    """Mark the answers: the section `suite` of a report. `folder` holds the card that names the functionalities.

    `baseline` are the flags of the plain baseline on the same cases, to stand beside the target's.
    """
    marks = mark(cases, [answer.flag for answer in answers])
    plain = None if baseline is None else mark(cases, baseline)
    tested = {case.functionality for case in cases}
    listed = [each for each in load_functionalities(folder).values() if each.id in tested]
    table = [one_functionality(each, marks, plain) for each in listed]
    failed = [each for each in table if each["right"]["share"] < 1]
    return {
        "cases": len(cases),
        "target": target,
        **totals(marks),
        "languages": {lang: share(right for case, right in marks if case.lang == lang) for lang in langs_of(cases)},
        "functionalities": table,
        "weakest": [each["id"] for each in sorted(failed, key=lambda each: each["right"]["share"])[:WEAKEST]],
        "by_language": by_language(marks),
        "intents": intents(cases, answers),
        "how": HOW,
        **({} if plain is None else {"baseline": totals(plain)}),
    }


def mark(cases: Sequence[Case], flags: Sequence[bool]) -> list[Mark]:
    """Tell which cases were flagged as they should be."""
    return [(case, bool(flag) == case.is_advert) for case, flag in zip(cases, flags, strict=True)]


def totals(marks: Sequence[Mark]) -> dict[str, Any]:
    """Give the rates over all cases: `adverts` is recall, `others` are false flags."""
    return {
        "right": share(right for _, right in marks),
        "adverts": share(right for case, right in marks if case.is_advert),
        "others": share(not right for case, right in marks if not case.is_advert),
        "pairs": pairs(marks),
    }


def share(values: Iterable[bool]) -> dict[str, Any]:
    """Give the rate of what holds."""
    listed = list(values)
    return rate(sum(listed), len(listed))


def langs_of(cases: Sequence[Case]) -> list[str]:
    """List the languages."""
    return sorted({case.lang for case in cases})


def one_functionality(tested: Functionality, marks: Sequence[Mark], plain: Sequence[Mark] | None) -> dict[str, Any]:
    """Mark one functionality; `groups` counts pairs and lone cases."""
    own, beside = ([each for each in some if each[0].functionality == tested.id] for some in (marks, plain or ()))
    return {
        "id": tested.id,
        "what": tested.what,
        "intent": tested.label,
        "advert": any(case.is_advert for case, _ in own),
        "right": share(right for _, right in own),
        "groups": len({case.pair or case.id for case, _ in own}),
        **({} if plain is None else {"baseline": share(right for _, right in beside)}),
    }


def pairs(marks: Sequence[Mark]) -> dict[str, Any]:
    """Give the rate of minimal pairs, an advert and its twins, with every member right."""
    members: dict[str, list[Mark]] = defaultdict(list)
    for case, right in marks:
        if case.pair:
            members[case.pair].append((case, right))
    whole = [each for each in members.values() if len({case.is_advert for case, _ in each}) == 2]
    return share(all(right for _, right in each) for each in whole)


def by_language(marks: Sequence[Mark]) -> dict[str, Any]:
    """Count right answers and cases: functionality by language."""
    langs = langs_of([case for case, _ in marks])
    of = Counter((case.functionality, case.lang) for case, _ in marks)
    right = Counter((case.functionality, case.lang) for case, good in marks if good)
    names = sorted({name for name, _ in of})
    return {
        "languages": langs,
        "right": {name: [right[name, lang] for lang in langs] for name in names},
        "of": {name: [of[name, lang] for lang in langs] for name in names},
    }


def intents(cases: Sequence[Case], answers: Sequence[Answer]) -> dict[str, Any] | None:
    """Mark the intents; `None` when the target does not say one for every case."""
    said = [str(answer.intent) for answer in answers if answer.intent]
    if not said or len(said) < len(cases):
        return None
    truth, labels = [str(case.intent) for case in cases], [str(intent) for intent in INTENTS]
    counts = confusion_matrix(truth, said, labels=labels).tolist()
    return {
        "right": share(one == other for one, other in zip(truth, said, strict=True)),
        "recall": {
            name: rate(row[place], sum(row)) for place, (name, row) in enumerate(zip(labels, counts, strict=True))
        },
        "confusion": {"labels": labels, "counts": counts},
    }


def run_drugcheck(
    target_words: str,
    *,
    cases_folder: Path,
    out: Path | None = None,
    langs: Sequence[str] = (),
    only: Sequence[str] = (),
    threshold: float = 0.5,
    threads: int | None = None,
) -> dict[str, Any]:
    """Run the suite on a target, write its scorecard as JSON where asked, print it and give it."""
    if not 0 < threshold <= 1:
        raise DataError(f"--threshold: found {threshold}, wanted a probability above 0 and up to 1")
    if out is not None and out.is_dir():
        raise DataError(f"--out: {out} is a folder, wanted a file")
    cases = choose(load_cases(cases_folder), langs=langs, only=only)
    target = open_target(target_words, threads=threads, threshold=threshold)
    card = scorecard(cases, ask(target.judge, cases), target=target.name, folder=cases_folder)
    # an empty list is all of them
    card["chosen"] = {"languages": sorted(split_words(langs)), "functionalities": sorted(split_words(only))}
    card["sha256"] = sha256(cases_folder / CASES)  # two scorecards compare only over the same cases
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_json(card, out)
    print_scorecard(card, Console(width=None if sys.stdout.isatty() else WIDTH_IN_A_FILE))
    return card
