"""What a floor's figure is made of: reading a report that may hold a reason in the place of any part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.evaluation.words import is_number

Report = Mapping[str, Any]
Named = tuple[str, Any, Any]
"""A name, the release's rate and the plain baseline's (`None` where there is none)."""

LEAST = 20
"""Rows to count, as in `limits.toml`: with fewer, an estimate meets a floor or misses it by luck."""
RATE = ("count", "of", "share", "low", "high")


class NotShownError(Exception):
    """A figure that a report cannot show, in words."""


@dataclass(frozen=True, slots=True)
class Found:
    """A figure with what it was counted over; `at` names where, or under which conditions."""

    value: float
    low: float | None = None
    high: float | None = None
    of: int | None = None
    baseline: float | None = None
    at: str = ""


def part(report: Any, *keys: str) -> Any:
    """Look a part up; `NotShownError` with the nearest reason where it is not there."""
    found = report
    for key in keys:
        if not isinstance(found, Mapping) or key not in found:
            raise NotShownError(why(found, f"no {' '.join(keys)} in this report"))
        found = found[key]
    if found is None or (isinstance(found, Mapping) and set(found) == {"why"}):
        raise NotShownError(why(found))
    return found


def mapped(report: Report, *keys: str) -> Mapping[str, Any]:
    """Look a mapping up."""
    found = part(report, *keys)
    if not isinstance(found, Mapping):
        raise NotShownError(why(found))
    return found


def listed(report: Report, *keys: str) -> list[Mapping[str, Any]]:
    """Look a list of mappings up."""
    found = part(report, *keys)
    if not isinstance(found, list | tuple):
        raise NotShownError(why(found))
    return [each for each in found if isinstance(each, Mapping)]


def side(rates: Any, who: str, measure: str) -> Any:
    """Give a contender's rate; `None` where it has none."""
    own = rates.get(who) if isinstance(rates, Mapping) else None
    return own.get(measure) if isinstance(own, Mapping) else None


def why(found: Any, otherwise: str = "there was nothing to count") -> str:
    """Give the reason that stands in the place of a figure."""
    reason = found.get("why") if isinstance(found, Mapping) else None
    return str(reason or otherwise)


def is_rate(found: Any) -> bool:
    """Tell a rate of something from what stands in its place."""
    return isinstance(found, Mapping) and all(is_number(found.get(key)) for key in RATE)


def of_rate(found: Any, baseline: Any = None, *, at: str = "") -> Found:
    """Take a rate as a figure, with its plain baseline's share."""
    if not is_rate(found):
        raise NotShownError(why(found))
    if found["of"] < LEAST:
        raise NotShownError(f"{found['of']} to count, fewer than {LEAST}")
    beside = baseline["share"] if is_rate(baseline) else None
    return Found(found["share"], found.get("low"), found.get("high"), found["of"], beside, at)


def worst(named: Sequence[Named], *, lowest: bool, what: str) -> Found:
    """Take the lowest or highest rate; `at` names it, and those with too few to count."""
    known = [each for each in named if is_rate(each[1])]
    many = [each for each in known if each[1]["of"] >= LEAST]
    few = [name for name, found, _ in known if 0 < found["of"] < LEAST]
    if not many:
        raise NotShownError(f"no {what} in this report with {LEAST} or more to count")
    name, found, baseline = (min if lowest else max)(many, key=lambda each: each[1]["share"])
    return of_rate(found, baseline, at=name + (f" (fewer than {LEAST} to count: {', '.join(few)})" if few else ""))


def mean(rates: Sequence[Any], *, what: str) -> Found:
    """Take the mean of rates on the same posts, its interval as wide as if all of them erred together."""
    known = [each for each in rates if is_rate(each) and each["of"] >= LEAST]
    if not known:
        raise NotShownError(f"no {what} in this report with {LEAST} or more to count")
    value, low, high = (sum(each[key] for each in known) / len(known) for key in ("share", "low", "high"))
    return Found(value, low, high, min(each["of"] for each in known))
