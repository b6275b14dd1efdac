"""`npsight evaluate --protocol`: many short runs, each with something else held out: what does the unseen cost?

Its figures say how far a small model generalises, beside the plain baseline on the same rows; they are none of a
release's. What was measured is kept after each run, so that a stopped protocol goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from sklearn.metrics import average_precision_score

from models import neardup
from models.lexicon import Lexicon
from models.release import BASELINE, MANIFEST, REPORT, SKETCH, Release, load_detector, open_release
from models.words import Words
from training.config import Config
from training.corpus import Corpus, Row, load_corpus
from training.evaluation.report import one_sided
from training.evaluation.run import judge
from training.json_files import read_object, write_json
from training.pipeline import Order, Start, make_release
from training.protocol_pool import SMALL, Budget, load_protocol
from training.protocol_splits import ProtocolSplit, protocol_splits
from training.protocol_table import print_protocol
from training.readers import read_dataset
from training.rounds import forget
from training.splits import Splits, with_ordinary
from training.start import choose_lexicon, choose_start
from training.steps import Step, silent, timed_steps
from training.trainer import fingerprint

PROTOCOL = "protocol.json"
KNOWN = 0.01
"""Share of the adverts that a release to start from may seem to know: short texts can be alike by chance."""
Measure = Callable[[Release, ProtocolSplit], dict[str, Any]]
"""Gives the figures of a release made of a split."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the protocol runs on. `start` gives a fresh start for each run, since a network is trained in place."""

    data: Sequence[str]
    start: Callable[[], Start]
    config: Config
    budget: Budget
    cards: Path
    lexicon: Path
    parent: Release | None = None
    command: str = ""


def protocol_command(
    data: Sequence[str],
    out: Path,
    *,
    config: Path | None,
    from_release: Path | None,
    backbone: str | None,
    cards: Path,
    lexicon: Path | None,
    keep: bool = False,
) -> dict[str, Any]:
    """Run the protocol, say how it goes, print its table and give its section of a report."""
    logging.getLogger("transformers").setLevel(logging.ERROR)  # it lists every weight it finds or misses
    parent = open_release(from_release) if from_release else None
    chosen, budget = load_protocol(config or SMALL)
    plan = Plan(
        data=data,
        start=lambda: choose_start(parent, backbone, chosen),
        config=chosen,
        budget=budget,
        cards=cards,
        lexicon=lexicon or choose_lexicon(parent),
        parent=parent,
        command=shlex.join(["npsight", *sys.argv[1:]]),
    )
    section = run_protocol(plan, out, keep=keep, on_step=timed_steps())
    print_protocol(section, Console())
    return section


def run_protocol(plan: Plan, out: Path, *, keep: bool = False, on_step: Step = silent) -> dict[str, Any]:
    """Measure every split that the rows can carry; `<out>/protocol.json` holds what is measured, from the first run on.

    A second call measures only what is missing; `ValueError` when config, lexicon, start or data are others.
    """
    on_step("read rows")
    corpus = load_corpus(plan.data, cards=plan.cards, read=read_dataset)
    plan = replace(plan, config=with_ordinary(plan.config, corpus.rows, on_step))
    rows, _ = one_sided(corpus.rows)
    if plan.parent:
        refuse_known(rows, plan.parent)
    section = take_up(out / PROTOCOL, head(plan, rows))
    on_step(f"group {len(rows):,} rows, find what is held out")
    lexicon, sample = Lexicon.load(plan.lexicon), plan.config.sample
    splits = protocol_splits(rows, lexicon=lexicon, sample=sample, budget=plan.budget, seed=plan.config.seed)
    return measure_splits(plan, corpus, splits, section, out, keep=keep, on_step=on_step)


def measure_splits(
    plan: Plan,
    corpus: Corpus,
    splits: Sequence[ProtocolSplit],
    section: dict[str, Any],
    out: Path,
    *,
    measure: Measure | None = None,
    keep: bool = False,
    on_step: Step = silent,
) -> dict[str, Any]:
    """Make and measure the release of each split that was not yet; `section` and its file hold each run at once."""
    done = {run["split"]: run for run in section["runs"]}
    for number, split in enumerate(splits, start=1):
        if "release" in done.get(split.name, {}):
            continue
        on_step(f"{number} of {len(splits)}: {split.name}{f': {split.why}' if split.why else ''}")
        done[split.name] = run_split(
            plan, corpus, split, out / slug(split.name), measure=measure or measured, keep=keep, on_step=on_step
        )
        section["runs"] = list(done.values())
        write_whole(section, out / PROTOCOL)
    return section


def refuse_known(rows: Sequence[Row], parent: Release) -> None:
    """Refuse a start that was trained on these rows: nothing can be held out from what has seen it."""
    texts = [row.text for row in rows if row.is_advert]
    known = int(neardup.seen(texts, neardup.load(parent.path(SKETCH))).sum())
    if known > KNOWN * len(texts):
        raise ValueError(
            f"--from {parent.folder}: trained on {known:,} of these {len(texts):,} adverts or near copies of them, "
            "so nothing here can be held out from it: start from --backbone"
        )


def head(plan: Plan, rows: Sequence[Row]) -> dict[str, Any]:
    """Say what the runs have in common, with a hash of all that their figures depend on."""
    start, config, budget = plan.start(), plan.config, plan.budget
    layers = int(start.network.encoder.config.num_hidden_layers)
    words = f"{layers} layers, at most {budget.train_rows:,} rows, {config.epochs:g} epoch{'s' * (config.epochs != 1)}"
    seen = hashlib.sha256(json.dumps([config.to_json(), asdict(budget)], sort_keys=True).encode())
    seen.update(plan.lexicon.read_bytes())
    seen.update(fingerprint(start.network, [], config).encode())
    for row in rows:
        facts = [getattr(row, each.name) for each in fields(Row) if each.name != "intents"]
        seen.update(repr((sorted(row.intents), facts)).encode("utf-8", "surrogatepass"))
    return {
        "budget": words,
        "numbers": asdict(budget),
        "false_flags_per_10000": config.false_flags_per_10000,
        "start": start.name,
        "rows": len(rows),
        "fingerprint": seen.hexdigest(),
        "runs": [],
    }


def take_up(path: Path, head: dict[str, Any]) -> dict[str, Any]:
    """Go on from what is kept there, or begin; `ValueError` when that was measured on something else."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        return head
    kept = read_object(path)
    if kept.get("fingerprint") != head["fingerprint"]:
        raise ValueError(f"{path}: measured with another config, lexicon, start or data; wanted a new folder for --out")
    return kept


def run_split(
    plan: Plan, corpus: Corpus, split: ProtocolSplit, folder: Path, *, measure: Measure, keep: bool, on_step: Step
) -> dict[str, Any]:
    """Make one split's release and measure it; where that cannot be done the entry says why and has no figure."""
    entry = {"split": split.name, "kind": split.kind, "possible": split.why is None, "why": split.why}
    if split.why:
        return entry
    entry |= sizes(split)
    trained = folder.with_name(f"{folder.name}.trained")
    forget(trained)  # taken over from a stopped run, the training would seem to take no time
    if (folder / MANIFEST).is_file():
        shutil.rmtree(folder)  # of a run that was stopped before it was written down
    try:
        order = Order(plan.data, plan.start(), plan.config, plan.cards, plan.lexicon, folder.name, command=plan.command)
        parts = Splits(list(split.train), list(split.calibrate), list(split.test))
        return entry | measure(make_release(order, corpus, parts, folder, on_step=on_step), split)
    except Exception as error:  # whatever it is, it is this run's: the others go on
        on_step(f"{split.name}: not measured: {error}")
        return entry | {"why": f"not measured: {type(error).__name__}: {error}"}
    finally:
        forget(trained)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def sizes(split: ProtocolSplit) -> dict[str, Any]:
    """Count a split's rows by use and side, and say what it holds out."""
    parts = {"train": split.train, "calibrate": split.calibrate, "test": split.test}
    counts = {
        name: {"adverts": (adverts := sum(row.is_advert for row in rows)), "others": len(rows) - adverts}
        for name, rows in parts.items()
    }
    totals = {f"{name}_rows": len(rows) for name, rows in parts.items()}
    return {"what": split.what, **totals, "counts": counts, "test_rows_with_copies": split.copies}


def measured(release: Release, split: ProtocolSplit) -> dict[str, Any]:
    """Give the figures of the release and of its baseline, each at its own working point, on the test rows."""
    report = json.loads(release.path(REPORT).read_text(encoding="utf-8"))
    precision = average_precision(release, split.test)
    found = {who: rates(report["slices"]["all"][who]) | {"average_precision": precision[who]} for who in precision}
    if split.kind == "language":  # a language without other posts shows a false-flag rate of 0 posts
        by_language = {name: each for name, each in report["slices"].items() if name.startswith("lang:")}
        found["languages"] = {
            name.removeprefix("lang:"): {who: rates(each[who]) for who in precision}
            for name, each in by_language.items()
        }
    made = report["training"]
    return {"train_seconds": made["train_seconds"], "loss": made["mean_loss"], "visits": made["visits"], **found}


def rates(slice_: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the two rates of a slice."""
    return {name: slice_[name] for name in ("recall", "false_flags")}


def average_precision(release: Release, rows: Sequence[Row]) -> dict[str, float | None]:
    """Rank the rows by the loaded release and by its baseline, at the test's own mix; `None` with one side alone."""
    is_advert = [row.is_advert for row in rows]
    if all(is_advert) or not any(is_advert):
        return {"release": None, "baseline": None}
    said = [verdict.advert_probability for verdict in judge(load_detector(release), rows)]
    rival = Words.load(release.path(BASELINE)).log_odds([row.text for row in rows])
    ranked = {"release": said, "baseline": rival}
    return {who: float(average_precision_score(is_advert, scores)) for who, scores in ranked.items()}


def slug(name: str) -> str:
    """Make a folder's name of a split's."""
    return re.sub(r"\W+", "-", name.lower()).strip("-")


def write_whole(section: Mapping[str, Any], path: Path) -> None:
    """Write the section so that the file is always whole, whenever the run is stopped."""
    half = path.with_name(f".{path.name}.half")
    write_json(section, half)
    os.replace(half, path)
