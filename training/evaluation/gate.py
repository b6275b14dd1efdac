"""Two releases on the same rows: what changed for better or worse, and whether the challenger may follow the champion.

Everything is paired: only rows on which the two differ speak. The interval of a difference is the exact one of
the sign test (McNemar), taken over groups that changed; resampling groups widens it and never narrows it. So with a
handful of rows, where the bootstrap alone would see a loss in 4 of 4, it takes 6 changes one way at 95 %, and 13 where
180 places share the chance of a false alarm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.stats import beta, binom

from training.evaluation.bootstrap import Resamples, by_group
from training.evaluation.judged import Bools, Floats, Judged
from training.evaluation.limits import Limits
from training.evaluation.rates import interval, rate, shares, widest

RISE_IS_WORSE = frozenset({"false_flags", "attacks"})
WHAT = {
    "recall": "recall in {}",
    "false_flags": "false flags in {}",
    "suite": "cases right in {} of the suite",
    "attacks": "success of the attack {}",
}
WHOLE = {
    ("recall", "all"): "recall over all rows",
    ("false_flags", "all"): "false flags over all rows",
    ("average_precision", "all"): "average precision over all rows",
    ("suite", "all"): "cases right in the suite",
    ("suite", "pairs"): "minimal pairs right in the suite",
    ("attacks", "all"): "success of the attacks together",
}
TURNED = {  # measure -> what became of the rows that were lost, and of those that were gained
    "recall": "{} lost, {} gained",
    "false_flags": "{} newly flagged, {} freed",
    "suite": "{} newly wrong, {} newly right",
    "attacks": "{} newly let through, {} newly caught",
}


@dataclass(frozen=True, slots=True)
class Look:
    """One thing to count twice: among `members` (rows,), by the champion `before` (rows,) and then `after` (rows,).

    `told` says of `where`, a name that limits fit, what it means.
    """

    measure: str
    where: str
    members: Bools
    before: Bools
    after: Bools
    told: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one measure in one place: `before`, `after` (rates or figures), and after less before.

    `lost` and `gained` count rows that turned to the worse and to the better; `tolerated` is `None` where nothing is
    guarded; `chance` is that of a false alarm here, were both equally good, with as many groups changed as did.
    """

    measure: str
    where: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    difference: Mapping[str, Any]
    gained: int
    lost: int
    tolerated: float | None
    chance: float
    told: str = ""

    @property
    def what(self) -> str:
        """Name it in words, such as `recall in lang:ru`."""
        if whole := WHOLE.get((self.measure, self.where)):
            return whole
        return WHAT[self.measure].format(f"{self.where} ({self.told})" if self.told else self.where)

    @property
    def guarded(self) -> bool:
        """Tell whether a loss here makes the challenger fail."""
        return self.tolerated is not None

    @property
    def worse(self) -> bool:
        """Tell whether the whole interval lies beyond what is tolerated, guarded or not."""
        return least(self.difference, rise=self.measure in RISE_IS_WORSE) > (self.tolerated or 0.0)

    @property
    def better(self) -> bool:
        """Tell whether the whole interval lies on the good side."""
        return least(self.difference, rise=self.measure not in RISE_IS_WORSE) > 0

    @property
    def fails(self) -> bool:
        """Tell whether it makes the challenger fail."""
        return self.guarded and self.worse

    def __str__(self) -> str:
        value = self.difference["value"]
        verb = "rose" if value > 0 else "fell" if value < 0 else "stayed"
        between = f"{points(self.difference['low'])} to {points(self.difference['high'])}"
        turned = TURNED[self.measure].format(self.lost, self.gained) + "; " if self.measure in TURNED else ""
        told = f"{turned}difference {points(value)} points, {between}"
        told += f"; {100 * self.tolerated:.3g} tolerated" if self.tolerated else ""
        return f"{self.what} {verb} from {counted(self.before)} to {counted(self.after)} ({told})"


def least(difference: Mapping[str, Any], *, rise: bool) -> float:
    """Give the least rise (or fall) that the interval of a difference allows; negative where it may be none."""
    return float(difference["low"] if rise else -difference["high"])


def points(share: float) -> str:
    """Write a difference of shares in points."""
    return f"{100 * share + 0.0:+.3g}"


def counted(rate: Mapping[str, Any]) -> str:
    """Write a rate as its counts, and a figure as its value."""
    return f"{rate['count']:,} of {rate['of']:,}" if "count" in rate else f"{rate['value']:.3f}"


def paired_changes(
    champion: Judged, challenger: Judged, resamples: Resamples, slices: Mapping[str, Bools], limits: Limits
) -> list[Change]:
    """Compare recall and false flags in every slice that holds a row; `slices` are read off the champion's side."""
    return changes(slice_looks(champion, challenger, slices), resamples, limits)


def slice_looks(champion: Judged, challenger: Judged, slices: Mapping[str, Bools]) -> list[Look]:
    """List what to look at in each slice: the share of adverts flagged, and of others."""
    before, after = champion.release.flags, challenger.release.flags
    sides = (("recall", champion.is_advert), ("false_flags", ~champion.is_advert))
    return [Look(measure, name, mask & side, before, after) for name, mask in slices.items() for measure, side in sides]


def changes(looks: Sequence[Look], resamples: Resamples, limits: Limits) -> list[Change]:
    """Compare the looks, all paired in one draw; those without members are left out."""
    looks = [look for look in looks if look.members.any()]
    if not looks:
        return []
    members = np.column_stack([look.members for look in looks])  # (rows, looks)
    before = members & np.column_stack([look.before for look in looks])
    after = members & np.column_stack([look.after for look in looks])
    drawn = resamples.totals(
        sparse.hstack([sparse.csr_array(each, dtype=np.float64) for each in (members, before, after)])
    )
    turned = by_group(resamples.groups, after.astype(np.int8) - before).toarray()  # (groups, looks): net change
    of, was, is_now = np.split(drawn, 3, axis=1)  # each (rounds, looks)
    found = zip(shares(was, of).T, shares(is_now, of).T, turned.T, strict=True)
    return [_change(look, *each, limits) for look, each in zip(looks, found, strict=True)]


def _change(look: Look, was: Floats, is_now: Floats, turned: Floats, limits: Limits) -> Change:
    total = int(look.members.sum())
    before, after = look.members & look.before, look.members & look.after
    fallen, risen = int((before & ~after).sum()), int((after & ~before).sum())
    rise_is_worse = look.measure in RISE_IS_WORSE
    ranges = [exact_range(turned, total, limits.confidence), interval(is_now - was, limits.confidence)]
    return Change(
        measure=look.measure,
        where=look.where,
        before=rate(int(before.sum()), total, was),
        after=rate(int(after.sum()), total, is_now),
        difference=widest((risen - fallen) / total, ranges),
        gained=fallen if rise_is_worse else risen,
        lost=risen if rise_is_worse else fallen,
        tolerated=limits.tolerance(look.measure, look.where, total),
        chance=false_alarm(int(np.count_nonzero(turned)), limits.confidence),
        told=look.told,
    )


def exact_range(turned: Floats, total: int, confidence: float) -> tuple[float, float]:
    """Give the exact interval of a difference from the net change (groups,) of each group.

    The groups that changed are coin tosses, up or down: Clopper and Pearson's interval of the coin, times what
    the difference would be had all changed one way.
    """
    up, down = int((turned > 0).sum()), int((turned < 0).sum())
    if up + down == 0:
        return 0.0, 0.0
    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, up, down + 1)) if up else 0.0
    high = float(beta.ppf(1 - tail, up + 1, down)) if down else 1.0
    size = float(np.abs(turned).sum()) / total
    return size * (2 * low - 1), size * (2 * high - 1)


def false_alarm(changed: int, confidence: float) -> float:
    """Give the chance that so many coin tosses look like a loss, which is 0 where they are too few to convince."""
    allowed = binom.isf((1 - confidence) / 2, changed, 0.5)  # more than so many one way are a loss
    return float(binom.sf(allowed, changed, 0.5)) if changed else 0.0


def judgement(changes: Sequence[Change], limits: Limits) -> dict[str, Any]:
    """Pass or fail the challenger, in sentences; `limits` are those that the changes were made under.

    With many places guarded some fall by chance: how many would, were both releases equally good, stands beside it.
    """
    guarded = [change for change in changes if change.guarded]
    return {
        "passes": not any(change.fails for change in guarded),
        "guarded": len(guarded),
        "confidence": limits.confidence,
        "false_alarms_expected": sum(change.chance for change in guarded),
        "fails": [str(change) for change in by_loss(guarded) if change.fails],
        "better": [str(change) for change in sorted(guarded, key=loss) if change.better],
    }


def by_loss(changes: Sequence[Change]) -> list[Change]:
    """Put the greatest losses first."""
    return sorted(changes, key=lambda change: -loss(change))


def loss(change: Change) -> float:
    """Give a difference as a loss: positive where it is for the worse."""
    value = float(change.difference["value"])
    return value if change.measure in RISE_IS_WORSE else -value


def to_json(changes: Sequence[Change]) -> Iterator[dict[str, Any]]:
    """Give each change as plain values."""
    for change in changes:
        yield {
            "what": change.what,
            **asdict(change),
            "guarded": change.guarded,
            "worse": change.worse,
            "better": change.better,
        }
