"""Numbers of a report in words: percentages with sensible digits, intervals, counts, or the reason for none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

NONE = "–"
SPACE = "\u00a0"  # keeps a number and its unit on one line
FEW = 5  # below this many cases a rate is led by its counts
UNSAID = "this report does not hold it"


@dataclass(frozen=True, slots=True)
class Cell:
    """One number as it is shown: `main`, then muted `more` (its interval) and `counts`; `why` where it is missing."""

    main: str
    more: str = ""
    counts: str = ""
    why: str = ""


def is_number(value: object) -> TypeGuard[float]:
    """Tell a finite number from everything else."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def number(value: Any) -> str:
    """Say a count whole, and another number with three significant digits and no exponent."""
    return _significant(value, 3) if is_number(value) else NONE


def short(value: Any) -> str:
    """Say a number that was chosen, not measured: without zeros at its end."""
    return _trimmed(number(value))


def stated(share: Any) -> str:
    """Say a share that was chosen, not measured, such as a prevalence."""
    return f"{short(float(share * 100))}{SPACE}%" if is_number(share) else NONE


def percent(share: Any) -> str:
    """Say a share; only a whole is said as 100 %, and only nothing as 0 %."""
    if not is_number(share):
        return NONE
    points = share * 100
    if 99 < points < 100:  # the digits that tell it from a whole
        shown = f"{points:.{min(max(1, math.ceil(-math.log10(100 - points))), 6)}f}"
    elif points >= 10:
        shown = f"{points:.0f}"
    else:
        shown = f"{points:.1f}" if points >= 1 else _trimmed(_significant(float(points), 2))
    return f"{shown}{SPACE}%"


def per_10000(share: Any) -> str:
    """Say a small share as so many in 10,000, without the unit."""
    if not is_number(share):
        return NONE
    return _significant(share * 10_000, 3 if abs(share) >= 1e-4 else 2)


def points(share: Any) -> str:
    """Say a difference of shares in percentage points, with its sign."""
    return f"{_signed(share * 100, 1)}{SPACE}points" if is_number(share) else NONE


def signed_per_10000(share: Any) -> str:
    """Say a difference of small shares as so many in 10,000, with its sign and without the unit."""
    return _signed(share * 10_000, 1) if is_number(share) else NONE


def one_in(prevalence: Any) -> str:
    """Say a prevalence as one advert in so many posts."""
    if not is_number(prevalence) or prevalence <= 0:
        return "an unknown number of adverts"
    return f"1{SPACE}advert in {short(float(1 / prevalence))}{SPACE}posts"


UNITS: dict[str, Callable[[Any], str]] = {
    "share": percent,
    "number": number,
    "per_10000": per_10000,
    "points": points,
    "signed_per_10000": signed_per_10000,
}


def interval(low: Any, high: Any, unit: str) -> str:
    """Say a range, its unit once; empty where an end is not known."""
    if not (is_number(low) and is_number(high)):
        return ""
    say = UNITS[unit]
    first, last = say(low), say(high)
    shared = last.partition(SPACE)[2]
    return f"{first.removesuffix(SPACE + shared) if shared else first} to {last}"


def figure_cell(figure: Any, unit: str = "share") -> Cell:
    """Show a figure: its value or one-sided bound with the interval, or the reason why there is none."""
    if not isinstance(figure, Mapping):
        return Cell(UNITS[unit](figure))
    value, bound = figure.get("value"), figure.get("bound")
    if not is_number(value):
        return Cell("not given" if figure.get("why") else NONE, why=str(figure.get("why") or ""))
    shown = UNITS[unit](value)
    return Cell(
        f"{bound} {shown}" if bound else shown,
        more=interval(figure.get("low"), figure.get("high"), unit),
        why=str(figure.get("why") or ""),
    )


def rate_cell(rate: Any, unit: str = "share") -> Cell:
    """Show a rate with its interval and counts; a handful of cases is led by its counts, none by its upper bound."""
    if not isinstance(rate, Mapping) or not is_number(rate.get("share")):
        why = str(rate.get("why") or "") if isinstance(rate, Mapping) else ""
        return Cell("not given" if why else NONE, why=why)
    count, total = rate.get("count"), rate.get("of")
    if not (is_number(count) and is_number(total)):
        return Cell(UNITS[unit](rate["share"]), more=interval(rate.get("low"), rate.get("high"), unit))
    counts = f"{count:,}{SPACE}of{SPACE}{total:,}"
    more = interval(rate.get("low"), rate.get("high"), unit)
    if unit == "per_10000" and count < FEW:
        return Cell(counts, more=f"at most {per_10000(rate.get('high'))}" if count == 0 else more)
    return Cell(UNITS[unit](rate["share"]), more=more, counts=counts)


def of_100(figure: Any) -> tuple[str, str]:
    """Say a share as so many of 100, and its interval in brackets; empty where they are not known."""
    if not isinstance(figure, Mapping) or not is_number(figure.get("value")):
        return "", ""
    if figure.get("bound"):
        return f"{figure['bound']} {_hundredths(figure['value'])}", ""
    ends = [figure.get("low"), figure.get("high")]
    known = [f"{100 * end:.0f}" for end in ends if is_number(end)]
    within = f" ({f'{SPACE}to{SPACE}'.join(known)})" if len(known) == 2 else ""
    return _hundredths(figure["value"]), within


def in_use_sentence(entry: Any) -> str:
    """Say in plain words how good the release is in a stream; empty where the report does not hold it."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("contenders"), Mapping):
        return ""
    release = entry["contenders"].get("release")
    if not isinstance(release, Mapping):
        return ""
    (right, right_within), (found, found_within) = of_100(release.get("precision")), of_100(release.get("recall"))
    about = "about " if right.isdigit() else ""
    flags = f"of 100 flags {about}{right} are right{right_within}" if right else "how many flags are right is not known"
    adverts = f"it finds {found} of 100 adverts{found_within}" if found else "how many adverts it finds is not known"
    return f"In a stream with {one_in(entry.get('prevalence'))}, {flags}, and {adverts}."


def reason(part: Any) -> str:
    """Say why a part of a report cannot be shown; empty where it can."""
    if isinstance(part, Mapping) and isinstance(part.get("why"), str) and not _holds(part):
        return str(part["why"])
    if isinstance(part, Mapping | list | tuple):
        nothing = not part or (isinstance(part, Mapping) and part.get("rows") == 0)
        return "there was nothing to count" if nothing else ""
    return UNSAID


def whys(part: Any) -> list[str]:
    """List each reason anywhere in a part of a report, once, in order."""
    if isinstance(part, Mapping):
        own = [part["why"]] if isinstance(part.get("why"), str) and part["why"] else []
        found = own + [why for value in part.values() for why in whys(value)]
    else:
        found = [why for value in part for why in whys(value)] if isinstance(part, list | tuple) else []
    return list(dict.fromkeys(found))


def _holds(part: Mapping[str, Any]) -> bool:
    return any(value is not None for key, value in part.items() if key != "why")


def _significant(value: float, digits: int) -> str:
    size = abs(value)
    whole = isinstance(value, int) or size == 0
    places = 0 if whole else min(max(digits - 1 - math.floor(math.log10(size)), 0), 12)
    shown = f"{size:,.{places}f}"
    return f"−{shown}" if value < 0 and any(letter in "123456789" for letter in shown) else shown


def _trimmed(shown: str) -> str:
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _signed(value: float, digits: int) -> str:
    shown = f"{abs(value):,.{digits}f}"
    if float(shown.replace(",", "")) == 0:
        return shown
    return f"{'+' if value > 0 else '−'}{shown}"


def _hundredths(share: float) -> str:
    if 0 < share < 0.005:
        return "fewer than 1"
    return "more than 99" if 0.995 <= share < 1 else f"{100 * share:.0f}"
