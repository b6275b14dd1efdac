"""How far two readers agree on the intents of the same posts: Cohen's kappa, with intervals.

What the codebook asks for: where agreement on an intent is below 0.8, the codebook is mended before anything else.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.verdict import ADVERT_INTENTS, INTENTS, Intent
from training.card_tables import in_words, table
from training.corpus import DataError
from training.evaluation.rates import figure, no_figure, rate

Labels = Mapping[str, Intent]  # the id of a post -> what a reader says it is
Counts = NDArray[np.int64]  # (..., labels, labels): rows are the first reader's
ROUNDS = 1000
SEED = 7
ENOUGH = 0.8  # the codebook's
HOW = (
    "Cohen's kappa with 95 % intervals by resampling posts ({rounds:,} rounds); per intent, that intent against all "
    "others; at the mix of intents that was read, which is not the mix of any stream"
)


def kappa_table(first: Labels, second: Labels, truth: Labels | None = None) -> dict[str, Any]:
    """Hold two readers' labels of the same posts against each other, and each against `truth` where it is given.

    `truth` may hold more posts than were read. `DataError` when the readers read other posts, or fewer than two.
    """
    _refuse_unlike(first, second, truth)
    ids = sorted(first)
    found = compared(first, second, ids)
    beside = {"first": compared(first, truth, ids), "second": compared(second, truth, ids)} if truth else None
    return {"items": len(ids), **found, "truth": beside, "how": HOW.format(rounds=ROUNDS)}


def compared(first: Labels, second: Labels, ids: list[str]) -> dict[str, Any]:
    """Compute every figure of two sets of labels over these ids; all share the bootstrap's draws."""
    counts = counted(first, second, ids)
    draws = np.random.default_rng(SEED).multinomial(len(ids), counts.ravel() / len(ids), size=ROUNDS)
    drawn = draws.reshape(ROUNDS, *counts.shape)  # drawing posts is drawing cells of the table of counts
    intents = {str(intent): one_intent(counts, drawn, place) for place, intent in enumerate(INTENTS)}
    sides = np.array([intent in ADVERT_INTENTS for intent in INTENTS])
    return {
        "raw": rate(int(np.trace(counts)), len(ids)),
        "kappa": kappa_figure(counts, drawn),
        "advert": two_sides(counts, drawn, sides),
        "intents": intents,
        "mend": [name for name, each in intents.items() if is_low(each["kappa"])],
        "confusion": {"labels": [str(intent) for intent in INTENTS], "counts": counts.tolist()},
    }


def counted(first: Labels, second: Labels, ids: list[str]) -> Counts:
    """Count how often the first says one intent and the second another: (8, 8)."""
    counts = np.zeros((len(INTENTS), len(INTENTS)), dtype=np.int64)
    places = {intent: place for place, intent in enumerate(INTENTS)}
    for each in ids:
        counts[places[first[each]], places[second[each]]] += 1
    return counts


def one_intent(counts: Counts, drawn: Counts, place: int) -> dict[str, Any]:
    """Hold one intent against all others."""
    return two_sides(counts, drawn, np.arange(len(INTENTS)) == place)


def two_sides(counts: Counts, drawn: Counts, side: NDArray[np.bool_]) -> dict[str, Any]:
    """Compare after only asking whether a label is on one side; `side` (labels,)."""
    folded = fold(counts, side)
    (both, one), (other, _) = folded.tolist()
    return {
        "first": both + one,
        "second": both + other,
        "both": both,
        "raw": rate(int(np.trace(folded)), int(folded.sum())),
        "kappa": kappa_figure(folded, fold(drawn, side)),
    }


def fold(counts: Counts, side: NDArray[np.bool_]) -> Counts:
    """Add up labels to those on one side and the others: (..., labels, labels) to (..., 2, 2)."""
    member = np.stack([side, ~side]).astype(np.int64)  # (2, labels)
    return np.asarray(member @ counts @ member.T)


def kappa_figure(counts: Counts, drawn: Counts) -> dict[str, Any]:
    """Give kappa with its interval, or say why there is none."""
    value = float(kappa(counts))
    if np.isnan(value):
        return no_figure("both gave every post the same one label, so that chance alone explains all agreement")
    return figure(value, kappa(drawn))


def is_low(kappa: Mapping[str, Any]) -> bool:
    """Tell whether a kappa is one that the codebook asks to mend."""
    return kappa["value"] is not None and kappa["value"] < ENOUGH


def kappa(counts: Counts) -> NDArray[np.float64]:
    """Compute Cohen's kappa of (..., labels, labels) as (...); NaN where both know one label only."""
    total = counts.sum((-2, -1))
    chance = (counts.sum(-1) * counts.sum(-2)).sum(-1)  # whole numbers, so that the test for none is exact
    agreed = np.trace(counts, axis1=-2, axis2=-1) * total
    left = total * total - chance
    return np.asarray(np.where(left > 0, (agreed - chance) / np.where(left > 0, left, 1), np.nan))


def agreement_lines(found: Mapping[str, Any]) -> str:
    """Write a table for a data card: how often each reader says a label, and kappa; then against the labels."""
    beside = [found["truth"]["first"], found["truth"]["second"]] if found["truth"] else []
    kappas = [kappas_of(each) for each in (found, *beside)]
    told = {"all eight intents": [found["items"], found["items"], found["raw"]["count"]]}
    told |= {name: [each["first"], each["second"], each["both"]] for name, each in parts_of(found).items()}
    lines = [[name, *map(str, told[name]), *(in_figures(each[name]) for each in kappas)] for name in told]
    head = ["", "reader A", "reader B", "both", "kappa (95 %)", "A with the label", "B with the label"]
    raw = f"{found['items']:,} posts; the same intent in {in_words(found['raw'])}."
    return f"{raw}\n\n{table(head[: 5 + len(beside)], lines)}"


def parts_of(compared: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is compared one side against the other, by its name in the table."""
    return {"advert or not": compared["advert"], **compared["intents"]}


def kappas_of(compared: Mapping[str, Any]) -> dict[str, Any]:
    """Give every kappa, by its name in the table."""
    parts = {name: each["kappa"] for name, each in parts_of(compared).items()}
    return {"all eight intents": compared["kappa"], **parts}


def in_figures(kappa: Mapping[str, Any]) -> str:
    """Say a kappa with its interval."""
    if kappa["value"] is None:
        return "not defined"
    return f"{kappa['value']:.2f} ({kappa['low']:.2f} to {kappa['high']:.2f})"


def _refuse_unlike(first: Labels, second: Labels, truth: Labels | None) -> None:
    if first.keys() != second.keys():
        only = sorted(first.keys() ^ second.keys())
        raise DataError(f"{len(only)} posts were read by one reader only, the first of them {only[0]!r}")
    if len(first) < 2:
        raise DataError(f"found {len(first)} posts read by both, wanted at least 2")
    if truth is not None and (missing := sorted(first.keys() - truth.keys())):
        raise DataError(f"{len(missing)} posts that were read have no label, the first of them {missing[0]!r}")


def read_labels(path: Path, column: str | None = None) -> dict[str, Intent]:
    """Read a reader's labels from a TSV, or a CSV by its ending: ids in the first column, then intents.

    A first line that starts with `id` names the columns: `column` says which holds the intents, else the second does.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, delimiter="," if path.suffix == ".csv" else "\t", strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not readable: {error}") from error
    head = rows[0] if rows and rows[0][:1] == ["id"] else []
    if column and column not in head:
        raise DataError(f"{path}: no column {column!r}, found {', '.join(head) or 'no line that names columns'}")
    place = head.index(column) if column else 1
    labels: dict[str, Intent] = {}
    for number, row in enumerate(rows, start=1):
        if row and not (head and number == 1):
            name, intent = _label(row, place, f"{path}, line {number}")
            if name in labels:
                raise DataError(f"{path}, line {number}: the id {name!r} stands twice")
            labels[name] = intent
    return labels


def _label(row: list[str], place: int, where: str) -> tuple[str, Intent]:
    label = row[place].strip() if len(row) > place else ""
    if not row[0].strip() or label not in set(INTENTS):
        raise DataError(f"{where}: found the label {label!r} of {row[0]!r}, wanted one of {', '.join(INTENTS)}")
    return row[0].strip(), Intent(label)
