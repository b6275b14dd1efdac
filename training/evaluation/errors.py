"""The most confident mistakes, for a person to read, and the labels that may themselves be mistaken.

No text of a post is given that its card does not let a report show, unless masked texts are asked for.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.preprocessing import normalize

from models.calibration import log_odds, sigmoid
from models.mask import mask
from training.corpus import Row
from training.evaluation.baselines import features
from training.evaluation.judged import Bools, Floats, Judged
from training.evaluation.measure import intent_said
from training.evaluation.slices import intent_of, kind_of

KINDS = ("lang", "source", "intent")
CAP = 60  # mistakes a side: what a person reads in one sitting
SUSPECTS = 20
QUOTING = ("quotable", "masked")
LONGEST = 1000  # characters of a text shown: a listing's end repeats its beginning


@dataclass(frozen=True, slots=True)
class Nearest:
    """Rows whose text a report may show, as points: the nearest ones tell what the release may have learnt from."""

    rows: Sequence[Row]
    points: sparse.csr_array  # (rows, buckets), each of length one
    rarity: Floats  # (buckets,)

    @classmethod
    def fit(cls, rows: Sequence[Row]) -> Nearest:
        """Keep the quotable rows."""
        kept = [row for row in rows if row.quotable]
        counts = features([row.text for row in kept] or [""])
        frequency = np.bincount(counts.indices, minlength=counts.shape[1])
        rarity = np.log((1 + len(kept)) / (1 + frequency)) + 1
        return cls(kept, _points(counts, rarity), rarity)

    def nearest(self, texts: Sequence[str], count: int = 2) -> list[list[dict[str, Any]]]:
        """Give each text's nearest rows, the nearest first, with the cosine similarity."""
        if not self.rows or not texts:
            return [[] for _ in texts]
        similarity = (_points(features(texts), self.rarity) @ self.points.T).toarray()  # (texts, rows)
        order = np.argsort(-similarity, axis=1, kind="stable")[:, :count]
        return [
            [self._entry(place, similarity[text, place]) for place in places]
            for text, places in enumerate(order.tolist())
        ]

    def _entry(self, place: int, similarity: float) -> dict[str, Any]:
        row = self.rows[place]
        return {"id": row.id, "intent": intent_of(row), "text": row.text[:LONGEST], "similarity": float(similarity)}


def _points(counts: Any, rarity: Floats) -> sparse.csr_array:
    return sparse.csr_array(normalize(counts.multiply(rarity).tocsr()))


@dataclass(frozen=True, slots=True)
class Texts:
    """What may be shown: `none`, the `quotable` ones, or beside these the others `masked` under the key."""

    policy: str
    key: bytes

    def of(self, row: Row) -> str | None:
        """Give a row's text, cut to what a report shows, or nothing."""
        if self.policy in QUOTING and row.quotable:
            return row.text[:LONGEST]
        return mask([row.text], key=self.key)[0][:LONGEST] if self.policy == "masked" else None


def errors(
    judged: Judged, slices: Mapping[str, Bools], *, texts: str, nearest: Nearest | None = None, most: int = 5
) -> dict[str, Any]:
    """List the adverts missed at the lowest probability and the others flagged at the highest, and suspect labels.

    `texts` is "none", "quotable" or "masked"; at most `most` mistakes stand under one slice.
    """
    shown = Texts(texts, secrets.token_bytes(32))  # a key that nobody keeps: pseudonyms link within one report only
    advert, flags, ranking = judged.is_advert, judged.release.flags, judged.release.log_odds
    sides = {"missed": (advert, advert & ~flags, ranking), "wrong_flags": (~advert, ~advert & flags, -ranking)}
    listed = {}
    for name, (side, wrong, surest_first) in sides.items():
        within = {each: rows & side for each, rows in slices.items() if kind_of(each) in KINDS}
        places = _listed(within, wrong, surest_first, most)
        listed[name] = list(_mistakes(judged, places, shown, nearest))
    return {**listed, **_label_suspects(judged, shown), "texts": texts}


def _listed(within: Mapping[str, Bools], wrong: Bools, surest_first: Floats, most: int) -> dict[int, str]:
    """Choose the rows to list, the surest mistake first, each with the slice in which it ranks worst.

    Where a row ranks the same in several slices, it stands under the one with most mistakes for its size, and
    then under its language before its source, and that before its intent.
    """
    ranked = []
    for name, rows in within.items():
        places = np.flatnonzero(rows & wrong)
        share = len(places) / max(int(rows.sum()), 1)
        order = places[np.argsort(surest_first[places], kind="stable")]
        key = (-share, KINDS.index(kind_of(name)))
        ranked += [(rank, *key, surest_first[place], place, name) for rank, place in enumerate(order.tolist())]
    listed: dict[int, str] = {}
    taken: Counter[str] = Counter()
    for *_, place, name in sorted(ranked):
        if place not in listed and taken[name] < most and len(listed) < CAP:
            listed[place] = name
            taken[name] += 1
    return dict(sorted(listed.items(), key=lambda item: surest_first[item[0]]))


def _mistakes(
    judged: Judged, places: Mapping[int, str], shown: Texts, nearest: Nearest | None
) -> Iterator[dict[str, Any]]:
    alike = nearest.nearest([judged.rows[place].text for place in places]) if nearest else [[] for _ in places]
    for (place, name), neighbours in zip(places.items(), alike, strict=True):
        row, verdict = judged.rows[place], judged.verdicts[place]
        yield {
            "id": row.id,
            "slice": name,
            "truth": intent_of(row),
            "said": str(intent_said(verdict)),
            "advert_probability": verdict.advert_probability,
            "text": shown.of(row),
            "nearest": [each if shown.policy in QUOTING else each | {"text": None} for each in neighbours],
        }


def _label_suspects(judged: Judged, shown: Texts) -> dict[str, Any]:
    """List the labels that the release's probabilities speak against most, by confident learning.

    Probabilities are shifted to as many adverts as others, so that neither side's labels look better for being many.
    """
    if judged.is_advert.all() or not judged.is_advert.any():
        return {"label_suspects": [], "why": "no suspects among labels that are all the same side"}
    from cleanlab.filter import find_label_issues  # loads pandas: seconds

    advert = sigmoid(judged.release.log_odds - log_odds(judged.prevalence))
    probabilities, labels = np.column_stack([1 - advert, advert]), judged.is_advert.astype(int)
    quality = probabilities[np.arange(len(labels)), labels]
    found = find_label_issues(
        labels, probabilities, filter_by="confident_learning", return_indices_ranked_by="self_confidence", n_jobs=1
    )
    return {
        "label_suspects": [
            {
                "id": judged.rows[place].id,
                "truth": intent_of(judged.rows[place]),
                "advert_probability": judged.verdicts[place].advert_probability,
                "quality": float(quality[place]),
                "text": shown.of(judged.rows[place]),
            }
            for place in found[:SUSPECTS].tolist()
        ]
    }
