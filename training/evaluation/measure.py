"""What a detector says of the intent and of the words that name drugs, held against authors' labels and spans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, f1_score

from models.terms import overlaps, words
from models.verdict import ADVERT_INTENTS, INTENTS, TERM_KINDS, Decision, Span, Verdict
from training.corpus import Row
from training.evaluation.bootstrap import Resamples
from training.evaluation.rates import interval, rate, shares

READERS = ("both", "lexicon", "model", "unlisted")
Words = set[tuple[int, int]]
"""Half-open ranges of words."""


def intents(rows: Sequence[Row], verdicts: Sequence[Verdict], resamples: Resamples | None = None) -> dict[str, Any]:
    """Score the most probable intent on rows with one label, each intent weighing the same.

    The advert side is chosen by the flag, not by the probability: at a low prevalence almost no post
    is more likely an advert than not. `resamples` of the rows give macro-F1 its interval.
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
        **({} if resamples is None else _macro_range(known, truth, said, resamples)),
        "f1": dict(zip(labels, map(float, scores), strict=True)),
        "prevalence": {label: truth.count(label) / len(truth) for label in labels},
        "confusion": {"labels": labels, "counts": confusion_matrix(truth, said, labels=labels).tolist()},
    }


def _macro_range(
    known: Sequence[int], truth: Sequence[str], said: Sequence[str], resamples: Resamples
) -> dict[str, float]:
    """Give the interval of macro-F1; an intent that a round did not draw counts 0 there, as it does in the value."""
    labels = np.array([str(intent) for intent in INTENTS])
    true, told = (np.array(each)[:, None] == labels for each in (truth, said))  # (known, intents)
    columns = np.zeros((len(resamples.groups), 2 * len(labels)))
    columns[known] = np.hstack([true & told, true.astype(int) + told])
    hits, either = np.split(resamples.totals(columns), 2, axis=1)  # each (rounds, intents)
    low, high = interval(np.nan_to_num(shares(2 * hits, either)).mean(axis=1))
    return {"macro_f1_low": low, "macro_f1_high": high}


def intent_said(verdict: Verdict) -> str:
    """Give the likeliest intent on the side that the decision took."""
    flagged = verdict.decision != Decision.ALLOW
    side = [intent for intent in INTENTS if (intent in ADVERT_INTENTS) == flagged]
    return max(side, key=lambda intent: verdict.intents[intent])


def terms(rows: Sequence[Row], verdicts: Sequence[Verdict], resamples: Resamples | None = None) -> dict[str, Any]:
    """Score words read as drug names on rows with an author's spans: by the lexicon, by the term head, by both.

    `unlisted` holds only the words in no lexicon: what the term head makes of them. `resamples` of the rows give F1
    its interval.
    """
    counts = {who: np.zeros((len(rows), 3), dtype=int) for who in READERS}  # hits, false, missed
    marked = [place for place, row in enumerate(rows) if row.spans is not None]
    for place in marked:
        for who, (truth, said) in _readings(rows[place], verdicts[place]).items():
            counts[who][place] = (len(truth & said), len(said - truth), len(truth - said))
    return {"rows": len(marked)} | {who: _f1(each, resamples) for who, each in counts.items()}


def _readings(row: Row, verdict: Verdict) -> dict[str, tuple[Words, Words]]:
    """Give the words that name drugs, and those that each reader says do."""
    truth = _named(row.text, row.spans or ())
    lexicon, model = (
        _named(row.text, [span for span in verdict.spans if span.source == source]) for source in ("lexicon", "model")
    )
    told = ((truth, lexicon | model), (truth, lexicon), (truth, model), (truth - lexicon, model - lexicon))
    return dict(zip(READERS, told, strict=True))


def _named(text: str, spans: Sequence[Span]) -> Words:
    ranges = [(span.start, span.end) for span in spans if span.kind in TERM_KINDS]
    return {word for word in words(text) if overlaps(*word, ranges)}


def _f1(counts: NDArray[np.int_], resamples: Resamples | None) -> dict[str, Any]:
    """Score counts (rows, 3) of hits, false and missed words."""
    hits, false, missed = map(int, counts.sum(axis=0))
    total = 2 * hits + false + missed
    found: dict[str, Any] = {
        "words": hits + missed,
        "precision": hits / (hits + false) if hits + false else None,
        "recall": hits / (hits + missed) if hits + missed else None,
        "f1": 2 * hits / total if total else None,
    }
    if resamples is None or not total:
        return found
    drawn = resamples.totals(counts)  # (rounds, 3)
    low, high = interval(shares(2 * drawn[:, 0], drawn @ np.array([2, 1, 1])))
    return found | {"f1_low": low, "f1_high": high}
