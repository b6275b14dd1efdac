"""What a detector says of the intent and of the words that name drugs, held against authors' labels and spans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, f1_score

from models.terms import overlaps, words
from models.verdict import ADVERT_INTENTS, INTENTS, TERM_KINDS, Decision, Verdict
from training.corpus import Row
from training.evaluation.rates import rate


def intents(rows: Sequence[Row], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Score the most probable intent on rows with one label, each intent weighing the same.

    The advert side is chosen by the flag, not by the probability: at a low prevalence almost no post
    is more likely an advert than not.
    """
    known = [index for index, row in enumerate(rows) if len(row.intents) == 1 and row.spans is not None]
    if not known:
        return {"rows": 0}
    truth = [str(next(iter(rows[index].intents))) for index in known]
    said = [str(intent_said(verdicts[index])) for index in known]
    labels = [str(intent) for intent in INTENTS]
    scores = f1_score(truth, said, labels=labels, average=None, zero_division=0)
    return {
        "rows": len(known),
        "right": rate(sum(one == other for one, other in zip(truth, said, strict=True)), len(known)),
        "macro_f1": float(np.mean(scores)),
        "f1": dict(zip(labels, map(float, scores), strict=True)),
        "prevalence": {label: truth.count(label) / len(truth) for label in labels},
        "confusion": {"labels": labels, "counts": confusion_matrix(truth, said, labels=labels).tolist()},
    }


def intent_said(verdict: Verdict) -> str:
    """Give the likeliest intent on the side that the decision took."""
    flagged = verdict.decision != Decision.ALLOW
    side = [intent for intent in INTENTS if (intent in ADVERT_INTENTS) == flagged]
    return max(side, key=lambda intent: verdict.intents[intent])


def terms(rows: Sequence[Row], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Score words read as drug names on rows with an author's spans: by the lexicon, by the term head, by both."""
    marked = [(row, verdict) for row, verdict in zip(rows, verdicts, strict=True) if row.spans is not None]
    counts = {who: np.zeros(3, dtype=int) for who in ("both", "lexicon", "model")}  # hits, false, missed
    for row, verdict in marked:
        truth = _named(row.text, [(span.start, span.end) for span in row.spans or () if span.kind in TERM_KINDS])
        for who, sources in (("both", ("lexicon", "model")), ("lexicon", ("lexicon",)), ("model", ("model",))):
            spans = [span for span in verdict.spans if span.kind in TERM_KINDS and span.source in sources]
            said = _named(row.text, [(span.start, span.end) for span in spans])
            counts[who] += (len(truth & said), len(said - truth), len(truth - said))
    return {"rows": len(marked)} | {who: _f1(*map(int, each)) for who, each in counts.items()}


def _named(text: str, ranges: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    return {word for word in words(text) if overlaps(*word, ranges)}


def _f1(hits: int, false: int, missed: int) -> dict[str, Any]:
    precision = hits / (hits + false) if hits + false else math.nan
    recall = hits / (hits + missed) if hits + missed else math.nan
    total = 2 * hits + false + missed
    return {
        "words": hits + missed,
        "precision": None if math.isnan(precision) else precision,
        "recall": None if math.isnan(recall) else recall,
        "f1": 2 * hits / total if total else None,
    }
