"""What a probability means, in a sentence for a reviewer: how many of a hundred such posts, and how often that held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from serving.review.standing import standing_decisions
from serving.store.tables import CASES, JUDGED

ENOUGH = 200  # decided cases from which the store's own experience is told
BANDS = 10  # of equal width: what a person reads off a probability
FEW = 10  # reviewed posts of like probability; fewer show nothing
UNCHECKED = "estimated, not yet checked on your posts"


@dataclass(frozen=True, slots=True)
class Experience:
    """What was decided, by the stated probability; a campaign counts once, by the copy that reviewers saw."""

    decided: Sequence[int]  # (bands,)
    adverts: Sequence[int]  # (bands,), of the decided

    @property
    def enough(self) -> bool:
        """Say whether there are decisions enough to hold estimates against them."""
        return sum(self.decided) >= ENOUGH


NOTHING_DECIDED = Experience([0] * BANDS, [0] * BANDS)


def experience(connection: Connection, *, release: str | None = None) -> Experience:
    """Count the decisions in force, of one release's verdicts if so said."""
    standing = standing_decisions().subquery()
    query = (
        select(JUDGED.c.advert_probability, standing.c.decision)
        .join_from(standing, CASES, CASES.c.id == standing.c.case_id)
        .join(JUDGED, JUDGED.c.id == CASES.c.shown)
        .where(standing.c.decision.in_(["advert", "not_advert"]))
    )
    if release is not None:
        query = query.where(JUDGED.c.release == release)
    decided, adverts = [0] * BANDS, [0] * BANDS
    for probability, decision in connection.execute(query):
        decided[band_of(probability)] += 1
        adverts[band_of(probability)] += decision == "advert"
    return Experience(decided, adverts)


def band_of(probability: float) -> int:
    """Number the band of a probability; each holds its lower end, the last both."""
    return min(int(probability * BANDS), BANDS - 1)


def meaning(probability: float, seen: Experience) -> str:
    """Say what a probability means: `Of 100 posts like this, 93 are adverts; ... .`"""
    return f"Of 100 posts like this, {_of_hundred(probability)}; {_checked(band_of(probability), seen)}."


def _of_hundred(probability: float) -> str:
    if probability < 0.01:
        return "fewer than 1 is an advert"
    if probability > 0.99:
        return "more than 99 are adverts"
    adverts = round(100 * probability)
    return f"{adverts} {'is an advert' if adverts == 1 else 'are adverts'}"


def _checked(band: int, seen: Experience) -> str:
    if not seen.enough:
        return UNCHECKED
    decided, adverts = seen.decided[band], seen.adverts[band]
    between = f"with a probability between {band / BANDS:.1f} and {(band + 1) / BANDS:.1f}"
    if decided < FEW:
        return f"estimated: only {decided} reviewed {'post' if decided == 1 else 'posts'} {between} so far"
    return f"of {decided} reviewed posts {between}, {adverts} {'was an advert' if adverts == 1 else 'were adverts'}"
