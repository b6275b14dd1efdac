"""Rows with the answers of every contender, as arrays: all figures of a report are computed from this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.verdict import TERM_KINDS, Decision, Verdict
from training.corpus import Row

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Contender:
    """One detector's answers: `log_odds` (rows,) rank the rows, `flags` (rows,) are its decisions."""

    name: str  # its key in the report: release, baseline, lexicon, or another release's version
    title: str
    log_odds: Floats
    flags: Bools


@dataclass(frozen=True, slots=True)
class Judged:
    """Judged rows. The first contender is the release; `verdicts` are its own, at `prevalence`.

    `threshold` is the advert probability from which its policy flags; `None` where that differs by intent.
    """

    rows: Sequence[Row]
    verdicts: Sequence[Verdict]
    is_advert: Bools  # (rows,)
    groups: Ints  # (rows,)
    contenders: tuple[Contender, ...]
    prevalence: float
    threshold: float | None  # the lowest from which an intent is flagged; None: the policy flags nothing

    @property
    def release(self) -> Contender:
        """The contender that the report is about."""
        return self.contenders[0]

    def take(self, keep: Bools) -> Judged:
        """Give the same for some of the rows; `keep` (rows,)."""
        places = np.flatnonzero(keep).tolist()
        return Judged(
            rows=[self.rows[place] for place in places],
            verdicts=[self.verdicts[place] for place in places],
            is_advert=self.is_advert[keep],
            groups=self.groups[keep],
            contenders=tuple(
                Contender(each.name, each.title, each.log_odds[keep], each.flags[keep]) for each in self.contenders
            ),
            prevalence=self.prevalence,
            threshold=self.threshold,
        )


def release_contender(name: str, title: str, verdicts: Sequence[Verdict]) -> Contender:
    """Read a release's answers off its verdicts."""
    probability = np.array([verdict.advert_probability for verdict in verdicts], dtype=np.float64)
    flags = np.array([verdict.decision != Decision.ALLOW for verdict in verdicts], dtype=bool)
    return Contender(name, title, safe_log_odds(probability), flags)


def lexicon_contender(verdicts: Sequence[Verdict]) -> Contender:
    """Flag what names a listed drug, ranked by how many listed words it holds: the plain word list."""
    listed = np.array(
        [sum(span.source == "lexicon" and span.kind in TERM_KINDS for span in verdict.spans) for verdict in verdicts],
        dtype=np.float64,
    )
    return Contender("lexicon", "the lexicon alone", listed, listed > 0)


def safe_log_odds(probability: Floats) -> Floats:
    """Turn probabilities into log-odds; 0 and 1 are taken as 1e-12 from the end."""
    inside = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(inside) - np.log1p(-inside))
