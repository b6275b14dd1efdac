"""Refit a release's calibration on reviewers' decisions: the same network, another curve, no training.

Nothing is retrained, so the order of posts stays as it is; what changes is the probability that is stated, and with it
which posts are above a policy's thresholds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine

from models.calibration import Calibration, log_odds_of
from models.release import Release, load_calibration, open_release
from serving import audit
from serving.review.bend import Bend, Decided, Quality, fit, held_out, quality
from serving.review.reviewed import Reviewed, reviewed
from serving.review.successor import close, draft
from serving.store.engine import writing

ENOUGH = 200  # decided cases: with fewer, chance moves the curve further than the release is wrong
LEAST_OF_A_KIND = 10  # adverts, and others
SAMPLE_ENOUGH = 50  # decided cases that were let through, from which on the slope is fitted too
CLIP = 1e-7  # a probability of 0 or 1 has no log-odds; a stream's clearest posts are stated about so
SURE = 1.645  # standard errors by which the log loss must fall: once in twenty, chance alone does as much


class NoRecalibrationError(ValueError):
    """The decisions do not carry another calibration; the message says why."""


@dataclass(frozen=True, slots=True)
class Refit:
    """What was fitted, on what, and how much truer it is on cases that a fit did not see."""

    decisions: int
    adverts: int
    sampled: int  # of the decisions, those of posts that were let through
    bend: Bend
    before: Quality
    after: Quality

    @property
    def facts(self) -> dict[str, Any]:
        """Give what manifest, card and audit chain keep of it."""
        counts = {"decisions": self.decisions, "adverts": self.adverts, "sampled": self.sampled}
        losses = {"log_loss_before": self.before.log_loss, "log_loss_after": self.after.log_loss}
        errors = {"error_before": self.before.error, "error_after": self.after.error}
        return {**counts, **asdict(self.bend), **losses, **errors}


def recalibrate(
    engine: Engine,
    folder: Path,
    out: Path,
    *,
    actor: str,
    since: datetime | None = None,
    policy: str | None = None,
    now: datetime | None = None,
) -> tuple[Release, Refit]:
    """Write a new release beside the old one, from the decisions on the old one's own verdicts, and record it."""
    release = open_release(folder)
    calibration = load_calibration(release)
    with engine.connect() as connection:
        rows = reviewed(connection, since=since, policy=policy, release=release.version)
    found = refit(rows, calibration)
    bent = calibration.bent(slope=found.bend.slope, shift=found.bend.shift)
    facts = {"from": release.version, "policy": policy, "since": since and since.isoformat(), **found.facts}
    with draft(release, bent, out, facts=facts, created=now or datetime.now(UTC)) as (half, version):
        with writing(engine) as connection:
            audit.append(connection, audit.Event(actor, "recalibrate", "release", version, facts))
        return close(half, out), found


def refit(rows: Reviewed, calibration: Calibration) -> Refit:
    """Fit on decided cases; `NoRecalibrationError` when they are too few, of one kind, or would make nothing truer."""
    decided, passed = decided_cases(rows, calibration)
    adverts, cases = int(decided.is_advert.sum()), len(decided.is_advert)
    if cases < ENOUGH:
        raise NoRecalibrationError(f"{cases} cases were decided of this release's verdicts: wanted {ENOUGH} or more")
    if min(adverts, cases - adverts) < LEAST_OF_A_KIND:
        said = f"{adverts} of {cases} decided cases are adverts: wanted {LEAST_OF_A_KIND} or more of either kind"
        raise NoRecalibrationError(said)
    with_slope = passed >= SAMPLE_ENOUGH
    bend = fit(decided, with_slope=with_slope)
    before = quality(Bend().probabilities(decided), decided.is_advert)
    after = quality(held_out(decided, with_slope=with_slope), decided.is_advert)
    found = Refit(cases, adverts, passed, bend, before, after)
    _must_be_truer(found)
    return found


def decided_cases(rows: Reviewed, calibration: Calibration) -> tuple[Decided, int]:
    """Give each decided case by its first copy, and how many of them were let through."""
    rows = rows.take(rows.decided & ~np.isnan(rows.prevalence))
    rows = rows.take(np.isin(np.arange(len(rows)), np.unique(rows.case, return_index=True)[1]))
    stated = log_odds_of(np.clip(rows.probability, CLIP, 1 - CLIP))
    own = calibration.own_log_odds(stated, prevalence=rows.prevalence)
    return Decided(own, stated - own, rows.is_advert), int((~rows.flagged).sum())


def told(found: Refit) -> Iterator[str]:
    """Say in lines what was found."""
    yield f"{found.decisions} decided cases, {found.adverts} of them adverts; {found.sampled} had been let through"
    yield f"log-odds: {found.bend.slope:.3f} times what they were, {found.bend.shift:+.3f}"
    before, after = found.before, found.after
    yield f"log loss on cases that a fit did not see: {before.log_loss:.4f} before, {after.log_loss:.4f} after"
    yield f"calibration error from probability 0.1 on: {before.error:.3f} before, {after.error:.3f} after"
    if found.sampled < SAMPLE_ENOUGH:
        yield (
            f"only {found.sampled} decided cases come from the random sample of posts that were let through (wanted "
            f"{SAMPLE_ENOUGH}): this corrects what is above the threshold, by a shift; below it nothing is known"
        )


def _must_be_truer(found: Refit) -> None:
    gains = found.before.losses - found.after.losses
    error = float(gains.std(ddof=1) / np.sqrt(len(gains)))
    if found.bend.slope <= 0:
        raise NoRecalibrationError(f"the decisions run against the probabilities (slope {found.bend.slope:.2f})")
    if gains.mean() <= SURE * error:
        losses = f"log loss {found.before.log_loss:.4f} before, {found.after.log_loss:.4f} after"
        raise NoRecalibrationError(f"the calibration is as good as these decisions can tell ({losses}): left as it is")
